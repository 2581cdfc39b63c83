import { readDeployment } from "../../kubernetes/deployment.ts";
import { type KubernetesObject, resources } from "../../kubernetes/object.ts";
import type { Plan } from "../../release/plan.ts";
import type { Role, Target } from "../../release/target.ts";
import { winnerOf } from "../../release/transition.ts";
import type { WayBack } from "../../release/undoing.ts";
import type { KubernetesClient } from "../kubernetes/kubernetes-client.ts";
import { imageBefore } from "./released-image.ts";
import type { WorkloadsBefore } from "./workloads-before.ts";

/** What stable was before a release that has succeeded; undefined where there was none. */
export async function wayBack(
  client: KubernetesClient,
  target: Target,
  plan: Plan,
  before: WorkloadsBefore,
): Promise<WayBack | undefined> {
  const read = (role: Role): Promise<KubernetesObject | undefined> =>
    client.get(resources.deployments, target.namespace, target[role].deployment);
  const [stable, canary] = await Promise.all([read("stable"), read("canary")]);
  if (!before.stable) return undefined;
  const serving = { stable, canary }[winnerOf(plan)];
  return {
    image: stable && imageBefore(stable, before.stable.images, target),
    pods: Math.max(before.stable.replicas, serving ? readDeployment(serving).rollout.desired : 0),
    hasCanary: canary !== undefined,
  };
}
