import type { Account } from "../release/account.ts";
import { type Plan, stageAt } from "../release/plan.ts";
import type { Held, OpenQuestion } from "../release/reason.ts";
import type { State } from "../release/state.ts";
import { isExtended } from "./stage-progress.ts";
import { undoHeadline } from "./undo-headline.ts";
import { weightInWords } from "./weight-in-words.ts";

export type Headline = {
  /** One sign that is seen before anything is read. */
  readonly mark: string;
  readonly words: string;
};

const whatIsOpen: Readonly<Record<OpenQuestion, string>> = {
  undecided: "the evidence does not decide",
  "no-data": "no data to decide by",
  split: "the canary gets less than planned",
  budget: "the budget allows no larger weight",
};

const openInWords = ({ question, verdict: { figures } }: Held): string =>
  question === "undecided" && "conclusion" in figures && figures.conclusion.missing?.requests !== undefined
    ? "too few requests to judge"
    : whatIsOpen[question];

/** Where a release is, in a few words of plain text. */
export function headlineOf(account: Account): Headline {
  const { state, settled } = account;
  const ofUndo = account.undoes && undoHeadline(account, state);
  const headline = { mark: markOf(state), words: ofUndo ?? wordsOf(account, state) };
  if (settled !== false || state.phase === "failed") return headline;
  if (isOnlyUnsaved(account)) return { mark: "⚠️", words: `${headline.words}, but its journal could not be saved` };
  return { mark: "⚠️", words: `${headline.words}, but not everything is as it should be` };
}

const marks: { readonly [phase in State["phase"]]?: string } = {
  waiting: "✋",
  succeeded: "✅",
  "rolled-back": "❌",
  failed: "🚨",
};

const stuckWhile = { promoting: "promoting", "rolling-back": "rolling back" } as const;

const markOf = ({ phase }: State): string => marks[phase] ?? "⏳";

function wordsOf(account: Account, state: State): string {
  const { plan, target, weight } = account;
  switch (state.phase) {
    case "preparing":
      return "starting the canary";
    case "shifting":
      if (state.stage === plan.stages.length) return "going to 100%";
      return `going to ${weightInWords(stageAt(plan, state.stage).weight)} (${stageOf(plan, state.stage)})`;
    case "baking":
      if (isExtended(account))
        return `${weightInWords(weight)} on the canary (${stageOf(plan, state.stage)}, extended)`;
      return `${weightInWords(weight)} on the canary (${stageOf(plan, state.stage)})`;
    case "waiting":
      if (state.reason.kind === "held")
        return `held at ${weightInWords(weight)} (${stageOf(plan, state.stage)}): ${openInWords(state.reason)}`;
      return `waiting for approval at ${weightInWords(weight)} (${stageOf(plan, state.stage)} passed)`;
    case "promoting":
      return "every stage passed, promoting";
    case "rolling-back":
      return "rolling back";
    case "succeeded":
      if (plan.promotion === "swap") return `released, ${target.canary.deployment} is the new stable`;
      return `released, ${target.stable.deployment} runs the new version`;
    case "rolled-back":
      return rolledBack(account);
    case "failed":
      return stuckInWords(state);
  }
}

/** Whether users are hurt is seen at once. */
function stuckInWords({ during, reason }: Extract<State, { readonly phase: "failed" }>): string {
  if (reason.kind === "unserved") return `stuck while ${stuckWhile[during]}: requests cannot be answered, act now`;
  return `stuck while ${stuckWhile[during]}, somebody has to look`;
}

const stageOf = ({ stages }: Plan, index: number): string => `stage ${index + 1} of ${stages.length}`;

/** Where requests go is known only when the cluster was read again and is as it was. */
function rolledBack(account: Account): string {
  const { stages, settled, target } = account;
  const known = settled !== false || isOnlyUnsaved(account);
  if (stages.length === 0 && !mayHaveServed(account))
    return known ? "not released, no request went to the canary" : "not released";
  if (known) return `rolled back, all requests go to ${target.stable.deployment} again`;
  return "rolled back";
}

/** A weight whose stage never began may have been written all the same; a canary that was put back had its requests. */
const mayHaveServed = ({ log }: Account): boolean =>
  log.some(({ reason }) => reason.kind === "drained" || reason.kind === "canary-put-back");

/** All was done and read, and only the journal does not have it. */
export const isOnlyUnsaved = ({ unsaved, differences = [] }: Account): boolean =>
  unsaved !== undefined && differences.length === 0;
