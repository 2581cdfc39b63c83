import type { RouteRule } from "../../istio/route-rule.ts";
import type { KubernetesObject } from "../../kubernetes/object.ts";
import type { RouteChoice, Target } from "../../release/target.ts";
import type { RouteShape } from "./route-shape.ts";

/** The objects of a kind among a target's routes. */
export const choicesOf = ({ kind }: Pick<RouteShape, "kind">, { routes }: Target): readonly RouteChoice[] =>
  routes.filter((route) => route.kind === kind);

export const movableRules = ({ rulesOf, movable }: RouteShape, object: KubernetesObject): readonly RouteRule[] =>
  rulesOf(object).filter(({ section }) => movable.sections.includes(section));

/** Whether a configuration means this rule by a word: by its name, or by its place. */
export const isMeant = ({ name, place }: RouteRule, word: string): boolean => word === name || word === place;

/** The rules among which a release chooses: those that the user names, in their order, or all. */
export function chosenRules(rules: readonly RouteRule[], { routes }: RouteChoice): readonly RouteRule[] {
  if (routes.length === 0) return rules;
  return [...new Set(routes.flatMap((word) => rules.filter((rule) => isMeant(rule, word))))];
}
