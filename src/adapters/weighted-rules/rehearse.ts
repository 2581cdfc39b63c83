import { ToldError } from "../../lib/errors.ts";
import type { Finding } from "../../ports/preflight.ts";
import { aimOf } from "../../release/aim.ts";
import type { Plan } from "../../release/plan.ts";
import { trafficAt } from "../../release/planned-traffic.ts";
import type { Target } from "../../release/target.ts";
import { objectBeforeOf } from "./before-of.ts";
import { objectWord } from "./describe.ts";
import { patchOf } from "./patch.ts";
import { planMoves } from "./plan-moves.ts";
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
  const aim = aimOf(trafficAt(plan, 0));
  const body = patchOf(planMoves(shape, chosen.object, objectBeforeOf(shape, chosen, plan), target, aim));
  return dryRun(`${objectWord(shape, chosen.choice)}: the first write would be refused`, () =>
    client.patch(resource, namespace, name, { type: "json", body }, { dryRun: true }),
  );
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
