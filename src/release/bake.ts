import { isHarmOfOneMinute } from "../evidence/conclusion.ts";
import type { Instant, Millis } from "../lib/duration.ts";
import { boundOf, smallerStep } from "./budget.ts";
import type { Decision } from "./decision.ts";
import { answerDrift } from "./drift.ts";
import { isJudgedByEvidence } from "./gate.ts";
import { canaryGone, type Health } from "./health.ts";
import { judge } from "./judge.ts";
import type { Away, BakingLook, Counted, Observation, ShiftingLook, Trouble } from "./observation.ts";
import { watchEvery } from "./pause.ts";
import { type Plan, type Stage, stageAt } from "./plan.ts";
import { trafficAt } from "./planned-traffic.ts";
import type { Held, OpenQuestion, Passed, Reason } from "./reason.ts";
import type { Baking, Shifting } from "./state.ts";
import { after, rollBack } from "./transition.ts";
import type { GateVerdict } from "./verdict.ts";

/** A stage while it lasts: judged at every look, and left when its gates allow it, or when they do not. */
export function bake(plan: Plan, state: Baking, look: BakingLook, now: Instant): Decision {
  const stage = stageAt(plan, state.stage);
  const { canary, drift } = look;
  if (canary.available === 0) return backFrom(state, canaryGone(canary), now);
  if (drift !== undefined) return answerDrift(plan, state, now, drift, trafficAt(plan, state.stage));

  const early = now - state.since < pollsToCount * plan.pollEvery;
  const seen = { ...look, early, awaited: awaitedIn(look, state.since + stage.deadline) };
  const verdicts = stage.gates.map((gate) => ({ gate: gate.name, ...judge(gate, seen, plan.evidence) }));
  const failed = verdicts.find(({ kind }) => kind === "fail");
  if (failed) return { ...backFrom(state, { kind: "gate-failed", verdict: failed }, now), verdicts };
  if (look.away) return { ...awaitStable(plan, state, look.away, now), verdicts };
  return { ...endOrWait({ plan, state, stage, look, now }, verdicts), verdicts };
}

/** The first look comes with the weight itself, and the scrape before the second may have come before any request. */
const pollsToCount = 2;

/** What passed at the deadline or later is not put to the question again: two that take turns would never end. */
const awaitedIn = ({ awaited = new Set(), readings }: BakingLook, deadlineAt: Instant): ReadonlySet<string> =>
  new Set([...awaited].filter((gate) => (readings.get(gate)?.at(-1)?.at ?? 0) < deadlineAt));

/** A stage that has passed ends when the proxies have its weight, or have had their time to. */
export function onceLearnt(plan: Plan, decision: Decision, { now, learning }: Observation): Decision {
  if (learning === undefined || decision.do === "wait" || decision.reason.kind !== "stage-passed") return decision;
  const { stage } = decision.reason;
  return {
    do: "wait",
    until: Math.min(learning, now + watchEvery(plan)),
    reason: { kind: "stage-goes-on", stage, left: learning - now },
    verdicts: decision.verdicts,
  };
}

/** What could not be read may not be judged: a stage never passes on half a look. */
export const lookAgain = (plan: Plan, now: Instant, { words }: Trouble): Decision => ({
  do: "wait",
  until: now + plan.pollEvery,
  reason: { kind: "looking-again", words },
});

export const backFrom = (state: Baking | Shifting, reason: Reason, now: Instant): Decision => ({
  do: "nothing",
  next: rollBack(state, reason, now),
  reason,
});

/** A stage of which everything was seen. */
type SeenStage = {
  readonly plan: Plan;
  readonly state: Baking;
  readonly stage: Stage;
  readonly look: BakingLook;
  readonly now: Instant;
};

/** No gate fails: the stage passes, goes on, or has come to an end that its gates leave open. */
function endOrWait(seen: SeenStage, verdicts: readonly GateVerdict[]): Decision {
  const { plan, state, stage, look, now } = seen;
  const lasted = now - state.since;
  const open = verdicts.filter(({ kind }) => kind !== "pass");
  const bound = boundOf(plan, state.stage, look.evidence);
  if (bound) open.push(bound);

  // An answer that was asked for in time is waited for: it has a limit of its own.
  const isComing = open.some(isAwaited);
  const unanswered = open.find((verdict) => isUnanswered(verdict) && !isAwaited(verdict));
  if (unanswered && lasted >= stage.deadline)
    return backFrom(
      state,
      { kind: "stage-not-judged", stage: stage.name, deadline: stage.deadline, verdict: unanswered },
      now,
    );
  const harmed = open.find(failsAtTheEnd);
  if (harmed && lasted >= stage.deadline) return backFrom(state, { kind: "gate-failed", verdict: harmed }, now);
  const early = plan.evidence.early && open.length === 0 && verdicts.some(({ proven }) => proven);
  if (lasted < shortest(plan, stage) && !early) return goOn(seen);

  const fatal = open.find(({ policy }) => policy === "fail");
  if (fatal) return backFrom(state, { kind: "stage-undecided", stage: stage.name, verdict: fatal }, now);
  const extending = open.find(({ policy }) => policy === undefined || policy === "extend");
  if (extending && (isComing || lasted < stage.deadline)) return extend(seen, extending);
  const holding = open.find(({ policy }) => policy !== "promote");
  if (holding) return hold(seen, holding);
  return pass(seen, open[0]);
}

/** Nobody can decide by nothing, so that looking on for it ends with the way back, and not with somebody's decision. */
const isUnanswered = ({ kind, policy }: GateVerdict): boolean =>
  policy === undefined || policy === "fail" || (policy === "extend" && kind === "no-data");

const isAwaited = ({ figures }: GateVerdict): boolean =>
  "missing" in figures && figures.missing.what === "newer-answer";

/** Harm that one minute has shown is not somebody's to decide, with no time left to see another one. */
function failsAtTheEnd({ policy, figures }: GateVerdict): boolean {
  if (policy !== "extend" || figures.of !== "evidence" || !("conclusion" in figures)) return false;
  return isHarmOfOneMinute(figures.conclusion);
}

/** A program begins when the mesh has had its time: no stage that has one is asked for its end before. */
const shortest = (plan: Plan, { gates, wait }: Stage): Millis =>
  Math.max(wait, gates.some(({ kind }) => kind === "run") ? plan.meshDelay : 0);

function goOn({ plan, state, stage, now }: SeenStage): Decision {
  const end = state.since + shortest(plan, stage);
  return {
    do: "wait",
    until: Math.min(end, now + lookEvery(plan, stage)),
    reason: { kind: "stage-goes-on", stage: stage.name, left: end - now },
  };
}

const extend = ({ plan, stage, now }: SeenStage, verdict: GateVerdict): Decision => ({
  do: "wait",
  until: now + lookEvery(plan, stage),
  reason: { kind: "stage-extended", stage: stage.name, verdict },
});

function hold({ state, stage, now }: SeenStage, verdict: GateVerdict): Decision {
  const reason: Held = { kind: "held", stage: stage.name, question: questionOf(verdict), verdict };
  return { do: "nothing", next: { phase: "waiting", stage: state.stage, since: now, reason }, reason };
}

function questionOf({ kind, figures }: GateVerdict): OpenQuestion {
  if (figures.of === "budget") return "budget";
  if (kind === "no-data") return "no-data";
  if ("conclusion" in figures && figures.conclusion.by === "split") return "split";
  return "undecided";
}

/** `open`: by the plan the stage goes on although this is. */
function pass({ plan, state, stage, look, now }: SeenStage, open: GateVerdict | undefined): Decision {
  const reason: Passed = { kind: "stage-passed", stage: stage.name, verdict: open };
  if (stage.approval)
    return { do: "nothing", next: { phase: "waiting", stage: state.stage, since: now, reason }, reason };
  const smaller = smallerStep(plan, state.stage, look.evidence);
  if (!smaller) return { do: "nothing", next: after(plan, state.stage, now), reason };
  return {
    do: "nothing",
    next: after(smaller.plan, state.stage, now),
    reason: { ...reason, smaller: smaller.step },
    plan: smaller.plan,
  };
}

/**
 * A cluster that does not answer is no reason to be blind: requests are counted elsewhere, and what fails is known when
 * a write is possible again. A pass waits for the cluster, and so does the gate that asks it.
 */
export function bakeInTheDark(plan: Plan, state: Baking, { now, stop, counted, trouble }: UnseenStage): Decision {
  const verdicts = counted && stop === undefined ? verdictsOn(plan, state.stage, counted, undefined) : undefined;
  return { ...(failure(state, verdicts, now) ?? lookAgain(plan, now, trouble)), verdicts };
}

type UnseenStage = Extract<Observation, { readonly look?: undefined }>;

/** Traffic flows while pods start for the next weight, too. */
export function failureMeanwhile(
  plan: Plan,
  state: Shifting,
  { counted, canary }: Partial<Pick<ShiftingLook, "counted" | "canary">>,
  now: Instant,
): Decision | undefined {
  const verdicts = counted && state.stage > 0 ? verdictsOn(plan, state.stage - 1, counted, canary) : undefined;
  return failure(state, verdicts, now);
}

/** Of those gates that can be asked. What has not been counted may still come: it is no failure yet. */
export function verdictsOn(
  plan: Plan,
  stage: number,
  counted: Counted,
  canary: Health | undefined,
): readonly GateVerdict[] {
  const seen = { ...counted, canary: canary ?? unseenCanary, early: true };
  return stageAt(plan, stage)
    .gates.filter(({ kind }) => canary !== undefined || kind !== "restarts")
    .map((gate) => ({ gate: gate.name, ...judge(gate, seen, plan.evidence) }));
}

/** No gate asks it that is judged then. */
const unseenCanary: Health = { ready: false, desired: 0, available: 0, restarts: 0, because: "" };

function failure(state: Baking | Shifting, verdicts: readonly GateVerdict[] = [], now: Instant): Decision | undefined {
  const failed = verdicts.find(({ kind }) => kind === "fail");
  return failed && { ...backFrom(state, { kind: "gate-failed", verdict: failed }, now), verdicts };
}

/**
 * No stage passes, and no weight grows, while stable's part of the requests gets no answer. They would get none either if
 * they were all given back to it at once, so that waits; the rollback knows what to do then.
 */
export function awaitStable(plan: Plan, state: Baking | Shifting, { words, since }: Away, now: Instant): Decision {
  const reason: Reason = { kind: "unserved", version: "stable", words };
  if (now - since >= plan.patience) return backFrom(state, { ...reason, after: now - since }, now);
  return { do: "wait", until: now + watchEvery(plan), reason };
}

const lookEvery = (plan: Plan, stage: Stage): Millis => (isJudgedByEvidence(stage) ? watchEvery(plan) : plan.pollEvery);
