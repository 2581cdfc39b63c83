import { formatDuration } from "../lib/duration.ts";
import { clip, plain } from "../lib/markdown.ts";
import { count, percent } from "../lib/numbers.ts";
import type { Account } from "../release/account.ts";
import { type Held, type Reason, verdictOf } from "../release/reason.ts";
import type { StageRecord } from "../release/release-record.ts";
import { heldBy } from "../release/state.ts";
import type { GateVerdict } from "../release/verdict.ts";
import { amissInWords, hasNeverServed, headlineOf, isOnlyUnsaved, openInWords } from "./headline.ts";
import { say } from "./say.ts";
import { inHeading, subjectHeading } from "./subject-heading.ts";
import { figuresInWords, verdictSentence } from "./verdict-sentence.ts";
import { versionNames, versionWords } from "./version-word.ts";
import { weightInWords } from "./weight-in-words.ts";

/** Who reads one line knows what happened, to which version, and why. */
export function reportHeading(account: Account): string {
  const { target, undoes } = account;
  const { mark, words } = headlineOf(account);
  const told = undoes ? undefined : inShort(account);
  return `${subjectHeading(mark, target, versions(account))}${told === undefined ? `: ${plain(words)}` : ` ${plain(told)}`}`;
}

function versions(account: Account): string | undefined {
  const [old, now] = versionWords(account).map((word) => word && inHeading(word));
  if (old === undefined || now === undefined || old === now) return now;
  return `${old} → ${now}`;
}

/** Where it ended, by which number, and whether users are safe; undefined where the headline says it. */
function inShort(account: Account): string | undefined {
  switch (account.state.phase) {
    case "succeeded":
      return released(account);
    case "rolled-back":
      return rolledBack(account);
    case "waiting":
      return held(account);
    default:
      return undefined;
  }
}

function released(account: Account): string {
  if (account.settled === false) return `released, but ${amissInWords(account)}`;
  return `released in ${formatDuration(account.now - account.startedAt)}${numbersOfAll(account)}`;
}

function rolledBack(account: Account): string | undefined {
  const { stages, settled, reason } = account;
  const newest = stages.at(-1);
  if (!newest && !hasNeverServed(account)) return undefined;
  const where = newest ? `rolled back at ${placeOf(account, newest)}` : "not released";
  const wereAway = newest !== undefined && mirrorIn(account, newest) === undefined;
  const users = `, all users are on ${versionNames(account).old}${wereAway ? " again" : ""}`;
  if (settled !== false) return `${where}${users}: ${reasonInShort(reason)}`;
  return `${where}${isOnlyUnsaved(account) ? users : ""}, but ${amissInWords(account)}`;
}

function held(account: Account): string | undefined {
  const { state, stages, settled } = account;
  const [why, newest] = [heldBy(state), stages.at(-1)];
  if (!why || !newest || settled === false) return undefined;
  return `held at ${placeOf(account, newest)} until somebody decides: ${heldInShort(why, newest)}`;
}

const placeOf = (account: Account, newest: StageRecord): string =>
  `${weightInWords({ ...newest, mirror: mirrorIn(account, newest) })} (stage ${newest.stage + 1} of ${account.plan.stages.length})`;

const mirrorIn = ({ plan }: Account, { stage }: StageRecord): number | undefined => plan.stages[stage]?.mirror;

/** The numbers that somebody decides by. */
function heldInShort(held: Held, stage: StageRecord): string {
  const { question, verdict } = held;
  const words = openInWords(held);
  if (question === "no-data") return words;
  const { value, limit } = figuresInWords(verdict);
  if (question === "split") return `${words} (${value}, ${limit})`;
  const { errors, requests } = stage.tally.canary;
  const failed = errors === 0 ? "none failed" : `${percent(errors / requests)} failed`;
  return `${words} (${count(requests)}${neededWords(verdict, requests)}), ${failed}`;
}

function neededWords({ figures }: GateVerdict, counted: number): string {
  const missing = "conclusion" in figures ? figures.conclusion.missing?.requests : undefined;
  return missing === undefined ? "" : ` of about ${count(counted + missing)}`;
}

/** Of its last stage with requests: what it is released on. */
function numbersOfAll({ stages }: Account): string {
  const judged = stages.findLast(({ tally }) => tally.canary.requests > 0 && tally.stable.requests > 0);
  if (!judged) return "";
  const { canary, stable } = judged.tally;
  return `: ${percent(canary.errors / canary.requests)} failed at ${judged.weight}%, stable ${percent(stable.errors / stable.requests)}`;
}

/** The value and what it was held against. */
function reasonInShort(reason: Reason): string {
  const verdict = verdictOf(reason);
  if (!verdict) return clip(say(reason), 160);
  if ("missing" in verdict.figures) return clip(verdictSentence(verdict), 160);
  const { value, limit } = figuresInWords(verdict);
  return verdict.figures.of === "evidence"
    ? `${value}, ${limit}`
    : `${clip(verdict.gate, 80)} ${value}, limit ${limit}`;
}
