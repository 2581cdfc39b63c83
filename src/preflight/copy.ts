import { cannotBeTriedOut, type KubernetesClient, KubernetesError } from "../adapters/kubernetes/kubernetes-client.ts";
import { resources } from "../kubernetes/object.ts";
import { type Finding, refuse } from "../ports/preflight.ts";
import { plannedObject } from "./planned-canary.ts";
import type { Scene } from "./scene.ts";

/** Has the API server try out the copy: a policy may want a label that only stable's Deployment has. */
export async function inspectCopy(client: KubernetesClient, scene: Scene): Promise<readonly Finding[]> {
  const { target, canary, planned } = scene;
  const copy = plannedObject(planned);
  if (target.source.from !== "clone" || canary || !copy) return [];
  try {
    await client.create(resources.deployments, target.namespace, copy, { dryRun: true });
    return [];
  } catch (error) {
    if (!(error instanceof KubernetesError) || error.status === 403) throw error;
    if (cannotBeTriedOut(error)) return [];
    return [
      refuse(
        `Deployment ${target.namespace}/${copy.metadata.name} could not be made as a copy: ${error.message}.`,
        "If it lacks what stable's has, give it a Deployment of its own (from: manifests, or from: existing).",
      ),
    ];
  }
}
