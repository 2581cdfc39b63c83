import { serviceBehind } from "../istio/service.ts";
import { waypointOf } from "../istio/waypoint.ts";
import type { KubernetesObject } from "../kubernetes/object.ts";
import { type Finding, note, refuse, warn } from "../ports/preflight.ts";
import type { Scene } from "./scene.ts";
import { hasProxy } from "./sidecars.ts";

const labelOf = (object: KubernetesObject | undefined, name: string): string | undefined =>
  object?.metadata.labels?.[name];

const mode = "istio.io/dataplane-mode";

/**
 * Without a waypoint nobody in an ambient mesh reads weights: ztunnel knows connections, and no requests.
 * https://istio.io/latest/docs/ambient/usage/waypoint/
 */
export function ambientHasWaypoint(scene: Scene): readonly Finding[] {
  const { namespace, services, hosts, stable, stablePods, routes, target } = scene;
  const labelled = namespace === "unread" ? undefined : namespace;
  // A pod's own label goes before its namespace's.
  const isAmbient = (stable?.podLabels[mode] ?? labelOf(labelled, mode)) === "ambient";
  if (!isAmbient || stablePods.some(hasProxy)) return [];
  const service = serviceBehind(services, hosts.service) ?? serviceBehind(services, hosts.stable);
  const waypoint = waypointOf(service, labelled, target.namespace);
  if (waypoint) return [notLookedAt(scene, waypoint.name)];
  const viewers = routes.filter(({ moves }) => moves).flatMap(({ seenBy }) => seenBy);
  if (!viewers.some(({ who }) => who === "mesh")) return [];
  const what = `Service ${target.namespace}/${target.service} is in an ambient mesh and has no waypoint, so clients in the mesh see no weights: their requests go to every pod of the Service, the canary's among them`;
  const next = `Give it one: istioctl waypoint apply -n ${target.namespace} --enroll-namespace.`;
  return viewers.every(({ who }) => who === "mesh") && !scene.undo
    ? [refuse(`${what}; nobody else follows the route.`, next)]
    : [warn(`${what}. Nobody but gateways follows the route.`, next)];
}

/** A label alone makes no waypoint, and one for workloads reads no weights. */
const notLookedAt = ({ target: { namespace, service } }: Scene, name: string): Finding =>
  note(
    `Service ${namespace}/${service} is in an ambient mesh and is to use the waypoint ${name}: whether there is one, and for services, was not looked at. Without it clients in the mesh see no weights.`,
    `Look: kubectl get gateways.gateway.networking.k8s.io ${name} -n ${namespace} --show-labels (istio.io/waypoint-for: service or all).`,
  );
