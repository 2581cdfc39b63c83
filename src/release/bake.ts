import type { Evidence } from "../evidence/evidence.ts";
import type { Instant, Millis } from "../lib/duration.ts";
import { boundOf, smallerStep } from "./budget.ts";
import { maxPutBacks } from "./change.ts";
import type { Decision } from "./decision.ts";
import { isJudgedByEvidence } from "./gate.ts";
import type { Health } from "./health.ts";
import { judge, judgeEvidence } from "./judge.ts";
import type { BakingLook, Observation, Trouble } from "./observation.ts";
import { watchEvery } from "./pause.ts";
import { type Plan, type Stage, stageAt } from "./plan.ts";
import type { Held, OpenQuestion, Passed, Reason } from "./reason.ts";
import { splitOf } from "./split.ts";
import type { Baking, Shifting } from "./state.ts";
import { after, rollBack } from "./transition.ts";
import type { GateVerdict } from "./verdict.ts";

/** A stage while it lasts: judged at every look, and left when its gates allow it, or when they do not. */
export function bake(plan: Plan, state: Baking, look: BakingLook, now: Instant): Decision {
  const stage = stageAt(plan, state.stage);
  const { canary, drift } = look;
  if (canary.available === 0) return backFrom(state, { kind: "pods-gone", pods: canary.because }, now);
  if (drift !== undefined) return answerDrift(plan, state, now, drift);

  const early = now - state.since < pollsToCount * plan.pollEvery;
  const verdicts = stage.gates.map((gate) => ({ gate: gate.name, ...judge(gate, { ...look, early }, plan.evidence) }));
  const failed = verdicts.find(({ kind }) => kind === "fail");
  if (failed) return { ...backFrom(state, { kind: "gate-failed", verdict: failed }, now), verdicts };
  return { ...endOrWait({ plan, state, stage, look, now }, verdicts), verdicts };
}

/** The first look comes with the weight itself, and the scrape before the second may have come before any request. */
const pollsToCount = 2;

/** What could not be read may not be judged: a stage never passes on half a look. */
export const lookAgain = (plan: Plan, now: Instant, { words }: Trouble): Decision => ({
  do: "wait",
  until: now + plan.pollEvery,
  reason: { kind: "looking-again", words },
});

const backFrom = (state: Baking | Shifting, reason: Reason, now: Instant): Decision => ({
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

  const unanswered = open.find(isUnanswered);
  if (unanswered && lasted >= stage.deadline)
    return backFrom(
      state,
      { kind: "stage-not-judged", stage: stage.name, deadline: stage.deadline, verdict: unanswered },
      now,
    );
  const early = plan.evidence.early && open.length === 0 && verdicts.some(({ proven }) => proven);
  if (lasted < stage.wait && !early) return goOn(seen);

  const fatal = open.find(({ policy }) => policy === "fail");
  if (fatal) return backFrom(state, { kind: "stage-undecided", stage: stage.name, verdict: fatal }, now);
  const extending = open.find(({ policy }) => policy === undefined || policy === "extend");
  if (extending && lasted < stage.deadline) return extend(seen, extending);
  const holding = open.find(({ policy }) => policy !== "promote");
  return holding ? hold(seen, holding) : pass(seen, open[0]);
}

/** Nobody can decide by nothing, so that looking on for it ends with the way back, and not with somebody's decision. */
const isUnanswered = ({ kind, policy }: GateVerdict): boolean =>
  policy === undefined || policy === "fail" || (policy === "extend" && kind === "no-data");

function goOn({ plan, state, stage, now }: SeenStage): Decision {
  const end = state.since + stage.wait;
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
  return "conclusion" in figures && figures.conclusion.by === "split" ? "split" : "undecided";
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
 * a write is possible again. A pass waits for the cluster, and so do gates that ask it.
 */
export function failureInTheDark(plan: Plan, state: Baking, { now, stop, counted }: UnseenStage): Decision | undefined {
  if (!counted || stop !== undefined) return undefined;
  const seen = { ...counted, readings: new Map(), canary: unseenCanary, early: true };
  const verdicts = stageAt(plan, state.stage)
    .gates.filter(({ kind }) => kind !== "restarts" && kind !== "query")
    .map((gate) => ({ gate: gate.name, ...judge(gate, seen, plan.evidence) }));
  const failed = verdicts.find(({ kind }) => kind === "fail");
  return failed && { ...backFrom(state, { kind: "gate-failed", verdict: failed }, now), verdicts };
}

type UnseenStage = Extract<Observation, { readonly look?: undefined }>;

/** No gate asks that is judged then. */
const unseenCanary: Health = { ready: false, desired: 0, available: 0, restarts: 0, because: "" };

/** Traffic flows while pods start for the next weight, too. */
export function failureMeanwhile(
  plan: Plan,
  state: Shifting,
  evidence: Evidence | undefined,
  now: Instant,
): Decision | undefined {
  const gate = plan.stages[state.stage - 1]?.gates.find(({ kind }) => kind === "evidence");
  if (!gate || !evidence) return undefined;
  const verdict = { gate: gate.name, ...judgeEvidence(evidence, plan.evidence) };
  if (verdict.kind !== "fail") return undefined;
  return { ...backFrom(state, { kind: "gate-failed", verdict }, now), verdicts: [verdict] };
}

const lookEvery = (plan: Plan, stage: Stage): Millis => (isJudgedByEvidence(stage) ? watchEvery(plan) : plan.pollEvery);

function answerDrift(plan: Plan, state: Baking, now: Instant, differences: string): Decision {
  const putsBack = plan.drift === "put-back";
  if (!putsBack || state.putBacks >= maxPutBacks)
    return backFrom(state, { kind: "drift", differences, putBacks: putsBack ? maxPutBacks : 0 }, now);
  return {
    do: "route",
    to: splitOf(plan, state.stage),
    next: { ...state, putBacks: state.putBacks + 1 },
    reason: { kind: "put-back", differences },
  };
}
