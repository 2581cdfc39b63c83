import { emptyLedger } from "../evidence/ledger.ts";
import type { ReleaseRecord } from "../release/release-record.ts";
import { initial } from "../release/state.ts";
import { keptMetrics } from "./known-metrics.ts";
import type { Session } from "./session.ts";

/** What is said of a release when it is begun; how it was asked for, and its metrics, are this job's where it is not. */
export type WantedRelease = Pick<ReleaseRecord, "target" | "exchanged" | "plan" | "undoes" | "asked" | "metrics">;

/** A release of this job that has not begun. */
export function newRecord(
  { config, run, clock }: Session,
  wanted: WantedRelease,
  before: ReleaseRecord["before"],
): ReleaseRecord {
  const now = clock.now();
  return {
    version: 1,
    asked: config.asked,
    metrics: keptMetrics(config),
    ...wanted,
    run,
    startedAt: now,
    before,
    state: initial(now),
    stages: [],
    log: [],
    ledger: emptyLedger,
  };
}
