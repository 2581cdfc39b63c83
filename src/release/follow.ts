import { emptyTally, type Tally } from "../evidence/tally.ts";
import type { Instant } from "../lib/duration.ts";
import type { Decision } from "./decision.ts";
import type { GateVerdict } from "./gate.ts";
import type { Observation, Trouble } from "./observation.ts";
import type { Plan } from "./plan.ts";
import type { LogEntry, ReleaseRecord, StageRecord } from "./release-record.ts";
import { splitOf } from "./split.ts";
import type { State } from "./state.ts";

/** The record as it is once the decision is done. */
export function follow(record: ReleaseRecord, decision: Decision, seen: Observation): ReleaseRecord {
  const next = decision.do === "wait" ? record.state : decision.next;
  const judged = judge(record.stages, record.state, decision, seen);
  return {
    ...record,
    plan: decision.plan ?? record.plan,
    state: next,
    stages: enters(record.state, next) ? [...judged, opened(record.plan, next.stage, seen.now)] : judged,
    log:
      decision.do === "wait"
        ? record.log
        : [...record.log, { at: seen.now, do: decision.do, because: decision.because }].slice(-maxEntries),
  };
}

/**
 * The record when an effect failed that is tried again: where it was, with what went wrong. The same failure again is no news.
 * Before the promotion a failure that lasts is not tried again: it is why the release rolls back, and told as that.
 */
export function stumbled(
  record: ReleaseRecord,
  { because, lasting }: Omit<Trouble, "since">,
  at: Instant,
): ReleaseRecord {
  const { phase } = record.state;
  if (lasting && phase !== "promoting" && phase !== "rolling-back") return record;
  const entry: LogEntry = { at, do: "retry", because: `${because}; trying again` };
  return record.log.at(-1)?.because === entry.because
    ? record
    : { ...record, log: [...record.log, entry].slice(-maxEntries) };
}

/** A ConfigMap holds 1 MiB; a release that writes more lines than this has told its story. */
const maxEntries = 200;

const enters = (before: State, next: State): next is Extract<State, { phase: "baking" }> =>
  next.phase === "baking" && !(before.phase === "baking" && before.stage === next.stage);

function opened(plan: Plan, stage: number, now: number): StageRecord {
  const { canary } = splitOf(plan, stage);
  return {
    stage,
    name: plan.stages[stage]?.name ?? `${canary}%`,
    weight: canary,
    since: now,
    verdicts: [],
    polls: 0,
    tally: emptyTally,
  };
}

/** Reports show requests and errors; histograms would only fill the journal. */
const withoutBuckets = ({ stable, canary, unattributed }: Tally): Tally => ({
  stable: { ...stable, buckets: [] },
  canary: { ...canary, buckets: [] },
  unattributed: { ...unattributed, buckets: [] },
});

/** Gates that were not asked keep their answer. */
const judgedBy = (
  verdicts: readonly GateVerdict[],
  { verdicts: before, polls }: StageRecord,
  { evidence }: Observation,
): Pick<StageRecord, "verdicts" | "polls"> => ({
  verdicts: [...before.filter(({ gate }) => !verdicts.some((verdict) => verdict.gate === gate)), ...verdicts],
  polls: evidence?.polls ?? polls,
});

/** The stage that is under way gets the newest verdicts and counts, and its end when it is left. */
function judge(
  stages: readonly StageRecord[],
  state: State,
  decision: Decision,
  seen: Observation,
): readonly StageRecord[] {
  const open = stages.at(-1);
  if (!open) return stages;
  // Traffic flows at the last stage's weight while the next is prepared; what fails then is that stage's.
  if (state.phase === "shifting" && decision.verdicts)
    return [...stages.slice(0, -1), { ...open, ...judgedBy(decision.verdicts, open, seen) }];
  if (state.phase !== "baking" || open.until !== undefined) return stages;
  const left = decision.do !== "wait" && decision.next.phase !== "baking";
  const newest: StageRecord = {
    ...open,
    ...(decision.verdicts ? judgedBy(decision.verdicts, open, seen) : {}),
    tally: seen.tally ? withoutBuckets(seen.tally) : open.tally,
    ...(seen.served && seen.served.stable + seen.served.canary > 0 ? { served: seen.served } : {}),
    ...(left ? { until: seen.now } : {}),
  };
  return [...stages.slice(0, -1), newest];
}
