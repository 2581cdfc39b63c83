import { field, listAt, numberAt, objectAt, textAt } from "../kubernetes/field.ts";
import type { Destination, WeightedDestination } from "./destination.ts";
import { type NamespacedName, readHost } from "./host.ts";
import type { RouteSection } from "./route-rule.ts";

/** How one route or listener of an Envoy divides what it gets: the part of each destination, 0 to 1. */
export type EnvoySplit = {
  /**
   * The object that it comes of, as istiod tells Envoy: routes of the Gateway API under names that istiod makes, with a
   * tilde, and connections at gateways under none.
   */
  readonly origin: string | undefined;
  readonly parts: ReadonlyMap<string, number>;
};

/** A rule of a release's own object as it stands there: what a proxy has to have that follows it. */
export type WrittenRule = {
  readonly section: RouteSection;
  /** Of a VirtualService: what Envoy says its routes come of. */
  readonly origin: string | undefined;
  readonly destinations: readonly WeightedDestination[];
  /** Of the moved ones some proxies have a part only; those that were added have to be there; others may be there. */
  readonly is: "moved" | "added" | "other";
};

export const originOf = ({ namespace, name }: NamespacedName): string =>
  `/apis/networking.istio.io/v1/namespaces/${namespace}/virtual-service/${name}`;

/** What Envoy had before, or will have, and where copies go. */
const passedOver: ReadonlySet<string> = new Set([
  "warming_state",
  "draining_state",
  "error_state",
  "request_mirror_policies",
]);

/** Everything that divides requests or connections in a config dump, however deep; whatever else stands there is passed over. */
export function splitsIn(dump: unknown): readonly EnvoySplit[] {
  const splits: EnvoySplit[] = [];
  const left: { readonly at: unknown; readonly origin: string | undefined }[] = [{ at: dump, origin: undefined }];
  for (let next = left.pop(); next; next = left.pop()) {
    const { at } = next;
    if (typeof at !== "object" || at === null) continue;
    const origin = textAt(at, "metadata", "filter_metadata", "istio", "config") ?? next.origin;
    const parts = partsOf(clustersIn(at));
    if (parts.size > 0) splits.push({ origin, parts });
    for (const [key, value] of Object.entries(at)) if (!passedOver.has(key)) left.push({ at: value, origin });
  }
  return splits;
}

type Part = readonly [destination: string | undefined, counts: number];

function clustersIn(at: object): readonly Part[] {
  const weighted = listAt(at, "weighted_clusters", "clusters");
  if (weighted.length > 0)
    return weighted.map((one) => [keyOfCluster(textAt(one, "name")), numberAt(one, "weight") ?? 0]);
  return [[keyOfCluster(textAt(at, "cluster")), 1]];
}

/** Without those that get nothing, and by destination: a rule may name one by several ports. */
function partsOf(all: readonly Part[]): ReadonlyMap<string, number> {
  const sum = all.reduce((total, [, counts]) => total + counts, 0);
  const parts = new Map<string, number>();
  for (const [destination, counts] of all)
    if (destination !== undefined && counts > 0) parts.set(destination, (parts.get(destination) ?? 0) + counts / sum);
  return parts;
}

/** `outbound|80|v1|shop.demo.svc.cluster.local` */
function keyOfCluster(name: string | undefined): string | undefined {
  const [direction, , subset, host] = (name ?? "").split("|");
  if (direction !== "outbound" || host === undefined) return undefined;
  return keyOf({ host: readHost(host, ""), subset: subset || undefined });
}

const keyOf = ({ host: { text, service }, subset = "" }: Pick<Destination, "host" | "subset">): string =>
  `${subset}|${service ? `${service.name}.${service.namespace}` : text}`;

const writtenParts = (destinations: readonly WeightedDestination[]): ReadonlyMap<string, number> =>
  partsOf(destinations.map((one): Part => [keyOf(one), one.counts]));

/** Whether a proxy has what was written; `absent`: nothing in it is about the two versions by these rules. */
export type Carried = "all" | "older" | "absent";

/** `pair`: stable's and the canary's destination. At a gateway every listener comes of somebody's rule. */
export function carried(
  splits: readonly EnvoySplit[],
  rules: readonly WrittenRule[],
  pair: readonly Destination[],
  isGateway: boolean,
): Carried {
  const versions = pair.map(keyOf);
  const objects = [...Map.groupBy(rules, ({ origin, section }) => `${origin} ${section}`).values()];
  const each = objects.map((ofObject) => carriedOf(splits, ofObject, versions, isGateway));
  if (each.includes("older")) return "older";
  return each.includes("all") ? "all" : "absent";
}

function carriedOf(
  splits: readonly EnvoySplit[],
  rules: readonly WrittenRule[],
  versions: readonly string[],
  isGateway: boolean,
): Carried {
  const [{ origin, section } = { origin: undefined, section: "http" as const }] = rules;
  const own = splits.filter(
    (split) => isOf(split, origin, section, isGateway) && versions.some((one) => split.parts.has(one)),
  );
  if (own.length === 0) return "absent";
  const wanted = rules.map(({ is, destinations }) => ({ is, parts: writtenParts(destinations) }));
  const isThere = ({ parts }: Pick<EnvoySplit, "parts">): boolean => own.some((split) => isSame(split.parts, parts));
  // Whose names are lost may be somebody else's, who gives one version everything.
  const isOlder = ({ origin: of, parts }: EnvoySplit): boolean =>
    ((of !== undefined && of === origin) || versions.every((one) => parts.has(one))) &&
    !wanted.some((one) => isSame(parts, one.parts));
  const [moved, added] = [wanted.filter(({ is }) => is === "moved"), wanted.filter(({ is }) => is === "added")];
  const isWhole = added.every(isThere) && (moved.length === 0 || moved.some(isThere));
  return isWhole && !own.some(isOlder) ? "all" : "older";
}

function isOf(
  { origin: of }: EnvoySplit,
  origin: string | undefined,
  section: RouteSection,
  isGateway: boolean,
): boolean {
  if (of === undefined) return isGateway && section !== "http";
  return origin === undefined ? of.includes("~") : of === origin;
}

const isSame = (one: ReadonlyMap<string, number>, other: ReadonlyMap<string, number>): boolean =>
  one.size === other.size && [...one].every(([key, part]) => Math.abs(part - (other.get(key) ?? 0)) < 1e-6);

/** Addresses that a proxy knows for a destination: https://www.envoyproxy.io/docs/envoy/latest/operations/admin */
export function addressesIn(dump: unknown, destination: Destination): ReadonlySet<string> {
  const configs = listAt(dump, "configs").map((config) => objectAt(config, "endpoint_config"));
  const own = configs.filter((config) => keyOfCluster(textAt(config, "cluster_name")) === keyOf(destination));
  const endpoints = own
    .flatMap((config) => listAt(config, "endpoints"))
    .flatMap((place) => listAt(place, "lb_endpoints"));
  return new Set(
    endpoints.flatMap((one) => textAt(field(one, "endpoint"), "address", "socket_address", "address") ?? []),
  );
}

/** A regular expression of the whole names of a destination's clusters, one for each port, as Envoy takes it. */
export function clusterPattern({ host: { text, service }, subset = "" }: Destination): string {
  const name = service ? `${service.name}.${service.namespace}.` : text;
  return `outbound\\|\\d+\\|${subset}\\|${name.replaceAll(".", "\\.")}.*`;
}
