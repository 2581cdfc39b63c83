import { formatDuration, type Instant, type Millis } from "../lib/duration.ts";
import { inert } from "../lib/lines.ts";
import { clip } from "../lib/markdown.ts";
import { count } from "../lib/numbers.ts";
import type { Account } from "../release/account.ts";
import { knownImage } from "../release/known-image.ts";
import type { Stage } from "../release/plan.ts";
import type { StageRecord } from "../release/release-record.ts";
import { isRunning } from "../release/state.ts";
import type { GateVerdict } from "../release/verdict.ts";
import { failedOf, share } from "./counts-in-words.ts";
import { bar, observedSplit } from "./observed-split.ts";
import { signs, timeLeft } from "./stage-progress.ts";
import { verdictSentence } from "./verdict-sentence.ts";

/** How a line is shown. Colours say nothing that the words do not. */
export type Tone = "good" | "bad" | "now" | "dim" | "plain";

export type LiveLine = { readonly text: string; readonly tone: Tone };

/** More stages than these around the one that is under way are counted, not shown. */
const mostStages = 7;

/** A release as it stands, for a terminal of so many columns: no line is longer, and what decides is never cut off. */
export function liveView(release: Account, now: Instant, columns: number): readonly LiveLine[] {
  const { plan, state, stages } = release;
  const current = stages.at(-1)?.stage ?? 0;
  const first = Math.max(0, Math.min(current - 2, plan.stages.length - mostStages));
  const shown = plan.stages.slice(first, first + mostStages);
  const lines = [...heading(release, now)];
  if (first > 0) lines.push(dim(`  ✔ ${count(first)} before`));
  lines.push(...shown.flatMap((stage, index) => stageLines(release, stage, first + index, now)));
  const after = plan.stages.length - first - shown.length;
  if (after > 0) lines.push(dim(`  · ${count(after)} more`));
  if (isRunning(state)) lines.push(...split(release));
  return lines.flatMap((line) => wrapped(line, columns));
}

const wholeSeconds = (time: Millis): Millis => Math.floor(time / 1_000) * 1_000;

const plain = (text: string): LiveLine => ({ text, tone: "plain" });
const dim = (text: string): LiveLine => ({ text, tone: "dim" });

function heading({ target, judged, cluster, run, startedAt }: Account, now: Instant): readonly LiveLine[] {
  const image = knownImage({ target, judged });
  const to = image === undefined ? target.canary.deployment : `${target.canary.deployment} (${image})`;
  const facts = [run.actor === undefined ? `run ${run.id}` : `run ${run.id} by ${run.actor}`];
  if (cluster !== undefined) facts.unshift(cluster.context);
  facts.push(formatDuration(wholeSeconds(now - startedAt)));
  return [plain(`${target.namespace}/${target.service}: ${target.stable.deployment} → ${to}`), dim(facts.join(" · "))];
}

function stageLines(release: Account, stage: Stage, index: number, now: Instant): readonly LiveLine[] {
  const record = release.stages.findLast((entered) => entered.stage === index);
  const name = `${index + 1}  ${`${stage.weight}%`.padEnd(5)}`;
  if (record === undefined) return [dim(`  · ${name} ${stage.wait > 0 ? formatDuration(stage.wait) : ""}`.trimEnd())];
  const counted = countedIn(record);
  if (isUnderWay(release, index)) {
    const passed = stage.wait > 0 ? Math.min(1, (now - record.since) / stage.wait) : 1;
    const time = timeLeft(stage, record.since, release, now) ?? "";
    return [
      { text: `  ▶ ${name} ${bar(100 * passed, 16)} ${time}`.trimEnd(), tone: "now" },
      plain(`      ${counted}`),
      ...verdictLines(record.verdicts),
    ];
  }
  const failed = record.verdicts.filter(({ kind }) => kind === "fail");
  const lasted = formatDuration(wholeSeconds((record.until ?? now) - record.since));
  if (failed.length > 0)
    return [{ text: `  ✗ ${name} ${lasted}  ${counted}`, tone: "bad" }, ...failed.map(verdictLine)];
  return [{ text: `  ✔ ${name} ${lasted}  ${counted}`, tone: "good" }];
}

const isUnderWay = ({ state }: Account, index: number): boolean =>
  "stage" in state && state.stage === index && (state.phase === "baking" || state.phase === "waiting");

function countedIn({ tally: { stable, canary } }: StageRecord): string {
  if (canary.requests === 0) return "no request counted yet";
  const failed = `${failedOf(canary)} failed (${share(canary.errors, canary.requests)})`;
  if (stable.requests === 0) return failed;
  return `${failed}, stable ${failedOf(stable)} (${share(stable.errors, stable.requests)})`;
}

const tones: Readonly<Record<GateVerdict["kind"], Tone>> = {
  pass: "good",
  wait: "plain",
  fail: "bad",
  "no-data": "plain",
};

/** Evidence in its words; of other gates that pass the names will do. */
function verdictLines(verdicts: readonly GateVerdict[]): readonly LiveLine[] {
  const quiet = verdicts.filter(({ kind, figures }) => kind === "pass" && figures.of !== "evidence");
  const told = verdicts.filter((verdict) => !quiet.includes(verdict)).map(verdictLine);
  if (quiet.length === 0) return told;
  return [...told, { text: `      ${signs.pass} ${quiet.map(({ gate }) => gate).join(", ")}`, tone: "good" }];
}

function verdictLine(verdict: GateVerdict): LiveLine {
  return { text: `      ${signs[verdict.kind]} ${verdictSentence(verdict)}`, tone: tones[verdict.kind] };
}

/** What Ctrl-C does. Undefined while it changes nothing: what is on its way back, or being promoted, is finished. */
export function whatCtrlCDoes({ state, target }: Account): string | undefined {
  if (state.phase !== "preparing" && state.phase !== "shifting" && state.phase !== "baking") return undefined;
  return `Ctrl-C gives all traffic back to ${target.stable.deployment}.`;
}

/** The answer to Ctrl-C. */
export const stoppingInWords = ({ target, plan }: Account): string =>
  `Stopping: ${target.stable.deployment} gets all traffic back, and what the release made is taken away ${formatDuration(plan.drain)} later. Please wait; a second Ctrl-C gives up what gets nowhere.`;

/** Where the requests go now. */
function split({ stages, weight }: Account): readonly LiveLine[] {
  const record = stages.at(-1);
  const observed = record?.weight === weight ? observedSplit(record) : undefined;
  const counted = observed === undefined ? "" : `, ${observed.canary}% counted`;
  return [plain(`  stable ${bar(100 - weight, 24)} canary   ${weight}% planned${counted}`)];
}

/** In as many lines as it takes, indented like the first. */
function wrapped({ text, tone }: LiveLine, columns: number): readonly LiveLine[] {
  const indent = " ".repeat(Math.min(8, /^ */.exec(text)?.[0].length ?? 0));
  const lines: string[] = [];
  let line = "";
  for (const word of inert(text).trimStart().split(" ")) {
    const longer = line === "" ? `${indent}${word}` : `${line} ${word}`;
    if (longer.length <= columns || line === "") line = longer;
    else {
      lines.push(line);
      line = `${indent}  ${word}`;
    }
  }
  return [...lines, line].map((one) => ({ text: clip(one, columns), tone }));
}
