import { formatDuration } from "../lib/duration.ts";
import { clip, plain } from "../lib/markdown.ts";
import { percent } from "../lib/numbers.ts";
import type { Account } from "../release/account.ts";
import { knownImage } from "../release/known-image.ts";
import { type Reason, verdictOf } from "../release/reason.ts";
import { headlineOf, isOnlyUnsaved } from "./headline.ts";
import { say } from "./say.ts";
import { figuresInWords, verdictSentence } from "./verdict-sentence.ts";
import { versionWord } from "./version-word.ts";

/** Who reads one line knows what happened, to which version, and why. */
export function reportHeading(account: Account): string {
  const { target, undoes } = account;
  const { mark, words } = headlineOf(account);
  const subject = [plain(`${target.namespace}/${target.service}`), ...versions(account)].join(" ");
  const told = undoes ? undefined : inShort(account);
  return `### ${mark} ${subject}${told === undefined ? `: ${plain(words)}` : ` ${plain(told)}`}`;
}

function versions(account: Account): readonly string[] {
  const image = knownImage(account);
  if (image === undefined) return [];
  const [old, now] = [account.replacedImage, image].map((image) => image && plain(clip(versionWord(image), 80)));
  return [old === undefined || old === now ? `${now}` : `${old} → ${now}`];
}

/** Of a release that is over, where it ended and by which number; undefined where the headline says it. */
function inShort(account: Account): string | undefined {
  const { state, stages, plan, settled, reason, startedAt, now } = account;
  const but = settled === false ? open(account) : "";
  if (state.phase === "succeeded") {
    const took = ` in ${formatDuration(now - startedAt)}`;
    return `released${but === "" ? took : ""}${but || numbersOfAll(account)}`;
  }
  if (state.phase !== "rolled-back") return undefined;
  const newest = stages.at(-1);
  if (!newest) return undefined;
  const where = `rolled back at ${newest.weight}% (stage ${newest.stage + 1} of ${plan.stages.length})`;
  return `${where}${but === "" ? `: ${reasonInShort(reason)}` : but}`;
}

const open = (account: Account): string =>
  isOnlyUnsaved(account) ? ", but its journal could not be saved" : ", but not everything is as it should be";

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
