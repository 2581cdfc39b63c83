import { istioResources } from "../adapters/kubernetes/istio-version.ts";
import { type KubernetesClient, KubernetesError } from "../adapters/kubernetes/kubernetes-client.ts";
import { listEverywhere, type WideList } from "../adapters/kubernetes/list-everywhere.ts";
import { unlessDenied, unlessForbidden } from "../adapters/kubernetes/unless-forbidden.ts";
import { rootNamespace } from "../istio/destination-rule.ts";
import { type KubernetesObject, type Resource, resources } from "../kubernetes/object.ts";
import type { Permission } from "../ports/permission.ts";

/** A kind of which it is good to know what there is beside the service, and what for. */
type NeighbourKind = {
  readonly resource: Resource;
  readonly why: string;
  /** Who serves is a question of the first deployment alone. */
  readonly first?: true;
  /** Those of Istio's own namespace are for pods of every namespace. */
  readonly root?: true;
};

const kind = (group: string, plural: string, name: string, version = "v1"): Resource => ({
  group,
  version,
  plural,
  kind: name,
});

const oneVersion = "know whether policies let requests to one version only";
const oneProxy = "know whether the proxies of one version alone are changed";
const whoServes = "know who serves before a first deployment";

const looks = {
  ingresses: {
    resource: resources.ingresses,
    why: "know who reaches the pods of one version beside the routes",
  },
  authorizationPolicies: {
    resource: kind("security.istio.io", "authorizationpolicies", "AuthorizationPolicy"),
    why: oneVersion,
    root: true,
  },
  requestAuthentications: {
    resource: kind("security.istio.io", "requestauthentications", "RequestAuthentication"),
    why: oneVersion,
    root: true,
  },
  peerAuthentications: {
    resource: kind("security.istio.io", "peerauthentications", "PeerAuthentication"),
    why: oneVersion,
    root: true,
  },
  networkPolicies: { resource: kind("networking.k8s.io", "networkpolicies", "NetworkPolicy"), why: oneVersion },
  envoyFilters: {
    resource: kind("networking.istio.io", "envoyfilters", "EnvoyFilter", "v1alpha3"),
    why: oneProxy,
    root: true,
  },
  wasmPlugins: {
    resource: kind("extensions.istio.io", "wasmplugins", "WasmPlugin", "v1alpha1"),
    why: oneProxy,
    root: true,
  },
  endpointSlices: {
    resource: kind("discovery.k8s.io", "endpointslices", "EndpointSlice"),
    why: whoServes,
    first: true,
  },
  workloadEntries: {
    resource: resources.workloadEntries,
    why: whoServes,
    first: true,
  },
} as const satisfies Readonly<Record<string, NeighbourKind>>;

type LookName = keyof typeof looks;
const all: readonly (readonly [LookName, NeighbourKind])[] = Object.entries(looks) as [LookName, NeighbourKind][];

/** What there is beside the service. */
export type Vicinity = { readonly [name in LookName]: readonly KubernetesObject[] } & {
  /** Of every namespace that may be read. */
  readonly sidecars: readonly KubernetesObject[];
  /** What may not be looked at. */
  readonly unread: readonly Permission[];
  /** … in other namespaces, in words: `WasmPlugins of istio-system`. */
  readonly unreadElsewhere: readonly string[];
};

/** What the looks need. */
export const lookPermissions: readonly Permission[] = all.map(([, look]) => permissionOf(look));

/** The kinds that are looked for in Istio's own namespace as well. */
export const rootLooks: readonly Resource[] = all.filter(([, { root }]) => root).map(([, { resource }]) => resource);

function permissionOf({ resource: { group, plural }, why }: NeighbourKind): Permission {
  return { group, resource: plural, verbs: ["list"], why, optional: true, byLooking: true };
}

/** A look that is denied, or a kind that the server does not have, ends nothing. */
export async function lookAround(client: KubernetesClient, namespace: string, first: boolean): Promise<Vicinity> {
  const looked = all.filter(([, look]) => first || !look.first);
  const inRoot = namespace === rootNamespace ? [] : looked.filter(([, look]) => look.root);
  const list = (
    [, { resource }]: (typeof all)[number],
    place: string,
  ): Promise<readonly KubernetesObject[] | "denied"> =>
    unlessForbidden(unlessMissing(client.list(resource, place, { doubts: 1 }))).then((found) => found ?? "denied");
  const [here, root, sidecars] = await Promise.all([
    Promise.all(looked.map((each) => list(each, namespace))),
    Promise.all(inRoot.map((each) => list(each, rootNamespace))),
    readSidecars(client, namespace),
  ]);
  const found = (name: LookName): readonly KubernetesObject[] =>
    [here[looked.findIndex(([one]) => one === name)], root[inRoot.findIndex(([one]) => one === name)]].flatMap(
      (some) => (some === undefined || some === "denied" ? [] : some),
    );
  return {
    ...(Object.fromEntries(all.map(([name]) => [name, found(name)])) as { [name in LookName]: KubernetesObject[] }),
    sidecars: sidecars.objects,
    unread: looked.filter((_, at) => here[at] === "denied").map(([, look]) => permissionOf(look)),
    unreadElsewhere: [...ofRoot(inRoot.filter((_, at) => root[at] === "denied")), ...sidecars.unread],
  };
}

const ofRoot = (denied: typeof all): readonly string[] =>
  denied.length === 0 ? [] : [`${denied.map(([, look]) => pluralOf(look)).join(", ")} of ${rootNamespace}`];

const pluralOf = ({ resource: { kind } }: NeighbourKind): string => kind.replace(/y$/, "ie").concat("s");

async function unlessMissing(reading: Promise<readonly KubernetesObject[]>): Promise<readonly KubernetesObject[]> {
  try {
    return await reading;
  } catch (error) {
    if (error instanceof KubernetesError && error.status === 404) return [];
    throw error;
  }
}

/** Whoever calls the service may have one of its own, wherever it is. */
async function readSidecars(
  client: KubernetesClient,
  namespace: string,
): Promise<Pick<WideList, "objects" | "unread">> {
  const version = (await istioResources(client))?.virtualServices.version;
  if (version === undefined) return { objects: [], unread: [] };
  const wide = listEverywhere(client, { ...resources.sidecars, version }, [namespace, rootNamespace]);
  return unlessDenied(wide, { objects: [], unread: [] });
}
