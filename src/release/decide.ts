import type { Instant } from "../lib/duration.ts";
import { present } from "../lib/present.ts";
import { awaitStable, backFrom, bake, bakeInTheDark, failureMeanwhile, lookAgain, onceLearnt } from "./bake.ts";
import { answerChange } from "./change.ts";
import type { Decision } from "./decision.ts";
import { answerEarlyDrift } from "./drift.ts";
import { giveBack } from "./give-back.ts";
import { giveUp } from "./give-up.ts";
import { canaryGone, type Health } from "./health.ts";
import { type Counted, lookIn, type Observation, type ShiftingLook } from "./observation.ts";
import { readyPoll, settled } from "./pause.ts";
import type { Plan } from "./plan.ts";
import { type PlannedTraffic, trafficAt } from "./planned-traffic.ts";
import { promote } from "./promote.ts";
import type { PlannedShare, Reason } from "./reason.ts";
import type { Baking, Preparing, Running, Shifting, State } from "./state.ts";
import { rollBack, startPromotion } from "./transition.ts";

/**
 * The next step of a release. Pure: the same arguments give the same decision, so a job that died can be carried on.
 * Throws a RangeError where the observation is not of the state's phase.
 */
export function decide(plan: Plan, state: Running, observation: Observation): Decision {
  const { now, look: seen } = observation;
  switch (state.phase) {
    case "preparing": {
      const look = seen && lookIn("preparing", seen);
      return (
        stopOf(plan, state, observation, look?.canary) ??
        answerChange(plan, state, observation, look?.canary) ??
        answerEarlyDrift(plan, state, observation, look?.drift) ??
        prepare(plan, state, observation, look?.canary)
      );
    }
    case "shifting": {
      const look = seen && lookIn("shifting", seen);
      return (
        stopOf(plan, state, observation, look?.canary) ??
        answerChange(plan, state, observation, look?.canary) ??
        failureMeanwhile(plan, state, look ?? { counted: countedIn(observation) }, now) ??
        answerEarlyDrift(plan, state, observation, look?.drift) ??
        shift(plan, state, observation, look)
      );
    }
    case "baking": {
      if (observation.look === undefined) {
        const judged = bakeInTheDark(plan, state, observation);
        if (judged.do === "wait") return stopOf(plan, state, observation, undefined) ?? judged;
        return judged;
      }
      const look = lookIn("baking", observation.look);
      return (
        stopOf(plan, state, observation, look.canary) ??
        answerChange(plan, state, observation, look.canary) ??
        onceLearnt(plan, bake(plan, state, look, now), observation)
      );
    }
    case "promoting":
      return giveUp(plan, state, observation) ?? promote(plan, state, observation);
    case "rolling-back":
      return giveUp(plan, state, observation) ?? giveBack(plan, state, observation);
  }
}

const countedIn = (observation: Observation): Counted | undefined =>
  "counted" in observation ? observation.counted : undefined;

/** The rollback for which there is a reason in every phase that can be rolled back. */
function stopOf(
  plan: Plan,
  state: Preparing | Shifting | Baking,
  observation: Observation,
  canary: Health | undefined,
): Decision | undefined {
  const reason = reasonToStop(plan, observation, canary);
  return reason && { do: "nothing", next: rollBack(state, reason, observation.now), reason };
}

function reasonToStop(plan: Plan, observation: Observation, canary: Health | undefined): Reason | undefined {
  const { stop, trouble, now, deadlineAt } = observation;
  if (stop !== undefined) return { kind: "cancelled", words: stop };
  if (trouble?.lasting) return { kind: "trouble", words: trouble.words, lasting: true };
  if (trouble && now - trouble.since >= plan.patience)
    return { kind: "trouble", words: trouble.words, lasting: false, lasted: now - trouble.since };
  if (canary?.fatal !== undefined) return { kind: "canary-broken", pods: canary.fatal };
  if (now >= deadlineAt) return { kind: "late", deadline: plan.deadline };
  return undefined;
}

function prepare(plan: Plan, state: Preparing, observation: Observation, canary: Health | undefined): Decision {
  const { now } = observation;
  switch (state.step) {
    case "returning":
      return {
        do: "finish",
        winner: "stable",
        next: { ...state, step: "deploying", since: now },
        reason: { kind: "beginning-again" },
      };
    case "deploying":
      return { do: "deploy", next: { ...state, step: "starting", since: now }, reason: { kind: "deploying" } };
    case "starting":
      return awaitCanary(plan, state, now, canary, { ...state, step: "settling", since: now });
    case "settling":
      return settled(plan, state.since, observation, { phase: "shifting", step: "scaling", stage: 0, since: now });
  }
}

function shift(plan: Plan, state: Shifting, { now, trouble }: Observation, look: ShiftingLook | undefined): Decision {
  const to = trafficAt(plan, state.stage);
  const canary = look?.canary;
  const serves = state.stage > 0 || state.step === "routing";
  if (serves && canary?.available === 0) return backFrom(state, canaryGone(canary), now);
  switch (state.step) {
    case "scaling":
      return {
        do: "scale",
        to,
        next: { ...state, step: "filling", since: now },
        reason: { kind: "making-room", ...shareTold(to) },
      };
    case "filling":
      return awaitCanary(plan, state, now, canary, { ...state, step: "routing", since: now });
    case "routing":
      if (!canary && trouble) return lookAgain(plan, now, trouble);
      if (look?.away && to.stable > 0) return awaitStable(plan, state, look.away, now);
      return {
        do: "route",
        to,
        overOurs: plan.stages.length > 0,
        next: afterRouting(plan, state.stage, now),
        reason: { kind: "giving-weight", ...shareTold(to) },
      };
  }
}

const shareTold = ({ canary: weight, mirror }: PlannedTraffic): PlannedShare => present({ weight, mirror });

function afterRouting(plan: Plan, stage: number, now: Instant): State {
  if (stage >= plan.stages.length) return startPromotion(plan, now);
  return { phase: "baking", stage, since: now, putBacks: 0 };
}

/** Undefined when its pods could not be read. */
function awaitCanary(
  plan: Plan,
  state: Preparing | Shifting,
  now: Instant,
  canary: Health | undefined,
  ready: State,
): Decision {
  if (canary?.ready) return { do: "nothing", next: ready, reason: { kind: "canary-ready", pods: canary.because } };
  const reason = { kind: "canary-not-ready", pods: canary?.because } as const;
  if (now - state.since < plan.ready) return { do: "wait", until: now + readyPoll(plan), reason };
  const late: Reason = { ...reason, after: plan.ready };
  return { do: "nothing", next: rollBack(state, late, now), reason: late };
}
