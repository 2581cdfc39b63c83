import type { Instant } from "../lib/duration.ts";
import type { Plan } from "./plan.ts";
import { trafficAt } from "./planned-traffic.ts";
import type { Reason } from "./reason.ts";
import type { PromotionStep, State } from "./state.ts";

export const rollBack = (state: State, reason: Reason, now: Instant): State => ({
  phase: "rolling-back",
  step: "returning",
  reason,
  served: state.phase !== "preparing" || state.step === "returning",
  since: now,
});

/** Where a release goes that has passed this stage. */
export function after(plan: Plan, stage: number, now: Instant): State {
  const allServed = trafficAt(plan, stage).canary === 100;
  if (stage + 1 >= plan.stages.length && allServed) return startPromotion(plan, now);
  return goOnAfter(stage, now);
}

/**
 * Where a release goes that somebody approved. All the traffic is on its canary perhaps, and all the same its pods and
 * its routes are looked at first: nobody has, for as long as it waited.
 */
export const goOnAfter = (stage: number, now: Instant): State => ({
  phase: "shifting",
  step: "scaling",
  stage: stage + 1,
  since: now,
});

export const startPromotion = (plan: Plan, now: Instant): State => ({
  phase: "promoting",
  step: plan.promotion === "update" ? "updating" : "finishing",
  since: now,
});

/** Which Deployment serves after the promotion. */
export const winnerOf = ({ promotion }: Pick<Plan, "promotion">): "stable" | "canary" =>
  promotion === "update" ? "stable" : "canary";

/** Whether a step of a promotion takes pods away: those of the version that lost. */
export const takesPods = (plan: Pick<Plan, "promotion" | "keepOld">, step: PromotionStep): boolean =>
  step === "retiring" && !(winnerOf(plan) === "canary" && plan.keepOld);

/** Which Deployment serves when the release is over. */
export const winnerAfter = (plan: Pick<Plan, "promotion">, state: State): "stable" | "canary" =>
  state.phase === "succeeded" || isWonAllTheSame(state) ? winnerOf(plan) : "stable";

/** Every request that the release moved is where a success would have it; pods are kept for those that it did not. */
const isWonAllTheSame = (state: State): boolean =>
  state.phase === "failed" && state.during === "promoting" && state.reason.kind === "stranded";
