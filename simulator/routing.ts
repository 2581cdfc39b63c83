import { kindNamed } from "../sandbox/api-server/kind.ts";
import type { StoredObject } from "../sandbox/api-server/object.ts";
import type { Store } from "../sandbox/api-server/store.ts";
import type { Target } from "../src/release/target.ts";

/** By what a simulated shop's requests are divided. */
export const routings = ["VirtualService", "HTTPRoute"] as const;
export type Routing = (typeof routings)[number];

/** Where a rule sends requests: the version of the subset, or of the Service; undefined is every pod of the service. */
export type Sent = { readonly version: string | undefined; readonly weight: number | undefined };

const namespace = "shop";
const name = "reviews";

/** The Service of one version, where routes know no subsets. */
export const serviceOf = (version: string): string => `${name}-${version}`;
const versionOf = (service: string): string | undefined =>
  service === name ? undefined : service.replace(`${name}-`, "");

/** The kinds that divide requests. */
export const routeKinds: ReadonlySet<string> = new Set(["virtualservices", "httproutes"]);

/** The one route of the shop, whatever its kind. */
export const routeIn = (store: Store): StoredObject | undefined =>
  store.get(kindNamed("virtualservices"), namespace, name) ?? store.get(kindNamed("httproutes"), namespace, name);

type VirtualRule = {
  readonly name?: string;
  readonly route?: readonly { readonly destination: { readonly subset?: string }; readonly weight?: number }[];
};
type GatewayRule = {
  readonly name?: string;
  readonly backendRefs?: readonly { readonly name: string; readonly weight?: number }[];
};

/** Where the rule that a release moves sends requests. */
export function sentBy({ kind, spec }: StoredObject): readonly Sent[] {
  if (kind === "HTTPRoute") {
    const { rules = [] } = spec as { readonly rules?: readonly GatewayRule[] };
    const { backendRefs = [] } = rules.find(isMoved) ?? {};
    return backendRefs.map((backend) => ({ version: versionOf(backend.name), weight: backend.weight }));
  }
  const { http = [] } = spec as { readonly http?: readonly VirtualRule[] };
  const { route = [] } = http.find(isMoved) ?? {};
  return route.map(({ destination, weight }) => ({ version: destination.subset, weight }));
}

const isMoved = (rule: { readonly name?: string }): boolean => rule.name === "primary";

/** Each destination's part of the requests; one alone gets everything, whatever its weight. */
export function sharesOf(sent: readonly Sent[]): readonly { readonly version: string | undefined; share: number }[] {
  const total = sent.reduce((sum, { weight = 0 }) => sum + weight, 0);
  return sent.map(({ version, weight = 0 }) => ({ version, share: sent.length === 1 ? 1 : weight / total }));
}

/** The canary's part in percent. */
export function canaryPercent(route: StoredObject, { canary }: Target): number {
  const wanted = canary.subset ?? versionOf(canary.host);
  const found = sharesOf(sentBy(route)).find(({ version }) => version === wanted);
  return Math.round(100 * (found?.share ?? 0));
}

/** `v1 90, v2 10`. */
export const routeText = (route: StoredObject): string =>
  sentBy(route)
    .map(({ version, weight }) => `${version} ${weight ?? "-"}`)
    .join(", ");

/** The labels of the pods that a destination reaches; undefined where nothing says so. */
export function labelsBehind(
  store: Store,
  route: StoredObject | undefined,
  version: string | undefined,
): Readonly<Record<string, string>> | undefined {
  if (version === undefined) return {};
  if (route?.kind === "HTTPRoute") {
    const service = store.get(kindNamed("services"), namespace, serviceOf(version));
    return (service?.spec as { readonly selector?: Record<string, string> } | undefined)?.selector;
  }
  const subsets = store
    .list(kindNamed("destinationrules"), namespace)
    .flatMap(
      ({ spec }) => (spec as { subsets?: readonly { name: string; labels?: Record<string, string> }[] }).subsets ?? [],
    );
  return subsets.find((subset) => subset.name === version)?.labels;
}

/** Whether all is there that brings requests to a version: only then somebody could bring them to it. */
export function isWhole(store: Store, version: string): boolean {
  const route = routeIn(store);
  return route !== undefined && labelsBehind(store, route, version) !== undefined;
}
