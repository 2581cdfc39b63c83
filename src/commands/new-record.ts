import { emptyLedger } from "../evidence/ledger.ts";
import type { Plan } from "../release/plan.ts";
import type { ReleaseRecord } from "../release/release-record.ts";
import { initial } from "../release/state.ts";
import { keptMetrics } from "./known-metrics.ts";
import type { Orientation } from "./orient.ts";
import type { Session } from "./session.ts";

/** A release of this job that has not begun. */
export function newRecord(
  { config, run, clock }: Session,
  { target, exchanged }: Orientation,
  plan: Plan,
  before: ReleaseRecord["before"],
): ReleaseRecord {
  const now = clock.now();
  return {
    version: 1,
    target,
    exchanged,
    asked: config.asked,
    metrics: keptMetrics(config),
    plan,
    run,
    startedAt: now,
    before,
    state: initial(now),
    stages: [],
    log: [],
    ledger: emptyLedger,
  };
}
