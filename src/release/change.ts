import type { Decision } from "./decision.ts";
import type { Health } from "./health.ts";
import type { Observation } from "./observation.ts";
import type { Plan } from "./plan.ts";
import type { Baking, Preparing, Promoting, Shifting } from "./state.ts";
import { rollBack } from "./transition.ts";

/** A third time somebody means it. */
export const maxPutBacks = 2;

/**
 * Evidence of one build says nothing about another. So a canary that somebody else changed is rolled back, or put back
 * and judged from the beginning: its traffic goes to stable first. Nothing is put back by a journal alone, which
 * anybody may have written who may edit ConfigMaps.
 */
export function answerChange(
  plan: Plan,
  state: Preparing | Shifting | Baking | Promoting,
  { now, again = 0, taken }: Observation,
  canary: Health | undefined,
): Decision | undefined {
  const differences = canary?.changed;
  if (differences === undefined) return undefined;
  const putsBack = plan.drift === "put-back" && !taken;
  if (!putsBack || again >= maxPutBacks) {
    const reason = { kind: "canary-changed", differences, putBacks: putsBack ? again : 0 } as const;
    return { do: "nothing", next: rollBack(state, reason, now), reason };
  }
  const step = state.phase === "preparing" ? "deploying" : "returning";
  return {
    do: "nothing",
    next: { phase: "preparing", step, since: now },
    reason: { kind: "canary-put-back", differences },
  };
}
