import { isDeepStrictEqual } from "node:util";
import { cloneDeployment, templateFor } from "../../kubernetes/clone.ts";
import { chooseContainer, readDeployment } from "../../kubernetes/deployment.ts";
import { field } from "../../kubernetes/field.ts";
import { isMadeBy } from "../../kubernetes/mark.ts";
import { type KubernetesObject, resources } from "../../kubernetes/object.ts";
import type { Labels } from "../../kubernetes/selector.ts";
import { DeniedError } from "../../lib/errors.ts";
import { KubernetesError, type PatchOperation } from "../kubernetes/client.ts";
import { applyManifests } from "./apply-manifests.ts";
import { copyLabels } from "./copy-labels.ts";
import { editDeployment, imagePatch, replicasPatch } from "./edit.ts";
import { missing, unlessProblem, type WorkloadParts } from "./parts.ts";
import { firstReplicas } from "./scale.ts";

/** Brings the canary's pods into being, with the new image. Traffic comes later, and more pods with it. */
export function deploy(parts: WorkloadParts): Promise<void> {
  const { source } = parts.target;
  switch (source.from) {
    case "existing":
      return giveImage(parts);
    case "clone": // after a swap the two Deployments change roles, and the copy is there already
      return parts.before.canary ? renewCopy(parts) : createCopy(parts, source.labels);
    case "manifests":
      return applyManifests(parts, source.objects);
  }
}

async function giveImage(parts: WorkloadParts): Promise<void> {
  const { target } = parts;
  await editCanary(parts, (raw) => [
    ...(target.image === undefined
      ? []
      : imagePatch(unlessProblem(chooseContainer(readDeployment(raw), target.container)), target.image)),
    ...firstPods(parts, raw),
  ]);
}

/** The whole template of stable, since more than the image may have changed since the copy was made; the pods' own labels stay. */
async function renewCopy(parts: WorkloadParts): Promise<void> {
  const stable = await getStable(parts);
  await editCanary(parts, (raw) => {
    const template = unlessProblem(templateFor(stable, readDeployment(raw).podLabels, parts.target)).template;
    return [...templatePatch(raw, template), ...firstPods(parts, raw)];
  });
}

export function templatePatch(raw: KubernetesObject, template: unknown): readonly PatchOperation[] {
  if (isDeepStrictEqual(field(raw, "spec", "template"), template)) return [];
  return [
    { op: "test", path: "/metadata/generation", value: raw.metadata.generation },
    { op: "replace", path: "/spec/template", value: template },
  ];
}

const firstPods = (parts: WorkloadParts, raw: KubernetesObject): readonly PatchOperation[] =>
  replicasPatch(raw, firstReplicas(parts, raw));

async function editCanary(
  { client, target: { namespace, canary } }: WorkloadParts,
  plan: (raw: KubernetesObject) => readonly PatchOperation[],
): Promise<void> {
  if (!(await editDeployment(client, namespace, canary.deployment, plan))) throw missing(namespace, canary.deployment);
}

async function createCopy(parts: WorkloadParts, given: Labels): Promise<void> {
  const { client, target, before } = parts;
  const { namespace, canary } = target;
  const [stable, answer] = await Promise.all([getStable(parts), copyLabels(client, target, given)]);
  const { labels } = unlessProblem(answer);
  const { object } = unlessProblem(
    cloneDeployment(
      stable,
      { name: canary.deployment, labels, release: before.release, replicas: firstReplicas(parts) },
      target,
    ),
  );
  try {
    await client.create(resources.deployments, namespace, object);
  } catch (error) {
    if (!(error instanceof KubernetesError && error.status === 409)) throw error;
    const live = await client.get(resources.deployments, namespace, canary.deployment);
    if (live && isMadeBy(before.release, live)) return; // an earlier attempt, whose answer was lost
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
  const found = await client.get(resources.deployments, namespace, stable.deployment);
  if (!found) throw missing(namespace, stable.deployment);
  return found;
}
