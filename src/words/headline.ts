import { clip } from "../lib/markdown.ts";
import type { Account } from "../release/account.ts";
import { type Plan, stageAt } from "../release/plan.ts";
import type { Held, OpenQuestion } from "../release/reason.ts";
import type { State } from "../release/state.ts";
import type { Failed } from "./failed-lines.ts";
import { isExtended } from "./stage-progress.ts";
import { undoHeadline } from "./undo-headline.ts";
import { versionNames } from "./version-word.ts";
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
  budget: "too few requests for a larger weight",
};

export const openInWords = ({ question, verdict: { figures } }: Held): string =>
  question === "undecided" && "conclusion" in figures && figures.conclusion.missing?.requests !== undefined
    ? "too few requests to judge"
    : whatIsOpen[question];

/** Where a release is, in a few words of plain text. */
export function headlineOf(account: Account): Headline {
  const { state, settled } = account;
  const ofUndo = account.undoes && undoHeadline(account, state);
  const headline = { mark: markOf(state), words: ofUndo ?? wordsOf(account, state) };
  if (settled !== false || state.phase === "failed") return headline;
  return { mark: "⚠️", words: `${headline.words}, but ${amissInWords(account)}` };
}

/** What is not as it should be, where one thing is; it may be urgent. */
export function amissInWords(account: Account): string {
  if (isOnlyUnsaved(account)) return "its journal could not be saved";
  const { differences = [] } = account;
  const [first, ...others] = differences;
  if (first === undefined) return "not everything is as it should be";
  return others.length === 0 ? clip(first, 160) : `${differences.length} things are not as they should be`;
}

const marks: { readonly [phase in State["phase"]]?: string } = {
  waiting: "✋",
  succeeded: "✅",
  "rolled-back": "❌",
  failed: "🚨",
};

const stuckWhile = { promoting: "stuck while promoting", "rolling-back": "stuck while rolling back" } as const;
const stuckInUndo = { promoting: "stuck while undoing", "rolling-back": "stuck while giving the undo up" } as const;

const markOf = ({ phase }: State): string => marks[phase] ?? "⏳";

function wordsOf(account: Account, state: State): string {
  const { plan, target } = account;
  switch (state.phase) {
    case "preparing":
      return "starting the canary";
    case "shifting":
      if (state.stage === plan.stages.length) return "going to 100%";
      return `going to ${shareAt(plan, state.stage)} (${stageOf(plan, state.stage)})`;
    case "baking":
      if (isExtended(account))
        return `${shareAt(plan, state.stage)} on the canary (${stageOf(plan, state.stage)}, extended)`;
      return `${shareAt(plan, state.stage)} on the canary (${stageOf(plan, state.stage)})`;
    case "waiting":
      if (state.reason.kind === "held")
        return `held at ${shareAt(plan, state.stage)} (${stageOf(plan, state.stage)}): ${openInWords(state.reason)}`;
      return `waiting for approval at ${shareAt(plan, state.stage)} (${stageOf(plan, state.stage)} passed)`;
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
      return stuckInWords(account, state);
  }
}

/** Whether users are hurt, and whether that is urgent, is seen at once. */
const stuckInWords = (account: Account, state: Failed): string =>
  `${(account.undoes ? stuckInUndo : stuckWhile)[state.during]}, ${usersOfStuck(account, state)}`;

function usersOfStuck(account: Account, { during, reason, returned }: Failed): string {
  const { old, now } = versionNames(account);
  const isForward = during === "promoting";
  switch (reason.kind) {
    case "unserved":
      return "act now: requests cannot be answered";
    case "stable-away":
      return `act now: ${account.target.stable.deployment} cannot answer, so users still get ${now}`;
    case "stranded":
      return `no hurry: what the release moves is on ${isForward ? now : `${old} again`}`;
    case "kept":
      if (!isForward) return `act now: a route of somebody else's gives users ${now}`;
      if (reason.version === "stable") return `look soon: a route of somebody else's gives users ${old}`;
  }
  if (isForward) return `no hurry: all users are on ${now}`;
  return returned ? `no hurry: all users are on ${old} again` : `act now: users may still get ${now}`;
}

const shareAt = (plan: Plan, index: number): string => weightInWords(stageAt(plan, index));
const stageOf = ({ stages }: Plan, index: number): string => `stage ${index + 1} of ${stages.length}`;

/** Where requests go is known only when the cluster was read again and is as it was. */
function rolledBack(account: Account): string {
  const { settled, target } = account;
  const known = settled !== false || isOnlyUnsaved(account);
  if (hasNeverServed(account)) return known ? "not released, no request went to the canary" : "not released";
  if (known) return `rolled back, all requests go to ${target.stable.deployment} again`;
  return "rolled back";
}

/** A weight whose stage never began may have been written all the same; a canary that was put back had its requests. */
export const hasNeverServed = ({ stages, log }: Account): boolean =>
  stages.length === 0 && !log.some(({ reason }) => reason.kind === "drained" || reason.kind === "canary-put-back");

/** All was done and read, and only the journal does not have it. */
export const isOnlyUnsaved = ({ unsaved, differences = [] }: Account): boolean =>
  unsaved !== undefined && differences.length === 0;
