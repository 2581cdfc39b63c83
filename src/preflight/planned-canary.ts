import {
  asDeployment,
  canaryManifestOf,
  isOfOther,
  otherTemplate,
  type PodsBefore,
  replicasBeforeTraffic,
} from "../adapters/kubernetes/canary-manifest.ts";
import type { LabelAnswer } from "../istio/canary-labels.ts";
import { isAutoscaled } from "../kubernetes/autoscaler.ts";
import { cloneDeployment, templateFor, templateWithImage } from "../kubernetes/clone.ts";
import { type Deployment, readDeployment } from "../kubernetes/deployment.ts";
import { objectAt } from "../kubernetes/field.ts";
import type { KubernetesObject } from "../kubernetes/object.ts";
import type { Obstacle } from "../kubernetes/obstacle.ts";
import { replicasFor } from "../release/replicas.ts";
import type { Target } from "../release/target.ts";

/**
 * The canary's Deployment as the release will make it; why it cannot; or neither, where something is missing that is
 * told of elsewhere.
 */
export type PlannedCanary =
  | { readonly deployment: Deployment; readonly object: KubernetesObject }
  | Obstacle
  | undefined;

/** The Deployment that will be; undefined where none can be made. */
export const plannedDeployment = (planned: PlannedCanary): Deployment | undefined =>
  planned !== undefined && "deployment" in planned ? planned.deployment : undefined;

/** The same as it will be sent. */
export const plannedObject = (planned: PlannedCanary): KubernetesObject | undefined =>
  planned !== undefined && "object" in planned ? planned.object : undefined;

/** What the number of the canary's pods follows from. */
type PodsQuestion = {
  readonly target: Target;
  readonly stable: Deployment | undefined;
  readonly canary: Deployment | undefined;
  readonly autoscalers: readonly KubernetesObject[];
};

/** How many pods the canary has before its first traffic. */
export function canaryPodsAtFirst({ target, stable, canary, autoscalers }: PodsQuestion): number {
  const before: PodsBefore = {
    stable: stable?.rollout.desired ?? 0,
    canary: canary?.rollout.desired,
    autoscaled: isAutoscaled(autoscalers, target.canary.deployment),
  };
  const manifest = canaryManifestOf(target);
  if (manifest && !isOfOther(target, manifest)) return replicasBeforeTraffic(target, manifest, before);
  const current = before.canary ?? 0;
  return replicasFor({ ...before, wanted: target.replicas, weight: 0, current, original: current });
}

/** Pure, and by the same functions that the release will use. */
export function planCanary(
  target: Target,
  labels: LabelAnswer,
  stable: KubernetesObject | undefined,
  canary: KubernetesObject | undefined,
): PlannedCanary {
  const { source } = target;
  switch (source.from) {
    case "existing":
      return canary && withTemplate(canary, templateWithImage(canary, target));
    case "clone":
      if (!stable) return undefined;
      return canary
        ? withTemplate(canary, templateFor(stable, readDeployment(canary).podLabels, target))
        : planClone(target, labels, stable);
    case "manifests": {
      const manifest = canaryManifestOf(target);
      if (!manifest) return undefined;
      if (isOfOther(target, manifest))
        return canary && withTemplate(canary, otherTemplate(target, manifest, readDeployment(canary).podLabels));
      const object = asDeployment(target, manifest);
      return withTemplate(object, templateWithImage(object, target));
    }
  }
}

function planClone(target: Target, labels: LabelAnswer, stable: KubernetesObject): PlannedCanary {
  if ("problem" in labels) return labels;
  const made = cloneDeployment(
    stable,
    { name: target.canary.deployment, labels: labels.labels, release: "", replicas: 1 },
    target,
  );
  return "problem" in made ? made : { deployment: readDeployment(made.object), object: made.object };
}

function withTemplate(before: KubernetesObject, made: { readonly template: unknown } | Obstacle): PlannedCanary {
  if ("problem" in made) return made;
  const object = { ...before, spec: { ...objectAt(before, "spec"), template: made.template } };
  return { deployment: readDeployment(object), object };
}
