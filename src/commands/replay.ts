import { formatDuration } from "../lib/duration.ts";
import { tell } from "../lib/errors.ts";
import { type Change, type Replay, type ReplayedStage, replayLedger } from "../rehearsal/replay-ledger.ts";
import type { GateVerdict } from "../release/verdict.ts";
import { verdictInWords } from "../words/in-words.ts";
import { numbersOf, verdictSentence } from "../words/verdict-sentence.ts";
import { noReport, type ReplayedReport, readReport } from "./read-report.ts";
import type { Desk, ExitCode } from "./session.ts";

/** Judges a release again from its report, and says whether every verdict of its evidence is what its ledger gives. */
export async function replay({ config, readFile, print }: Desk): Promise<ExitCode> {
  const path = config.reporting.report;
  const text = await readFile(path).catch((error: unknown) => {
    throw noReport(path, `it cannot be read: ${tell(error)}`, error);
  });
  const report = readReport(text, path);
  const result = judgeAgain(report, path);
  print(config.json ? jsonOf(path, result) : textOf(report, result));
  return result.agrees ? 0 : 1;
}

function judgeAgain(report: ReplayedReport, path: string): Replay {
  try {
    return replayLedger(report);
  } catch (error) {
    throw error instanceof SyntaxError ? noReport(path, error.message, error) : error;
  }
}

const jsonOf = (path: string, { stages, ...rest }: Replay): string =>
  JSON.stringify({ report: path, stages: stages.map(stageInWords), ...rest }, undefined, 2);

function stageInWords(stage: ReplayedStage) {
  if (!("reported" in stage)) return { ...stage, why: whyNot(stage) };
  const { reported, replayed, ...rest } = stage;
  return { ...rest, told: verdictInWords(reported), found: verdictInWords(replayed) };
}

function textOf({ target, ledger }: ReplayedReport, { stages, changes, polls, folded, agrees }: Replay): string {
  const judged = stages.filter(({ outcome }) => outcome !== "not replayed");
  const wrong = judged.filter(({ outcome }) => outcome !== "agrees").length;
  return [
    `Release of ${target.namespace}/${target.service}, judged again by the ${count(polls)} of its ledger and the rules of its plan.`,
    ...(folded > 0
      ? [
          `The oldest ${count(folded)} were folded into what they came to; what followed from each of them cannot be told any more.`,
        ]
      : []),
    "",
    ...stages.flatMap(stageLines),
    "",
    `What followed from the evidence, poll by poll${folded > 0 ? ` from ${folded + 1} on` : ""}:`,
    ...(ledger.polls.length === 0 ? ["  no poll is left"] : []),
    ...(ledger.polls.length > 0 && changes.length === 0 ? ["  the same all the time"] : []),
    ...changes.map(changeLine),
    "",
    agrees
      ? judged.length === 0
        ? "No verdict rests on the ledger."
        : "Every verdict agrees with the ledger."
      : `Not what the ledger gives: ${wrong} of ${judged.length === 1 ? "1 verdict" : `${judged.length} verdicts`}.`,
  ].join("\n");
}

const count = (polls: number): string => (polls === 1 ? "1 poll" : `${polls} polls`);

const marks = { agrees: "✓", differs: "✗", missing: "✗", "not replayed": "·" } as const;

function stageLines(stage: ReplayedStage): readonly string[] {
  const head = `${marks[stage.outcome]} stage ${stage.name}`;
  switch (stage.outcome) {
    case "agrees":
      return [`${head}, after ${count(stage.polls)}: agrees`, ...verdictLines(stage.replayed)];
    case "differs":
      return [
        `${head}, after ${count(stage.polls)}: differs in ${stage.differences.join(", ")}`,
        "  the report says",
        ...verdictLines(stage.reported),
        "  the ledger gives",
        ...verdictLines(stage.replayed),
      ];
    case "missing":
    case "not replayed":
      return [`${head}: not replayed, for ${whyNot(stage)}`];
  }
}

function whyNot(stage: Extract<ReplayedStage, { outcome: "missing" | "not replayed" }>): string {
  if (stage.outcome === "missing")
    return `its verdict rests on ${stage.polls} polls, and the ledger has ${stage.ledger}`;
  const { why, polls } = stage;
  switch (why.kind) {
    case "no-gate":
      return "it has no gate that evidence answers";
    case "not-judged":
      return "it ended before it was judged";
    case "blind":
      return verdictSentence(why.verdict);
    case "folded":
      return `it rests on ${polls} of the ${why.folded} polls that were folded`;
  }
}

function verdictLines(verdict: GateVerdict): readonly string[] {
  const policy = verdict.policy === undefined ? "" : ` (${verdict.policy})`;
  const lines = [`    ${verdict.kind}${policy}: ${verdictSentence(verdict)}`];
  const numbers = numbersOf(verdict);
  if (numbers !== undefined) lines.push(`    ${numbers}`);
  return lines;
}

const changeLine = ({ poll, weight, age, from, to }: Change): string =>
  `  poll ${poll}, ${age === 0 ? "at once" : `${formatDuration(age)} after the first weight`}, at ${weight} %: ${from} → ${to}`;
