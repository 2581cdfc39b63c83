import { chooseContainer, readDeployment } from "../../kubernetes/deployment.ts";
import type { KubernetesObject } from "../../kubernetes/object.ts";
import type { Target } from "../../release/target.ts";
import { canaryManifestOf } from "../kubernetes/canary-manifest.ts";
import type { WorkloadParts } from "./workload-parts.ts";

/** The image of the container that a release is about; undefined where it is not clear which one that is. */
export function imageOf(deployment: KubernetesObject | undefined, { container }: Target): string | undefined {
  const choice = deployment && chooseContainer(readDeployment(deployment), container);
  return choice && "image" in choice ? choice.image : undefined;
}

/** The image that is released: the given one, or what the canary's manifest or Deployment has. */
export function releasedImage(target: Target, canary: KubernetesObject | undefined): string | undefined {
  if (target.image !== undefined) return target.image;
  const manifest = canaryManifestOf(target);
  if (!manifest) return imageOf(canary, target);
  const metadata = { name: manifest.name, namespace: target.namespace };
  return imageOf({ ...manifest.object, apiVersion: "apps/v1", kind: "Deployment", metadata }, target);
}

/** What the canary's container has once it is deployed. */
export function deployedImage({ target, before }: WorkloadParts, canary: KubernetesObject): string | undefined {
  if (target.image !== undefined || target.source.from === "manifests") return releasedImage(target, canary);
  return before.canary ? imageBefore(canary, before.canary.images, target) : imageOf(canary, target);
}

/** What the container that a release is about had before. */
export function imageBefore(
  deployment: KubernetesObject,
  images: Readonly<Record<string, string>>,
  { container }: Target,
): string | undefined {
  const choice = chooseContainer(readDeployment(deployment), container);
  return "name" in choice ? images[choice.name] : undefined;
}
