import { formatDuration, type Instant } from "../lib/duration.ts";
import { count, percent } from "../lib/numbers.ts";
import type { Account } from "../release/account.ts";
import { type Stage, stageAt } from "../release/plan.ts";
import type { State } from "../release/state.ts";
import type { GateVerdict } from "../release/verdict.ts";
import { type ObservedSplit, observedSplit } from "./observed-split.ts";
import { timeOf } from "./timestamp.ts";
import { figuresInWords, nothing } from "./verdict-sentence.ts";
import { weightInWords } from "./weight-in-words.ts";

/** The stage that is under way in one line of plain text: time left, counts, gates. Undefined between stages. */
export function stageProgress(account: Account, now: Instant): string | undefined {
  const { state, plan, stages } = account;
  if (state.phase !== "baking") return undefined;
  const record = stages.at(-1);
  const stage = plan.stages[state.stage];
  if (!stage || !record) return undefined;
  const time = timeLeft(stage, state.since, account, now);
  if (time === undefined) return undefined;
  return [time, countedIn(observedSplit(record)), ...record.verdicts.map(gateProgress)].join(" · ");
}

function countedIn(observed: ObservedSplit | undefined): string {
  if (!observed) return "no request counted yet";
  const { stable, canary } = observed.requests;
  const all = canary + stable;
  return `canary ${count(canary)} of ${count(all)} requests (${percent(canary / all)})`;
}

/** Undefined where nothing is waited for: a stage without a wait, at its first look. */
export function timeLeft(stage: Stage, since: Instant, account: Account, now: Instant): string | undefined {
  const left = stage.wait - (now - since);
  if (left > 0) return `${formatDuration(Math.ceil(left / 1_000) * 1_000)} left`;
  if (isExtended(account)) return `extended until ${timeOf(since + stage.deadline)} UTC at most`;
  if (stage.wait > 0) return "the wait is over";
  return undefined;
}

/** The stage's wait is over, and what the newest look found left it open. */
export const isExtended = ({ reason }: Account): boolean => reason.kind === "stage-extended";

/** The stage's first look is over. Before it nothing is known, and little to be told. */
export const isJudged = ({ plan, stages }: Account): boolean => {
  const record = stages.at(-1);
  return record !== undefined && (record.verdicts.length > 0 || plan.stages[record.stage]?.gates.length === 0);
};

export const signs: Readonly<Record<GateVerdict["kind"], string>> = { pass: "✓", wait: "…", fail: "✗", "no-data": "?" };

function gateProgress(verdict: GateVerdict): string {
  const { value, limit } = figuresInWords(verdict);
  const sign = signs[verdict.kind];
  if (value === nothing) return `${verdict.gate} ${value} ${sign}`;
  return `${verdict.gate} ${value}${besideIt(limit)} ${sign}`;
}

/** A limit follows with its sign, and what stable has after a comma. */
const besideIt = (limit: string): string => (/^[≤≥>]/.test(limit) ? ` ${limit}` : `, ${limit}`);

/** The parts of an undo. */
const undoChapters: { readonly [phase in State["phase"]]?: string } = {
  preparing: "Start the version before",
  shifting: "All requests to the version before",
  promoting: "Put the rest right",
  "rolling-back": "Give the undo up",
};

/** The part of a release that is under way: a heading for what happens in it. Undefined at its end. */
export function chapterOf({ state, plan, undoes }: Account): string | undefined {
  if (undoes) return undoChapters[state.phase];
  switch (state.phase) {
    case "preparing":
      return "Deploy the canary";
    case "shifting":
    case "baking":
    case "waiting":
      if (state.stage >= plan.stages.length) return "All requests to the canary";
      return `Stage ${state.stage + 1} of ${plan.stages.length}: ${weightInWords(stageAt(plan, state.stage))}`;
    case "promoting":
      return "Promote";
    case "rolling-back":
      return "Roll back";
    default:
      return undefined;
  }
}
