import { type Resource, resources } from "../../kubernetes/object.ts";
import type { KubernetesClient } from "./client.ts";

/** Istio's collections in the version that the server offers: v1 since 1.22, v1beta1 before. Undefined without Istio's custom resources. */
export async function istioResources(
  client: KubernetesClient,
): Promise<{ readonly virtualServices: Resource; readonly destinationRules: Resource } | undefined> {
  const versions = await client.versions(resources.virtualServices.group);
  const version = ["v1", "v1beta1", "v1alpha3"].find((known) => versions.includes(known));
  return version === undefined
    ? undefined
    : {
        virtualServices: { ...resources.virtualServices, version },
        destinationRules: { ...resources.destinationRules, version },
      };
}
