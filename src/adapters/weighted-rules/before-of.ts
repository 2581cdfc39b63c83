import type { RouteRule } from "../../istio/route-rule.ts";
import type { ObjectBefore, RuleBefore } from "./before.ts";
import { copiesIn } from "./copies.ts";
import type { ChosenRoutes } from "./read-routes.ts";
import type { RouteShape } from "./route-shape.ts";

/** What the journal keeps of an object. */
export const objectBeforeOf = (
  shape: RouteShape,
  { choice: { namespace, name }, rules }: Pick<ChosenRoutes, "choice" | "rules">,
): ObjectBefore => ({ namespace, name, rules: rules.map((rule) => beforeOf(shape, rule)) });

export const beforeOf = (
  shape: RouteShape,
  { section, index, name, match, destinations, raw }: RouteRule,
): RuleBefore => ({
  section,
  index,
  name,
  match,
  route: destinations.map(({ raw }) => ({ ...raw })),
  copies: copiesIn(shape, raw),
});
