import { formatDuration } from "../lib/duration.ts";
import { type Column, clip, plain, table } from "../lib/markdown.ts";
import { count, plural } from "../lib/numbers.ts";
import type { Account } from "../release/account.ts";
import type { Stage } from "../release/plan.ts";
import type { StageRecord } from "../release/release-record.ts";
import type { GateVerdict } from "../release/verdict.ts";
import { figuresInWords } from "./verdict-sentence.ts";

const columns: readonly Column[] = [
  { title: "Stage" },
  { title: "Weight", right: true },
  { title: "Waited", right: true },
  { title: "Gate" },
  { title: "Value", right: true },
  { title: "Against" },
  { title: "Requests", right: true },
  { title: "Verdict" },
];

const verdicts: Readonly<Record<GateVerdict["kind"], string>> = {
  pass: "✅ pass",
  wait: "⏳ not yet",
  fail: "❌ fail",
  "no-data": "❔ no data",
};

/** A plan can have any number of stages and gates, a comment has 65,536 characters. */
const maxRows = 60;

/** The plan and what came of it: one row for each gate of a stage that was entered, one for a stage that was not. */
export function stageTable(account: Account): string {
  const rows = account.plan.stages
    .flatMap((stage, index) => rowsOf(account, stage, index))
    .map((row) => row.map(unbroken));
  const left = rows.length - maxRows;
  if (left <= 0) return table(columns, rows);
  return `${table(columns, rows.slice(0, maxRows))}\n\n… and ${left} more rows.`;
}

function rowsOf(account: Account, stage: Stage, index: number): readonly (readonly string[])[] {
  const record = account.stages.findLast((entered) => entered.stage === index);
  const named = [stageName(stage, index), `${stage.weight} %`, waited(stage, record, account.now)];
  if (!record) return [[...named, gateCount(stage), "", "", "", isOver(account) ? "not reached" : "planned"]];
  const [first = ungated(record), ...others] = stage.gates.map(({ name }) => gateCells(name, record));
  const rows = [[...named, ...first]];
  for (const cells of others) rows.push(["", "", "", ...cells]);
  return rows;
}

const ungated = ({ tally, until }: StageRecord): readonly string[] => [
  ...["none", "", "", count(tally.canary.requests)],
  until === undefined ? "⏳ running" : "✅ over",
];

function gateCells(gate: string, { verdicts: given }: StageRecord): readonly string[] {
  const verdict = given.find((candidate) => candidate.gate === gate);
  if (!verdict) return [cell(gate), "—", "", "", "not judged"];
  const { value, limit, requests } = figuresInWords(verdict);
  const counted = requests === undefined ? "" : count(requests);
  return [cell(gate), cell(value), cell(limit), counted, verdictCell(verdict)];
}

/** Evidence says more than a limit does: safety can be proven, and a canary can be neither good nor bad. */
function verdictCell({ kind, proven, policy }: GateVerdict): string {
  if (kind === "pass" && proven) return "✅ safe";
  if (kind === "wait" && policy !== undefined) return "⏳\u00a0undecided";
  return verdicts[kind];
}

/** A stage is called by its number; its name is added where it says more than the weight does. */
function stageName({ name, weight }: Stage, index: number): string {
  if (name.replace(/\s/g, "") === `${weight}%`) return String(index + 1);
  return `${index + 1} ${cell(name)}`;
}

function waited({ wait }: Stage, record: StageRecord | undefined, now: number): string {
  if (!record) return `— of ${formatDuration(wait)}`;
  const lasted = (record.until ?? now) - record.since;
  if (lasted >= wait) return formatDuration(lasted);
  return `${formatDuration(lasted)} of ${formatDuration(wait)}`;
}

function gateCount({ gates }: Stage): string {
  if (gates.length === 0) return "none";
  return `${gates.length} ${plural(gates.length, "gate")}`;
}

const isOver = ({ state }: Account): boolean =>
  ["succeeded", "rolled-back", "rolling-back", "failed"].includes(state.phase);

const cell = (text: string): string => plain(clip(text, 80));

/** A number and its unit stay on one line: columns are narrow. */
const unbroken = (text: string): string => text.replace(/(?<=\d) (?=[%a-z])/g, "\u00a0");
