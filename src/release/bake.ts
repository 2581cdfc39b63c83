import { formatDuration, type Instant, type Millis } from "../lib/duration.ts";
import { boundOf, smallerStep } from "./budget.ts";
import type { Decision } from "./decision.ts";
import { type GateVerdict, isJudgedByEvidence } from "./gate.ts";
import type { Judge } from "./judge.ts";
import type { Observation } from "./observation.ts";
import type { Plan, Stage } from "./plan.ts";
import { splitOf } from "./split.ts";
import type { State } from "./state.ts";
import { after, rollBack } from "./transition.ts";

type Shifting = Extract<State, { phase: "shifting" }>;
type Baking = Extract<State, { phase: "baking" }>;

/** A stage while it lasts: judged at every look, and left when its gates allow it, or when they do not. */
export function bake(plan: Plan, state: Baking, seen: Observation, judge: Judge): Decision {
  const stage = plan.stages[state.stage];
  if (!stage) return backFrom(state, seen, `the plan has no stage ${state.stage + 1}`);
  // What could not be read may not be judged: a stage never passes on half a look.
  if (seen.trouble)
    return { do: "wait", until: seen.now + plan.pollEvery, because: `${seen.trouble.because}; looking again` };
  if (seen.canary && seen.canary.available === 0)
    return backFrom(state, seen, `no pod of the canary is available any more: ${seen.canary.because}`);
  if (seen.drift !== undefined) return answerDrift(plan, state, seen, seen.drift);

  const early = seen.now - state.since < pollsToCount * plan.pollEvery;
  const verdicts = stage.gates.map((gate) => ({ gate: gate.name, ...judge(gate, { ...seen, early }, plan.evidence) }));
  const failed = verdicts.find(({ kind }) => kind === "fail");
  if (failed) return { ...backFrom(state, seen, failed.because), verdicts };
  return { ...endOrWait(plan, state, stage, verdicts, seen), verdicts };
}

/** The first look comes with the weight itself, and the scrape before the second may have come before any request. */
const pollsToCount = 2;

const backFrom = (state: Baking | Shifting, seen: Observation, because: string): Decision => ({
  do: "nothing",
  next: rollBack(state, because, seen.now),
  because,
});

/** No gate fails: the stage passes, goes on, or has come to an end that its gates leave open. */
function endOrWait(
  plan: Plan,
  state: Baking,
  stage: Stage,
  verdicts: readonly GateVerdict[],
  seen: Observation,
): Decision {
  const lasted = seen.now - state.since;
  const bound = boundOf(plan, state.stage, seen.evidence);
  const open = [...verdicts, ...(bound ? [bound] : [])].filter(({ kind }) => kind !== "pass");
  if (lasted >= stage.deadline) {
    const unanswered = open.find(({ policy }) => policy === undefined || policy === "fail");
    if (unanswered)
      return backFrom(
        state,
        seen,
        `stage ${stage.name} could not be judged within ${formatDuration(stage.deadline)}: ${unanswered.because}`,
      );
  }
  const proven =
    plan.evidence.early &&
    open.length === 0 &&
    verdicts.some((verdict) => verdict.proven) &&
    verdicts.every((verdict) => verdict.proven !== false);
  if (lasted < stage.wait && !proven) return waiting(plan, state, stage, seen.now);

  const fatal = open.find(({ policy }) => policy === "fail");
  if (fatal)
    return backFrom(state, seen, `stage ${stage.name} ended undecided, which fails by the plan: ${fatal.because}`);
  const looking = open.find(({ policy }) => (policy === undefined || policy === "extend") && lasted < stage.deadline);
  if (looking)
    return {
      do: "wait",
      until: seen.now + lookEvery(plan, stage),
      because: `stage ${stage.name} is extended: ${looking.because}`,
    };
  const held = open.find(({ policy }) => policy !== "promote");
  if (held) return hold(state, stage, held.because, seen.now);
  return pass(plan, state, stage, open, seen);
}

function hold(state: Baking, stage: Stage, because: string, now: Instant): Decision {
  const held = `stage ${stage.name} is held for somebody to decide: ${because}`;
  return { do: "nothing", next: { phase: "waiting", stage: state.stage, since: now, held }, because: held };
}

function pass(plan: Plan, state: Baking, stage: Stage, open: readonly GateVerdict[], seen: Observation): Decision {
  const passed =
    open.length === 0
      ? `stage ${stage.name} passed`
      : `stage ${stage.name} ended undecided and goes on by the plan: ${open[0]?.because}`;
  if (stage.approval)
    return { do: "nothing", next: { phase: "waiting", stage: state.stage, since: seen.now }, because: passed };
  const smaller = smallerStep(plan, state.stage, seen.evidence);
  return smaller
    ? {
        do: "nothing",
        next: after(smaller.plan, state.stage, seen.now),
        because: `${passed}; ${smaller.because}`,
        plan: smaller.plan,
      }
    : { do: "nothing", next: after(plan, state.stage, seen.now), because: passed };
}

/** Traffic flows while pods start for the next weight, too. */
export function failureMeanwhile(plan: Plan, state: Shifting, seen: Observation, judge: Judge): Decision | undefined {
  const gate = plan.stages[state.stage - 1]?.gates.find(({ kind }) => kind === "evidence");
  if (!gate || seen.evidence === undefined) return undefined;
  const verdict = judge(gate, seen, plan.evidence);
  return verdict.kind === "fail"
    ? { ...backFrom(state, seen, verdict.because), verdicts: [{ gate: gate.name, ...verdict }] }
    : undefined;
}

function waiting(plan: Plan, state: Baking, stage: Stage, now: Instant): Decision {
  const end = state.since + stage.wait;
  return {
    do: "wait",
    until: Math.min(end, now + lookEvery(plan, stage)),
    because: `stage ${stage.name} goes on for ${formatDuration(end - now)}`,
  };
}

/**
 * Evidence may be looked at as often as one likes, and a scrape is found sooner by looking more often than it comes:
 * at an interval of 15 s a bad version is out 5 s earlier on average.
 */
const lookEvery = (plan: Plan, stage: Stage): Millis =>
  isJudgedByEvidence(stage) ? Math.min(plan.pollEvery, Math.max(plan.pollEvery / 4, 250)) : plan.pollEvery;

const maxPutBacks = 2;

function answerDrift(plan: Plan, state: Baking, seen: Observation, drift: string): Decision {
  if (plan.drift === "put-back" && state.putBacks < maxPutBacks) {
    return {
      do: "route",
      to: splitOf(plan, state.stage),
      next: { ...state, putBacks: state.putBacks + 1 },
      because: `somebody else changed the route (${drift}); putting it back`,
    };
  }
  const again = plan.drift === "put-back" ? `, again after it was put back ${maxPutBacks} times` : "";
  return backFrom(state, seen, `somebody else changed the route${again}: ${drift}`);
}
