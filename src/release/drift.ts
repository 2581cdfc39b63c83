import type { Instant } from "../lib/duration.ts";
import { maxPutBacks } from "./change.ts";
import type { Decision } from "./decision.ts";
import type { Observation } from "./observation.ts";
import type { Plan } from "./plan.ts";
import { noTraffic, type PlannedTraffic, trafficAt } from "./planned-traffic.ts";
import type { Baking, Preparing, Shifting } from "./state.ts";
import { rollBack } from "./transition.ts";

/** Somebody else's weights are put back, a few times, or the release goes back: as its plan says. */
export function answerDrift(
  plan: Plan,
  state: Preparing | Shifting | Baking,
  now: Instant,
  differences: string,
  written: PlannedTraffic,
): Decision {
  const { putBacks = 0 } = state;
  const putsBack = plan.drift === "put-back";
  if (putsBack && putBacks < maxPutBacks)
    return {
      do: "route",
      to: written,
      next: { ...state, putBacks: putBacks + 1 },
      reason: { kind: "put-back", differences },
    };
  const reason = { kind: "drift", differences, putBacks: putsBack ? putBacks : 0 } as const;
  return { do: "nothing", next: rollBack(state, reason, now), reason };
}

/**
 * Before its next weight a release finds the one that it wrote last; what failed half-way is its own. One without stages
 * gives everything at once: whoever gives some by hand meanwhile wants the same.
 */
export function answerEarlyDrift(
  plan: Plan,
  state: Preparing | Shifting,
  { now, trouble }: Observation,
  differences: string | undefined,
): Decision | undefined {
  if (differences === undefined || trouble || plan.stages.length === 0) return undefined;
  return answerDrift(plan, state, now, differences, writtenLast(plan, state));
}

const writtenLast = (plan: Plan, state: Preparing | Shifting): PlannedTraffic =>
  state.phase === "preparing" || state.stage === 0 ? noTraffic : trafficAt(plan, state.stage - 1);
