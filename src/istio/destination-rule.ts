import { field, listAt, objectAt, textAt, textsAt } from "../kubernetes/field.ts";
import type { KubernetesObject } from "../kubernetes/object.ts";
import { carries, type Labels } from "../kubernetes/selector.ts";
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

/** Istio's own namespace, by its default; rules there count where no nearer one does. */
export const rootNamespace = "istio-system";

/** A client's proxy that looks for the rules of a host. Some rules are only for clients with certain labels. */
export type RuleSeeker = { readonly namespace: string; readonly labels?: Labels };

/**
 * The rules that a client takes for a host: those of its own namespace, else the service's, else the root's. The first
 * that has any hides the others, also where it lacks a subset. A gateway in the root namespace takes the service's
 * before the root's, but for those that the root keeps to itself.
 * https://istio.io/latest/docs/ops/best-practices/traffic-management/#cross-namespace-configuration
 * https://github.com/istio/istio/blob/release-1.28/pilot/pkg/model/push_context.go (destinationRule)
 */
export function rulesSeenBy(
  seeker: RuleSeeker,
  destinationRules: readonly KubernetesObject[],
  host: Host,
): readonly DestinationRule[] {
  const seen = destinationRules.filter((object) => isExportedTo(object, seeker.namespace));
  const inNamespace = (namespace: string | undefined): readonly KubernetesObject[] =>
    seen.filter(({ metadata }) => metadata.namespace === namespace);
  const own = inNamespace(seeker.namespace);
  const steps = [
    seeker.namespace === rootNamespace ? own.filter(isKept) : own,
    inNamespace(host.service?.namespace),
    inNamespace(rootNamespace),
  ];
  const taken = steps.map((objects) => rulesFor(objects, host)).find((rules) => rules.length > 0);
  return taken ? forLabels(taken, seeker.labels ?? {}) : [];
}

/** A rule for some clients is for those alone, and they take no other. */
function forLabels(rules: readonly DestinationRule[], labels: Labels): readonly DestinationRule[] {
  const own = rules.filter((rule) => clientsOf(rule) !== undefined && carries(labels, clientsOf(rule) ?? {}));
  return own.length > 0 ? own : rules.filter((rule) => clientsOf(rule) === undefined);
}

/** The labels of the clients that it is for; undefined is all. */
export const clientsOf = ({ object }: DestinationRule): Labels | undefined =>
  field(object, "spec", "workloadSelector") === undefined
    ? undefined
    : textsAt(object, "spec", "workloadSelector", "matchLabels");

/** Whether nobody outside of its namespace sees it. */
const isKept = (object: KubernetesObject): boolean =>
  field(object, "spec", "workloadSelector") !== undefined || isKeptBy(exportOf(object), object.metadata.namespace);

const isKeptBy = (exportTo: readonly unknown[], namespace: string | undefined): boolean =>
  exportTo.length > 0 && exportTo.every((one) => one === "." || one === namespace);

const exportOf = (object: KubernetesObject): readonly unknown[] =>
  listAt(object, "spec", "exportTo").filter((one) => one !== "");

/** A rule for some clients never leaves its namespace. */
export function isExportedTo(object: KubernetesObject, namespace: string): boolean {
  const own = object.metadata.namespace === namespace;
  if (field(object, "spec", "workloadSelector") !== undefined) return own;
  const exportTo = exportOf(object);
  if (exportTo.length === 0 || exportTo.includes("*")) return true;
  return exportTo.includes(namespace) || (own && exportTo.includes("."));
}

/** Every subset that is defined for a host; of two with one name Istio takes the first. */
export const subsetsFor = (destinationRules: readonly KubernetesObject[], host: Host): readonly Subset[] =>
  rulesFor(destinationRules, host).flatMap(({ subsets }) => subsets);

export const subsetFor = (
  destinationRules: readonly KubernetesObject[],
  host: Host,
  name: string | undefined,
): Subset | undefined => subsetsFor(destinationRules, host).find((subset) => subset.name === name);
