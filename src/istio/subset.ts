import { field, listAt, textAt, textsAt } from "../kubernetes/field.ts";
import type { KubernetesObject } from "../kubernetes/object.ts";
import type { Labels } from "../kubernetes/selector.ts";
import { sameHost } from "./host.ts";

/** A subset as a DestinationRule defines it. */
export type Subset = { readonly name: string; readonly labels: Labels; readonly rule: string };

/** Every subset that the DestinationRules define for a host; of two with one name Istio takes the first. */
export function subsetsOf(
  destinationRules: readonly KubernetesObject[],
  host: string,
  namespace: string,
): readonly Subset[] {
  return destinationRules
    .filter((rule) =>
      sameHost(textAt(rule, "spec", "host") ?? "", rule.metadata.namespace ?? namespace, host, namespace),
    )
    .flatMap((rule) => listAt(rule, "spec", "subsets").map((subset) => readSubset(subset, rule)));
}

const readSubset = (subset: unknown, rule: KubernetesObject): Subset => ({
  name: textAt(subset, "name") ?? "",
  labels: textsAt(subset, "labels"),
  rule: `DestinationRule ${rule.metadata.namespace}/${rule.metadata.name}`,
});

/** The labels that a Service selects its pods by. Without a selector its endpoints are somebody else's business. */
export const selectorOfService = (service: KubernetesObject): Labels | undefined =>
  field(service, "spec", "selector") === undefined ? undefined : textsAt(service, "spec", "selector");
