import type { RouteRule } from "../../istio/route-rule.ts";
import { present } from "../../lib/present.ts";
import { type BesideWeights, isMirrored } from "../../release/plan.ts";
import { addedBefore } from "./added-rules.ts";
import type { ObjectBefore, RuleBefore } from "./before.ts";
import { copiesIn } from "./copies.ts";
import type { ChosenRoutes } from "./read-routes.ts";
import type { RouteShape } from "./route-shape.ts";

/** What the journal keeps of an object. */
export const objectBeforeOf = (
  shape: RouteShape,
  { choice: { namespace, name }, rules }: Pick<ChosenRoutes, "choice" | "rules">,
  plan: BesideWeights = {},
): ObjectBefore => ({
  namespace,
  name,
  rules: rules.map((rule, at) => {
    const added = addedBefore(shape, rule, at, plan);
    return present({
      ...beforeOf(shape, rule),
      mirrored: isMirrored(plan) || undefined,
      affinity: plan.affinity,
      added: added.length > 0 ? [...added] : undefined,
    });
  }),
});

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
