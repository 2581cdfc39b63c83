import type { Resource } from "../../kubernetes/object.ts";
import { type KubernetesClient, KubernetesError } from "./kubernetes-client.ts";

/** A label, since Deployments hand their annotations on to ReplicaSets, where they stay. */
const fenceLabel = "istio-canary/fence";

/**
 * Gives an object another resourceVersion and leaves nothing behind, so that whatever was planned for the one before
 * fails. Needs no reading: were the label there already, taking it away would be the change.
 */
export async function touch(client: KubernetesClient, resource: Resource, namespace: string, name: string) {
  for (const value of ["up", null]) {
    const body = { metadata: { labels: { [fenceLabel]: value } } };
    await client.patch(resource, namespace, name, { type: "merge", body }).catch(unlessRefused);
  }
}

/** What is gone (404) or has just changed (409) is fenced; who refuses a label will refuse it again. */
function unlessRefused(error: unknown): void {
  if (!(error instanceof KubernetesError)) throw error;
}
