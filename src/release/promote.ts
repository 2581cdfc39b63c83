import type { Instant } from "../lib/duration.ts";
import { lookAgain } from "./bake.ts";
import { answerChange, maxPutBacks } from "./change.ts";
import type { Decision } from "./decision.ts";
import { failed, keepForStranded } from "./give-up.ts";
import { canaryGone, canServe, type Health } from "./health.ts";
import { lookIn, type Observation, type PromotingLook } from "./observation.ts";
import { drained, readyPoll, settled } from "./pause.ts";
import { atOnce, type Plan } from "./plan.ts";
import { noTraffic, trafficAt } from "./planned-traffic.ts";
import type { Reason } from "./reason.ts";

import type { Promoting, PromotionStep, State } from "./state.ts";
import { otherRole, type Role } from "./target.ts";
import { rollBack, takesPods, winnerOf } from "./transition.ts";

/**
 * Once stable is being changed only forward is safe (fluxcd/flagger#1898). As long as it is as it was and has pods, the
 * release goes back for what would have ended a stage as well.
 */
export function promote(plan: Plan, state: Promoting, observation: Observation): Decision {
  if (!observation.look)
    return needsLook[state.step]
      ? lookAgain(plan, observation.now, observation.trouble)
      : step(plan, state, observation, {});
  const look = lookIn("promoting", observation.look);
  return (
    turnBack(plan, state, observation, look) ??
    turnToOther(plan, state, observation.now, look) ??
    answerStray(plan, state, observation.now, look) ??
    awaitServer(plan, state, observation.now, look) ??
    keepForStranded(plan, state, otherRole(winnerOf(plan)), look.stranded) ??
    step(plan, state, observation, look)
  );
}

/** Nothing is changed, and no pod is taken, that was not looked at. */
const needsLook: Readonly<Record<PromotionStep, boolean>> = {
  updating: true,
  starting: false,
  settling: false,
  finishing: true,
  draining: false,
  retiring: true,
};

function turnBack(plan: Plan, state: Promoting, observation: Observation, look: PromotingLook): Decision | undefined {
  const reason = broken(look.canary);
  if (reason && canTake(plan, look)) return { do: "nothing", next: rollBack(state, reason, observation.now), reason };
  const isPromoted = state.step === "draining" || state.step === "retiring";
  if (isPromoted || !canTakeBack(look)) return undefined;
  return answerChange(plan, state, observation, look.canary);
}

/** Stable could serve everything as it did before the release. */
const canTakeBack = ({ stable }: PromotingLook): boolean =>
  stable?.untouched === true && stable.desired > 0 && canServe(stable);

/**
 * Of a swap no release changes stable: whoever did, its pods answer, and those of a canary that has none do not, or not
 * for long.
 */
function canTake(plan: Plan, look: PromotingLook): boolean {
  const { stable, canary } = look;
  if (canTakeBack(look)) return true;
  if (winnerOf(plan) !== "canary" || !stable?.available || !canary || canServe(canary)) return false;
  return canServe(stable) || canary.available === 0;
}

function broken(canary: Health | undefined): Reason | undefined {
  if (canary?.fatal !== undefined) return { kind: "canary-broken", pods: canary.fatal };
  if (canary?.available === 0) return canaryGone(canary);
  return undefined;
}

/** Of an update: the version that has pods serves for the one that has none, whichever it is. */
function turnToOther(
  plan: Plan,
  state: Promoting,
  now: Instant,
  { stable, canary, strayed }: PromotingLook,
): Decision | undefined {
  if (winnerOf(plan) !== "stable" || !stable || !canary) return undefined;
  const [hasStable, hasCanary] = [stable.available > 0, canary.available > 0];
  if (hasStable === hasCanary) return undefined;
  const isFinal = state.step === "finishing" || state.step === "draining" || state.step === "retiring";
  if (isFinal && hasCanary)
    return {
      do: "nothing",
      next: { ...state, step: "starting", since: now },
      reason: { kind: "stable-lost", pods: stable.because },
    };
  if (state.step !== "starting" || hasCanary || strayed) return undefined;
  return { do: "route", to: noTraffic, next: state, reason: { kind: "canary-lost", pods: canary.because } };
}

/**
 * Somebody else changed the routes since they were written: nobody loses pods that requests are sent to, and nothing is
 * written over without a word. Where there is no way back the winner gets everything all the same.
 */
function answerStray(plan: Plan, state: Promoting, now: Instant, look: PromotingLook): Decision | undefined {
  if (!look.strayed) return undefined;
  const { differences, serving } = look.strayed;
  const [winner, putBacks = 0] = [winnerOf(plan), state.putBacks];
  // Stable is not ready for what is sent to it.
  if (state.step === "starting")
    return putBacks < maxPutBacks && look.canary?.available !== 0 ? giveCanaryAll(plan, state, differences) : undefined;
  const mayPutBack = putBacks < maxPutBacks;
  const putsBack = plan.drift === "put-back" && mayPutBack;
  const isFinishing = state.step === "finishing";
  if (putsBack && !isFinishing) return putBack(plan, state, now, differences);
  if (!putsBack && winner === "canary" && canTakeBack(look)) {
    const reason = { kind: "drift", differences, putBacks } as const;
    return { do: "nothing", next: rollBack(state, reason, now), reason };
  }
  const loser = otherRole(winner);
  if (isFinishing && mayPutBack) return undefined; // it is its turn to be written
  return isFinishing || (takesPods(plan, state.step) && serving.includes(loser))
    ? failed(plan, state, { kind: "kept", version: loser, differences })
    : undefined;
}

const putBack = (plan: Plan, state: Promoting, now: Instant, differences: string): Decision => ({
  do: "finish",
  winner: winnerOf(plan),
  next: { ...state, step: "draining", since: now, putBacks: (state.putBacks ?? 0) + 1 },
  reason: { kind: "put-back", differences },
});

const giveCanaryAll = (plan: Plan, state: Promoting, differences: string): Decision => ({
  do: "route",
  to: trafficAt(plan, plan.stages.length), // the very traffic that the next look compares with
  next: { ...state, putBacks: (state.putBacks ?? 0) + 1 },
  reason: { kind: "put-back", differences },
});

/** Nothing is changed, and no pod is taken, while nobody answers whoever is to serve then. */
function awaitServer(plan: Plan, state: Promoting, now: Instant, look: PromotingLook): Decision | undefined {
  const role = serverAfter(plan)[state.step];
  const server = role && look[role];
  if (!role || !server || canServe(server)) return undefined;
  const reason: Reason = { kind: "unserved", version: role, words: server.because };
  const after = now - state.since;
  if (after >= plan.patience) return failed(plan, state, { ...reason, after });
  return { do: "wait", until: now + readyPoll(plan), reason };
}

/** A stable that starts is awaited as it is, and a drain takes nothing. */
const serverAfter = (plan: Plan): Readonly<Partial<Record<PromotionStep, Role>>> => ({
  updating: "canary",
  finishing: winnerOf(plan),
  retiring: winnerOf(plan),
});

/** A version is undefined when its pods could not be read, or need not be. */
function step(plan: Plan, state: Promoting, observation: Observation, seen: Partial<PromotingLook>): Decision {
  const { now } = observation;
  const { stable } = seen;
  const to = (next: PromotionStep): State => ({ ...state, step: next, since: now });
  const winner = winnerOf(plan);
  switch (state.step) {
    case "updating":
      return { do: "update-stable", next: to("starting"), reason: { kind: "updating-stable", ...atOnce(plan) } };
    case "starting":
      return awaitUpdated(plan, state, now, seen, to("settling"));
    case "settling":
      return settled(plan, state.since, observation, to("finishing"));
    case "finishing":
      if (winner === "stable" && stable?.changed !== undefined) return otherStable(plan, state, stable.changed);
      if (seen.strayed) return putBack(plan, state, now, seen.strayed.differences);
      return {
        do: "finish",
        winner,
        overOurs: true,
        next: to("draining"),
        reason: { kind: "promoted", winner, ...atOnce(plan) },
      };
    case "draining":
      return drained(plan, state.since, observation, to("retiring"));
    case "retiring": {
      const loser = otherRole(winner);
      const kept = !takesPods(plan, state.step);
      return { do: "retire", loser, next: succeeded(plan, kept, now), reason: { kind: "retiring", loser, kept } };
    }
  }
}

const otherStable = (plan: Plan, state: Promoting, differences: string): Decision =>
  failed(plan, state, { kind: "stable-changed", differences });

function awaitUpdated(
  plan: Plan,
  state: Promoting,
  now: Instant,
  { stable, canary }: Partial<PromotingLook>,
  ready: State,
): Decision {
  if (stable?.changed !== undefined) return otherStable(plan, state, stable.changed);
  if (stable?.ready) return { do: "nothing", next: ready, reason: { kind: "stable-ready", pods: stable.because } };
  if (stable?.fatal !== undefined) return failed(plan, state, { kind: "stable-broken", pods: stable.fatal });
  const waited = now - state.since;
  const stuck = waited >= plan.ready;
  const hasCanary = canary?.available !== 0;
  if (stuck && stable?.available === 0 && !hasCanary)
    return failed(plan, state, { kind: "unserved", version: "stable", words: stable.because, after: waited });
  const reason: Reason = { kind: "stable-not-ready", pods: stable?.because, stuck: stuck && hasCanary };
  if (stuck) return failed(plan, state, reason);
  return { do: "wait", until: now + readyPoll(plan), reason };
}

const succeeded = ({ keepFor }: Plan, kept: boolean, now: Instant): State =>
  kept && keepFor !== undefined ? { phase: "succeeded", keptUntil: now + keepFor } : { phase: "succeeded" };
