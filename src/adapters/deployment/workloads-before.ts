import * as z from "zod/mini";
import { isAutoscaled } from "../../kubernetes/autoscaler.ts";
import { placesIn, readDeployment, replicasOf } from "../../kubernetes/deployment.ts";
import { type KubernetesObject, resources } from "../../kubernetes/object.ts";
import { identify, objectWord } from "../../kubernetes/user-object.ts";
import { uuid } from "../../lib/uuid.ts";
import type { Target } from "../../release/target.ts";
import type { KubernetesClient } from "../kubernetes/kubernetes-client.ts";
import { newestReplicaSet, podsOf } from "./deployment-pods.ts";

const deployment = z.object({
  uid: z.string(),
  replicas: z.number(),
  /** By container. */
  images: z.record(z.string(), z.string()),
});

const canaryDeployment = z.extend(deployment, {
  /**
   * The ReplicaSet with its pod template: Kubernetes keeps it, so that the journal need not (templates may hold
   * secrets).
   */
  replicaSet: z.optional(z.string()),
  /** Restarts by pod, which are not the release's fault. */
  restarts: z.record(z.string(), z.number()),
});

/**
 * How the Deployments were before the release. Plain JSON that lives in the journal, so that any job can put them back.
 */
export const workloadsBefore = z.object({
  /** Marks what this release makes, and nothing else. */
  release: z.string(),
  stable: z.optional(deployment),
  canary: z.optional(canaryDeployment),
  /** A HorizontalPodAutoscaler sets the replicas: they are not ours to put back. */
  autoscaled: z.object({ stable: z.boolean(), canary: z.boolean() }),
  /** The manifests' objects that existed already, as `Kind name`. */
  existed: z.array(z.string()),
});

export type WorkloadsBefore = z.infer<typeof workloadsBefore>;
export type DeploymentBefore = z.infer<typeof deployment>;
export type CanaryBefore = z.infer<typeof canaryDeployment>;

/** Looks at both Deployments before anything is changed. */
export async function captureWorkloads(
  client: KubernetesClient,
  target: Target,
  random: () => number,
): Promise<WorkloadsBefore> {
  const { namespace, stable, canary } = target;
  const [rawStable, rawCanary, autoscalers, existed] = await Promise.all([
    client.get(resources.deployments, namespace, stable.deployment),
    client.get(resources.deployments, namespace, canary.deployment),
    client.list(resources.horizontalPodAutoscalers, namespace),
    existing(client, target),
  ]);
  return {
    release: uuid(random),
    stable: rawStable && remember(rawStable),
    canary: rawCanary && (await rememberCanary(client, target, rawCanary)),
    autoscaled: {
      stable: isAutoscaled(autoscalers, stable.deployment),
      canary: isAutoscaled(autoscalers, canary.deployment),
    },
    existed,
  };
}

const remember = (raw: KubernetesObject): DeploymentBefore => ({
  uid: raw.metadata.uid ?? "",
  replicas: replicasOf(raw),
  images: Object.fromEntries(placesIn(readDeployment(raw)).map(({ name, image }) => [name, image])),
});

/** Of stable's images the one that the release replaces: of the same repository, or the only one there is. */
export function imageBefore({ stable }: WorkloadsBefore, { image = "" }: Pick<Target, "image">): string | undefined {
  const images = [...new Set(Object.values(stable?.images ?? {}))];
  const [only, ...others] = images;
  return (
    images.find((other) => repositoryOf(other) === repositoryOf(image)) ?? (others.length === 0 ? only : undefined)
  );
}

const repositoryOf = (image: string): string => image.replace(/(:[^/:@]+)?(@.*)?$/, "");

async function rememberCanary(client: KubernetesClient, target: Target, raw: KubernetesObject): Promise<CanaryBefore> {
  const canary = readDeployment(raw);
  const [pods, replicaSet] = await Promise.all([
    podsOf(client, canary),
    target.source.from === "existing" ? undefined : newestReplicaSet(client, canary), // there, only an image is changed
  ]);
  const restarts = Object.fromEntries(
    pods.map(({ name, statuses }) => [name, statuses.reduce((sum, status) => sum + status.restarts, 0)]),
  );
  return { ...remember(raw), replicaSet: replicaSet?.metadata.name, restarts };
}

async function existing(client: KubernetesClient, { namespace, source }: Target): Promise<string[]> {
  if (source.from !== "manifests") return [];
  const objects = source.objects.map(identify);
  const live = await Promise.all(objects.map(({ resource, name }) => client.get(resource, namespace, name)));
  return objects.filter((_, index) => live[index] !== undefined).map(objectWord);
}
