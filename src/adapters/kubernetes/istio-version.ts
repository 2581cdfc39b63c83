import { type Resource, resources } from "../../kubernetes/object.ts";
import { RefusedError } from "../../lib/errors.ts";
import type { KubernetesClient } from "./kubernetes-client.ts";

export type IstioResources = { readonly virtualServices: Resource; readonly destinationRules: Resource };

/**
 * Istio's collections in the version that the server offers: v1 since 1.22, v1beta1 before. Undefined without Istio's
 * custom resources.
 */
export async function istioResources(client: KubernetesClient): Promise<IstioResources | undefined> {
  const { virtualServices, destinationRules } = resources;
  const versions = await client.versions(virtualServices.group);
  const version = ["v1", "v1beta1", "v1alpha3"].find((known) => versions.includes(known));
  if (version === undefined) return undefined;
  return { virtualServices: { ...virtualServices, version }, destinationRules: { ...destinationRules, version } };
}

/** For what cannot be done without them. */
export async function neededIstioResources(client: KubernetesClient): Promise<IstioResources> {
  const offered = await istioResources(client);
  if (offered) return offered;
  throw new RefusedError("The cluster has no VirtualServices: it does not serve networking.istio.io.", {
    next: "Install Istio, or check that the kubeconfig and its context lead to the right cluster.",
  });
}
