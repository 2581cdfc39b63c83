import { cloneDeployment, templateFor } from "../../kubernetes/clone.ts";
import { chooseContainer, readDeployment } from "../../kubernetes/deployment.ts";
import { isMadeBy } from "../../kubernetes/mark.ts";
import { type KubernetesObject, resources } from "../../kubernetes/object.ts";
import type { Labels } from "../../kubernetes/selector.ts";
import { DeniedError, TakenOverError, UnreachableError } from "../../lib/errors.ts";
import type { Build } from "../../release/build.ts";
import { KubernetesError, type PatchOperation } from "../kubernetes/kubernetes-client.ts";
import { copyLabels } from "../kubernetes/version-labels.ts";
import { applyManifests } from "./apply-manifests.ts";
import { templateOfReplicaSet } from "./deployment-pods.ts";
import { editDeployment, imagePatch, replicasPatch, templatePatch } from "./edit-deployment.ts";
import { removeMade } from "./remove-made.ts";
import { firstReplicas } from "./scale.ts";
import { missing, unlessObstacle, type WorkloadParts } from "./workload-parts.ts";

/** Brings the canary's pods into being, with the new image. Traffic comes later, and more pods with it. */
export async function deploy(parts: WorkloadParts, judged: Build | undefined): Promise<void> {
  const { source } = parts.target;
  const template = await templateOf(parts, judged);
  if (template !== undefined) return editCanary(parts, (deployment) => templatePatch(deployment, template));
  switch (source.from) {
    case "existing":
      return giveImage(parts);
    case "clone": // after a swap the two Deployments change roles, and the copy is there already
      return parts.before.canary ? renewCopy(parts) : making(parts, () => createCopy(parts, source.labels));
    case "manifests":
      return making(parts, () => applyManifests(parts, source.objects));
  }
}

async function templateOf({ client, target }: WorkloadParts, judged: Build | undefined): Promise<unknown> {
  if (judged?.replicaSet === undefined) return undefined;
  const replicaSet = await client.get(resources.replicaSets, target.namespace, judged.replicaSet);
  return replicaSet && templateOfReplicaSet(replicaSet);
}

/** What is made tests no version: a job that lost the release meanwhile takes away what it made too late. */
async function making(parts: WorkloadParts, work: () => Promise<void>): Promise<void> {
  await parts.fence.forward();
  await work();
  await parts.fence.forward().catch(async (error: unknown) => {
    if (error instanceof TakenOverError) await removeMade(parts);
    throw error;
  });
}

async function giveImage(parts: WorkloadParts): Promise<void> {
  const { image, container } = parts.target;
  await editCanary(parts, (deployment) => {
    const pods = firstPods(parts, deployment);
    if (image === undefined) return pods;
    const choice = unlessObstacle(chooseContainer(readDeployment(deployment), container));
    return [...imagePatch(choice, () => image), ...pods];
  });
}

/**
 * The whole template of stable, since more than the image may have changed since the copy was made; the pods' own
 * labels stay.
 */
async function renewCopy(parts: WorkloadParts): Promise<void> {
  const stable = await getStable(parts);
  await editCanary(parts, (deployment) => {
    const { podLabels } = readDeployment(deployment);
    const { template } = unlessObstacle(templateFor(stable, podLabels, parts.target));
    return [...templatePatch(deployment, template), ...firstPods(parts, deployment)];
  });
}

const firstPods = (parts: WorkloadParts, deployment: KubernetesObject): readonly PatchOperation[] =>
  replicasPatch(deployment, firstReplicas(parts, deployment));

async function editCanary(
  parts: WorkloadParts,
  plan: (deployment: KubernetesObject) => readonly PatchOperation[],
): Promise<void> {
  const { namespace, canary } = parts.target;
  if (!(await editDeployment(parts, canary.deployment, plan))) throw missing(namespace, canary.deployment);
}

async function createCopy(parts: WorkloadParts, configured: Labels): Promise<void> {
  const { client, target, before } = parts;
  const { namespace, canary } = target;
  const [stable, answer] = await Promise.all([getStable(parts), copyLabels(client, target, configured)]);
  const { labels } = unlessObstacle(answer);
  const order = { name: canary.deployment, labels, release: before.release, replicas: firstReplicas(parts) };
  const { object } = unlessObstacle(cloneDeployment(stable, order, target));
  try {
    await client.create(resources.deployments, namespace, object);
  } catch (error) {
    if (!(error instanceof KubernetesError && error.status === 409)) throw error;
    const live = await client.get(resources.deployments, namespace, canary.deployment);
    // Of a quota, say, that others count in, too: https://github.com/kubernetes/kubernetes/issues/67761.
    if (!live) throw new UnreachableError(error.message, { cause: error });
    // An earlier attempt, whose answer was lost, or which somebody changed.
    if (isMadeBy(before.release, live)) return giveImage(parts);
    throw new DeniedError(
      `Deployment ${namespace}/${canary.deployment} has come into being since the release began, and not by it.`,
      {
        next: "Look who made it, delete it or take another name for the canary, and release again.",
        cause: error,
      },
    );
  }
}

async function getStable({ client, target: { namespace, stable } }: WorkloadParts): Promise<KubernetesObject> {
  const deployment = await client.get(resources.deployments, namespace, stable.deployment);
  if (!deployment) throw missing(namespace, stable.deployment);
  return deployment;
}
