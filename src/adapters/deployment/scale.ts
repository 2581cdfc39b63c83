import { scales } from "../../kubernetes/autoscaler.ts";
import { replicasOf } from "../../kubernetes/deployment.ts";
import { resources } from "../../kubernetes/object.ts";
import { replicasFor } from "../../release/replicas.ts";
import type { Split } from "../../release/split.ts";
import { editDeployment, replicasPatch } from "./edit.ts";
import { identify, isDeployment } from "./manifest.ts";
import { missing, type WorkloadParts } from "./parts.ts";

/** Before any traffic: what the canary has, or what is asked for, or one. */
export const firstReplicas = (parts: WorkloadParts, live?: unknown): number =>
  wanted(parts, live, 0, parts.before.stable?.replicas ?? 0);

/** Capacity comes before traffic: the pods that a share needs, never fewer than there are. */
export async function scale(parts: WorkloadParts, { canary: weight }: Split): Promise<void> {
  const { client, target } = parts;
  const { namespace, stable, canary } = target;
  if (target.replicas.kind === "keep" && originalReplicas(parts) > 0) return;
  const ofStable =
    target.replicas.kind !== "count" && !isAutoscaled(parts)
      ? await client.get(resources.deployments, namespace, stable.deployment)
      : undefined;
  // Stable's autoscaler takes pods away while traffic leaves it: what it began with is what all the traffic needs.
  const capacity = Math.max(parts.before.stable?.replicas ?? 0, ofStable ? replicasOf(ofStable) : 0);
  const found = await editDeployment(client, namespace, canary.deployment, (raw) =>
    replicasPatch(raw, wanted(parts, raw, weight, capacity)),
  );
  if (!found) throw missing(namespace, canary.deployment);
}

function wanted(parts: WorkloadParts, live: unknown, weight: number, stable: number): number {
  const current = live === undefined ? 0 : replicasOf(live);
  return replicasFor({
    wanted: parts.target.replicas,
    weight,
    stable,
    current,
    original: originalReplicas(parts),
    autoscaled: isAutoscaled(parts),
  });
}

/** What there is to keep: the Deployment's own number, or its manifest's. A copy has none. */
function originalReplicas({ before, target: { source, canary } }: WorkloadParts): number {
  if (source.from !== "manifests") return before.canary?.replicas ?? 0;
  const manifest = source.objects.map(identify).find((each) => isDeployment(canary.deployment, each));
  return manifest ? replicasOf(manifest.object) : 0;
}

/** A copy has no autoscaler of its own, unless one waits for its name; manifests may bring one along. */
export const isAutoscaled = ({ before, target: { source, canary } }: WorkloadParts): boolean =>
  before.autoscaled.canary ||
  (source.from === "manifests" &&
    source.objects.some((object) => object.kind === "HorizontalPodAutoscaler" && scales(object, canary.deployment)));
