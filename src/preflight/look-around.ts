import { type KubernetesClient, KubernetesError } from "../adapters/kubernetes/kubernetes-client.ts";
import { type KubernetesObject, type Resource, resources } from "../kubernetes/object.ts";
import type { Permission } from "../ports/permission.ts";

/** A kind of which it is good to know what there is beside the service, and what for. */
type NeighbourKind = {
  readonly resource: Resource;
  readonly why: string;
  /** Who serves is a question of the first deployment alone. */
  readonly first?: true;
};

const kind = (group: string, plural: string, name: string): Resource => ({ group, version: "v1", plural, kind: name });

const oneVersion = "know whether policies let requests to one version only";
const whoServes = "know who serves before a first deployment";

const looks = {
  ingresses: {
    resource: resources.ingresses,
    why: "know who reaches the pods of one version beside the routes",
  },
  authorizationPolicies: {
    resource: kind("security.istio.io", "authorizationpolicies", "AuthorizationPolicy"),
    why: oneVersion,
  },
  requestAuthentications: {
    resource: kind("security.istio.io", "requestauthentications", "RequestAuthentication"),
    why: oneVersion,
  },
  peerAuthentications: {
    resource: kind("security.istio.io", "peerauthentications", "PeerAuthentication"),
    why: oneVersion,
  },
  networkPolicies: { resource: kind("networking.k8s.io", "networkpolicies", "NetworkPolicy"), why: oneVersion },
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
  /** What may not be looked at. */
  readonly unread: readonly Permission[];
};

/** What the looks need. */
export const lookPermissions: readonly Permission[] = all.map(([, look]) => permissionOf(look));

function permissionOf({ resource: { group, plural }, why }: NeighbourKind): Permission {
  return { group, resource: plural, verbs: ["list"], why, optional: true, byLooking: true };
}

/** A look that is denied, or a kind that the server does not have, ends nothing. */
export async function lookAround(client: KubernetesClient, namespace: string, first: boolean): Promise<Vicinity> {
  const denied = new Set<LookName>();
  const list = async ([name, look]: (typeof all)[number]): Promise<readonly KubernetesObject[]> => {
    if (look.first && !first) return [];
    try {
      return await client.list(look.resource, namespace, { doubts: 1 });
    } catch (error) {
      if (!(error instanceof KubernetesError && (error.status === 403 || error.status === 404))) throw error;
      if (error.status === 403) denied.add(name);
      return [];
    }
  };
  const found = await Promise.all(all.map(async (each) => [each[0], await list(each)] as const));
  const unread = all.filter(([name]) => denied.has(name)).map(([, look]) => permissionOf(look));
  return { ...(Object.fromEntries(found) as { [name in LookName]: readonly KubernetesObject[] }), unread };
}
