import { gatewayNamed } from "../../istio/gateway.ts";
import { isNamed } from "../../istio/host.ts";
import type { RouteRule } from "../../istio/route-rule.ts";
import { gatewaysOf, hostsOf, isDelegate, isForMesh, nameOf, rulesOf, visibleIn } from "../../istio/virtual-service.ts";
import type { KubernetesObject } from "../../kubernetes/object.ts";
import type { FoundRoutes, RouteFact, RouteSurvey, Viewer, WideSurvey } from "../../ports/route-family.ts";
import { kindsAmong } from "../../release/route-kind.ts";
import type { Target } from "../../release/target.ts";
import { istioResources } from "../kubernetes/istio-version.ts";
import type { KubernetesClient } from "../kubernetes/kubernetes-client.ts";
import { listEverywhere } from "../kubernetes/list-everywhere.ts";
import { unlessForbidden } from "../kubernetes/unless-forbidden.ts";
import { chosenAmong, factsOf, foundAmong, namespacesOf } from "../weighted-rules/survey-routes.ts";
import { virtualServiceShape as shape } from "./virtual-service-shape.ts";

/** Every rule of every VirtualService there. Nothing where Istio is not installed. */
export async function surveyRoutes(client: KubernetesClient, target: Target): Promise<RouteSurvey> {
  const istio = await istioResources(client);
  if (!istio) return { facts: [], chosen: [] };
  const lists = await Promise.all(
    namespacesOf(shape, target).map(async (namespace) => {
      const list = client.list(istio.virtualServices, namespace);
      // Where routes of another kind move, their rules are good to know.
      if (kindsAmong(target.routes).includes(shape.kind)) return list;
      return (await unlessForbidden(list)) ?? [];
    }),
  );
  const objects = lists.flat();
  return { facts: virtualServiceFacts(objects, target), chosen: chosenAmong(shape, objects, target) };
}

/** Those of the namespace that send to the service. */
export async function findVirtualServices(client: KubernetesClient, target: Target): Promise<FoundRoutes> {
  const istio = await istioResources(client);
  const list = istio && (await unlessForbidden(client.list(istio.virtualServices, target.namespace)));
  return foundAmong(shape, list ?? [], target);
}

/** Every rule of every VirtualService; where those of all namespaces may not be listed, of those that the target names. */
export async function surveyEverywhere(client: KubernetesClient, target: Target): Promise<WideSurvey> {
  const istio = await istioResources(client);
  if (!istio) return { facts: [], unread: [] };
  const { objects, unread } = await listEverywhere(client, istio.virtualServices, namespacesOf(shape, target));
  return { facts: virtualServiceFacts(objects, target), unread };
}

/** Pure. `objects` are all the VirtualServices that were read. */
export const virtualServiceFacts = (objects: readonly KubernetesObject[], target: Target): readonly RouteFact[] =>
  factsOf(shape, viewersOf, objects, target);

/** Those of the VirtualService itself; those of a delegate are its roots'. */
function viewersOf(object: KubernetesObject, all: readonly KubernetesObject[]): readonly Viewer[] {
  if (!isDelegate(object)) return ownViewers(object);
  const name = nameOf(object);
  const delegatesHere = ({ delegate }: RouteRule): boolean => delegate !== undefined && isNamed(delegate, name);
  return all.filter((root) => rulesOf(root).some(delegatesHere)).flatMap(ownViewers);
}

function ownViewers(object: KubernetesObject): readonly Viewer[] {
  const seen = { hosts: hostsOf(object), namespaces: visibleIn(object) };
  const gateways = gatewaysOf(object).filter((gateway) => gateway !== "mesh");
  const viewers: Viewer[] = gateways.map((gateway) => ({
    ...seen,
    who: gatewayNamed(gateway, nameOf(object).namespace),
  }));
  if (isForMesh(object)) viewers.unshift({ ...seen, who: "mesh" });
  return viewers;
}
