import { type Count, emptyCount, sumOfCounts } from "../../evidence/tally.ts";
import type { WeighedEvidence } from "../../evidence/weigh.ts";
import type { Instant } from "../../lib/duration.ts";
import type { LedgerHistory } from "../../rehearsal/ledger-history.ts";
import type { Role } from "../../release/target.ts";
import type { PagedReport } from "./paged-report.ts";

/** Polls that one point of a chart stands for: their counts together, and what is proven after the last of them. */
export type ChartMoment = {
  readonly at: Instant;
  readonly weight: number;
  readonly stable: Count;
  readonly canary: Count;
  readonly proven: WeighedEvidence;
};

/** More points than this are no line any more that somebody reads. */
const mostMoments = 96;

/** What was counted over time, in at most 96 moments, oldest first. */
export function chartMoments(
  { ledger, plan, stages, startedAt }: PagedReport,
  historyOf: LedgerHistory,
): readonly ChartMoment[] {
  const history = historyOf(ledger, plan.evidence.settings);
  const begin = stages[0]?.since ?? startedAt; // a poll's age counts from the first weight on
  const perMoment = Math.ceil(history.length / mostMoments);
  const moments: ChartMoment[] = [];
  let open: ChartMoment | undefined;
  for (const [index, { poll, proven }] of history.entries()) {
    open = {
      at: begin + poll.age,
      weight: poll.weight,
      stable: sumOfCounts(open?.stable ?? emptyCount, poll.stable),
      canary: sumOfCounts(open?.canary ?? emptyCount, poll.canary),
      proven,
    };
    const isWhole = (index + 1) % perMoment === 0;
    const isLastOfWeight = history[index + 1]?.poll.weight !== poll.weight;
    if (!isWhole && !isLastOfWeight) continue;
    moments.push(open);
    open = undefined;
  }
  return moments;
}

/** All that was counted of a version. */
export const totalOf = (moments: readonly ChartMoment[], version: Role): Count =>
  moments.map((moment) => moment[version]).reduce(sumOfCounts, emptyCount);
