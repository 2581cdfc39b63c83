import { formatDuration } from "../lib/duration.ts";
import { tell } from "../lib/errors.ts";
import { type Change, type Replay, type ReplayedStage, replay as replayed } from "../rehearsal/replay.ts";
import type { GateVerdict } from "../release/gate.ts";
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
  print(config.json ? JSON.stringify({ report: path, ...result }, undefined, 2) : textOf(report, result));
  return result.agrees ? 0 : 1;
}

function judgeAgain(report: ReplayedReport, path: string): Replay {
  try {
    return replayed(report);
  } catch (error) {
    throw error instanceof SyntaxError ? noReport(path, error.message, error) : error;
  }
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
      return [`${head}, after ${count(stage.polls)}: agrees`, ...verdictLines(stage.found)];
    case "differs":
      return [
        `${head}, after ${count(stage.polls)}: differs in ${stage.differences.join(", ")}`,
        "  the report says",
        ...verdictLines(stage.told),
        "  the ledger gives",
        ...verdictLines(stage.found),
      ];
    case "missing":
    case "not replayed":
      return [`${head}: not replayed, for ${stage.why}`];
  }
}

const verdictLines = ({ kind, policy, because, numbers }: GateVerdict): readonly string[] => [
  `    ${kind}${policy === undefined ? "" : ` (${policy})`}: ${because}`,
  ...(numbers === undefined ? [] : [`    ${numbers}`]),
];

const changeLine = ({ poll, weight, age, from, to }: Change): string =>
  `  poll ${poll}, ${age === 0 ? "at once" : `${formatDuration(age)} after the first weight`}, at ${weight} %: ${from} → ${to}`;
