import { isDeepStrictEqual } from "node:util";
import type { KubernetesObject } from "../../kubernetes/object.ts";
import { DeniedError, ToldError } from "../../lib/errors.ts";
import type { Finding } from "../../ports/preflight.ts";
import { aimOf } from "../../release/aim.ts";
import type { Plan } from "../../release/plan.ts";
import { trafficAt } from "../../release/planned-traffic.ts";
import type { Target } from "../../release/target.ts";
import { objectBeforeOf } from "./before-of.ts";
import { objectWord } from "./describe.ts";
import { changesCopies, patchOf } from "./patch.ts";
import { planMoves, type RoutePlan } from "./plan-moves.ts";
import type { ChosenRoutes, RouteStore } from "./read-routes.ts";

/**
 * The first write as a server-side dry run: validation, permissions and webhooks see it, and nothing is stored.
 */
export async function rehearse(
  { client, resource, shape }: RouteStore,
  chosen: ChosenRoutes,
  target: Target,
  plan: Plan,
): Promise<readonly Finding[]> {
  if (chosen.problems.length > 0) return [];
  const { namespace, name } = chosen.choice;
  const mirrored = plan.stages.findIndex(({ mirror }) => mirror !== undefined);
  const aim = aimOf(trafficAt(plan, Math.max(0, mirrored)));
  const before = objectBeforeOf(shape, chosen, plan);
  const movesOf = (object: KubernetesObject): RoutePlan => planMoves(shape, object, before, target, aim);
  const body = patchOf(movesOf(chosen.object));
  const word = objectWord(shape, chosen.choice);
  return dryRun(`${word}: the first write would be refused`, async () => {
    const answered = await client.patch(resource, namespace, name, { type: "json", body }, { dryRun: true });
    // Fields that a version of an API does not know are dropped without a word: copies of a part would be of everything.
    const isWritten = !isDeepStrictEqual(answered.spec, chosen.object.spec); // files take no patches
    if (mirrored >= 0 && isWritten && movesOf(answered).moves.some(changesCopies))
      throw new DeniedError("the API server does not keep what says how many requests are copied.", {
        next: `Mirror 100%, or install a version of the API that knows it (for routes of the Gateway API, 1.3).`,
      });
  });
}

export async function dryRun(what: string, write: () => Promise<unknown>): Promise<readonly Finding[]> {
  try {
    await write();
    return [];
  } catch (error) {
    const refusal = refusalFrom(error);
    return [{ ...refusal, what: `${what}: ${refusal.what}` }];
  }
}

export function refusalFrom(error: unknown): Finding {
  if (!(error instanceof ToldError)) throw error;
  return { level: "refuse", what: error.message, next: error.next };
}
