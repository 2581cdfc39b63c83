import { field, textsAt } from "../kubernetes/field.ts";
import type { KubernetesObject } from "../kubernetes/object.ts";
import type { Labels } from "../kubernetes/selector.ts";
import type { Host } from "./host.ts";

/** The Service that a host means, if it is among these. */
export const serviceBehind = (services: readonly KubernetesObject[], { service }: Host): KubernetesObject | undefined =>
  services.find(({ metadata }) => metadata.name === service?.name && metadata.namespace === service.namespace);

/** The labels that a Service selects its pods by. Without a selector its endpoints are somebody else's business. */
export const selectorOfService = (service: KubernetesObject): Labels | undefined =>
  field(service, "spec", "selector") === undefined ? undefined : textsAt(service, "spec", "selector");
