import { chooseContainer, readDeployment } from "../../kubernetes/deployment.ts";
import type { KubernetesObject } from "../../kubernetes/object.ts";
import type { Target } from "../../release/target.ts";
import { identify, isDeployment } from "./manifest.ts";

/** The image of the container that a release is about; undefined where it is not clear which one that is. */
export function imageOf(raw: KubernetesObject | undefined, { container }: Target): string | undefined {
  const chosen = raw && chooseContainer(readDeployment(raw), container);
  return chosen && "image" in chosen ? chosen.image : undefined;
}

/** The image that is released: the given one, or what the canary's manifest or Deployment has. */
export function releasedImage(target: Target, canary: KubernetesObject | undefined): string | undefined {
  const { image, source, namespace } = target;
  if (image !== undefined) return image;
  const manifest =
    source.from === "manifests"
      ? source.objects.map(identify).find((each) => isDeployment(target.canary.deployment, each))
      : undefined;
  return manifest
    ? imageOf(
        { ...manifest.object, apiVersion: "apps/v1", kind: "Deployment", metadata: { name: manifest.name, namespace } },
        target,
      )
    : imageOf(canary, target);
}

/** What the container that a release is about had before. */
export function imageBefore(
  raw: KubernetesObject,
  images: Readonly<Record<string, string>>,
  { container }: Target,
): string | undefined {
  const chosen = chooseContainer(readDeployment(raw), container);
  return "name" in chosen ? images[chosen.name] : undefined;
}
