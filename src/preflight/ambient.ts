import type { KubernetesClient } from "../adapters/kubernetes/kubernetes-client.ts";
import { unlessForbidden } from "../adapters/kubernetes/unless-forbidden.ts";
import type { NamespacedName } from "../istio/host.ts";
import { serviceBehind } from "../istio/service.ts";
import { isAmbient, readWaypoint, unboundBecause, waypointOf } from "../istio/waypoint.ts";
import { isTerminating, resources } from "../kubernetes/object.ts";
import { coded, type Finding, note, refuse, unseen, warn } from "../ports/preflight.ts";
import { isMirrored } from "../release/plan.ts";
import type { Scene } from "./scene.ts";
import { hasProxy } from "./sidecars.ts";

/**
 * Without a waypoint nobody in an ambient mesh reads weights: ztunnel knows connections, and no requests. A label alone
 * makes none. https://istio.io/latest/docs/ambient/usage/waypoint/
 */
export async function inspectWaypoint(client: KubernetesClient, scene: Scene): Promise<readonly Finding[]> {
  const { namespace, services, hosts, stable, stablePods, target } = scene;
  const labelled = namespace === "unread" ? undefined : namespace;
  if (!isAmbient(stable?.podLabels, labelled) || stablePods.some(hasProxy)) return [];
  if (scene.plan.testers?.some(({ callers }) => callers)) return [asksCallers(scene)];
  if (isMirrored(scene.plan)) return [copiesUncounted(scene)];
  const service = serviceBehind(services, hosts.service) ?? serviceBehind(services, hosts.stable);
  const waypoint = waypointOf(service, labelled, target.namespace);
  const add = `istioctl waypoint apply -n ${target.namespace} --enroll-namespace`;
  if (!waypoint) return unfollowed(scene, "has no waypoint", `Give it one: ${add}.`);
  const gateway = await unlessForbidden(
    client.get(resources.gatewaysOfApi, waypoint.namespace, waypoint.name).then((found) => found ?? "missing"),
  );
  if (gateway === undefined) return [notLookedAt(scene, waypoint)];
  const word = `waypoint ${waypoint.namespace}/${waypoint.name}`;
  if (gateway === "missing" || isTerminating(gateway))
    return unfollowed(
      scene,
      `is to use the ${word}, which ${gateway === "missing" ? "does not exist" : "is being deleted"}`,
      `Make it: istioctl waypoint apply -n ${waypoint.namespace} --name ${waypoint.name}. Or correct the labels istio.io/use-waypoint and istio.io/use-waypoint-namespace.`,
    );
  const { isForServices, traffic, isProgrammed } = readWaypoint(gateway);
  if (!isForServices)
    return unfollowed(
      scene,
      `is to use the ${word}, which is for ${traffic} and not for services (istio.io/waypoint-for)`,
      `Label it: kubectl label gateways.gateway.networking.k8s.io ${waypoint.name} -n ${waypoint.namespace} istio.io/waypoint-for=service --overwrite.`,
    );
  const unbound = unboundBecause(service);
  if (unbound !== undefined)
    return unfollowed(
      scene,
      `is not bound to the ${word} (${unbound}; IST0171)`,
      "Let its listener allow routes from this namespace (allowedRoutes), or use one of the Service's own namespace.",
    ).map((finding) => coded("IST0171", finding));
  if (isProgrammed) return [];
  return [notProgrammed(scene, waypoint)];
}

/** A waypoint is no sidecar of anybody's: https://istio.io/latest/docs/ambient/usage/l7-features/ */
const asksCallers = ({ target }: Scene): Finding =>
  refuse(
    `Service ${target.namespace}/${target.service} is in an ambient mesh, where no proxy knows the labels of the pods that call: testers.callers would let nobody in.`,
    "Let those callers send a header, and let testers be known by it.",
  );

/** A waypoint sends copies past itself, and ztunnel counts no requests. */
const copiesUncounted = ({ target }: Scene): Finding =>
  refuse(
    `Service ${target.namespace}/${target.service} is in an ambient mesh, where nobody counts copies of requests: a stage with mirror would be judged by nothing.`,
    "Take mirror out of the stages, and begin with a small weight.",
  );

/** Where nobody but the mesh follows the route, a release would move nothing. */
function unfollowed({ routes, undo, target }: Scene, how: string, next: string): readonly Finding[] {
  const viewers = routes.filter(({ moves }) => moves).flatMap(({ seenBy }) => seenBy);
  if (!viewers.some(({ who }) => who === "mesh")) return [];
  const what = `Service ${target.namespace}/${target.service} is in an ambient mesh and ${how}, so clients in the mesh see no weights: their requests go to every pod of the Service, the canary's among them`;
  return viewers.every(({ who }) => who === "mesh") && !undo
    ? [refuse(`${what}; nobody else follows the route.`, next)]
    : [warn(`${what}. Nobody but gateways follows the route.`, next)];
}

const lookAt = ({ namespace, name }: NamespacedName): string =>
  `kubectl get gateways.gateway.networking.k8s.io ${name} -n ${namespace} --show-labels`;

const notLookedAt = ({ target }: Scene, waypoint: NamespacedName): Finding =>
  unseen(
    `waypoint ${waypoint.namespace}/${waypoint.name}`,
    note(
      `Service ${target.namespace}/${target.service} is in an ambient mesh and is to use the waypoint ${waypoint.namespace}/${waypoint.name}: whether there is one, and for services, may not be looked at. Without it clients in the mesh see no weights.`,
      `Look: ${lookAt(waypoint)} (istio.io/waypoint-for: service or all). To have it looked at, give the job the ClusterRole of docs/rbac.yaml.`,
    ),
  );

const notProgrammed = ({ target }: Scene, waypoint: NamespacedName): Finding =>
  coded(
    "IST0171",
    warn(
      `The waypoint ${waypoint.namespace}/${waypoint.name} of Service ${target.namespace}/${target.service} is not ready (Programmed; IST0171): requests of clients in the mesh may go nowhere, or past the weights.`,
      `See why: ${lookAt(waypoint)} -o yaml.`,
    ),
  );
