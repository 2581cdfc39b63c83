import { append, fold } from "../evidence/ledger.ts";
import type { Instant, Millis } from "../lib/duration.ts";
import { TakenOverError } from "../lib/errors.ts";
import type { Ports } from "../ports/ports.ts";
import { accountOf } from "../release/account.ts";
import { decide } from "../release/decide.ts";
import type { Decision } from "../release/decision.ts";
import { follow, stumbled } from "../release/follow.ts";
import type { Observation, Trouble } from "../release/observation.ts";
import type { ReleaseRecord } from "../release/release-record.ts";
import { isRunning, type State } from "../release/state.ts";
import type { Clock } from "../world/clock.ts";
import { within } from "../world/within.ts";
import { type Enact, enacting } from "./enact.ts";
import { enterStage, type Failure, failureOf, type Looked, observe, remember } from "./observe.ts";

/** The job that runs a release: what may end it early, and what was noticed on the way. */
export type Job = {
  /** Aborts when the job is cancelled; its reason is the sentence that people will read. */
  readonly stop: AbortSignal;
  /** Aborts when another job took the release over: nothing may be written any more. */
  readonly lost: AbortSignal;
  /** Another job had the release before. */
  readonly taken?: boolean | undefined;
  readonly deadlineAt: Instant;
  readonly warnings: () => readonly string[];
};

/**
 * Runs a release until it has an outcome or waits for somebody. Rejects only with TakenOverError, or the reason of
 * `lost`.
 */
export async function run(begun: ReleaseRecord, ports: Ports, job: Job): Promise<ReleaseRecord> {
  let record = begun;
  let memory = remember(begun);
  let troubles: Troubles = {};
  const doing = enacting(ports, job.taken === true);

  while (isRunning(record.state)) {
    job.lost.throwIfAborted();
    const { state } = record;
    const looked = await unlessStopped(
      state,
      job,
      ports.clock,
      (signal) => observe(record, state, ports, memory, signal),
      0,
    );
    if (looked) memory = looked.memory;
    if (looked?.poll) record = { ...record, ledger: append(record.ledger, looked.poll) };

    const observation = observationOf(looked, record, troubles, ports.clock.now(), job);
    const decision = decide(record.plan, state, observation);
    const nextRecord = follow(record, decision, observation);
    ports.reporter.report(accountOf(nextRecord, decision.reason, observation.now, job.warnings()));

    const result = await attempt(decision, record, nextRecord, ports, job, doing);
    troubles = troublesAfter(observation, troubles, decision, result, ports.clock.now());
    if ("failure" in result) {
      record = stumbled(record, result.failure, ports.clock.now());
      await ports.clock.sleepUntil(ports.clock.now() + pause, stopFor(state, job));
      continue;
    }
    record = result.record;
    if (record.state.phase === "baking" && state.phase !== "baking") memory = enterStage(memory);
    if (state.phase === "preparing") memory = remember(record); // it may have begun again
  }
  return record;
}

/**
 * What the world did not do: the newest look, and the newest effect, which is tried again while it is still to be done.
 */
type Troubles = { readonly look?: Trouble | undefined; readonly effect?: Trouble | undefined };

/** A look that fails goes on with the trouble there was; one that succeeds ends its own, and not that of an effect. */
function observationOf(
  looked: Looked | undefined,
  { again }: ReleaseRecord,
  troubles: Troubles,
  now: Instant,
  job: Job,
): Observation {
  const stop = job.stop.aborted ? String(job.stop.reason) : undefined;
  const moment = { now, deadlineAt: job.deadlineAt, stop, again };
  if (looked && "look" in looked) return { ...moment, look: looked.look, trouble: troubles.effect };
  const failure = looked?.failure ?? { words: stop ?? "", lasting: false }; // a stop ends a look
  return { ...moment, trouble: since(troubles.look ?? troubles.effect, failure, now) };
}

function troublesAfter(
  { look, trouble }: Observation,
  { effect }: Troubles,
  decision: Decision,
  result: Result,
  now: Instant,
): Troubles {
  if ("failure" in result) return { effect: since(trouble, result.failure, now) };
  // Whoever waits after a good look has nothing left to do: somebody else may have put the route right meanwhile.
  return decision.do === "wait" && look === undefined ? { look: trouble, effect } : {};
}

const since = (before: Trouble | undefined, failure: Failure, now: Instant): Trouble => ({
  ...failure,
  since: before?.since ?? now,
});

/** After something failed; the client has tried several times itself by then. */
const pause: Millis = 500;

/** How long an effect that is under way may take to end by itself when the job is cancelled. */
const grace: Millis = 500;

/** How long the journal may hold a rollback up. */
const journalGrace: Millis = 1_000;

/** A stop interrupts everything but a promotion and a rollback: those go on, because going on is what is safe. */
const stopFor = (state: State, job: Job): AbortSignal =>
  state.phase === "promoting" || state.phase === "rolling-back" ? never : job.stop;
const never = new AbortController().signal;

/** What the work gives, or undefined when the job was stopped meanwhile and the work did not end within `patience`. */
async function unlessStopped<T>(
  state: State,
  job: Job,
  clock: Clock,
  work: (signal: AbortSignal) => Promise<T>,
  patience: Millis,
): Promise<T | undefined> {
  const signal = stopFor(state, job);
  if (signal.aborted) return undefined;
  try {
    return await within(work(signal), patience, clock, signal);
  } catch (error) {
    if (signal.aborted) return undefined;
    throw error;
  }
}

type Result = { readonly record: ReleaseRecord } | { readonly failure: Failure };

/**
 * Does it, journals where that leads, and gives the record that is true then, or what went wrong: the same step is
 * taken again in that case, which is harmless. A job that is stopped goes no step further, except back.
 * A job that lost the release takes back the weight that it wrote last, unless somebody has written since.
 */
async function attempt(
  decision: Decision,
  record: ReleaseRecord,
  nextRecord: ReleaseRecord,
  ports: Ports,
  job: Job,
  doing: Enact,
): Promise<Result> {
  try {
    await effect(decision, record, ports, job, doing);
    if (decision.do === "wait") return { record: nextRecord };
    if (stopFor(record.state, job).aborted && nextRecord.state.phase !== "rolling-back") return { record };
    await save(nextRecord, ports);
    return { record: nextRecord };
  } catch (error) {
    if (error instanceof TakenOverError) {
      if (decision.do === "route") await ports.router.takeBack();
      throw error;
    }
    job.lost.throwIfAborted();
    return { failure: failureOf(error) };
  }
}

/** While no traffic is at stake a stop lets an effect end: what it would make after its undoing would stay for ever. */
function effect(decision: Decision, record: ReleaseRecord, { clock }: Ports, job: Job, doing: Enact): Promise<void> {
  const { state } = record;
  const work = (signal: AbortSignal): Promise<void> => doing(decision, record, signal);
  return state.phase === "preparing" ? work(job.stop) : unlessStopped(state, job, clock, work, grace);
}

/**
 * A rollback alone does not wait long for its journal: traffic comes off a bad version first, and a job that finds the
 * older phase rolls back as well. Nor does a release that was given up, perhaps because of its journal: it must end.
 */
async function save(record: ReleaseRecord, ports: Ports): Promise<void> {
  const saved = ports.journal.save({ ...record, ledger: fold(record.ledger, record.plan.evidence.settings) });
  const { phase } = record.state;
  if (phase !== "rolling-back" && phase !== "failed") return saved;
  const lenient = saved.catch((error: unknown) => {
    if (error instanceof TakenOverError) throw error;
  });
  await within(lenient, journalGrace, ports.clock);
}
