import { listAt, textAt } from "../kubernetes/field.ts";
import type { KubernetesObject } from "../kubernetes/object.ts";
import type { Labels } from "../kubernetes/selector.ts";
import type { NamespacedName } from "./host.ts";

const mode = "istio.io/dataplane-mode";

/** Whether pods are in an ambient mesh: their own label goes before their namespace's. */
export const isAmbient = (podLabels: Labels | undefined, namespace: KubernetesObject | undefined): boolean =>
  (podLabels?.[mode] ?? namespace?.metadata.labels?.[mode]) === "ambient";

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
  return name === "none" || name === "" ? undefined : { namespace: place, name };
}

/** What a Gateway is as a waypoint. */
type Waypoint = {
  /** What it takes the requests of: `service`, `workload`, `all`, `none`. */
  readonly traffic: string;
  readonly isForServices: boolean;
  /** Its proxies have an address. */
  readonly isProgrammed: boolean;
};

export function readWaypoint(gateway: KubernetesObject): Waypoint {
  const traffic = gateway.metadata.labels?.["istio.io/waypoint-for"] ?? "service";
  const programmed = conditionOf(gateway, "Programmed");
  return {
    traffic,
    isForServices: traffic === "service" || traffic === "all",
    isProgrammed: programmed === undefined || textAt(programmed, "status") === "True",
  };
}

/** Why istiod does not let a Service use its waypoint. Older ones say nothing of it. */
export function unboundBecause(service: KubernetesObject | undefined): string | undefined {
  const bound = service && conditionOf(service, "istio.io/WaypointBound");
  return textAt(bound, "status") === "False" ? textAt(bound, "message") || textAt(bound, "reason") : undefined;
}

const conditionOf = (object: KubernetesObject, type: string): unknown =>
  listAt(object, "status", "conditions").find((condition) => textAt(condition, "type") === type);
