import type { Count } from "../evidence/tally.ts";
import { formatDuration } from "../lib/duration.ts";
import { type Column, clip, plain, table } from "../lib/markdown.ts";
import { count, percent } from "../lib/numbers.ts";
import type { Account } from "../release/account.ts";
import type { Stage } from "../release/plan.ts";
import { verdictOf } from "../release/reason.ts";
import type { StageRecord } from "../release/release-record.ts";
import type { GateVerdict, ResponseTime } from "../release/verdict.ts";
import { bound } from "./times-in-words.ts";
import { figuresInWords, nothing, verdictSentence } from "./verdict-sentence.ts";

/** What decides stands first: a phone shows no more than five columns. */
const columns: readonly Column[] = [
  { title: "" },
  { title: "Stage" },
  { title: "Failed", right: true },
  { title: "stable", right: true },
  { title: "Requests", right: true },
  { title: "p99", right: true },
  { title: "stable", right: true },
  { title: "Restarts", right: true },
  { title: "Lasted", right: true },
];

/** A plan can have any number of stages and gates, a comment has 65,536 characters. */
const maxRows = 40;

/** The plan and what came of it: a row for each stage, and a line below for each gate that says more than its row. */
export function stageTable(account: Account): string {
  const { stages } = account.plan;
  const rows = stages.map((stage, index) => rowOf(account, stage, index).map(unbroken));
  const lines = stages.flatMap((stage, index) => gateLines(stage, index, recordOf(account, index)));
  const ofStages = `${table(columns, rows.slice(0, maxRows))}${more(rows.length, "stages")}`;
  if (lines.length === 0) return ofStages;
  return `${ofStages}\n\n${lines.slice(0, maxRows).join("\n")}${more(lines.length, "gates")}`;
}

const more = (all: number, what: string): string => (all <= maxRows ? "" : `\n\n… and ${all - maxRows} more ${what}.`);

const recordOf = ({ stages }: Account, index: number): StageRecord | undefined =>
  stages.findLast(({ stage }) => stage === index);

function rowOf(account: Account, stage: Stage, index: number): readonly string[] {
  const record = recordOf(account, index);
  const name = stageName(stage, index);
  if (!record) return ["–", name, "", "", "", "", "", "", stage.wait === 0 ? "" : `of ${formatDuration(stage.wait)}`];
  const { tally, verdicts } = record;
  const times = timesIn(verdicts);
  const mark = markOf(account, record);
  const failed = failedShare(tally.canary);
  return [
    mark,
    name,
    mark === "❌" && tally.canary.errors > 0 ? `**${failed}**` : failed,
    failedShare(tally.stable),
    count(tally.canary.requests),
    times.canary,
    times.stable,
    restartsIn(verdicts),
    lasted(stage, record, account.now),
  ];
}

const failedShare = ({ requests, errors }: Count): string => (requests === 0 ? nothing : percent(errors / requests));

/** What decides of all its gates. A stage in which something else ended the release has no word of its own. */
function markOf(account: Account, record: StageRecord): string {
  const { verdicts, until } = record;
  const has = (kind: GateVerdict["kind"]): boolean => verdicts.some((verdict) => verdict.kind === kind);
  if (has("fail")) return "❌";
  if (endedOtherwise(account, record)) return "⏹";
  if (has("no-data")) return "❔";
  if (has("wait")) return "⏳";
  if (verdicts.some(({ proven }) => proven)) return "✅ safe";
  if (verdicts.length > 0 || until !== undefined) return "✅";
  return "⏳";
}

const endedOtherwise = ({ state, stages, reason }: Account, record: StageRecord): boolean =>
  (state.phase === "rolled-back" || state.phase === "rolling-back") &&
  record === stages.at(-1) &&
  verdictOf(reason) === undefined;

function timesIn(verdicts: readonly GateVerdict[]): { readonly canary: string; readonly stable: string } {
  for (const { figures } of verdicts) {
    if (figures.of === "evidence" && "conclusion" in figures && figures.own?.times) {
      const { canary, stable } = figures.own.times;
      return { canary: bound(canary.p99), stable: bound(stable.p99) };
    }
    if (figures.of === "latency" && figures.quantile === 0.99)
      return { canary: inTable(figures.time), stable: inTable(figures.stable) };
  }
  return { canary: "", stable: "" };
}

const inTable = (time: ResponseTime | undefined): string => (time ? bound(time) : "");

function restartsIn(verdicts: readonly GateVerdict[]): string {
  for (const { figures } of verdicts) if (figures.of === "restarts") return String(figures.restarts);
  return "";
}

/** A gate of the user's own, and any with a limit that its stage did not pass. */
function gateLines(stage: Stage, index: number, record: StageRecord | undefined): readonly string[] {
  return stage.gates.flatMap(({ name, kind }) => {
    const verdict = record?.verdicts.find(({ gate }) => gate === name);
    if (!verdict) return [];
    const isOwn = kind === "query" || kind === "json" || kind === "run";
    if (kind === "evidence" || (!isOwn && verdict.kind === "pass")) return [];
    return [`* ${verdictMarks[verdict.kind]} stage ${index + 1}, ${gateInShort(verdict)}`];
  });
}

function gateInShort(verdict: GateVerdict): string {
  if ("missing" in verdict.figures) return plain(clip(verdictSentence(verdict), 200));
  const { value, limit } = figuresInWords(verdict);
  return `${cell(verdict.gate)}: ${cell(value)}, limit ${cell(limit)}`;
}

export const verdictMarks: Readonly<Record<GateVerdict["kind"], string>> = {
  pass: "✅",
  wait: "⏳",
  fail: "❌",
  "no-data": "❔",
};

/** Its number and its weight, and its name where that says more. */
function stageName({ name, weight, mirror }: Stage, index: number): string {
  const share = mirror === undefined ? `${weight}%` : `copies of ${mirror}%`;
  const short = `${index + 1} · ${share}`;
  if (name.replace(/\s/g, "") === share.replace(/\s/g, "")) return short;
  return `${short} ${cell(name)}`;
}

/** `15s of 5m`: how long it was, and of how long where it ended early. */
export function lasted(
  { wait }: Pick<Stage, "wait">,
  { since, until }: Pick<StageRecord, "since" | "until">,
  now: number,
): string {
  const time = (until ?? now) - since;
  if (time >= wait) return formatDuration(time);
  return `${formatDuration(time)} of ${formatDuration(wait)}`;
}

const cell = (text: string): string => plain(clip(text, 80));

/** A number and its unit stay on one line: columns are narrow. */
const unbroken = (text: string): string => text.replace(/(?<=[\d≤>·]) (?=[a-z\d·])/g, "\u00a0");
