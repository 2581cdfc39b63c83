import { gatewayGroup } from "../../istio/gateway-route.ts";
import type { Resource } from "../../kubernetes/object.ts";
import { RefusedError } from "../../lib/errors.ts";
import type { KubernetesClient } from "../kubernetes/kubernetes-client.ts";

/** A kind of the Gateway API in the version that the server offers: not every kind is served in every version. */
export async function findKind(client: KubernetesClient, kind: string): Promise<Resource | undefined> {
  const versions = await client.versions(gatewayGroup);
  const stableFirst = versions.toSorted((one, other) => maturity(one) - maturity(other));
  for (const version of stableFirst) {
    const served = (await client.kinds(gatewayGroup, version)) ?? [];
    const found = served.find((one) => one.kind === kind);
    if (found) return { group: gatewayGroup, version, plural: found.plural, kind };
  }
  return undefined;
}

/** `v1` before `v1beta1`, and that before `v1alpha2`. */
const maturity = (version: string): number => ["", "beta", "alpha"].indexOf(/beta|alpha/.exec(version)?.[0] ?? "");

export async function offeredKind(client: KubernetesClient, kind: string): Promise<Resource> {
  const found = await findKind(client, kind);
  if (found) return found;
  throw new RefusedError(`The cluster has no ${kind}s: it does not serve them in ${gatewayGroup}.`, {
    next: "Install the CRDs of the Gateway API, or check that the kubeconfig and its context lead to the right cluster.",
  });
}
