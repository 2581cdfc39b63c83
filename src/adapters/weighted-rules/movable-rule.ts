import type { RouteRule } from "../../istio/route-rule.ts";
import type { RouteChoice, Target } from "../../release/target.ts";
import type { DestinationRoles } from "./destination-roles.ts";
import type { RouteShape } from "./route-shape.ts";

/** The objects of a kind among a target's routes. */
export const choicesOf = ({ kind }: Pick<RouteShape, "kind">, { routes }: Target): readonly RouteChoice[] =>
  routes.filter((route) => route.kind === kind);

/** Whether a configuration means this rule by a word: by its name, its place, or what it asks for. */
export const isMeant = ({ name, place, addresses }: RouteRule, word: string): boolean =>
  [name, place, ...addresses].includes(word);

/**
 * The rules among which a release chooses: those that the user names, in their order; else those that divide requests.
 * Connections, whose answers nobody sees, are moved without being named only where no request is sent to a version.
 */
export function chosenRules(
  rules: readonly RouteRule[],
  { routes }: RouteChoice,
  { roleOf }: Pick<DestinationRoles, "roleOf">,
): readonly RouteRule[] {
  if (routes.length > 0) return [...new Set(routes.flatMap((word) => rules.filter((rule) => isMeant(rule, word))))];
  const requests = rules.filter(({ section }) => section === "http");
  return requests.some(({ destinations }) => destinations.some(roleOf)) ? requests : rules;
}
