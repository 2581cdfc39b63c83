import { isRolledOut, readDeployment } from "../../kubernetes/deployment.ts";
import { isTerminating, type KubernetesObject, resources } from "../../kubernetes/object.ts";
import type { Instant } from "../../lib/duration.ts";
import type { Plan } from "../../release/plan.ts";
import type { Role, Target } from "../../release/target.ts";
import { winnerOf } from "../../release/transition.ts";
import type { WayBack } from "../../release/undoing.ts";
import type { KubernetesClient } from "../kubernetes/kubernetes-client.ts";
import { imageBefore, imageOf } from "./released-image.ts";
import type { WorkloadsBefore } from "./workloads-before.ts";

/** What stable was before a release that has succeeded; undefined where there was none. */
export async function wayBack(
  client: KubernetesClient,
  target: Target,
  plan: Plan,
  before: WorkloadsBefore,
  now: Instant,
): Promise<WayBack | undefined> {
  const read = (role: Role): Promise<KubernetesObject | undefined> =>
    client.get(resources.deployments, target.namespace, target[role].deployment);
  const [stable, canary] = await Promise.all([read("stable"), read("canary")]);
  if (!before.stable) return undefined;
  const serving = { stable, canary }[winnerOf(plan)];
  const image = stable && imageBefore(stable, before.stable.images, target);
  const pods = Math.max(before.stable.replicas, serving ? readDeployment(serving).rollout.desired : 0);
  const runs =
    stable !== undefined && !isTerminating(stable) && image !== undefined && imageOf(stable, target) === image;
  return {
    image,
    pods,
    hasCanary: canary !== undefined,
    stands: runs && standsSince(stable, pods) <= now - plan.meshDelay,
  };
}

/** Since when a Deployment has had so many pods that serve; never is Infinity. */
function standsSince(deployment: KubernetesObject, pods: number): Instant {
  const { rollout } = readDeployment(deployment);
  if (!isRolledOut(rollout) || rollout.available < pods) return Infinity;
  const available = rollout.conditions.find(({ type }) => type === "Available");
  if (available?.status === "True") return Date.parse(available.since);
  return Infinity;
}
