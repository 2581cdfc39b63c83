import type { Destination } from "../../istio/destination.ts";
import { trafficOf } from "../../istio/destination.ts";
import { isNamed, type NamespacedName } from "../../istio/host.ts";
import type { RouteRule } from "../../istio/route-rule.ts";
import type { KubernetesObject } from "../../kubernetes/object.ts";
import type { FoundRoutes, RoutedDestination, RouteFact, Viewer } from "../../ports/route-family.ts";
import type { RouteChoice, Target } from "../../release/target.ts";
import { objectWord, ruleWord } from "./describe.ts";
import { destinationRoles } from "./destination-roles.ts";
import { choicesOf } from "./movable-rule.ts";
import type { RouteShape } from "./route-shape.ts";
import { selectRules } from "./select-rules.ts";

/** Where objects of a kind are looked for: beside the service, and where the target names some. */
export const namespacesOf = (shape: Pick<RouteShape, "kind">, target: Target): readonly string[] => [
  ...new Set([target.namespace, ...choicesOf(shape, target).map(({ namespace }) => namespace)]),
];

const nameOf = ({ metadata: { namespace = "", name } }: KubernetesObject): NamespacedName => ({ namespace, name });

/** Those that the target names. */
export const chosenAmong = (
  shape: Pick<RouteShape, "kind">,
  objects: readonly KubernetesObject[],
  target: Target,
): readonly KubernetesObject[] =>
  objects.filter((object) => choicesOf(shape, target).some((choice) => isNamed(choice, nameOf(object))));

/** Pure. `objects` are those of the kind in the target's namespace. */
export function foundAmong(shape: RouteShape, objects: readonly KubernetesObject[], target: Target): FoundRoutes {
  const { roleOf } = destinationRoles(shape, target);
  const sends = (object: KubernetesObject): boolean =>
    shape.rulesOf(object).some(({ destinations }) => destinations.some(roleOf));
  return {
    hasChosen: chosenAmong(shape, objects, target).length > 0,
    senders: objects.filter(sends).map((object) => ({ kind: shape.kind, ...nameOf(object), routes: [] })),
  };
}

/** Who follows an object; `among` all that were read. */
export type Viewers = (object: KubernetesObject, among: readonly KubernetesObject[]) => readonly Viewer[];

/** Pure. `objects` are all of the kind that were read. */
export function factsOf(
  shape: RouteShape,
  viewersOf: Viewers,
  objects: readonly KubernetesObject[],
  target: Target,
): readonly RouteFact[] {
  const isMovable = (object: KubernetesObject, choice: RouteChoice): boolean =>
    selectRules(shape, object, choice, target).problems.length === 0;
  return objects.flatMap((object) => {
    const route = { kind: shape.kind, ...nameOf(object) };
    const choice = choicesOf(shape, target).find((each) => isNamed(each, route));
    const moved = choice ? selectRules(shape, object, choice, target).rules.map(({ place }) => place) : [];
    const seenBy = viewersOf(object, objects);
    return shape.rulesOf(object).map(
      (rule): RouteFact => ({
        route,
        where: `${objectWord(shape, route)}: ${placedWord(shape, rule)}`,
        called: rule.name ?? rule.place,
        section: rule.section,
        seenBy,
        destinations: destinationsOf(rule),
        isChosen: choice !== undefined,
        moves: moved.includes(rule.place),
        canMove: isMovable(object, { ...route, routes: [rule.place] }),
      }),
    );
  });
}

/** A place alone is one of its section, where there are several. */
function placedWord(shape: RouteShape, rule: RouteRule): string {
  const isOneOfSeveral = rule.name === undefined && Object.keys(shape.sections).length > 1;
  if (isOneOfSeveral && rule.section === "http") return `${rule.section} ${ruleWord(shape, rule)}`;
  return ruleWord(shape, rule);
}

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
