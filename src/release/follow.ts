import type { Evidence } from "../evidence/evidence.ts";
import { emptyLedger } from "../evidence/ledger.ts";
import { type Count, emptyTally, type Tally } from "../evidence/tally.ts";
import type { Instant } from "../lib/duration.ts";
import type { Decision } from "./decision.ts";
import { withoutOutput } from "./lean-record.ts";
import type { Learnt } from "./learnt.ts";
import type { BakingLook, Counted, Observation, Trouble } from "./observation.ts";
import type { Plan } from "./plan.ts";
import { trafficAt } from "./planned-traffic.ts";
import { isSameReason, type Reason } from "./reason.ts";
import type { LogEntry, ReleaseRecord, StageRecord } from "./release-record.ts";
import { type Baking, isRunning, type State } from "./state.ts";

/** The record as it is once the decision is done. */
export function follow(record: ReleaseRecord, decision: Decision, observation: Observation): ReleaseRecord {
  const { now } = observation;
  const stages = withNewest(record, decision, observation);
  if (decision.do === "wait") return { ...record, stages, log: withExtension(record, decision, now) };
  const { next, reason, plan = record.plan } = decision;
  return {
    ...record,
    plan,
    state: next,
    stages: enters(record.state, next) ? [...stages, opened(plan, next.stage, now)] : stages,
    log: withEntry(record.log, { at: now, do: decision.do, reason }),
    ...judgedFrom(record, decision, observation),
    ...replacedBy(record, decision, observation),
    ...begunAgain(record, decision),
  };
}

/** What the canary runs when it becomes ready is what is judged from then on. */
function judgedFrom(
  { state }: ReleaseRecord,
  { reason }: Decision,
  { look }: Observation,
): Pick<ReleaseRecord, "judged"> | undefined {
  if (state.phase !== "preparing" || reason.kind !== "canary-ready" || look?.phase !== "preparing") return undefined;
  return look.canary?.build && { judged: look.canary.build };
}

/** Whoever goes back after this release wants what served last. A step that is taken again finds what it did itself. */
function replacedBy(
  { judged }: ReleaseRecord,
  decision: Decision,
  { look }: Observation,
): Pick<ReleaseRecord, "replaced"> | undefined {
  const replaces = decision.do === "update-stable" || (decision.do === "finish" && decision.winner === "canary");
  if (!replaces || look?.phase !== "promoting") return undefined;
  const { untouched, image } = look.stable ?? {};
  if (untouched === false && image !== undefined && image !== judged?.image) return { replaced: image };
  return undefined;
}

/** Once a canary that was changed has lost its traffic, nothing of what was counted speaks of it any more. */
function begunAgain(
  { state, again = 0 }: ReleaseRecord,
  decision: Decision,
): Partial<Pick<ReleaseRecord, "again" | "stages" | "ledger">> | undefined {
  if (decision.reason.kind === "canary-put-back") return { again: again + 1 };
  const isReturned = state.phase === "preparing" && state.step === "returning" && decision.do === "finish";
  if (isReturned) return { stages: [], ledger: emptyLedger };
  return undefined;
}

/**
 * The record when an effect failed that is tried again: where it was, with what went wrong. The same failure again is
 * counted. Before the promotion a failure that lasts is not tried again: it is why the release rolls back, and told so.
 */
export function stumbled(
  record: ReleaseRecord,
  { words, lasting }: Pick<Trouble, "words" | "lasting">,
  at: Instant,
): ReleaseRecord {
  const { state, log } = record;
  if (lasting && isRunning(state) && state.phase !== "promoting" && state.phase !== "rolling-back") return record;
  const reason: Reason = { kind: "trying-again", words };
  const last = log.at(-1);
  if (!last || !isSameReason(reason, last.reason))
    return { ...record, log: withEntry(log, { at, do: "retry", reason }) };
  return { ...record, log: [...log.slice(0, -1), { ...last, times: (last.times ?? 1) + 1 }] };
}

/** The record when the proxies of the mesh have learnt what was written, or have had their time to. */
export const proxiesLearnt = (record: ReleaseRecord, learnt: Learnt): ReleaseRecord => ({
  ...record,
  log: withEntry(record.log, { at: learnt.at, do: "confirm", reason: { kind: "proxies-learnt", ...learnt } }),
});

/** The record when a way back has written over what somebody else wrote. */
export const overwrote = (record: ReleaseRecord, differences: string, at: Instant): ReleaseRecord => ({
  ...record,
  log: withEntry(record.log, { at, do: "finish", reason: { kind: "put-back", differences } }),
});

/** A ConfigMap holds 1 MiB; a release that writes more lines than this has told its story. */
const maxEntries = 200;

const withEntry = (log: ReleaseRecord["log"], entry: LogEntry): ReleaseRecord["log"] =>
  [...log, entry].slice(-maxEntries);

/** A stage is extended at each look from then on; why it was first is part of its story. */
function withExtension({ log, state }: ReleaseRecord, { reason }: Decision, now: Instant): ReleaseRecord["log"] {
  const isKnown = log.some((entry) => entry.reason.kind === "stage-extended" && entry.at >= since(state));
  if (reason.kind !== "stage-extended" || isKnown) return log;
  return withEntry(log, { at: now, do: "wait", reason });
}

const since = (state: State): Instant => (state.phase === "baking" ? state.since : Infinity);

const enters = (before: State, next: State): next is Baking =>
  next.phase === "baking" && !(before.phase === "baking" && before.stage === next.stage);

function opened(plan: Plan, stage: number, now: Instant): StageRecord {
  const { canary: weight } = trafficAt(plan, stage);
  const name = plan.stages[stage]?.name ?? `${weight}%`;
  return { stage, name, weight, since: now, verdicts: [], polls: 0, tally: emptyTally };
}

/** The stage that is under way gets the newest verdicts and counts, and its end when it is left. */
function withNewest(
  { stages, state }: ReleaseRecord,
  decision: Decision,
  observation: Observation,
): readonly StageRecord[] {
  const newest = stages.at(-1);
  if (!newest) return stages;
  const { now } = observation;
  const known = knownIn(observation);
  const judgedStage = printed(judged(newest, decision, known?.evidence), known);
  const earlier = judgedStage.outputs ? stages.slice(0, -1).map(withoutOutput) : stages.slice(0, -1);
  // Traffic flows at the last stage's weight while the next is prepared; what fails then is that stage's.
  if (state.phase === "shifting") return [...earlier, judgedStage];
  if (state.phase !== "baking" || newest.until !== undefined) return stages;
  const seen = known ? counted(judgedStage, known) : newest;
  const isLeft = decision.do !== "wait" && decision.next.phase !== "baking";
  return [...earlier, isLeft ? { ...seen, until: now } : seen];
}

/** By what a stage was judged, whether or not the cluster could be read. */
function knownIn(observation: Observation): StageSight | undefined {
  const { look } = observation;
  if (look === undefined) return observation.counted;
  if (look.phase === "baking") return look;
  if (look.phase === "shifting") return look.counted;
  return undefined;
}

type StageSight = Counted & Partial<Pick<BakingLook, "served">>;

/** Gates that were not asked keep their answer. */
function judged(stage: StageRecord, { verdicts }: Decision, evidence: Evidence | undefined): StageRecord {
  if (!verdicts) return stage;
  const unasked = stage.verdicts.filter(({ gate }) => !verdicts.some((verdict) => verdict.gate === gate));
  return { ...stage, verdicts: [...unasked, ...verdicts], polls: evidence?.polls ?? stage.polls };
}

/** What programs printed in earlier stages goes when this one has something: a journal has little room. */
function printed(stage: StageRecord, sight: StageSight | undefined): StageRecord {
  const newest = [...(sight?.readings ?? [])].flatMap(([gate, answers]) => {
    const { output = "" } = answers.at(-1) ?? {};
    if (output === "") return [];
    return [[gate, output] as const];
  });
  if (newest.length === 0) return stage;
  return { ...stage, outputs: { ...stage.outputs, ...Object.fromEntries(newest) } };
}

/** Counters that could not be read change nothing. */
function counted(stage: StageRecord, { counts, served }: StageSight): StageRecord {
  const isServed = served !== undefined && served.stable + served.canary > 0;
  return {
    ...stage,
    tally: "tally" in counts ? withoutHistograms(counts.tally) : stage.tally,
    served: isServed ? served : stage.served,
  };
}

/** Reports show requests and errors; histograms would only fill the journal. */
const withoutHistograms = ({ stable, canary, unattributed }: Tally): Tally => ({
  stable: withoutTimes(stable),
  canary: withoutTimes(canary),
  unattributed: withoutTimes(unattributed),
});

const withoutTimes = ({ took: _, ...count }: Count): Count => ({ ...count, buckets: [] });
