import { chooseContainer, readDeployment } from "../../kubernetes/deployment.ts";
import { isMadeBy } from "../../kubernetes/mark.ts";
import { type KubernetesObject, type Resource, resources } from "../../kubernetes/object.ts";
import { DeniedError } from "../../lib/errors.ts";
import type { PatchOperation } from "../kubernetes/client.ts";
import type { WorkloadsBefore } from "./before.ts";
import { templatePatch } from "./deploy.ts";
import { editDeployment, imagePatch, replicasPatch } from "./edit.ts";
import { identify, nameOf } from "./manifest.ts";
import type { WorkloadParts } from "./parts.ts";
import { templateOfReplicaSet } from "./pods.ts";
import { imageBefore } from "./released-image.ts";

type CanaryBefore = NonNullable<WorkloadsBefore["canary"]>;

/** After a failure: the canary as it was before the release, or gone. */
export async function restore(parts: WorkloadParts): Promise<void> {
  if (parts.before.stable) await unlessLast(parts, "stable");
  await removeMade(parts);
  if (parts.before.canary) await putBack(parts, parts.before.canary, await templateOf(parts, parts.before.canary));
}

/** After stable got the image: the canary's pods go, and its Deployment, too, if the release made it. An older one keeps the new image. */
export async function dismissCanary(parts: WorkloadParts): Promise<void> {
  await unlessLast(parts, "stable");
  await removeMade(parts);
  if (parts.before.canary) await putBack(parts, parts.before.canary, () => []);
}

/** After a swap: the old version rests at 0 pods, ready to be scaled up by hand. An autoscaler leaves it alone there. */
export async function dismissStable(parts: WorkloadParts): Promise<void> {
  const { client, target, before, keepOld } = parts;
  if (keepOld || !before.stable) return;
  await unlessLast(parts, "canary");
  await editDeployment(client, target.namespace, target.stable.deployment, (raw) => replicasPatch(raw, 0));
}

/** Whatever the plan says: the only pods that can serve are not taken away. */
async function unlessLast({ client, target }: WorkloadParts, winner: "stable" | "canary"): Promise<void> {
  const [left, leaving] = [target[winner].deployment, target[winner === "stable" ? "canary" : "stable"].deployment];
  const available = async (name: string): Promise<number> => {
    const raw = await client.get(resources.deployments, target.namespace, name);
    return raw ? readDeployment(raw).rollout.available : 0;
  };
  const [ofLeft, ofLeaving] = await Promise.all([available(left), available(leaving)]);
  if (ofLeft > 0 || ofLeaving === 0) return;
  throw new DeniedError(
    `Deployment ${target.namespace}/${left} has no available pod, so the pods of ${leaving} are kept: they may be the only ones that can serve.`,
    {
      next: `Look why ${left} has none; when it has, run the same command again.`,
    },
  );
}

/** Deletes what carries this release's mark, the last made first, and nothing else. */
async function removeMade({ client, target, before }: WorkloadParts): Promise<void> {
  const { namespace, source, canary } = target;
  const made: readonly { readonly resource: Resource; readonly name: string }[] =
    source.from === "manifests"
      ? source.objects
          .map(identify)
          .filter((manifest) => !before.existed.includes(nameOf(manifest)))
          .toReversed()
      : [{ resource: resources.deployments, name: canary.deployment }];
  for (const { resource, name } of made) {
    const found = await client.get(resource, namespace, name);
    const uid = found?.metadata.uid;
    if (found && uid !== undefined && isMadeBy(before.release, found))
      await client.delete(resource, namespace, name, { uid });
  }
}

type TemplatePlan = (raw: KubernetesObject) => readonly PatchOperation[];

/** The pod template as it was: Kubernetes has it in the old ReplicaSet; where only the image changed, the image is enough. */
async function templateOf(
  { client, target }: WorkloadParts,
  { replicaSet, images }: CanaryBefore,
): Promise<TemplatePlan> {
  const old =
    replicaSet === undefined ? undefined : await client.get(resources.replicaSets, target.namespace, replicaSet);
  if (old) return (raw) => templatePatch(raw, templateOfReplicaSet(old));
  return (raw) => {
    const container = chooseContainer(readDeployment(raw), target.container);
    const image = imageBefore(raw, images, target);
    return "name" in container && image !== undefined ? imagePatch(container, image) : [];
  };
}

/** A Deployment that somebody deleted meanwhile cannot be put back; the final look says so. */
async function putBack(
  { client, target, before }: WorkloadParts,
  { replicas }: CanaryBefore,
  template: TemplatePlan,
): Promise<void> {
  const pods = (raw: KubernetesObject): readonly PatchOperation[] =>
    before.autoscaled.canary && replicas > 0 ? [] : replicasPatch(raw, replicas);
  await editDeployment(client, target.namespace, target.canary.deployment, (raw) => [...template(raw), ...pods(raw)]);
}
