import { scales } from "../../kubernetes/autoscaler.ts";
import { templateFor, templateWithImage } from "../../kubernetes/clone.ts";
import { replicasOf } from "../../kubernetes/deployment.ts";
import { objectAt } from "../../kubernetes/field.ts";
import { releaseAnnotation } from "../../kubernetes/mark.ts";
import type { KubernetesObject } from "../../kubernetes/object.ts";
import type { Obstacle } from "../../kubernetes/obstacle.ts";
import type { Labels } from "../../kubernetes/selector.ts";
import { identify, isDeployment, type UserObject } from "../../kubernetes/user-object.ts";
import { replicasFor } from "../../release/replicas.ts";
import type { Target } from "../../release/target.ts";

type ManifestFields = UserObject["object"];

/**
 * The user's manifest of the canary's Deployment, where a release comes with manifests. After a swap the roles are
 * exchanged: then the pod template for the canary stands in the manifest of what is stable by now.
 */
export function canaryManifestOf({ source, canary, stable }: Target): UserObject | undefined {
  if (source.from !== "manifests") return undefined;
  const objects = source.objects.map(identify);
  return [canary, stable]
    .map(({ deployment }) => objects.find((manifest) => isDeployment(deployment, manifest)))
    .find((manifest) => manifest !== undefined);
}

/** The manifest is that of the other Deployment, which is not touched. */
export const isOfOther = ({ canary }: Target, { name }: UserObject): boolean => name !== canary.deployment;

/** What a release has to know of both Deployments, as they were before it. */
export type PodsBefore = {
  readonly stable: number;
  /** Undefined when there was no canary. */
  readonly canary: number | undefined;
  /** A HorizontalPodAutoscaler scales the canary. */
  readonly autoscaled: boolean;
};

/** The canary's Deployment with the release's image, and with as many pods as come before traffic. */
export function canaryManifest(target: Target, manifest: UserObject, before: PodsBefore): ManifestFields | Obstacle {
  const { replicas: _, ...spec } = objectAt(manifest.object, "spec");
  const made = templateWithImage(asDeployment(target, manifest), target);
  if ("problem" in made) return made;
  if (before.autoscaled || bringsAutoscaler(target))
    return { ...manifest.object, spec: { ...spec, template: made.template } };
  const replicas = replicasBeforeTraffic(target, manifest, before);
  return { ...manifest.object, spec: { ...spec, replicas, template: made.template } };
}

/** What the Deployment gets that is no manifest's: the other one's pod template, with its own pods' labels. */
export const otherTemplate = (
  target: Target,
  manifest: UserObject,
  podLabels: Labels,
): { readonly template: unknown } | Obstacle => templateFor(asDeployment(target, manifest), podLabels, target);

export function replicasBeforeTraffic(target: Target, { object }: UserObject, before: PodsBefore): number {
  const original = replicasOf(object);
  const first = replicasFor({
    wanted: target.replicas,
    weight: 0,
    stable: before.stable,
    current: target.replicas.kind === "keep" ? original : 0,
    original,
    autoscaled: before.autoscaled || bringsAutoscaler(target),
  });
  return Math.max(before.canary ?? 0, first);
}

/** Manifests may bring an autoscaler along. */
export const bringsAutoscaler = ({ source, canary }: Target): boolean =>
  source.from === "manifests" &&
  source.objects.some((object) => object.kind === "HorizontalPodAutoscaler" && scales(object, canary.deployment));

export const asDeployment = ({ namespace }: Target, { object, name }: UserObject): KubernetesObject => ({
  ...object,
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { ...objectAt(object, "metadata"), name, namespace },
});

const withMetadata = (object: ManifestFields, metadata: object): ManifestFields => ({
  ...object,
  metadata: { ...objectAt(object, "metadata"), ...metadata },
});

export const inNamespace = (object: ManifestFields, namespace: string): ManifestFields =>
  withMetadata(object, { namespace });

/** What did not exist gets the release's mark, and goes when the release is given back. */
export const marked = (object: ManifestFields, release: string): ManifestFields =>
  withMetadata(object, {
    annotations: { ...objectAt(object, "metadata", "annotations"), [releaseAnnotation]: release },
  });
