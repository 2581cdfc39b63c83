import { foldWhole } from "../evidence/ledger.ts";
import type { ReleaseRecord, StageRecord } from "./release-record.ts";

/** Without what programs printed: nothing needs it, and a report has it already. */
export const withoutOutputs = (record: ReleaseRecord): ReleaseRecord => ({
  ...record,
  stages: record.stages.map(withoutOutput),
});

export const withoutOutput = ({ outputs: _, ...stage }: StageRecord): StageRecord => stage;

/**
 * What finishing a release, or giving it back, needs, and the newest of its story: for a place that the whole does not
 * fit into.
 */
export const leanRecord = (record: ReleaseRecord, entries: number): ReleaseRecord => ({
  ...record,
  stages: withoutOutputs(record).stages.map((stage, index) =>
    index < record.stages.length - 1 ? { ...stage, verdicts: [] } : stage,
  ),
  log: entries === 0 ? [] : record.log.slice(-entries),
  ledger: foldWhole(record.ledger, record.plan.evidence.settings),
});
