import { canaryLabels, type LabelAnswer } from "../../istio/canary-labels.ts";
import { readDeployment } from "../../kubernetes/deployment.ts";
import { resources } from "../../kubernetes/object.ts";
import type { Labels } from "../../kubernetes/selector.ts";
import type { Role, Target } from "../../release/target.ts";
import { istioResources } from "./istio-version.ts";
import type { KubernetesClient } from "./kubernetes-client.ts";

type VersionsOfTarget = Pick<Target, "namespace" | "stable" | "canary">;

/**
 * The pod labels by which a subset can select one version and not the other; undefined when nothing tells them apart.
 * A copy that is still to be made will have `configured`, or what the mesh says.
 */
export async function versionLabels(
  client: KubernetesClient,
  pair: VersionsOfTarget,
  configured: Labels,
  of: Role,
): Promise<Labels | undefined> {
  const [stable, canary] = await Promise.all([pair.stable, pair.canary].map(podLabels(client, pair.namespace)));
  if (stable && canary) return of === "stable" ? different(stable, canary) : different(canary, stable);
  if (of === "stable") return undefined;
  const answer = await copyLabels(client, pair, configured);
  return "labels" in answer ? answer.labels : undefined;
}

const podLabels =
  (client: KubernetesClient, namespace: string) =>
  async ({ deployment }: VersionsOfTarget["stable"]): Promise<Labels | undefined> => {
    const object = await client.get(resources.deployments, namespace, deployment);
    return object && readDeployment(object).podLabels;
  };

function different(own: Labels, other: Labels): Labels | undefined {
  const labels = Object.entries(own).filter(([key, value]) => other[key] !== value);
  return labels.length > 0 ? Object.fromEntries(labels) : undefined;
}

/**
 * The labels that tell the pods of a copy from stable's: the configured ones, or what the mesh and the Services say.
 */
export async function copyLabels(
  client: KubernetesClient,
  { namespace, stable, canary }: VersionsOfTarget,
  configured: Labels,
): Promise<LabelAnswer> {
  if (Object.keys(configured).length > 0) return { labels: configured };
  const istio = await istioResources(client);
  const [destinationRules, services] = await Promise.all([
    istio ? client.list(istio.destinationRules, namespace) : [],
    client.list(resources.services, namespace),
  ]);
  return canaryLabels({ namespace, stable, canary, given: configured, destinationRules, services });
}
