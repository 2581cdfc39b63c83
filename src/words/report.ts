import { formatDuration } from "../lib/duration.ts";
import { clip, code, folded, plain } from "../lib/markdown.ts";
import type { Account } from "../release/account.ts";
import { knownImage } from "../release/known-image.ts";
import { isRunning } from "../release/state.ts";
import { adviceOf } from "./advice.ts";
import { evidencePart } from "./evidence-part.ts";
import { keptLogsPart } from "./kept-logs-part.ts";
import { type Links, linkLine } from "./links.ts";
import { splitSentence } from "./observed-split.ts";
import { programOutputs } from "./program-outputs.ts";
import { reportHeading } from "./report-heading.ts";
import { say, sayEntry } from "./say.ts";
import { exchangedInWords, isWayBack } from "./scene-setting.ts";
import { stageTable } from "./stage-table.ts";
import { withoutRepetition } from "./story.ts";
import { timeOf } from "./timestamp.ts";
import { verdictSentence } from "./verdict-sentence.ts";
import { whoServes } from "./who-serves.ts";

/** What GitHub takes as a comment, in characters; one more is answered with 422. */
export const longestComment = 65_536;

/**
 * The whole report of a release as Markdown, for a comment and for the job summary. Everything in it that came from
 * outside is escaped.
 */
export function renderReport(account: Account, links: Links, limit: number = longestComment): string {
  const parts = [reportHeading(account), whoServes(account), why(account), adviceOf(account, links)];
  if (account.plan.stages.length > 0) parts.push(stageTable(account), splitPart(account));
  parts.push(evidencePart(account), programOutputs(account), keptLogsPart(account), warnings(account));
  parts.push(roles(account), subject(account), linkLine(links, account));
  const text = paragraphs(parts);
  return clip(paragraphs([text, timeline(account, limit - text.length - 2)]), limit);
}

/** Where requests divide as planned, nobody has to read it. */
function splitPart({ stages, plan }: Account): string | undefined {
  const newest = stages.at(-1);
  if (plan.affinity && newest && newest.weight > 0)
    return `Users stay on the version that answered them first (cookie ${code(plan.affinity.cookie)}): weights are for new ones, so that the canary's share of the requests follows later, and is not judged.`;
  return newest && splitSentence(newest);
}

const paragraphs = (parts: readonly (string | undefined)[]): string =>
  parts.filter((part) => part !== undefined).join("\n\n");

/** What is released, and how old this picture is. */
function subject(account: Account): string {
  const { target, cluster, startedAt, now, state } = account;
  const image = knownImage(account);
  let versions = isWayBack(account)
    ? `Undo from ${code(target.stable.deployment)} back to ${code(target.canary.deployment)}`
    : `From ${code(target.stable.deployment)} to ${code(target.canary.deployment)}`;
  if (image !== undefined) versions += `, image ${code(clip(image, 300))}`;
  if (cluster) versions += `, cluster ${code(clip(cluster.context, 300))} (${code(cluster.host)})`;
  const age = formatDuration(now - startedAt);
  if (isRunning(state)) return `${versions}. As of ${timeOf(now)} UTC, ${age} after the start.`;
  const word = state.phase === "waiting" ? "After" : "Took";
  return `${versions}. ${word} ${age}, ${state.phase === "waiting" ? "at" : "until"} ${timeOf(now)} UTC.`;
}

function roles(account: Account): string | undefined {
  if (!account.exchanged || isWayBack(account)) return undefined;
  return plain(exchangedInWords(account.target));
}

/** Success needs no reason, and what is not as it should be is listed. */
function why(account: Account): string | undefined {
  const { state, reason } = account;
  if (state.phase === "succeeded") return undefined;
  const head = isRunning(state) ? "Now" : "Why";
  const words = reason.kind === "held" ? verdictSentence(reason.verdict) : say(reason, account); // that it is held is told above
  return `**${head}:** ${plain(clip(words, 2_000))}`;
}

function warnings({ warnings: given }: Account): string | undefined {
  if (given.length === 0) return undefined;
  const lines = given.slice(0, 20).map((warning) => `> * ${plain(clip(warning, 300))}`);
  return ["> [!WARNING]", ...lines].join("\n");
}

const longestEntry = 400;

/** The newest entries that there is room for; nothing when there is room for none. */
function timeline(account: Account, room: number): string | undefined {
  const lines = withoutRepetition(account.log).map(
    (entry) => `* ${timeOf(entry.at)} ${plain(clip(sayEntry(entry, account), longestEntry))}`,
  );
  const fits = newestThatFit(lines, room - folded(title, "* …").length);
  if (fits.length === 0) return undefined;
  const entries = fits.join("\n");
  if (fits.length === lines.length) return folded(title, entries);
  return folded(title, `* …\n${entries}`);
}

const title = "Timeline (UTC)";

function newestThatFit(lines: readonly string[], room: number): readonly string[] {
  const sizes = lines.toReversed().map((line) => line.length + 1);
  const used = sizes.map((_, index) => sizes.slice(0, index + 1).reduce((sum, size) => sum + size, 0));
  const fitting = used.filter((size) => size <= room).length;
  if (fitting === 0) return [];
  return lines.slice(-fitting);
}
