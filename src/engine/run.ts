import { append } from "../evidence/ledger.ts";
import type { Poll } from "../evidence/poll.ts";
import type { Instant, Millis } from "../lib/duration.ts";
import { TakenOverError, unlessTakenOver } from "../lib/errors.ts";
import type { Ports } from "../ports/ports.ts";
import { accountOf } from "../release/account.ts";
import { decide } from "../release/decide.ts";
import type { Decision } from "../release/decision.ts";
import { follow, overwrote, proxiesLearnt, stumbled } from "../release/follow.ts";
import type { Learnt } from "../release/learnt.ts";
import type { Observation, Trouble } from "../release/observation.ts";
import type { ReleaseRecord } from "../release/release-record.ts";
import { isOutcome, isRunning, type Running, type State } from "../release/state.ts";
import type { Clock } from "../world/clock.ts";
import { within } from "../world/within.ts";
import { type Enact, enacting } from "./enact.ts";
import { insistenceOn, never, unlessInsisted } from "./insistence.ts";
import type { Job } from "./job.ts";
import { keepLogs } from "./keep-logs.ts";
import { foldedRecord, keepOutcome, pause } from "./keep-outcome.ts";
import { type Lessons, lessons } from "./lessons.ts";
import { enterStage, type Failure, failureOf, type Looked, type Memory, observe, remember } from "./observe.ts";
import { type Back, type UnderWay, watchWhile } from "./watch-while.ts";

/**
 * Runs a release until it has an outcome or waits for somebody. Rejects only with TakenOverError, or the reason of
 * `lost`.
 */
export async function run(begun: ReleaseRecord, ports: Ports, job: Job): Promise<ReleaseRecord> {
  const taught = lessons(ports, begun.plan);
  try {
    return await goOn(begun, ports, job, taught);
  } finally {
    endAsking(ports);
    taught.end();
  }
}

/** What was asked for a stage is nobody's question when the stage is over. */
function endAsking({ respondents }: Ports): void {
  for (const { end } of Object.values(respondents)) end();
}

const isAsking = ({ phase }: State): boolean => phase === "baking" || phase === "shifting";

async function goOn(begun: ReleaseRecord, ports: Ports, job: Job, taught: Lessons): Promise<ReleaseRecord> {
  let record = begun;
  let memory = remember(begun);
  let troubles: Troubles = {};
  const doing = enacting(ports, job);

  while (isRunning(record.state)) {
    job.lost.throwIfAborted();
    const { state } = record;
    if (!isAsking(state)) endAsking(ports);
    const looked = await lookAt(record, state, ports, memory, job);
    if (looked) memory = looked.memory;
    if (looked?.poll) record = { ...record, ledger: append(record.ledger, looked.poll) };

    record = tellLesson(record, taught.news(), ports, job);
    const seen = observationOf(looked, record, troubles, ports.clock.now(), job);
    const observation = { ...seen, ...taught.newest() };
    const decision = decide(record.plan, state, observation);
    const step = begin(record, decision, observation, ports, job, doing);
    const watched = await watchWhile(step.result, { ...step, memory }, ports, job);
    memory = watched.memory;
    const result = "result" in watched ? watched.result : await abandonFor(watched.back, step, ports, job, doing);
    troubles = troublesAfter(observation, troubles, decision, result, ports.clock.now());
    record = watched.polls.reduce(withPoll, record);
    if ("failure" in result) {
      record = stumbled(record, result.failure, ports.clock.now());
      await ports.clock.sleepUntil(ports.clock.now() + pause, stopFor(state, job));
      continue;
    }
    record = watched.polls.reduce(withPoll, result.record);
    if (record.state !== state) taught.after(decision, state, record.state);
    if (record.state.phase === "baking" && state.phase !== "baking") {
      endAsking(ports);
      memory = enterStage(memory);
    }
    if (state.phase === "preparing") memory = remember(record); // it may have begun again
  }
  if (!isOutcome(record.state)) return record;
  if (record.state.phase === "failed") await keepLogs(record, ports, job.stop); // whoever looks may take the pods
  return keepOutcome(record, record.state, ports, job);
}

/** A step that is being taken, told to everybody. */
type BegunStep = Omit<UnderWay, "memory"> & { readonly result: Promise<Result> };

function begin(
  record: ReleaseRecord,
  decision: Decision,
  observation: Observation,
  ports: Ports,
  job: Job,
  doing: Enact,
): BegunStep {
  const nextRecord = follow(record, decision, observation);
  ports.reporter.report(accountOf(nextRecord, decision.reason, observation.now, job.warnings()));
  return { decision, record, nextRecord, result: attempt(decision, record, nextRecord, ports, job, doing) };
}

/** What still hangs may land later: every write tests what it read, and the way back looks until nothing is under way. */
function abandonFor({ record, decision, observation }: Back, step: BegunStep, ports: Ports, job: Job, doing: Enact) {
  step.result.catch(() => undefined);
  return begin(record, decision, observation, ports, job, doing).result;
}

const withPoll = (record: ReleaseRecord, poll: Poll): ReleaseRecord => ({
  ...record,
  ledger: append(record.ledger, poll),
});

async function lookAt(
  record: ReleaseRecord,
  state: Running,
  ports: Ports,
  memory: Memory,
  job: Job,
): Promise<Looked | undefined> {
  const look = (signal: AbortSignal): Promise<Looked> => observe(record, state, ports, memory, signal);
  if (!isSafeWay(state)) return unlessStopped(job, ports.clock, look, 0);
  const looked = unlessInsisted(look(never), ports.clock, insistenceOn(job, wasStopped(state)));
  return looked.catch((error: unknown) => ({ memory, failure: failureOf(error) }));
}

/**
 * What the world did not do: the newest look, and the newest effect, which is tried again while it is still to be done.
 */
type Troubles = { readonly look?: Trouble | undefined; readonly effect?: Trouble | undefined };

/** A look that fails goes on with the trouble there was; one that succeeds ends its own, and not that of an effect. */
function observationOf(
  looked: Looked | undefined,
  { again, state }: ReleaseRecord,
  troubles: Troubles,
  now: Instant,
  job: Job,
): Observation {
  const stop = job.stop.aborted ? String(job.stop.reason) : undefined;
  const insisted = insistenceOn(job, wasStopped(state)).aborted;
  const moment = { now, deadlineAt: job.deadlineAt, stop, insisted, taken: job.taken, again };
  if (looked && "look" in looked) return { ...moment, look: looked.look, trouble: troubles.effect };
  const failure = looked?.failure ?? { words: stop ?? "", lasting: false }; // a stop ends a look
  const counted = looked && "counted" in looked ? looked.counted : undefined;
  return { ...moment, trouble: since(troubles.look ?? troubles.effect, failure, now), counted };
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

/** How long an effect that is under way may take to end by itself when the job is cancelled. */
const grace: Millis = 500;

/** How long the journal may hold a rollback up. */
const journalGrace: Millis = 1_000;

/** While promoting and rolling back, going on is what is safe: a stop interrupts everything else. */
const isSafeWay = ({ phase }: State): boolean => phase === "promoting" || phase === "rolling-back";

const wasStopped = (state: State): boolean => state.phase === "rolling-back" && state.reason.kind === "cancelled";

const stopFor = (state: State, job: Job): AbortSignal => (isSafeWay(state) ? never : job.stop);

/** What the work gives, or undefined when the job was stopped meanwhile and the work did not end within `patience`. */
async function unlessStopped<T>(
  { stop }: Job,
  clock: Clock,
  work: (signal: AbortSignal) => Promise<T>,
  patience: Millis,
): Promise<T | undefined> {
  if (stop.aborted) return undefined;
  try {
    return await within(work(stop), patience, clock, stop);
  } catch (error) {
    if (stop.aborted) return undefined;
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
    const done = await effect(decision, record, ports, job, doing);
    if (done === "look again") return { record };
    if (decision.do === "wait") return { record: nextRecord };
    if (stopFor(record.state, job).aborted && nextRecord.state.phase !== "rolling-back") return { record };
    const told = done?.over === undefined ? nextRecord : tellOver(nextRecord, done.over, ports, job);
    if (!isOutcome(told.state)) await save(told, ports); // where it ended is kept when all is done
    return { record: told };
  } catch (error) {
    if (error instanceof TakenOverError) {
      if (decision.do === "route") await ports.router.takeBack();
      throw error;
    }
    job.lost.throwIfAborted();
    return { failure: failureOf(error) };
  }
}

/** A rollback waits for none of this; who has not learnt it in time is named. */
function tellLesson(
  record: ReleaseRecord,
  learnt: Learnt | undefined,
  { clock, reporter }: Ports,
  job: Job,
): ReleaseRecord {
  if (!learnt || isTold(record, learnt)) return record;
  // A gateway may be told of no subset before a route names it: that it lacks the canary's pods harms nobody yet.
  if (learnt.without.length > 0 && learnt.lesson === "routes") job.unlearnt?.(learnt);
  const told = proxiesLearnt(record, learnt);
  reporter.report(accountOf(told, { kind: "proxies-learnt", ...learnt }, clock.now(), job.warnings()));
  return told;
}

/** That nobody can be read is told once. */
const isTold = ({ log }: ReleaseRecord, { because }: Learnt): boolean =>
  because !== undefined && log.some(({ reason }) => reason.kind === "proxies-learnt" && reason.because !== undefined);

function tellOver(record: ReleaseRecord, differences: string, { clock, reporter }: Ports, job: Job): ReleaseRecord {
  const now = clock.now();
  const told = overwrote(record, differences, now);
  reporter.report(accountOf(told, { kind: "put-back", differences }, now, job.warnings()));
  return told;
}

/** While no traffic is at stake a stop lets an effect end: what it would make after its undoing would stay for ever. */
async function effect(
  decision: Decision,
  record: ReleaseRecord,
  { clock }: Ports,
  job: Job,
  doing: Enact,
): Promise<Awaited<ReturnType<Enact>> | undefined> {
  const { state } = record;
  const work = (signal: AbortSignal) => doing(decision, record, signal);
  if (state.phase === "preparing") return work(job.stop);
  if (!isSafeWay(state)) return unlessStopped(job, clock, work, grace);
  if (decision.do === "wait") return work(never);
  return unlessInsisted(work(never), clock, insistenceOn(job, wasStopped(state)));
}

/**
 * A rollback alone does not wait long for its journal: traffic comes off a bad version first, and a job that finds the
 * older phase rolls back as well.
 */
async function save(record: ReleaseRecord, ports: Ports): Promise<void> {
  const saved = ports.journal.save(foldedRecord(record));
  if (record.state.phase !== "rolling-back") return saved;
  await within(saved.catch(unlessTakenOver), journalGrace, ports.clock);
}
