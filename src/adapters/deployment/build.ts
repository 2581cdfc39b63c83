import { isDeepStrictEqual } from "node:util";
import { placesIn, readDeployment } from "../../kubernetes/deployment.ts";
import { field } from "../../kubernetes/field.ts";
import { type KubernetesObject, placeWord, resources } from "../../kubernetes/object.ts";
import type { Pod } from "../../kubernetes/pod.ts";
import type { Build } from "../../release/build.ts";
import { writtenBy } from "../kubernetes/written-by.ts";
import { newestReplicaSet, templateOfReplicaSet } from "./deployment-pods.ts";
import { deployedImage, imageOf } from "./released-image.ts";
import type { WorkloadParts } from "./workload-parts.ts";

/** A Deployment, and the pods of its newest template. */
export type RunningDeployment = { readonly raw: KubernetesObject; readonly pods: readonly Pod[] };

export async function buildOf({ client, target }: WorkloadParts, { raw, pods }: RunningDeployment): Promise<Build> {
  const replicaSet = await newestReplicaSet(client, readDeployment(raw));
  const digests = Map.groupBy(digestsOf(raw, pods), ({ container }) => container);
  return {
    image: imageOf(raw, target),
    replicaSet: replicaSet?.metadata.name,
    digests: Object.fromEntries(
      [...digests].map(([container, found]) => [container, [...new Set(found.map(({ digest }) => digest))]]),
    ),
  };
}

type FoundDigest = { readonly pod: string; readonly container: string; readonly digest: string };

/** Of the Deployment's own containers: what is injected beside them is nobody's release. */
function digestsOf(raw: KubernetesObject, pods: readonly Pod[]): readonly FoundDigest[] {
  const own = new Set(readDeployment(raw).containers.map(({ name }) => name));
  return pods.flatMap(({ name: pod, statuses }) =>
    statuses.flatMap(({ name, digest }) =>
      digest !== undefined && own.has(name) ? [{ pod, container: name, digest }] : [],
    ),
  );
}

/** How the canary differs from what was deployed, or judged since, in words; undefined when it does not. */
export async function changeOf(
  parts: WorkloadParts,
  running: RunningDeployment,
  judged: Build | undefined,
): Promise<string | undefined> {
  const { raw } = running;
  const wanted = judged ? judged.image : deployedImage(parts, raw);
  const image = imageOf(raw, parts.target);
  if (image !== wanted)
    return `${placeWord(raw)} has the image ${image ?? "of no clear container"}, not ${wanted ?? "what it had"}${by(raw)}`;
  if (!judged) return undefined;
  if (!(await hasTemplate(parts, raw, judged)))
    return `${placeWord(raw)} has another pod template than before${by(raw)}`;
  return otherDigest(running, judged);
}

/**
 * How stable, which was given the judged image, differs from what was judged: the image, or what its name means now.
 */
export function changeOfUpdated(
  { target }: WorkloadParts,
  running: RunningDeployment,
  judged: Build,
): string | undefined {
  const image = imageOf(running.raw, target);
  if (image !== judged.image)
    return `${placeWord(running.raw)} has the image ${image ?? "of no clear container"}, not ${judged.image}${by(running.raw)}`;
  return otherDigest(running, judged);
}

/** Whether stable has every image that it had before the release. */
export function isUntouched({ before }: WorkloadParts, raw: KubernetesObject): boolean {
  const { images } = before.stable ?? {};
  if (!images) return false;
  const deployment = readDeployment(raw);
  const now = Object.fromEntries(placesIn(deployment).map(({ name, image }) => [name, image]));
  // An older journal knows no image of an init container.
  const isKnown = deployment.containers.every(({ name }) => Object.hasOwn(images, name));
  return isKnown && Object.entries(images).every(([name, image]) => now[name] === image);
}

const by = (raw: KubernetesObject): string => writtenBy(raw, "spec", "template");

/**
 * By what is in it, as both objects have it now: an API server that was upgraded may fill in new fields in both.
 * Labels and annotations of pods are left to others: `kubectl rollout restart` writes one.
 */
async function hasTemplate(
  { client, target, templates }: WorkloadParts,
  raw: KubernetesObject,
  { replicaSet: name }: Build,
): Promise<boolean> {
  if (name === undefined) return true;
  const now = field(raw, "spec", "template", "spec");
  if (isDeepStrictEqual(now, templates.get(name))) return true;
  const replicaSet = await client.get(resources.replicaSets, target.namespace, name);
  // The ReplicaSet of the present template always exists.
  const judged = replicaSet && field(templateOfReplicaSet(replicaSet), "spec");
  if (judged !== undefined) templates.set(name, judged);
  return isDeepStrictEqual(now, judged);
}

function otherDigest({ raw, pods }: RunningDeployment, { digests }: Build): string | undefined {
  const other = digestsOf(raw, pods).find(
    ({ container, digest }) => digests[container] && !digests[container].includes(digest),
  );
  if (!other) return undefined;
  const { pod, container, digest } = other;
  return `pod ${pod} runs ${container} from an image with the digest ${digest}, not ${digests[container]?.join(" or ")}`;
}
