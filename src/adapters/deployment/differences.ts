import { isDeepStrictEqual } from "node:util";
import { isRolledOut, readDeployment } from "../../kubernetes/deployment.ts";
import { field } from "../../kubernetes/field.ts";
import { type KubernetesObject, resources } from "../../kubernetes/object.ts";
import { progressOf } from "./health.ts";
import { identify, nameOf } from "./manifest.ts";
import type { WorkloadParts } from "./parts.ts";
import { templateOfReplicaSet } from "./pods.ts";
import { imageBefore, imageOf, releasedImage } from "./released-image.ts";

/** Both Deployments as they are when the release has ended. */
type End = { readonly stable: KubernetesObject | undefined; readonly canary: KubernetesObject | undefined };

/** What is not as it should be after a release that `winner` won, in words. */
export async function differences(parts: WorkloadParts, winner: "stable" | "canary"): Promise<readonly string[]> {
  const { client, target } = parts;
  const read = async (name: string): Promise<KubernetesObject | undefined> =>
    living(await client.get(resources.deployments, target.namespace, name));
  const [stable, canary] = await Promise.all([read(target.stable.deployment), read(target.canary.deployment)]);
  return winner === "canary" ? afterSwap(parts, { stable, canary }) : afterReturn(parts, { stable, canary });
}

/** An object on its way out is as good as gone. */
const living = (raw: KubernetesObject | undefined): KubernetesObject | undefined =>
  field(raw, "metadata", "deletionTimestamp") === undefined ? raw : undefined;

function afterSwap(parts: WorkloadParts, { stable, canary }: End): readonly string[] {
  const { target, before, keepOld } = parts;
  const winner = canary
    ? [
        ...notImage(canary, imageOf(canary, target), releasedImage(target, canary)),
        ...notRolledOut(parts, "canary", canary),
      ]
    : gone(parts, "canary");
  if (!before.stable) return winner;
  if (!stable) return [...winner, ...gone(parts, "stable")];
  return [...winner, ...(keepOld ? notAsBefore(parts, "stable", stable) : notReplicas(stable, 0))];
}

/** Stable won in one of two ways: it runs the released image now (promotion `update`), or what it ran before (rollback). */
async function afterReturn(parts: WorkloadParts, { stable, canary }: End): Promise<readonly string[]> {
  const { target, before } = parts;
  const image = imageOf(stable, target);
  const updated = image !== undefined && image === releasedImage(target, canary);
  const ofCanary = before.canary
    ? canary
      ? [...notAsBefore(parts, "canary", canary), ...(updated ? [] : await notTemplate(parts, canary))]
      : gone(parts, "canary")
    : canary
      ? leftBehind(canary)
      : [];
  return [...ofStable(parts, stable, updated), ...ofCanary, ...(await leftManifests(parts))];
}

function ofStable(parts: WorkloadParts, stable: KubernetesObject | undefined, updated: boolean): readonly string[] {
  const { target, before } = parts;
  if (!before.stable) return [];
  if (!stable) return gone(parts, "stable");
  const image = updated
    ? notRolledOut(parts, "stable", stable)
    : notImage(stable, imageOf(stable, target), imageBefore(stable, before.stable.images, target));
  return [...image, ...notAsBefore(parts, "stable", stable)];
}

const whereOf = ({ kind, metadata }: KubernetesObject): string => `${kind} ${metadata.namespace}/${metadata.name}`;

const gone = ({ target }: WorkloadParts, role: "stable" | "canary"): readonly string[] => [
  `Deployment ${target.namespace}/${target[role].deployment} is gone`,
];

const leftBehind = (raw: KubernetesObject): readonly string[] => [
  `${whereOf(raw)} is still there; it did not exist before the release`,
];

const notImage = (raw: KubernetesObject, image: string | undefined, wanted: string | undefined): readonly string[] =>
  wanted === undefined || image === wanted
    ? []
    : [`${whereOf(raw)} has the image ${image ?? "of no clear container"}, not ${wanted}`];

function notReplicas(raw: KubernetesObject, wanted: number): readonly string[] {
  const { desired } = readDeployment(raw).rollout;
  return desired === wanted ? [] : [`${whereOf(raw)} is scaled to ${desired}, not ${wanted}`];
}

/** An autoscaler may just be adding pods, now that traffic is back: then one that is available is enough. */
function notRolledOut({ before }: WorkloadParts, role: "stable" | "canary", raw: KubernetesObject): readonly string[] {
  const deployment = readDeployment(raw);
  const { rollout } = deployment;
  const done = isRolledOut(
    before.autoscaled[role] && rollout.available > 0 ? { ...rollout, desired: 1, available: rollout.updated } : rollout,
  );
  return done ? [] : [`${whereOf(raw)}: ${progressOf(deployment)}`];
}

/** An autoscaler's replicas are its own affair. */
function notAsBefore({ before }: WorkloadParts, role: "stable" | "canary", raw: KubernetesObject): readonly string[] {
  const { replicas } = before[role] ?? {};
  return replicas === undefined || (before.autoscaled[role] && replicas > 0) ? [] : notReplicas(raw, replicas);
}

/** The canary's pod template is the old one again, or where only an image was changed, the image is. */
async function notTemplate(
  { client, target, before }: WorkloadParts,
  canary: KubernetesObject,
): Promise<readonly string[]> {
  const { replicaSet, images = {} } = before.canary ?? {};
  if (replicaSet === undefined) return notImage(canary, imageOf(canary, target), imageBefore(canary, images, target));
  const old = await client.get(resources.replicaSets, target.namespace, replicaSet);
  const back = old !== undefined && isDeepStrictEqual(field(canary, "spec", "template"), templateOfReplicaSet(old));
  return back
    ? []
    : [
        `${whereOf(canary)} has not got its old pod template back${old ? "" : `: ReplicaSet ${replicaSet}, which had it, is gone`}`,
      ];
}

async function leftManifests({
  client,
  target: { namespace, source },
  before,
}: WorkloadParts): Promise<readonly string[]> {
  if (source.from !== "manifests") return [];
  const made = source.objects
    .map(identify)
    .filter((manifest) => !before.existed.includes(nameOf(manifest)) && manifest.resource.kind !== "Deployment");
  const found = await Promise.all(made.map(({ resource, name }) => client.get(resource, namespace, name)));
  return found.map(living).flatMap((raw) => (raw ? leftBehind(raw) : []));
}
