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
    for (let tries = 1; await isOvertaken(client.patch(resource, namespace, name, { type: "merge", body })); tries++)
      if (tries === maxTries) break;
  }
}

/** Somebody who writes as fast as this for so long fences it as well. */
const maxTries = 5;

/** Whether it has just changed (409). What is gone (404) is fenced; who refuses a label will refuse it again. */
async function isOvertaken(write: Promise<unknown>): Promise<boolean> {
  try {
    await write;
    return false;
  } catch (error) {
    if (error instanceof KubernetesError) return error.status === 409;
    throw error;
  }
}
