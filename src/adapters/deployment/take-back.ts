import { chooseContainer, type Deployment, readDeployment, replicasOf } from "../../kubernetes/deployment.ts";
import { type KubernetesObject, resources } from "../../kubernetes/object.ts";
import { DeniedError } from "../../lib/errors.ts";
import { otherRole, type Role } from "../../release/target.ts";
import type { PatchOperation } from "../kubernetes/kubernetes-client.ts";
import { templateOfReplicaSet } from "./deployment-pods.ts";
import { editDeployment, imagePatch, replicasPatch, templatePatch } from "./edit-deployment.ts";
import { imageBefore } from "./released-image.ts";
import { removeMade } from "./remove-made.ts";
import { missing, type WorkloadParts } from "./workload-parts.ts";
import type { CanaryBefore } from "./workloads-before.ts";

/** After a failure: the canary as it was before the release, or gone. */
export async function restore(parts: WorkloadParts): Promise<void> {
  const { stable, canary } = parts.before;
  if (stable) await unlessLast(parts, "stable");
  await parts.fence.back();
  await removeMade(parts);
  if (canary) await putBack(parts, canary, await templateBefore(parts, canary));
}

/**
 * After stable got the image: the canary's pods go, and its Deployment, too, if the release made it. An older one keeps
 * the new image.
 */
export async function dismissCanary(parts: WorkloadParts): Promise<void> {
  await unlessLast(parts, "stable");
  await parts.fence.forward();
  await removeMade(parts);
  if (parts.before.canary) await putBack(parts, parts.before.canary, () => []);
}

/**
 * After a swap: the old version rests at 0 pods, ready to be scaled up by hand. An autoscaler leaves it alone there.
 */
export async function dismissStable(parts: WorkloadParts): Promise<void> {
  const { target, before, keepOld } = parts;
  if (keepOld || !before.stable) return;
  await unlessLast(parts, "canary");
  await editDeployment(parts, target.stable.deployment, (deployment) => replicasPatch(deployment, 0));
}

/** Only from 0: an autoscaler, or somebody, may have had reasons for any other number. */
export async function reviveStable(parts: WorkloadParts): Promise<void> {
  const { target, before } = parts;
  const { replicas = 0 } = before.stable ?? {};
  const exists = await editDeployment(parts, target.stable.deployment, (deployment) =>
    replicasOf(deployment) === 0 ? replicasPatch(deployment, Math.max(1, replicas)) : [],
  );
  if (!exists) throw missing(target.namespace, target.stable.deployment);
}

/** Whatever the plan says: the only pods that can serve are not taken away. */
async function unlessLast({ client, target }: WorkloadParts, winner: Role): Promise<void> {
  const loser = otherRole(winner);
  const [left, leaving] = [target[winner].deployment, target[loser].deployment];
  const read = async (name: string): Promise<Deployment | undefined> => {
    const raw = await client.get(resources.deployments, target.namespace, name);
    return raw && readDeployment(raw);
  };
  const [ofLeft, ofLeaving] = await Promise.all([read(left), read(leaving)]);
  const isGoing = ofLeft?.terminating === true;
  const servesAlone = (ofLeft?.rollout.available ?? 0) > 0 && !isGoing;
  if (servesAlone || !ofLeaving?.rollout.available) return;
  const why = isGoing ? "is being deleted" : "has no available pod";
  throw new DeniedError(
    `Deployment ${target.namespace}/${left} ${why}, so the pods of ${leaving} are kept: they may be the only ones that can serve.`,
    { next: `Look why ${left} ${isGoing ? "is" : "has none"}; when it serves again, run the same command again.` },
  );
}

type DeploymentPlan = (deployment: KubernetesObject) => readonly PatchOperation[];

/**
 * The pod template as it was: Kubernetes has it in the old ReplicaSet; where only the image changed, the image is
 * enough.
 */
async function templateBefore(parts: WorkloadParts, { replicaSet, images }: CanaryBefore): Promise<DeploymentPlan> {
  const { client, target } = parts;
  const old =
    replicaSet === undefined ? undefined : await client.get(resources.replicaSets, target.namespace, replicaSet);
  if (old) return (deployment) => templatePatch(deployment, templateOfReplicaSet(old));
  return (deployment) => {
    const choice = chooseContainer(readDeployment(deployment), target.container);
    const image = imageBefore(deployment, images, target);
    return "name" in choice && image !== undefined ? imagePatch(choice, (name) => images[name] ?? image) : [];
  };
}

/** A Deployment that somebody deleted meanwhile cannot be put back; the final look says so. */
async function putBack(parts: WorkloadParts, { replicas }: CanaryBefore, template: DeploymentPlan): Promise<void> {
  const { target, before } = parts;
  const left = before.autoscaled.canary && replicas > 0; // to the autoscaler
  await editDeployment(
    parts,
    target.canary.deployment,
    (deployment) => {
      const pods = left ? [] : replicasPatch(deployment, replicas);
      return [...template(deployment), ...pods];
    },
    "back",
  );
}
