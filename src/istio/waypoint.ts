import type { KubernetesObject } from "../kubernetes/object.ts";
import type { NamespacedName } from "./host.ts";

const named = "istio.io/use-waypoint";
const placed = "istio.io/use-waypoint-namespace";

/**
 * The waypoint that a Service is to use in an ambient mesh: by its own labels, or else its namespace's; by default in the
 * same namespace. https://istio.io/latest/docs/ambient/usage/waypoint/
 */
export function waypointOf(
  service: KubernetesObject | undefined,
  namespace: KubernetesObject | undefined,
  own: string,
): NamespacedName | undefined {
  const labelled = [service, namespace].find((object) => object?.metadata.labels?.[named] !== undefined);
  const { [named]: name = "none", [placed]: place = own } = labelled?.metadata.labels ?? {};
  return name === "none" ? undefined : { namespace: place, name };
}
