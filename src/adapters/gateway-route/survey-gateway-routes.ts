import { readHost } from "../../istio/host.ts";
import { type ParentRef, parentRefsOf } from "../../istio/route-parent.ts";
import { listAt } from "../../kubernetes/field.ts";
import type { KubernetesObject } from "../../kubernetes/object.ts";
import type { FoundRoutes, RouteSurvey, Viewer, WideSurvey } from "../../ports/route-family.ts";
import type { Target } from "../../release/target.ts";
import type { KubernetesClient } from "../kubernetes/kubernetes-client.ts";
import { listEverywhere } from "../kubernetes/list-everywhere.ts";
import { unlessForbidden } from "../kubernetes/unless-forbidden.ts";
import { choicesOf } from "../weighted-rules/movable-rule.ts";
import type { RouteShape } from "../weighted-rules/route-shape.ts";
import { chosenAmong, factsOf, foundAmong, namespacesOf } from "../weighted-rules/survey-routes.ts";
import { findKind } from "./gateway-api.ts";

/** A kind that the target does not choose is not asked for: preflight reads its rules as those of bystanders. */
const isChosen = (shape: RouteShape, target: Target): boolean => choicesOf(shape, target).length > 0;

export async function surveyGatewayRoutes(
  client: KubernetesClient,
  shape: RouteShape,
  target: Target,
): Promise<RouteSurvey> {
  const resource = isChosen(shape, target) ? await findKind(client, shape.kind) : undefined;
  if (!resource) return { facts: [], chosen: [] };
  const lists = await Promise.all(namespacesOf(shape, target).map((namespace) => client.list(resource, namespace)));
  const objects = lists.flat();
  return { facts: factsOf(shape, viewersOf, objects, target), chosen: chosenAmong(shape, objects, target) };
}

/** Those of the namespace that send to the service. */
export async function findGatewayRoutes(
  client: KubernetesClient,
  shape: RouteShape,
  target: Target,
): Promise<FoundRoutes> {
  const resource = await findKind(client, shape.kind);
  const list = resource && (await unlessForbidden(client.list(resource, target.namespace)));
  return foundAmong(shape, list ?? [], target);
}

export async function surveyGatewayRoutesEverywhere(
  client: KubernetesClient,
  shape: RouteShape,
  target: Target,
): Promise<WideSurvey> {
  const resource = isChosen(shape, target) ? await findKind(client, shape.kind) : undefined;
  if (!resource) return { facts: [], unread: [] };
  const { objects, unread } = await listEverywhere(client, resource, namespacesOf(shape, target));
  return { facts: factsOf(shape, viewersOf, objects, target), unread };
}

/** The gateways, and the clients of the Services, that a route names as its parents. */
function viewersOf(route: KubernetesObject): readonly Viewer[] {
  const { namespace = "" } = route.metadata;
  const hosts = listAt(route, "spec", "hostnames").map((host) => readHost(String(host), namespace));
  return parentRefsOf(route).map((parent): Viewer => {
    const { namespace: place, name } = parent;
    if (parent.kind === "Gateway")
      return { who: { namespace: place, name, ofApi: true }, hosts, namespaces: undefined };
    return { who: "mesh", hosts: [readHost(parent.name, parent.namespace)], namespaces: clientsOf(parent, namespace) };
  });
}

/** A route beside its Service is for all its clients, any other for those of its own namespace (GAMMA). */
const clientsOf = (parent: ParentRef, namespace: string): readonly string[] | undefined =>
  parent.namespace === namespace ? undefined : [namespace];
