import { isDeepStrictEqual } from "node:util";
import { isRolledOut, readDeployment } from "../../kubernetes/deployment.ts";
import { field } from "../../kubernetes/field.ts";
import { finalizersOf, isTerminating, type KubernetesObject, placeWord, resources } from "../../kubernetes/object.ts";
import { identify, objectWord } from "../../kubernetes/user-object.ts";
import type { Role } from "../../release/target.ts";
import { templateOfReplicaSet } from "./deployment-pods.ts";
import { progressOf } from "./diagnosis.ts";
import { imageBefore, imageOf, releasedImage } from "./released-image.ts";
import type { WorkloadParts } from "./workload-parts.ts";

/** Both Deployments as they are when the release has ended. */
type Deployments = Readonly<Record<Role, KubernetesObject | undefined>>;

/** What is not as it should be after a release that `winner` won, in words. */
export async function differences(parts: WorkloadParts, winner: Role): Promise<readonly string[]> {
  const { client, target } = parts;
  const read = (role: Role): Promise<KubernetesObject | undefined> =>
    client.get(resources.deployments, target.namespace, target[role].deployment);
  const [stable, canary] = await Promise.all([read("stable"), read("canary")]);
  const left = { stable: living(stable), canary: living(canary) };
  if (winner === "canary") return afterSwap(parts, left);
  return [...(await afterReturn(parts, left)), ...heldBack(parts, canary)];
}

/** An object on its way out is as good as gone. */
const living = (raw: KubernetesObject | undefined): KubernetesObject | undefined =>
  raw && isTerminating(raw) ? undefined : raw;

const afterSwap = (parts: WorkloadParts, { stable, canary }: Deployments): readonly string[] => [
  ...promoted(parts, canary),
  ...replaced(parts, stable),
];

/** The canary that is the new stable. */
function promoted(parts: WorkloadParts, canary: KubernetesObject | undefined): readonly string[] {
  const { target } = parts;
  if (!canary) return gone(parts, "canary");
  const image = notImage(canary, imageOf(canary, target), releasedImage(target, canary));
  return [...image, ...notRolledOut(parts, "canary", canary)];
}

/** The stable that was. */
function replaced(parts: WorkloadParts, stable: KubernetesObject | undefined): readonly string[] {
  const { before, keepOld } = parts;
  if (!before.stable) return [];
  if (!stable) return gone(parts, "stable");
  return keepOld ? notReplicasBefore(parts, "stable", stable) : notReplicas(stable, 0);
}

/**
 * Stable won in one of two ways: it runs the released image now (promotion `update`), or what it ran before (rollback).
 */
async function afterReturn(parts: WorkloadParts, { stable, canary }: Deployments): Promise<readonly string[]> {
  const { target } = parts;
  const image = imageOf(stable, target);
  const updated = image !== undefined && image === releasedImage(target, canary);
  return [
    ...stayed(parts, stable, updated),
    ...(await putBack(parts, canary, updated)),
    ...(await leftManifests(parts)),
  ];
}

function stayed(parts: WorkloadParts, stable: KubernetesObject | undefined, updated: boolean): readonly string[] {
  const { target, before } = parts;
  if (!before.stable) return [];
  if (!stable) return gone(parts, "stable");
  const replicas = notReplicasBefore(parts, "stable", stable);
  if (updated) return [...notRolledOut(parts, "stable", stable), ...replicas];
  const old = imageBefore(stable, before.stable.images, target);
  return [...notImage(stable, imageOf(stable, target), old), ...replicas];
}

/** The canary is as it was before; after an update it keeps the new image. */
async function putBack(
  parts: WorkloadParts,
  canary: KubernetesObject | undefined,
  updated: boolean,
): Promise<readonly string[]> {
  if (!parts.before.canary) return leftBehind(canary);
  if (!canary) return gone(parts, "canary");
  const replicas = notReplicasBefore(parts, "canary", canary);
  if (updated) return replicas;
  return [...replicas, ...(await notTemplate(parts, canary))];
}

const gone = ({ target }: WorkloadParts, role: Role): readonly string[] => [
  `Deployment ${target.namespace}/${target[role].deployment} is gone`,
];

function leftBehind(raw: KubernetesObject | undefined): readonly string[] {
  if (!raw) return [];
  return [`${placeWord(raw)} is still there; it did not exist before the release`];
}

/**
 * A Deployment that a finalizer of somebody's holds keeps its pods:
 * https://kubernetes.io/docs/concepts/architecture/garbage-collection/#background-deletion
 */
function heldBack({ before }: WorkloadParts, canary: KubernetesObject | undefined): readonly string[] {
  if (before.canary || !canary || !isTerminating(canary)) return [];
  const holders = finalizersOf(canary);
  if (holders.length === 0) return [];
  return [`${placeWord(canary)} is being deleted, and keeps its pods as long as ${holders.join(", ")} holds it`];
}

function notImage(raw: KubernetesObject, image: string | undefined, wanted: string | undefined): readonly string[] {
  if (wanted === undefined || image === wanted) return [];
  return [`${placeWord(raw)} has the image ${image ?? "of no clear container"}, not ${wanted}`];
}

function notReplicas(raw: KubernetesObject, wanted: number): readonly string[] {
  const { desired } = readDeployment(raw).rollout;
  if (desired === wanted) return [];
  return [`${placeWord(raw)} is scaled to ${desired}, not ${wanted}`];
}

/** An autoscaler may just be adding pods, now that traffic is back: then one that is available is enough. */
function notRolledOut({ before }: WorkloadParts, role: Role, raw: KubernetesObject): readonly string[] {
  const deployment = readDeployment(raw);
  const { rollout } = deployment;
  if (isRolledOut(rollout)) return [];
  const lenient = before.autoscaled[role] && rollout.available > 0;
  if (lenient && isRolledOut({ ...rollout, desired: 1, available: rollout.updated })) return [];
  return [`${placeWord(raw)}: ${progressOf(deployment)}`];
}

/** An autoscaler's replicas are its own affair. */
function notReplicasBefore({ before }: WorkloadParts, role: Role, raw: KubernetesObject): readonly string[] {
  const { replicas } = before[role] ?? {};
  if (replicas === undefined || (before.autoscaled[role] && replicas > 0)) return [];
  return notReplicas(raw, replicas);
}

/** The canary's pod template is the old one again, or where only an image was changed, the image is. */
async function notTemplate(parts: WorkloadParts, canary: KubernetesObject): Promise<readonly string[]> {
  const { client, target, before } = parts;
  const { replicaSet, images = {} } = before.canary ?? {};
  if (replicaSet === undefined) return notImage(canary, imageOf(canary, target), imageBefore(canary, images, target));
  const message = `${placeWord(canary)} has not got its old pod template back`;
  const old = await client.get(resources.replicaSets, target.namespace, replicaSet);
  if (!old) return [`${message}: ReplicaSet ${replicaSet}, which had it, is gone`];
  if (isDeepStrictEqual(field(canary, "spec", "template"), templateOfReplicaSet(old))) return [];
  return [message];
}

async function leftManifests({ client, target, before }: WorkloadParts): Promise<readonly string[]> {
  const { namespace, source } = target;
  if (source.from !== "manifests") return [];
  const made = source.objects
    .map(identify)
    .filter((manifest) => !before.existed.includes(objectWord(manifest)) && manifest.resource.kind !== "Deployment");
  const live = await Promise.all(made.map(({ resource, name }) => client.get(resource, namespace, name)));
  return live.map(living).flatMap(leftBehind);
}
