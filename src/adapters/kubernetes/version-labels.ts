import { canaryLabels } from "../../istio/canary-labels.ts";
import { readDeployment } from "../../kubernetes/deployment.ts";
import { resources } from "../../kubernetes/object.ts";
import type { Labels } from "../../kubernetes/selector.ts";
import type { KubernetesClient } from "./client.ts";
import { istioResources } from "./istio-version.ts";

type Versions = {
  readonly namespace: string;
  readonly stable: { readonly deployment: string; readonly host: string; readonly subset?: string };
  readonly canary: { readonly deployment: string; readonly host: string; readonly subset?: string };
};

/** The pod labels by which a subset can select one version and not the other; undefined when nothing tells them apart. */
export async function versionLabels(
  client: KubernetesClient,
  target: Versions,
  given: Labels,
  of: "stable" | "canary",
): Promise<Labels | undefined> {
  const { namespace, stable, canary } = target;
  const [own, other] = await Promise.all(
    [target[of], of === "stable" ? canary : stable].map(({ deployment }) => podLabels(client, namespace, deployment)),
  );
  if (own && other) return different(own, other);
  return of === "canary" ? await futureLabels(client, target, given) : undefined;
}

const podLabels = async (client: KubernetesClient, namespace: string, name: string): Promise<Labels | undefined> => {
  const found = await client.get(resources.deployments, namespace, name);
  return found && readDeployment(found).podLabels;
};

function different(own: Labels, other: Labels): Labels | undefined {
  const labels = Object.entries(own).filter(([key, value]) => other[key] !== value);
  return labels.length > 0 ? Object.fromEntries(labels) : undefined;
}

/** Of a copy that is still to be made. */
async function futureLabels(
  client: KubernetesClient,
  { namespace, stable, canary }: Versions,
  given: Labels,
): Promise<Labels | undefined> {
  const istio = await istioResources(client);
  const [destinationRules, services] = await Promise.all([
    istio ? client.list(istio.destinationRules, namespace) : [],
    client.list(resources.services, namespace),
  ]);
  const answer = canaryLabels({ namespace, stable, canary, given, destinationRules, services });
  return "labels" in answer ? answer.labels : undefined;
}
