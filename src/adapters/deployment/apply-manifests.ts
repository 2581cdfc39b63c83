import { templateWithImage } from "../../kubernetes/clone.ts";
import { objectAt } from "../../kubernetes/field.ts";
import { releaseAnnotation } from "../../kubernetes/mark.ts";
import { DeniedError } from "../../lib/errors.ts";
import { fieldManager, type KubernetesClient, KubernetesError } from "../kubernetes/client.ts";
import { identify, isDeployment, type Manifest, nameOf } from "./manifest.ts";
import { unlessProblem, type WorkloadParts } from "./parts.ts";
import { firstReplicas, isAutoscaled } from "./scale.ts";

/**
 * Applies the user's objects in their order, server-side. Those that did not exist get the release's mark, and go when it is given back.
 * Those that did are applied as the user wishes and stay as applied, but for the canary's Deployment, which gets its old template again.
 */
export async function applyManifests(
  parts: WorkloadParts,
  objects: readonly Readonly<Record<string, unknown>>[],
): Promise<void> {
  for (const manifest of objects.map(identify)) {
    const wanted = isDeployment(parts.target.canary.deployment, manifest) ? canaryManifest(parts, manifest) : manifest;
    await apply(
      parts.client,
      parts.target.namespace,
      parts.before.existed.includes(nameOf(manifest)) ? wanted : marked(wanted, parts.before.release),
    );
  }
}

const marked = (manifest: Manifest, release: string): Manifest => {
  const metadata = objectAt(manifest.object, "metadata");
  return {
    ...manifest,
    object: {
      ...manifest.object,
      metadata: { ...metadata, annotations: { ...objectAt(metadata, "annotations"), [releaseAnnotation]: release } },
    },
  };
};

/** The canary's Deployment with the release's image, and with as many pods as come before traffic. */
function canaryManifest(parts: WorkloadParts, { object, ...manifest }: Manifest): Manifest {
  const { namespace, replicas } = parts.target;
  const { replicas: _, ...spec } = objectAt(object, "spec");
  const pods = Math.max(
    parts.before.canary?.replicas ?? 0,
    firstReplicas(parts, replicas.kind === "keep" ? object : undefined),
  );
  const { template } = unlessProblem(
    templateWithImage(
      { apiVersion: "apps/v1", kind: "Deployment", metadata: { name: manifest.name, namespace }, spec },
      parts.target,
    ),
  );
  return {
    ...manifest,
    object: { ...object, spec: { ...spec, ...(isAutoscaled(parts) ? {} : { replicas: pods }), template } },
  };
}

/** Never takes a field from somebody else; only from ourselves, who patch some of the same fields in the course of a release. */
async function apply(client: KubernetesClient, namespace: string, { resource, name, object }: Manifest): Promise<void> {
  const body = { ...object, metadata: { ...objectAt(object, "metadata"), namespace } };
  const attempt = (force: boolean): Promise<unknown> =>
    client.patch(resource, namespace, name, { type: "apply", body, force });
  try {
    await attempt(false);
  } catch (error) {
    if (!(error instanceof KubernetesError)) throw error;
    const owners = new Set([...error.message.matchAll(/conflicts? with "([^"]+)"/g)].map(([, owner]) => owner));
    if (error.status !== 409 || owners.size === 0)
      throw new DeniedError(`the manifest of ${resource.kind} ${namespace}/${name} was refused: ${error.message}`, {
        cause: error,
      });
    if (owners.size === 1 && owners.has(fieldManager)) return void (await attempt(true));
    throw new DeniedError(
      `the manifest of ${resource.kind} ${namespace}/${name} would change what ${[...owners].join(", ")} owns: ${error.message}`,
      {
        next: "Take those fields out of the manifest, or let only one of the two write the object.",
        cause: error,
      },
    );
  }
}
