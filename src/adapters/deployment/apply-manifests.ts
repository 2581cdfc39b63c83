import { templateWithImage } from "../../kubernetes/clone.ts";
import { objectAt } from "../../kubernetes/field.ts";
import { releaseAnnotation } from "../../kubernetes/mark.ts";
import { DeniedError } from "../../lib/errors.ts";
import { fieldManager } from "../kubernetes/api-server.ts";
import { type KubernetesClient, KubernetesError } from "../kubernetes/kubernetes-client.ts";
import { firstReplicas, isAutoscaled } from "./scale.ts";
import { identify, isDeployment, nameOf, type UserObject } from "./user-object.ts";
import { unlessObstacle, type WorkloadParts } from "./workload-parts.ts";

/**
 * Applies the user's objects in their order, server-side. Those that did not exist get the release's mark, and go when
 * it is given back. Those that did are applied as the user wishes and stay as applied, but for the canary's Deployment,
 * which gets its old template again.
 */
export async function applyManifests(
  parts: WorkloadParts,
  objects: readonly Readonly<Record<string, unknown>>[],
): Promise<void> {
  const { client, target, before } = parts;
  for (const manifest of objects.map(identify)) {
    let object = manifest.object;
    if (isDeployment(target.canary.deployment, manifest)) object = canaryManifest(parts, manifest);
    if (!before.existed.includes(nameOf(manifest))) object = marked(object, before.release);
    await apply(client, target.namespace, { ...manifest, object });
  }
}

const withMetadata = (object: UserObject["object"], metadata: object): UserObject["object"] => ({
  ...object,
  metadata: { ...objectAt(object, "metadata"), ...metadata },
});

const marked = (object: UserObject["object"], release: string): UserObject["object"] =>
  withMetadata(object, {
    annotations: { ...objectAt(object, "metadata", "annotations"), [releaseAnnotation]: release },
  });

/** The canary's Deployment with the release's image, and with as many pods as come before traffic. */
function canaryManifest(parts: WorkloadParts, { object, name }: UserObject): UserObject["object"] {
  const { target, before } = parts;
  const { replicas: _, ...spec } = objectAt(object, "spec");
  const metadata = { name, namespace: target.namespace };
  const { template } = unlessObstacle(
    templateWithImage({ apiVersion: "apps/v1", kind: "Deployment", metadata, spec }, target),
  );
  if (isAutoscaled(parts)) return { ...object, spec: { ...spec, template } };
  const first = firstReplicas(parts, target.replicas.kind === "keep" ? object : undefined);
  const replicas = Math.max(before.canary?.replicas ?? 0, first);
  return { ...object, spec: { ...spec, replicas, template } };
}

/**
 * Never takes a field from somebody else; only from ourselves, who patch some of the same fields in the course of a
 * release.
 */
async function apply(client: KubernetesClient, namespace: string, manifest: UserObject): Promise<void> {
  const { resource, name, object } = manifest;
  const body = withMetadata(object, { namespace });
  const attempt = (force: boolean): Promise<unknown> =>
    client.patch(resource, namespace, name, { type: "apply", body, force });
  try {
    await attempt(false);
  } catch (error) {
    if (!(error instanceof KubernetesError)) throw error;
    const owners = ownersIn(error);
    if (owners.length !== 1 || owners[0] !== fieldManager) throw refusal(namespace, manifest, owners, error);
    await attempt(true);
  }
}

/**
 * Who has fields that the manifest would change, as the API server names them; nobody when it refuses for another
 * reason.
 */
function ownersIn({ status, message }: KubernetesError): readonly string[] {
  if (status !== 409) return [];
  return [...new Set([...message.matchAll(/conflicts? with "([^"]+)"/g)].map(([, owner]) => owner ?? ""))];
}

function refusal(
  namespace: string,
  { resource, name }: UserObject,
  owners: readonly string[],
  error: KubernetesError,
): DeniedError {
  const manifest = `the manifest of ${resource.kind} ${namespace}/${name}`;
  if (owners.length === 0) return new DeniedError(`${manifest} was refused: ${error.message}`, { cause: error });
  return new DeniedError(`${manifest} would change what ${owners.join(", ")} owns: ${error.message}`, {
    next: "Take those fields out of the manifest, or let only one of the two write the object.",
    cause: error,
  });
}
