import { canaryLabels, type LabelAnswer } from "../../istio/canary-labels.ts";
import { resources } from "../../kubernetes/object.ts";
import type { Labels } from "../../kubernetes/selector.ts";
import type { Target } from "../../release/target.ts";
import type { KubernetesClient } from "../kubernetes/client.ts";
import { istioResources } from "../kubernetes/istio-version.ts";

/** The labels that tell the pods of a copy from stable's: the given ones, or what the mesh and the Services say. */
export async function copyLabels(client: KubernetesClient, target: Target, given: Labels): Promise<LabelAnswer> {
  if (Object.keys(given).length > 0) return { labels: given };
  const istio = await istioResources(client);
  const [destinationRules, services] = await Promise.all([
    istio ? client.list(istio.destinationRules, target.namespace) : [],
    client.list(resources.services, target.namespace),
  ]);
  return canaryLabels({ ...target, given, destinationRules, services });
}
