import { field, listAt, objectAt, textAt, textsAt } from "../kubernetes/field.ts";
import type { KubernetesObject } from "../kubernetes/object.ts";
import type { Labels } from "../kubernetes/selector.ts";
import type { Raw } from "./destination.ts";
import { covers, type Host, isWildcard, readHost } from "./host.ts";

export type DestinationRule = {
  /** `DestinationRule shop/reviews` */
  readonly word: string;
  readonly host: Host;
  readonly subsets: readonly Subset[];
  /**
   * Who sees it: its `exportTo` and `workloadSelector`, where it has them. Istio merges rules of one host only when
   * they are seen by the same clients.
   */
  readonly seenBy: Raw;
  readonly object: KubernetesObject;
};

/** Some of a host's pods, under a name. */
export type Subset = {
  readonly name: string;
  readonly labels: Labels;
  /** The rule that defines it, in words. */
  readonly rule: string;
  /** With its traffic policy and whatever else it has. */
  readonly raw: Raw;
};

export function readDestinationRule(object: KubernetesObject): DestinationRule {
  const { namespace = "", name } = object.metadata;
  const word = `DestinationRule ${namespace}/${name}`;
  return {
    word,
    host: readHost(textAt(object, "spec", "host") ?? "", namespace),
    subsets: listAt(object, "spec", "subsets").map((subset) => readSubset(subset, word)),
    seenBy: seenBy(object),
    object,
  };
}

const readSubset = (subset: unknown, rule: string): Subset => ({
  name: textAt(subset, "name") ?? "",
  labels: textsAt(subset, "labels"),
  rule,
  raw: objectAt(subset),
});

const seenBy = (object: KubernetesObject): Raw =>
  Object.fromEntries(
    ["exportTo", "workloadSelector"]
      .map((name) => [name, field(object, "spec", name)] as const)
      .filter(([, value]) => value !== undefined),
  );

/**
 * The rules that Istio takes for a host, which are the most specific ones: those for it alone, which it merges and
 * which hide every wildcard, or else the longest wildcard over it.
 */
export function rulesFor(destinationRules: readonly KubernetesObject[], host: Host): readonly DestinationRule[] {
  const covering = destinationRules.map(readDestinationRule).filter((rule) => covers(rule.host, host));
  const exact = covering.filter((rule) => !isWildcard(rule.host));
  if (exact.length > 0) return exact;
  const longest = Math.max(...covering.map((rule) => rule.host.text.length));
  return covering.filter((rule) => rule.host.text.length === longest);
}

/** Every subset that is defined for a host; of two with one name Istio takes the first. */
export const subsetsFor = (destinationRules: readonly KubernetesObject[], host: Host): readonly Subset[] =>
  rulesFor(destinationRules, host).flatMap(({ subsets }) => subsets);

export const subsetFor = (
  destinationRules: readonly KubernetesObject[],
  host: Host,
  name: string | undefined,
): Subset | undefined => subsetsFor(destinationRules, host).find((subset) => subset.name === name);
