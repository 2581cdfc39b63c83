import { formatDuration } from "../lib/duration.ts";
import { block, clip, code, folded, plain } from "../lib/markdown.ts";
import type { Account } from "../release/account.ts";
import { isRunning } from "../release/state.ts";
import { adviceOf } from "./advice.ts";
import { evidencePart } from "./evidence-part.ts";
import { headlineOf } from "./headline.ts";
import { type Links, linkLine } from "./links.ts";
import { say } from "./say.ts";
import { splitBars } from "./split-bars.ts";
import { stageTable } from "./stage-table.ts";
import { withoutRepetition } from "./story.ts";
import { timeOf } from "./timestamp.ts";

/** What GitHub takes as a comment, in characters; one more is answered with 422. */
export const longestComment = 65_536;

/** The whole report of a release as Markdown, for a comment and for the job summary. Everything in it that came from outside is escaped. */
export function renderReport(account: Account, links: Links, limit: number = longestComment): string {
  const { mark, words } = headlineOf(account);
  const { namespace, service } = account.target;
  const bars = splitBars(account);
  const head = [
    `### ${mark} ${plain(`${namespace}/${service}`)}: ${plain(words)}`,
    subject(account),
    why(account),
    adviceOf(account, links),
    account.plan.stages.length === 0 ? undefined : stageTable(account),
    evidencePart(account),
    bars === undefined ? undefined : `Requests in stage ${bars.stage}:\n\n${block(bars.text, "text")}`,
    warnings(account),
    linkLine(links, account),
  ].filter((part) => part !== undefined);
  const text = head.join("\n\n");
  return clip([text, story(account, limit - text.length - 2)].filter((part) => part !== undefined).join("\n\n"), limit);
}

/** What is released, and how old this picture is. */
function subject(account: Account): string {
  const { target, startedAt, now, state } = account;
  const image = target.image === undefined ? "" : `, image ${code(clip(target.image, 300))}`;
  const age = now - startedAt;
  const when = isRunning(state)
    ? `As of ${timeOf(now)} UTC, ${formatDuration(age)} after the start.`
    : `Took ${formatDuration(age)}, until ${timeOf(now)} UTC.`;
  return `Stable ${code(target.stable.deployment)}, canary ${code(target.canary.deployment)}${image}. ${when}`;
}

/** Success needs no reason. */
function why({ state, reason, settled }: Account): string | undefined {
  if (state.phase === "succeeded" && settled !== false) return undefined;
  return `**${isRunning(state) ? "Now" : "Why"}:** ${plain(clip(say(reason), 2_000))}`;
}

function warnings({ warnings: given }: Account): string | undefined {
  if (given.length === 0) return undefined;
  const lines = given.slice(0, 20).map((warning) => `> * ${plain(clip(warning, 300))}`);
  return ["> [!WARNING]", ...lines].join("\n");
}

const longestEntry = 400;

/** The newest entries that there is room for; nothing when there is room for none. */
function story({ log }: Account, room: number): string | undefined {
  const lines = withoutRepetition(log).map(
    ({ at, reason }) => `* ${timeOf(at)} ${plain(clip(say(reason), longestEntry))}`,
  );
  const fits = newestThatFit(lines, room - folded(title, "* …").length);
  if (fits.length === 0) return undefined;
  const missing = lines.length > fits.length ? ["* …"] : [];
  return folded(title, [...missing, ...fits].join("\n"));
}

const title = "What happened (UTC)";

function newestThatFit(lines: readonly string[], room: number): readonly string[] {
  const sizes = lines.toReversed().map((line) => line.length + 1);
  const used = sizes.map((_, index) => sizes.slice(0, index + 1).reduce((sum, size) => sum + size, 0));
  const fitting = used.filter((size) => size <= room).length;
  return fitting === 0 ? [] : lines.slice(-fitting);
}
