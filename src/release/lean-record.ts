import { foldWhole } from "../evidence/ledger.ts";
import type { ReleaseRecord } from "./release-record.ts";

/**
 * What finishing a release, or giving it back, needs, and the newest of its story: for a place that the whole does not
 * fit into.
 */
export const leanRecord = (record: ReleaseRecord, entries: number): ReleaseRecord => ({
  ...record,
  stages: record.stages.map((stage, index) => (index < record.stages.length - 1 ? { ...stage, verdicts: [] } : stage)),
  log: entries === 0 ? [] : record.log.slice(-entries),
  ledger: foldWhole(record.ledger, record.plan.evidence.settings),
});
