import { RefusedError } from "../../lib/errors.ts";
import type { Target } from "../../release/target.ts";
import type { RoutesBefore, RuleBefore } from "./before.ts";
import { copiesIn } from "./copies.ts";
import type { IstioApi } from "./istio-api.ts";
import type { MovableRule } from "./movable-rule.ts";
import { type Revision, readRoutes } from "./read-routes.ts";
import { unserved } from "./unserved.ts";

/**
 * How the routes are before a release, for the journal; `as` makes of each object what counts. Rejects with every reason
 * at once when they cannot be moved.
 */
export async function captureRoutes(api: IstioApi, target: Target, as?: Revision): Promise<RoutesBefore> {
  const [{ chosen, subsets, problems }, { stable: because }] = await Promise.all([
    readRoutes(api, target, as),
    unserved(api, target, ["stable"]),
  ]);
  if (problems.length > 0) throw new RefusedError(problems.map(({ what, next }) => `${what} ${next ?? ""}`.trimEnd()));
  return {
    version: api.version,
    virtualServices: chosen.map(({ choice: { namespace, name }, rules }) => ({
      namespace,
      name,
      rules: rules.map(beforeOf),
    })),
    missingSubsets: [...subsets.missing],
    served: because === undefined,
  };
}

export const beforeOf = ({ section, index, name, match, destinations, raw }: MovableRule): RuleBefore => ({
  section,
  index,
  name,
  match,
  route: destinations.map(({ raw }) => ({ ...raw })),
  copies: copiesIn(raw),
});
