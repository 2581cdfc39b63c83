import type { Instant } from "../lib/duration.ts";
import { bake, failureMeanwhile, lookAgain } from "./bake.ts";
import { answerChange } from "./change.ts";
import type { Decision } from "./decision.ts";
import type { Health } from "./health.ts";
import { lookIn, type Observation } from "./observation.ts";
import type { Plan } from "./plan.ts";
import { heardInPods, type Reason } from "./reason.ts";
import { splitOf } from "./split.ts";
import type {
  Baking,
  Preparing,
  Promoting,
  PromotionStep,
  RollbackStep,
  RollingBack,
  Running,
  Shifting,
  State,
} from "./state.ts";
import { rollBack, startPromotion, winnerOf } from "./transition.ts";

/**
 * The next step of a release. Pure: the same arguments give the same decision, so a job that died can be carried on.
 * Throws a RangeError where the observation is not of the state's phase.
 */
export function decide(plan: Plan, state: Running, observation: Observation): Decision {
  const { now, look: seen } = observation;
  switch (state.phase) {
    case "preparing": {
      const canary = seen && lookIn("preparing", seen).canary;
      return (
        stopOf(plan, state, observation, canary) ??
        answerChange(plan, state, observation, canary) ??
        prepare(plan, state, now, canary)
      );
    }
    case "shifting": {
      const look = seen && lookIn("shifting", seen);
      return (
        stopOf(plan, state, observation, look?.canary) ??
        answerChange(plan, state, observation, look?.canary) ??
        failureMeanwhile(plan, state, look?.evidence, now) ??
        shift(plan, state, observation, look?.canary)
      );
    }
    case "baking": {
      if (observation.look === undefined)
        return stopOf(plan, state, observation, undefined) ?? lookAgain(plan, now, observation.trouble);
      const look = lookIn("baking", observation.look);
      return (
        stopOf(plan, state, observation, look.canary) ??
        answerChange(plan, state, observation, look.canary) ??
        bake(plan, state, look, now)
      );
    }
    case "promoting":
      return (
        giveUp(plan, state, observation) ?? turnBack(plan, state, observation) ?? promote(plan, state, observation)
      );
    case "rolling-back":
      return giveUp(plan, state, observation) ?? giveBack(plan, state, observation);
  }
}

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

function prepare(plan: Plan, state: Preparing, now: Instant, canary: Health | undefined): Decision {
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
      return settled(plan, state.since, now, { phase: "shifting", step: "scaling", stage: 0, since: now });
  }
}

function shift(plan: Plan, state: Shifting, { now, trouble }: Observation, canary: Health | undefined): Decision {
  const to = splitOf(plan, state.stage);
  switch (state.step) {
    case "scaling":
      return {
        do: "scale",
        to,
        next: { ...state, step: "filling", since: now },
        reason: { kind: "making-room", weight: to.canary },
      };
    case "filling":
      return awaitCanary(plan, state, now, canary, { ...state, step: "routing", since: now });
    case "routing":
      if (!canary && trouble) return lookAgain(plan, now, trouble);
      return {
        do: "route",
        to,
        next: afterRouting(plan, state.stage, now),
        reason: { kind: "giving-weight", weight: to.canary },
      };
  }
}

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

/** Pods are looked at more often than metrics: readiness is what a user waits for. */
const readyPoll = (plan: Plan): number => Math.min(plan.pollEvery, 1_000);

/**
 * Once stable is being changed only forward is safe (fluxcd/flagger#1898). As long as it is as it was, what is no
 * longer what was judged is not promoted.
 */
function turnBack(plan: Plan, state: Promoting, observation: Observation): Decision | undefined {
  if (state.step !== "updating" && state.step !== "finishing") return undefined;
  if (!observation.look) return lookAgain(plan, observation.now, observation.trouble);
  const { stable, canary } = lookIn("promoting", observation.look);
  if (!stable?.untouched || stable.available === 0) return undefined;
  return answerChange(plan, state, observation, canary);
}

function promote(plan: Plan, state: Promoting, { now, look }: Observation): Decision {
  const to = (step: PromotionStep): State => ({ phase: "promoting", step, since: now });
  const winner = winnerOf(plan);
  switch (state.step) {
    case "updating":
      return { do: "update-stable", next: to("starting"), reason: { kind: "updating-stable" } };
    case "starting":
      return awaitStable(plan, state, now, look && lookIn("promoting", look).stable, to("settling"));
    case "settling":
      return settled(plan, state.since, now, to("finishing"));
    case "finishing":
      return { do: "finish", winner, next: to("draining"), reason: { kind: "promoted", winner } };
    case "draining":
      return drained(plan, state.since, now, to("retiring"));
    case "retiring": {
      const loser = winner === "stable" ? "canary" : "stable";
      const kept = loser === "stable" && plan.keepOld;
      return { do: "retire", loser, next: { phase: "succeeded" }, reason: { kind: "retiring", loser, kept } };
    }
  }
}

/** Undefined when its pods could not be read. */
function awaitStable(plan: Plan, state: Promoting, now: Instant, stable: Health | undefined, ready: State): Decision {
  if (stable?.changed !== undefined)
    return failed(plan, state, { kind: "stable-changed", differences: stable.changed });
  if (stable?.ready) return { do: "nothing", next: ready, reason: { kind: "stable-ready", pods: stable.because } };
  if (stable?.fatal !== undefined) return failed(plan, state, { kind: "stable-broken", pods: stable.fatal });
  const stuck = now - state.since >= plan.ready;
  const reason: Reason = { kind: "stable-not-ready", pods: stable?.because, stuck };
  if (stuck) return failed(plan, state, reason);
  return { do: "wait", until: now + readyPoll(plan), reason };
}

function giveBack(plan: Plan, state: RollingBack, { now, look }: Observation): Decision {
  const { reason } = state;
  const to = (step: RollbackStep): State => ({ ...state, step, since: now });
  switch (state.step) {
    case "returning":
      return { do: "finish", winner: "stable", next: to(state.served ? "draining" : "retiring"), reason };
    case "draining": {
      const told = withLastWords(reason, look && lookIn("rolling-back", look).canary);
      return drained(plan, state.since, now, { ...state, step: "retiring", reason: told, since: now });
    }
    case "retiring":
      return { do: "restore", next: { phase: "rolled-back", reason }, reason: { kind: "restoring" } };
  }
}

/**
 * A canary that dies is taken out before Kubernetes has told why it died; once the traffic is off there is time to ask.
 */
function withLastWords(reason: Reason, canary: Health | undefined): Reason {
  if (!canary || canary.ready) return reason;
  const lastWords = canary.fatal ?? canary.because;
  return heardInPods(reason)?.includes(lastWords) ? reason : { ...reason, lastWords };
}

function settled(plan: Plan, since: Instant, now: Instant, next: State): Decision {
  const end = since + plan.settle;
  if (now >= end) return { do: "nothing", next, reason: { kind: "mesh-learnt" } };
  return { do: "wait", until: end, reason: { kind: "mesh-learning", left: end - now } };
}

function drained(plan: Plan, since: Instant, now: Instant, next: State): Decision {
  const end = since + plan.drain;
  if (now >= end) return { do: "nothing", next, reason: { kind: "drained" } };
  return { do: "wait", until: end, reason: { kind: "draining", left: end - now } };
}

/** An effect that fails is tried again for as long as there is hope; then what is left undone is said. */
function giveUp(plan: Plan, state: Promoting | RollingBack, observation: Observation): Decision | undefined {
  const { trouble, now, insisted } = observation;
  if (!trouble) return undefined;
  const { words, lasting, since } = trouble;
  const lasted = now - since;
  if (!insisted && lasted < (lasting ? plan.patience : 5 * plan.patience)) return undefined;
  return failed(plan, state, { kind: "trouble", words, lasting, lasted });
}

function failed(plan: Plan, { phase, step }: Promoting | RollingBack, reason: Reason): Decision {
  const late = step === "draining" || step === "retiring";
  const returned = late && (phase === "rolling-back" || winnerOf(plan) === "stable");
  return { do: "nothing", next: { phase: "failed", during: phase, returned, reason }, reason };
}
