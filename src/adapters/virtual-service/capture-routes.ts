import type { BesideWeights } from "../../release/plan.ts";
import type { Target } from "../../release/target.ts";
import { objectBeforeOf } from "../weighted-rules/before-of.ts";
import { assertMovable, type Revision } from "../weighted-rules/read-routes.ts";
import type { RoutesBefore } from "./before.ts";
import type { IstioApi } from "./istio-api.ts";
import { readWithSubsets } from "./read-with-subsets.ts";
import { unserved } from "./unserved.ts";
import { virtualServiceShape as shape } from "./virtual-service-shape.ts";

/**
 * How the routes are before a release, for the journal; `as` makes of each object what counts. Rejects with every reason
 * at once when they cannot be moved.
 */
export async function captureRoutes(
  api: IstioApi,
  target: Target,
  plan: BesideWeights = {},
  as?: Revision,
): Promise<RoutesBefore> {
  const [{ chosen, subsets, problems }, { stable: because }] = await Promise.all([
    readWithSubsets(api, target, as),
    unserved(api, target, ["stable"]),
  ]);
  assertMovable(problems);
  return {
    version: api.version,
    virtualServices: chosen.map((one) => objectBeforeOf(shape, one, plan)),
    missingSubsets: [...subsets.missing],
    served: because === undefined,
  };
}
