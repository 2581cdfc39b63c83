import { field, textAt } from "./field.ts";
import type { KubernetesObject } from "./object.ts";

/** Whether a HorizontalPodAutoscaler sets the replicas of this Deployment. */
export const scales = (autoscaler: unknown, deployment: string): boolean =>
  textAt(field(autoscaler, "spec", "scaleTargetRef"), "kind") === "Deployment" &&
  textAt(field(autoscaler, "spec", "scaleTargetRef"), "name") === deployment;

export const isAutoscaled = (autoscalers: readonly KubernetesObject[], deployment: string): boolean =>
  autoscalers.some((autoscaler) => scales(autoscaler, deployment));
