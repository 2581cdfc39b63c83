import { readDeployment } from "../../kubernetes/deployment.ts";
import { withoutServerFields } from "../../kubernetes/exported.ts";
import { identify, objectWord, type UserObject } from "../../kubernetes/user-object.ts";
import { applyObject, releasedFields } from "../kubernetes/apply-object.ts";
import {
  canaryManifest,
  canaryManifestOf,
  inNamespace,
  isOfOther,
  marked,
  otherTemplate,
  type PodsBefore,
  replicasBeforeTraffic,
} from "../kubernetes/canary-manifest.ts";
import { editDeployment, replicasPatch, templatePatch } from "./edit-deployment.ts";
import { missing, unlessObstacle, type WorkloadParts } from "./workload-parts.ts";

/**
 * Applies the user's objects in their order, server-side. Those that did not exist get the release's mark, and go when
 * it is given back. Those that did are applied as the user wishes and stay as applied, but for the canary's Deployment,
 * which gets its old template again.
 */
export async function applyManifests(
  parts: WorkloadParts,
  objects: readonly Readonly<Record<string, unknown>>[],
): Promise<void> {
  const { client, target, before } = parts;
  const canary = canaryManifestOf(target);
  for (const written of objects) {
    const manifest = identify(withoutServerFields(written).object);
    const isCanary = canary !== undefined && objectWord(manifest) === objectWord(canary);
    if (isCanary && isOfOther(target, manifest)) {
      await giveTemplate(parts, manifest);
      continue;
    }
    let { object } = manifest;
    if (isCanary) object = unlessObstacle(canaryManifest(target, manifest, podsBefore(parts)));
    if (!before.existed.includes(objectWord(manifest))) object = marked(object, before.release);
    const released = isCanary ? releasedFields(object) : [];
    const applied = { ...manifest, object: inNamespace(object, target.namespace) };
    await applyObject(client, target.namespace, applied, { released });
  }
}

/** After a swap the Deployment that was stable is there, and gets the pod template alone. */
async function giveTemplate(parts: WorkloadParts, manifest: UserObject): Promise<void> {
  const { target } = parts;
  const { namespace, canary } = target;
  const exists = await editDeployment(parts, canary.deployment, (deployment) => {
    const { podLabels } = readDeployment(deployment);
    const { template } = unlessObstacle(otherTemplate(target, manifest, podLabels));
    const pods = replicasPatch(deployment, replicasBeforeTraffic(target, manifest, podsBefore(parts)));
    return [...templatePatch(deployment, template), ...pods];
  });
  if (!exists) throw missing(namespace, canary.deployment);
}

const podsBefore = ({ before }: WorkloadParts): PodsBefore => ({
  stable: before.stable?.replicas ?? 0,
  canary: before.canary?.replicas,
  autoscaled: before.autoscaled.canary,
});
