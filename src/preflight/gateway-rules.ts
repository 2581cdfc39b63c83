import { type KubernetesClient, KubernetesError } from "../adapters/kubernetes/kubernetes-client.ts";
import { listEverywhere, type WideList } from "../adapters/kubernetes/list-everywhere.ts";
import { unlessForbidden } from "../adapters/kubernetes/unless-forbidden.ts";
import { type GatewayRule, gatewayGroup, gatewayKinds, gatewayRulesOf } from "../istio/gateway-route.ts";
import type { Resource } from "../kubernetes/object.ts";
import type { Target } from "../release/target.ts";

export type GatewayRules = {
  readonly rules: readonly GatewayRule[];
  /** What could not be read, in words. */
  readonly unread: readonly string[];
};

/**
 * Every rule of every route of the Gateway API, as far as the server has the kinds and they may be listed; but for the
 * kinds of the release's own routes, whose family tells of them.
 */
export async function readGatewayRules(client: KubernetesClient, { namespace, routes }: Target): Promise<GatewayRules> {
  const versions = await unlessForbidden(client.versions(gatewayGroup));
  if (!versions) return { rules: [], unread: ["routes of the Gateway API"] };
  const kinds = gatewayKinds.filter(({ kind }) => !routes.some((route) => route.kind === kind));
  const lists = await Promise.all(kinds.map((kind) => listIn(client, namespace, resourcesOf(kind, versions))));
  return {
    rules: lists.flatMap(({ objects }) => objects.flatMap(gatewayRulesOf)),
    unread: lists.flatMap(({ unread }) => unread),
  };
}

/** The kind in each version of its group, the stable ones first: not every kind is served in every version. */
const resourcesOf = (kind: (typeof gatewayKinds)[number], versions: readonly string[]): readonly Resource[] =>
  versions
    .toSorted((one, other) => Number(one.includes("alpha")) - Number(other.includes("alpha")))
    .map((version) => ({ group: gatewayGroup, version, ...kind }));

async function listIn(
  client: KubernetesClient,
  namespace: string,
  [resource, ...others]: readonly Resource[],
): Promise<Pick<WideList, "objects" | "unread">> {
  if (!resource) return { objects: [], unread: [] };
  try {
    return await listEverywhere(client, resource, [namespace]);
  } catch (error) {
    if (!(error instanceof KubernetesError && error.status === 404)) throw error;
    return listIn(client, namespace, others);
  }
}
