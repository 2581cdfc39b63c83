import type { Poll } from "../evidence/poll.ts";
import type { Instant } from "../lib/duration.ts";
import type { Ports } from "../ports/ports.ts";
import { decide } from "../release/decide.ts";
import type { Decision } from "../release/decision.ts";
import type { Counted, Observation } from "../release/observation.ts";
import type { ReleaseRecord } from "../release/release-record.ts";
import { isRunning } from "../release/state.ts";
import { within } from "../world/within.ts";
import { never } from "./insistence.ts";
import type { Job } from "./job.ts";
import { enterStage, lookAtMetrics, lookLimit, type Memory } from "./observe.ts";

/** A decision that is being done, by what was known then. */
export type UnderWay = {
  readonly decision: Decision;
  readonly record: ReleaseRecord;
  readonly nextRecord: ReleaseRecord;
  readonly memory: Memory;
};

/** What was counted meanwhile, and how the work ended; or the way back, for which it is not waited for any longer. */
export type Watched<T> = { readonly memory: Memory; readonly polls: readonly Poll[] } & (
  | { readonly result: T }
  | { readonly back: Back }
);
export type Back = {
  readonly record: ReleaseRecord;
  readonly decision: Decision;
  readonly observation: Observation;
};

/**
 * A write that hangs, or a journal that cannot be saved, takes as long as the client tries. Traffic flows meanwhile, so
 * it goes on being judged, as when the cluster cannot be read.
 */
export async function watchWhile<T>(work: Promise<T>, underWay: UnderWay, ports: Ports, job: Job): Promise<Watched<T>> {
  const ending = work.then((result) => ({ result }));
  const record = watchedRecord(underWay);
  const since = ports.clock.now();
  let seen = firstSight(underWay);
  if (!isAtStake(record, underWay.decision)) return { ...seen, ...(await ending) };
  for (;;) {
    const ended = await within(ending, Math.max(record.plan.pollEvery, lookLimit), ports.clock);
    if (ended) return { ...seen, ...ended };
    const looked = await lookAtMetrics(record, judgedStage(record), ports, seen.judged, never);
    seen = seenWith(seen, looked, underWay.decision);
    const back = backFrom(record, looked.counted, since, ports, job);
    if (back) return { ...seen, back };
  }
}

type CountedMeanwhile = Awaited<ReturnType<typeof lookAtMetrics>>;

/** `judged`: what this job goes by meanwhile. */
type Sight = { readonly memory: Memory; readonly polls: readonly Poll[]; readonly judged: Memory };

function firstSight(underWay: UnderWay): Sight {
  const { memory } = underWay;
  const isNewStage = watchedRecord(underWay) === underWay.nextRecord;
  return { memory, polls: [], judged: isNewStage ? enterStage(memory) : memory };
}

/** With which weight requests were served is not known while one is written: the ledger gets none of those. */
function seenWith(seen: Sight, { memory, poll }: CountedMeanwhile, { do: done }: Decision): Sight {
  if (done === "route") return { ...seen, judged: memory };
  return { memory, judged: memory, polls: poll ? [...seen.polls, poll] : seen.polls };
}

function backFrom(
  record: ReleaseRecord,
  counted: Counted,
  since: Instant,
  { clock }: Ports,
  { deadlineAt, stop: stopped }: Job,
): Back | undefined {
  if (!isRunning(record.state)) return undefined;
  const trouble = { words: "the API server has not answered a write yet", lasting: false, since };
  const stop = stopped.aborted ? String(stopped.reason) : undefined;
  const observation: Observation = { now: clock.now(), deadlineAt, stop, trouble, counted };
  const decision = decide(record.plan, record.state, observation);
  const isBack = decision.do !== "wait" && decision.next.phase === "rolling-back";
  return isBack ? { record, decision, observation } : undefined;
}

/** While pods start for the next weight the stage before is judged. */
function judgedStage({ state }: ReleaseRecord): number {
  if (!("stage" in state)) return -1;
  return state.phase === "shifting" ? state.stage - 1 : state.stage;
}

/** A weight that is being written may be served already. */
const watchedRecord = ({ decision, record, nextRecord }: UnderWay): ReleaseRecord =>
  decision.do === "route" && nextRecord.state.phase === "baking" ? nextRecord : record;

/** Waiting is ended by what it waits for, and what is safe is not given up. */
const isAtStake = ({ state, stages }: ReleaseRecord, { do: done }: Decision): boolean =>
  done !== "wait" && (state.phase === "baking" || (state.phase === "shifting" && stages.length > 0));
