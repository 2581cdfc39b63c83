import { isWeight, sumOf } from "../../istio/destination.ts";
import { field, listAt, objectAt } from "../../kubernetes/field.ts";
import { destinationRoles, type VersionPair } from "./destination-roles.ts";
import type { Revision } from "./read-routes.ts";
import type { RouteShape } from "./route-shape.ts";

/** An object with all requests of the two versions on stable, in every rule that has both. */
export function givenBack(shape: RouteShape, pair: VersionPair): Revision {
  const { indexesOf } = destinationRoles(shape, pair);

  function ruleGivenBack(rule: unknown, namespace: string): unknown {
    const route = shape.read(listAt(rule, shape.destinations), namespace);
    const [stable, ...again] = indexesOf("stable", route);
    const [canary, ...andAgain] = indexesOf("canary", route);
    const ours = [stable, canary].flatMap((index) => (index === undefined ? [] : (route[index] ?? [])));
    const isClear = ours.length === 2 && again.length + andAgain.length === 0;
    if (!isClear || !ours.every(({ weight }) => isWeight(weight))) return rule;
    const weights = new Map([
      [stable, Math.min(sumOf(ours), shape.maxWeight)],
      [canary, 0],
    ]);
    const raws = route.map(({ raw }, index) => (weights.has(index) ? { ...raw, weight: weights.get(index) } : raw));
    return { ...objectAt(rule), [shape.destinations]: raws };
  }

  return (object) => {
    const spec = { ...objectAt(object, "spec") };
    for (const list of Object.values(shape.sections).filter((list) => field(object, "spec", list) !== undefined))
      spec[list] = listAt(object, "spec", list).map((rule) => ruleGivenBack(rule, object.metadata.namespace ?? ""));
    return { ...object, spec };
  };
}
