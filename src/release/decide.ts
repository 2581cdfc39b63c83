import { formatDuration, type Instant } from "../lib/duration.ts";
import { bake, failureMeanwhile } from "./bake.ts";
import type { Decision } from "./decision.ts";
import type { Health } from "./health.ts";
import { judge as inWords, type Judge } from "./judge.ts";
import type { Observation } from "./observation.ts";
import type { Plan } from "./plan.ts";
import { splitOf } from "./split.ts";
import type { PromotionStep, RollbackStep, Running, State } from "./state.ts";
import { rollBack, startPromotion } from "./transition.ts";

/** The next step of a release. Pure: the same arguments give the same decision, so a job that died can be carried on. */
export function decide(plan: Plan, state: Running, seen: Observation, judge: Judge = inWords): Decision {
  switch (state.phase) {
    case "preparing":
      return reasonToRollBack(plan, state, seen) ?? prepare(plan, state, seen);
    case "shifting":
      return (
        reasonToRollBack(plan, state, seen) ?? failureMeanwhile(plan, state, seen, judge) ?? shift(plan, state, seen)
      );
    case "baking":
      return reasonToRollBack(plan, state, seen) ?? bake(plan, state, seen, judge);
    case "promoting": // Past this point only forward is safe: stable may already be changing (fluxcd/flagger#1898).
      return giveUp(plan, state, seen) ?? promote(plan, state, seen);
    case "rolling-back":
      return giveUp(plan, state, seen) ?? giveBack(plan, state, seen);
  }
}

type Preparing = Extract<State, { phase: "preparing" }>;
type Shifting = Extract<State, { phase: "shifting" }>;
type Baking = Extract<State, { phase: "baking" }>;
type Promoting = Extract<State, { phase: "promoting" }>;
type RollingBack = Extract<State, { phase: "rolling-back" }>;

function reasonToRollBack(plan: Plan, state: Preparing | Shifting | Baking, seen: Observation): Decision | undefined {
  const because = firstReason(plan, seen);
  return because === undefined ? undefined : { do: "nothing", next: rollBack(state, because, seen.now), because };
}

function firstReason(plan: Plan, { stop, trouble, canary, now, deadlineAt }: Observation): string | undefined {
  if (stop !== undefined) return stop;
  if (trouble?.lasting) return trouble.because;
  if (trouble && now - trouble.since >= plan.patience)
    return `${trouble.because}, for ${formatDuration(now - trouble.since)}`;
  if (canary?.fatal !== undefined) return canary.fatal;
  if (now >= deadlineAt) return `the release was not done within its deadline of ${formatDuration(plan.deadline)}`;
  return undefined;
}

function prepare(plan: Plan, state: Preparing, seen: Observation): Decision {
  if (state.step === "deploying") {
    return { do: "deploy", next: { ...state, step: "starting", since: seen.now }, because: "deploying the canary" };
  }
  if (state.step === "starting") return awaitCanary(plan, state, seen, { ...state, step: "settling", since: seen.now });
  return settled(plan, state.since, seen.now, { phase: "shifting", step: "scaling", stage: 0, since: seen.now });
}

function shift(plan: Plan, state: Shifting, seen: Observation): Decision {
  const to = splitOf(plan, state.stage);
  switch (state.step) {
    case "scaling":
      return {
        do: "scale",
        to,
        next: { ...state, step: "filling", since: seen.now },
        because: `making room for ${to.canary} % on the canary`,
      };
    case "filling":
      return awaitCanary(plan, state, seen, { ...state, step: "routing", since: seen.now });
    case "routing":
      return {
        do: "route",
        to,
        next: afterRouting(plan, state.stage, seen.now),
        because: `giving the canary ${to.canary} % of the requests`,
      };
  }
}

function afterRouting(plan: Plan, stage: number, now: Instant): State {
  return stage < plan.stages.length ? { phase: "baking", stage, since: now, putBacks: 0 } : startPromotion(plan, now);
}

function awaitCanary(plan: Plan, state: Preparing | Shifting, seen: Observation, ready: State): Decision {
  if (seen.canary?.ready) return { do: "nothing", next: ready, because: `the canary is ready: ${seen.canary.because}` };
  const because = `the canary is not ready: ${seen.canary?.because ?? "its pods could not be read"}`;
  if (seen.now - state.since < plan.ready) return { do: "wait", until: seen.now + readyPoll(plan), because };
  const late = `${because}, after ${formatDuration(plan.ready)}`;
  return { do: "nothing", next: rollBack(state, late, seen.now), because: late };
}

/** Pods are looked at more often than metrics: readiness is what a user waits for. */
const readyPoll = (plan: Plan): number => Math.min(plan.pollEvery, 1_000);

function promote(plan: Plan, state: Promoting, seen: Observation): Decision {
  const to = (step: PromotionStep): State => ({ phase: "promoting", step, since: seen.now });
  const winner = plan.promotion === "update" ? "stable" : "canary";
  const loser = winner === "stable" ? "canary" : "stable";
  switch (state.step) {
    case "updating":
      return { do: "update-stable", next: to("starting"), because: "every stage passed: stable gets the new image" };
    case "starting":
      return awaitStable(plan, state, seen, to("settling"));
    case "settling":
      return settled(plan, state.since, seen.now, to("finishing"));
    case "finishing":
      return {
        do: "finish",
        winner,
        next: to("draining"),
        because:
          winner === "canary"
            ? "every stage passed: the canary is the new stable"
            : "stable runs the new image: giving its traffic back",
      };
    case "draining":
      return drained(plan, state.since, seen.now, to("retiring"));
    case "retiring":
      return {
        do: "retire",
        loser,
        next: { phase: "succeeded" },
        because:
          loser === "canary"
            ? "removing the canary"
            : plan.keepOld
              ? "the old version is kept"
              : "scaling the old version down",
      };
  }
}

function awaitStable(plan: Plan, state: Promoting, seen: Observation, ready: State): Decision {
  if (seen.stable?.ready)
    return { do: "nothing", next: ready, because: `stable runs the new image: ${seen.stable.because}` };
  const because =
    seen.stable?.fatal ??
    `stable is not ready with the new image: ${seen.stable?.because ?? "its pods could not be read"}`;
  if (seen.stable?.fatal === undefined && seen.now - state.since < plan.ready)
    return { do: "wait", until: seen.now + readyPoll(plan), because };
  return failed(plan, state, `${because}. All traffic stays on the canary, which passed every stage`);
}

function giveBack(plan: Plan, state: RollingBack, seen: Observation): Decision {
  const to = (step: RollbackStep): State => ({ ...state, step, since: seen.now });
  switch (state.step) {
    case "returning":
      return {
        do: "finish",
        winner: "stable",
        next: to(state.served ? "draining" : "retiring"),
        because: state.because,
      };
    case "draining":
      return drained(plan, state.since, seen.now, {
        ...state,
        step: "retiring",
        because: withLastWords(state.because, seen.canary),
        since: seen.now,
      });
    case "retiring":
      return {
        do: "restore",
        next: { phase: "rolled-back", because: state.because },
        because: "putting the canary back as it was",
      };
  }
}

/** A canary that dies is taken out before Kubernetes has told why it died; once the traffic is off there is time to ask. */
function withLastWords(because: string, canary: Health | undefined): string {
  const words = canary?.fatal ?? canary?.because;
  return canary === undefined || canary.ready || words === undefined || because.includes(words)
    ? because
    : `${because}. Its pods later: ${words}`;
}

function settled(plan: Plan, since: Instant, now: Instant, next: State): Decision {
  const end = since + plan.settle;
  return now < end
    ? { do: "wait", until: end, because: `the mesh learns of the new pods: ${formatDuration(end - now)}` }
    : { do: "nothing", next, because: "the mesh had time to learn of the new pods" };
}

function drained(plan: Plan, since: Instant, now: Instant, next: State): Decision {
  const end = since + plan.drain;
  return now < end
    ? { do: "wait", until: end, because: `requests under way may finish: ${formatDuration(end - now)}` }
    : { do: "nothing", next, because: "requests under way had time to finish" };
}

/** An effect that fails is tried again for as long as there is hope; then what is left undone is said. */
function giveUp(plan: Plan, state: Promoting | RollingBack, { trouble, now }: Observation): Decision | undefined {
  if (!trouble) return undefined;
  const limit = trouble.lasting ? plan.patience : 5 * plan.patience;
  return now - trouble.since < limit
    ? undefined
    : failed(plan, state, `${trouble.because}, for ${formatDuration(now - trouble.since)}`);
}

function failed(plan: Plan, { phase, step }: Promoting | RollingBack, because: string): Decision {
  const returned =
    (step === "draining" || step === "retiring") && (phase === "rolling-back" || plan.promotion === "update");
  return { do: "nothing", next: { phase: "failed", during: phase, returned, because }, because };
}
