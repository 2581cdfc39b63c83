import { type KubernetesClient, KubernetesError } from "../adapters/kubernetes/kubernetes-client.ts";
import { unlessForbidden } from "../adapters/kubernetes/unless-forbidden.ts";
import { type GatewayRule, gatewayGroup, gatewayKinds, gatewayRulesOf } from "../istio/gateway-route.ts";
import type { KubernetesObject, Resource } from "../kubernetes/object.ts";

export type GatewayRules = {
  readonly rules: readonly GatewayRule[];
  /** What could not be read, in words. */
  readonly unread: readonly string[];
};

/** Every rule of every route of the Gateway API, as far as the server has the kinds and they may be listed. */
export async function readGatewayRules(client: KubernetesClient, namespace: string): Promise<GatewayRules> {
  const versions = await unlessForbidden(client.versions(gatewayGroup));
  if (!versions) return { rules: [], unread: ["routes of the Gateway API"] };
  const reading = gatewayKinds.map((kind) => listIn(client, namespace, resourcesOf(kind, versions)));
  const lists = await Promise.all(reading);
  return {
    rules: lists.flatMap(({ routes }) => routes.flatMap(gatewayRulesOf)),
    unread: lists.flatMap(({ unread }, index) => (unread ? [`${gatewayKinds[index]?.kind}s${unread}`] : [])),
  };
}

type Listed = { readonly routes: readonly KubernetesObject[]; readonly unread?: string };

/** The kind in each version of its group, the stable ones first: not every kind is served in every version. */
const resourcesOf = (kind: (typeof gatewayKinds)[number], versions: readonly string[]): readonly Resource[] =>
  versions
    .toSorted((one, other) => Number(one.includes("alpha")) - Number(other.includes("alpha")))
    .map((version) => ({ group: gatewayGroup, version, ...kind }));

async function listIn(
  client: KubernetesClient,
  namespace: string,
  [resource, ...others]: readonly Resource[],
): Promise<Listed> {
  if (!resource) return { routes: [] };
  const everywhere = await listOr(client.list(resource, undefined));
  if (everywhere === 404) return listIn(client, namespace, others);
  if (everywhere !== 403) return { routes: everywhere };
  const here = await listOr(client.list(resource, namespace));
  if (typeof here === "number") return { routes: [], unread: "" };
  return { routes: here, unread: ` of namespaces other than ${namespace}` };
}

async function listOr(listing: Promise<readonly KubernetesObject[]>): Promise<readonly KubernetesObject[] | 403 | 404> {
  try {
    return await listing;
  } catch (error) {
    if (error instanceof KubernetesError && (error.status === 403 || error.status === 404)) return error.status;
    throw error;
  }
}
