import {
  clientsOf,
  type DestinationRule,
  type RuleSeeker,
  readDestinationRule,
  rootNamespace,
  rulesSeenBy,
} from "../../istio/destination-rule.ts";
import { covers, type Host, readHost } from "../../istio/host.ts";
import type { KubernetesObject } from "../../kubernetes/object.ts";
import { showLabels } from "../../kubernetes/selector.ts";
import { someOf } from "../../lib/some-of.ts";
import { type Finding, refuse, warn } from "../../ports/preflight.ts";
import { elsewhere, namespacesBehind, type RouteFact, type Viewer } from "../../ports/route-family.ts";
import type { Target } from "../../release/target.ts";
import { canaryHost } from "./own-rule.ts";

/** Somebody who follows the release's routes and looks for the subsets that they name. */
type RouteClient = RuleSeeker & { readonly who: string; readonly inMesh: boolean };

/** The clients that follow these rules, as far as they may see different DestinationRules. */
function clientsOfRoutes(
  facts: readonly RouteFact[],
  target: Target,
  rules: readonly DestinationRule[],
): readonly RouteClient[] {
  const clients = facts.flatMap(({ seenBy }) => seenBy).flatMap((viewer) => clientsBehind(viewer, target));
  const inMesh = clients.filter((client) => client.inMesh);
  const isElsewhere = inMesh.some(({ namespace }) => namespace === elsewhere);
  /** A rule in their own namespace counts for those clients before the service's. */
  const apart = rules
    .map(({ object }) => object.metadata.namespace ?? "")
    .filter((namespace) => isElsewhere && namespace !== rootNamespace)
    .map((namespace): RouteClient => ({ who: clientsIn(namespace), namespace, inMesh: true }));
  const chosen = rules.flatMap((rule): readonly RouteClient[] => {
    const { namespace = "" } = rule.object.metadata;
    const labels = clientsOf(rule);
    if (!labels || !inMesh.some((one) => one.namespace === namespace || one.namespace === elsewhere)) return [];
    return [{ who: `clients in ${namespace} with ${showLabels(labels)}`, namespace, labels, inMesh: true }];
  });
  return [...new Map([...clients, ...apart, ...chosen].map((client) => [client.who, client])).values()];
}

function clientsBehind(viewer: Viewer, target: Target): readonly RouteClient[] {
  const { who } = viewer;
  return namespacesBehind(viewer, target.namespace).map((namespace) => ({
    who: who === "mesh" ? clientsIn(namespace) : `gateway ${who.namespace}/${who.name}`,
    namespace,
    inMesh: who === "mesh",
  }));
}

const clientsIn = (namespace: string): string =>
  namespace === elsewhere ? "clients in other namespaces" : `clients in ${namespace}`;

export type SightQuestion = {
  readonly target: Target;
  /** The rules that the release moves. */
  readonly facts: readonly RouteFact[];
  /** Of every namespace that may be read. */
  readonly destinationRules: readonly KubernetesObject[];
  /** What the release will add. */
  readonly own: KubernetesObject | undefined;
  readonly isUnread: (namespace: string) => boolean;
};

/**
 * A proxy takes the DestinationRules of one namespace for a host, and only those that are exported to it. A client that
 * takes one with stable's subset and without the canary's answers 503 (NC) for the canary's share.
 */
export function blindClients({ target, facts, destinationRules, own, isUnread }: SightQuestion): readonly Finding[] {
  const { stable, canary } = target;
  const future = own ? [...destinationRules, own] : destinationRules;
  const host = canaryHost(target);
  if (canary.subset === undefined) return [];
  const known = destinationRules.map(readDestinationRule).filter((rule) => covers(rule.host, host));
  const blind = new Map<string, { readonly rule: DestinationRule | undefined; readonly clients: string[] }>();
  for (const client of clientsOfRoutes(facts, target, known)) {
    if (client.namespace !== elsewhere && isUnread(client.namespace)) continue;
    const rules = rulesSeenBy(client, future, host);
    const sees = (subset: string | undefined): boolean => rules.some((rule) => hasSubset(rule, subset));
    const [rule] = rules;
    if (sees(canary.subset) || !(stable.subset === undefined || sees(stable.subset))) continue;
    const others = blind.get(rule?.word ?? "") ?? { rule, clients: [] };
    others.clients.push(client.who);
    blind.set(rule?.word ?? "", others);
  }
  return [...blind.values()].map(({ rule, clients }) =>
    rule ? withoutCanary(rule, clients, known, target, host) : withoutRule(clients, known, target, host),
  );
}

/** Gateways that see no rule with stable's subset, though some have it: they answer 503 already, for all requests. */
export function lostGateways({ target, facts, destinationRules, own, isUnread }: SightQuestion): readonly Finding[] {
  const { subset } = target.stable;
  const host = readHost(target.stable.host, target.namespace);
  const having = destinationRules
    .map(readDestinationRule)
    .filter((rule) => covers(rule.host, host) && hasSubset(rule, subset));
  if (subset === undefined || having.length === 0) return [];
  const future = own ? [...destinationRules, own] : destinationRules;
  const gateways = clientsOfRoutes(facts, target, []).filter(
    ({ inMesh, namespace }) => !inMesh && !isUnread(namespace),
  );
  const lost = gateways.filter((client) => !rulesSeenBy(client, future, host).some((rule) => hasSubset(rule, subset)));
  if (lost.length === 0) return [];
  const words = wordsOf(having);
  const whose = someOf(
    lost.map(({ who }) => who),
    " and ",
  );
  return [
    warn(
      `For ${whose} no DestinationRule counts that has stable's subset ${subset} of ${host.text} (${words} has it, and does not count there): their requests are answered with 503 (NC), now as during the release.`,
      `Export ${words} to them (exportTo).`,
    ),
  ];
}

const hasSubset = ({ subsets }: DestinationRule, subset: string | undefined): boolean =>
  subsets.some(({ name }) => name === subset);

const wordsOf = (rules: readonly DestinationRule[]): string =>
  someOf(
    rules.map(({ word }) => word),
    ", ",
  );

function withoutRule(
  clients: readonly string[],
  known: readonly DestinationRule[],
  { canary }: Target,
  host: Host,
): Finding {
  const words = wordsOf(known.filter((rule) => hasSubset(rule, canary.subset)));
  return refuse(
    `For ${someOf(clients, " and ")} no DestinationRule counts for host ${host.text} (${words || "none"} has the canary's subset ${canary.subset}, and does not count there): the canary's share of their requests would be answered with 503 (NC).`,
    `Export ${words || "one with the subset"} to them (exportTo).`,
  );
}

function withoutCanary(
  { word }: DestinationRule,
  clients: readonly string[],
  known: readonly DestinationRule[],
  { canary }: Target,
  host: Host,
): Finding {
  const words = wordsOf(known.filter((rule) => hasSubset(rule, canary.subset)));
  const where = words && ` (${words} has it, and does not count there)`;
  return refuse(
    `For ${someOf(clients, " and ")} ${word} counts for host ${host.text}, and it lacks the canary's subset ${canary.subset}${where}: the canary's share of their requests would be answered with 503 (NC).`,
    `Add the subset ${canary.subset} to ${word}, with the labels of the canary's pods.`,
  );
}

/** The namespaces whose DestinationRules decide about a release. */
export const namespacesInSight = (facts: readonly RouteFact[], { namespace }: Target): readonly string[] => [
  namespace,
  rootNamespace,
  ...facts
    .flatMap(({ seenBy }) => seenBy)
    .flatMap(({ who, namespaces = [] }) => (who === "mesh" ? namespaces : [who.namespace])),
];
