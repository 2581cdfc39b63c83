import { replicasOf } from "../../kubernetes/deployment.ts";
import { resources } from "../../kubernetes/object.ts";
import { replicasFor } from "../../release/replicas.ts";
import type { Split } from "../../release/split.ts";
import { bringsAutoscaler, canaryManifestOf } from "../kubernetes/canary-manifest.ts";
import { editDeployment, replicasPatch } from "./edit-deployment.ts";
import { missing, type WorkloadParts } from "./workload-parts.ts";

/** Before any traffic: what the canary has, or what is asked for, or one. */
export const firstReplicas = (parts: WorkloadParts, live?: unknown): number =>
  replicasAt(parts, live, 0, parts.before.stable?.replicas ?? 0);

/** Capacity comes before traffic: the pods that a share needs, never fewer than there are. */
export async function scale(parts: WorkloadParts, { canary: weight }: Split): Promise<void> {
  const { target } = parts;
  const { namespace, canary } = target;
  if (target.replicas.kind === "keep" && originalReplicas(parts) > 0) return;
  const capacity = await stableCapacity(parts);
  const exists = await editDeployment(parts, canary.deployment, (deployment) =>
    replicasPatch(deployment, replicasAt(parts, deployment, weight, capacity)),
  );
  if (!exists) throw missing(namespace, canary.deployment);
}

/** Stable's autoscaler takes pods away while traffic leaves it: what it began with is what all the traffic needs. */
async function stableCapacity(parts: WorkloadParts): Promise<number> {
  const { client, target, before } = parts;
  const atFirst = before.stable?.replicas ?? 0;
  if (target.replicas.kind === "count" || isAutoscaled(parts)) return atFirst;
  const stable = await client.get(resources.deployments, target.namespace, target.stable.deployment);
  return Math.max(atFirst, stable ? replicasOf(stable) : 0);
}

function replicasAt(parts: WorkloadParts, live: unknown, weight: number, stable: number): number {
  return replicasFor({
    wanted: parts.target.replicas,
    weight,
    stable,
    current: live === undefined ? 0 : replicasOf(live),
    original: originalReplicas(parts),
    autoscaled: isAutoscaled(parts),
  });
}

/** What there is to keep: the Deployment's own number, or its manifest's. A copy has none. */
function originalReplicas({ before, target }: WorkloadParts): number {
  if (target.source.from !== "manifests") return before.canary?.replicas ?? 0;
  const manifest = canaryManifestOf(target);
  return manifest ? replicasOf(manifest.object) : 0;
}

/** A copy has no autoscaler of its own, unless one waits for its name; manifests may bring one along. */
const isAutoscaled = ({ before, target }: WorkloadParts): boolean =>
  before.autoscaled.canary || bringsAutoscaler(target);
