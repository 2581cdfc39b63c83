import { resources } from "../../kubernetes/object.ts";
import { type KubernetesClient, KubernetesError } from "./kubernetes-client.ts";

/** For somebody who mistyped one; undefined where they may not be listed. */
export async function serviceNames(
  client: KubernetesClient,
  namespace: string,
): Promise<readonly string[] | undefined> {
  try {
    const services = await client.list(resources.services, namespace);
    return services.map(({ metadata }) => metadata.name).sort();
  } catch (error) {
    if (error instanceof KubernetesError && error.status === 403) return undefined;
    throw error;
  }
}
