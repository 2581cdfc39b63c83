import { isWeight, readWeighted, sumOf } from "../../istio/destination.ts";
import { listAt, objectAt } from "../../kubernetes/field.ts";
import { destinationRoles, type VersionPair } from "./destination-roles.ts";
import { movableSections } from "./movable-rule.ts";
import type { Revision } from "./read-routes.ts";

/** A VirtualService with all requests of the two versions on stable, in every rule that has both. */
export function givenBack(pair: VersionPair): Revision {
  const { indexesOf } = destinationRoles(pair);

  function ruleGivenBack(rule: unknown, namespace: string): unknown {
    const route = listAt(rule, "route").map((raw) => readWeighted(objectAt(raw), namespace));
    const [stable, ...again] = indexesOf("stable", route);
    const [canary, ...andAgain] = indexesOf("canary", route);
    const ours = [stable, canary].flatMap((index) => (index === undefined ? [] : (route[index] ?? [])));
    const isClear = ours.length === 2 && again.length + andAgain.length === 0;
    if (!isClear || !ours.every(({ weight }) => isWeight(weight))) return rule;
    const weights = new Map([
      [stable, sumOf(ours)],
      [canary, 0],
    ]);
    const raws = route.map(({ raw }, index) => (weights.has(index) ? { ...raw, weight: weights.get(index) } : raw));
    return { ...objectAt(rule), route: raws };
  }

  return (object) => {
    const spec = { ...objectAt(object, "spec") };
    for (const section of movableSections)
      spec[section] = listAt(object, "spec", section).map((rule) =>
        ruleGivenBack(rule, object.metadata.namespace ?? ""),
      );
    return { ...object, spec };
  };
}
