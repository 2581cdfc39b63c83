import { type Destination, trafficOf } from "../../istio/destination.ts";
import { gatewayNamed } from "../../istio/gateway.ts";
import { isNamed } from "../../istio/host.ts";
import {
  gatewaysOf,
  hostsOf,
  isDelegate,
  isForMesh,
  nameOf,
  type RouteRule,
  rulesOf,
  visibleIn,
} from "../../istio/virtual-service.ts";
import type { KubernetesObject } from "../../kubernetes/object.ts";
import type { RoutedDestination, RouteFact, RouteSurvey, Viewer, WideSurvey } from "../../ports/route-family.ts";
import type { RouteChoice, Target } from "../../release/target.ts";
import { istioResources } from "../kubernetes/istio-version.ts";
import type { KubernetesClient } from "../kubernetes/kubernetes-client.ts";
import { listEverywhere } from "../kubernetes/list-everywhere.ts";
import { ruleWord, virtualServiceWord } from "./describe.ts";
import { choicesOf } from "./movable-rule.ts";
import { selectRules } from "./select-rules.ts";

/** Where VirtualServices are looked for: beside the service, and where the target names some. */
export const namespacesOf = (target: Target): readonly string[] => [
  ...new Set([target.namespace, ...choicesOf(target).map(({ namespace }) => namespace)]),
];

/** Every rule of every VirtualService there. Nothing where Istio is not installed. */
export async function surveyRoutes(client: KubernetesClient, target: Target): Promise<RouteSurvey> {
  const istio = await istioResources(client);
  if (!istio) return { facts: [], chosen: [] };
  const lists = await Promise.all(
    namespacesOf(target).map((namespace) => client.list(istio.virtualServices, namespace)),
  );
  const objects = lists.flat();
  return {
    facts: factsOf(objects, target),
    chosen: objects.filter((object) => choicesOf(target).some((choice) => isNamed(choice, nameOf(object)))),
  };
}

/** Every rule of every VirtualService; where those of all namespaces may not be listed, of those that the target names. */
export async function surveyEverywhere(client: KubernetesClient, target: Target): Promise<WideSurvey> {
  const istio = await istioResources(client);
  if (!istio) return { facts: [], unread: [] };
  const { objects, unread } = await listEverywhere(client, istio.virtualServices, namespacesOf(target));
  return { facts: factsOf(objects, target), unread };
}

/** Pure. `objects` are all the VirtualServices that were read. */
export function factsOf(objects: readonly KubernetesObject[], target: Target): readonly RouteFact[] {
  return objects.flatMap((object) => {
    const route = { kind: "VirtualService" as const, ...nameOf(object) };
    const choice = choicesOf(target).find((each) => isNamed(each, route));
    const moved = choice ? selectRules(object, choice, target).rules.map(({ place }) => place) : [];
    const seenBy = viewersOf(object, objects);
    return rulesOf(object).map(
      (rule): RouteFact => ({
        route,
        where: `${virtualServiceWord(route)}: ${placedWord(rule)}`,
        called: rule.name ?? rule.place,
        section: rule.section,
        seenBy,
        destinations: destinationsOf(rule),
        isChosen: choice !== undefined,
        moves: moved.includes(rule.place),
        canMove: rule.section === "http" && isMovable(object, { ...route, routes: [rule.place] }, target),
      }),
    );
  });
}

const isMovable = (object: KubernetesObject, choice: RouteChoice, target: Target): boolean =>
  selectRules(object, choice, target).problems.length === 0;

/** A place alone is one of its section. */
const placedWord = (rule: RouteRule): string =>
  rule.name === undefined ? `${rule.section} ${ruleWord(rule)}` : ruleWord(rule);

function destinationsOf({ destinations, mirrors }: RouteRule): readonly RoutedDestination[] {
  const routed = (destination: Destination, share: number, mirror: boolean): RoutedDestination => {
    const { host, subset, port } = destination;
    return { host, subset, port, share, mirror };
  };
  return [
    ...destinations.map((one) => routed(one, trafficOf(one, destinations), false)),
    ...mirrors.map((one) => routed(one, one.share, true)),
  ];
}

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
