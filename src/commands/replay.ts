import { type Replay, type ReplayedStage, replayLedger } from "../rehearsal/replay-ledger.ts";
import { verdictInWords } from "../words/in-words.ts";
import { replayText, whyNotReplayed } from "../words/replay-text.ts";
import { noReport, type ReplayedReport, readReport, reportText } from "./read-report.ts";
import type { Desk, ExitCode } from "./session.ts";

/** Judges a release again from its report, and says whether every verdict of its evidence is what its ledger gives. */
export async function replay(desk: Desk): Promise<ExitCode> {
  const { config, messages } = desk;
  const path = config.reporting.report;
  const report = readReport(await reportText(desk), path);
  const result = judgeAgain(report, path);
  if (config.json) messages.answer(answerOf(path, result));
  else messages.print(replayText(report, result));
  return result.agrees ? 0 : 1;
}

function judgeAgain(report: ReplayedReport, path: string): Replay {
  try {
    return replayLedger(report);
  } catch (error) {
    if (error instanceof SyntaxError) throw noReport(path, error.message, error);
    throw error;
  }
}

const answerOf = (path: string, { stages, ...rest }: Replay): object => ({
  report: path,
  stages: stages.map(stageInWords),
  ...rest,
});

function stageInWords(stage: ReplayedStage) {
  if (!("reported" in stage)) return { ...stage, why: whyNotReplayed(stage) };
  const { reported, replayed, ...rest } = stage;
  return { ...rest, told: verdictInWords(reported), found: verdictInWords(replayed) };
}
