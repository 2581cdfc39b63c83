import { tell } from "../lib/errors.ts";
import { holdEnds, holdOf } from "../release/hold.ts";
import { keptUntil, withoutOld } from "../release/kept-old.ts";
import type { Reason } from "../release/reason.ts";
import type { ReleaseRecord } from "../release/release-record.ts";
import { isOver, isRunning } from "../release/state.ts";
import { endInWords, failedInWords, notAsItShouldBe, serviceInWords } from "../words/standing-text.ts";
import { concludeTaken, lastLook } from "./conclude.ts";
import { locked } from "./locked.ts";
import { isEmptied, reviveWinner } from "./revive-winner.ts";
import { backFrom } from "./rollback.ts";
import type { ExitCode, Session } from "./session.ts";
import { strays, unanswered } from "./strays.ts";
import { takeOver } from "./take-over.ts";
import { type LastReading, standingWithoutJournal } from "./without-journal.ts";

/**
 * The action's second step, which runs when the first did not end by itself: cancelled, killed, out of time; or when it
 * did, and not everything was as it should be. It ends the release of this very job, and of any job what nobody minds
 * any more: a release that is held and on which nobody has decided in time, and one whose job is dead. It leaves
 * everything else alone, and reads in any case how it stands: what it says is the last word.
 */
export async function settle(session: Session): Promise<ExitCode> {
  const record = await session.journal.load();
  const why = record && (await whyEnded(session, record));
  if (!record) return lastWord(session, record);
  if (!why) return lastWord(session, (await reviveOwn(session, record)) ?? record);
  return locked(session, { force: false }, async (held) => {
    const taken = await takeOver(session, { held, evenUnsaved: true }, (newest) => {
      if (why.kind === "job-ended" ? !isLeft(session, newest) : !isSame(record, newest)) return undefined;
      if (why.kind === "retiring") return { ...withoutOld(newest, session.clock.now()), run: session.run };
      const log = isOwn(session, newest)
        ? newest.log
        : [...newest.log, { at: session.clock.now(), do: "settle", reason: why }];
      return { ...newest, run: session.run, log, state: backFrom(newest, why, session.clock.now()) };
    });
    if (!taken) return lastWord(session, await session.journal.load());
    return concludeTaken(session, taken, held.lost);
  });
}

/** Undefined where somebody minds it, or nothing is left to be done. */
async function whyEnded(session: Session, record: ReleaseRecord): Promise<Reason | undefined> {
  const { plan, state } = record;
  if (isLeft(session, record)) return { kind: "job-ended" };
  if ((holdEnds(plan, state) ?? Infinity) <= session.clock.now()) return { kind: "hold-over", after: holdOf(plan) };
  if ((keptUntil(state) ?? Infinity) <= session.clock.now()) return { kind: "retiring", loser: "stable", kept: false };
  if (isOwn(session, record) || !isRunning(state)) return undefined;
  const holder = await session.lock({ force: false }).holder();
  return holder ? undefined : { kind: "left-half-way" };
}

/** What was decided on one is nothing for another, nor for one that has gone on meanwhile. */
const isSame = (one: ReleaseRecord, other: ReleaseRecord): boolean =>
  one.run.id === other.run.id && one.startedAt === other.startedAt && one.state.phase === other.state.phase;

const isOwn = ({ run }: Session, record: ReleaseRecord): boolean => record.run.id === run.id;

/** A rollback that failed may work by now. A promotion that failed has the canary serve, which passed every stage. */
const isLeft = (session: Session, record: ReleaseRecord): boolean =>
  isOwn(session, record) &&
  (isRunning(record.state) || (record.state.phase === "failed" && record.state.during === "rolling-back"));

/** Of this job's own release alone: whose it is not may be meant so by now. */
async function reviveOwn(session: Session, record: ReleaseRecord): Promise<ReleaseRecord | undefined> {
  if (!isOwn(session, record) || !(await isMissed(session, record).catch(() => false))) return undefined;
  const revived = locked(session, { force: false }, (held) => reviveWinner(session, held));
  await revived.catch((error: unknown) => session.messages.warn(tell(error)));
  return session.journal.load();
}

const isMissed = async (session: Session, record: ReleaseRecord): Promise<boolean> =>
  (await isEmptied(session, record)) && (await session.serving(record.target)).includes("stable");

async function lastWord(session: Session, record: ReleaseRecord | undefined): Promise<ExitCode> {
  const { messages, config } = session;
  const { known, differences } = record ? await standingOf(session, record) : await standingWithoutJournal(session);
  if (differences.length === 0) {
    messages.print("Nothing of this job is left half-way.");
    if (known) messages.nothingLeft();
    return 0;
  }
  const end = record ? endInWords(record) : "there is no journal of a release here";
  messages.print(notAsItShouldBe(`${serviceInWords(config)}: ${end}`, differences));
  messages.somethingLeft();
  return 3;
}

/** Of a release that another job is about nothing is asked of this one, nor how long somebody takes to decide. */
async function standingOf(session: Session, record: ReleaseRecord): Promise<LastReading> {
  if (isRunning(record.state)) return { known: false, differences: [] };
  return { known: true, differences: await differencesAt(session, record) };
}

async function differencesAt(session: Session, record: ReleaseRecord): Promise<readonly string[]> {
  const { state } = record;
  if (!isOwn(session, record)) return isOver(state) ? strays(session, record) : unanswered(session, record);
  const { differences } = await lastLook(record, session.connect(record));
  if (state.phase === "failed") return [failedInWords(state.during), ...differences];
  return isOver(state) ? [...new Set([...differences, ...(await strays(session, record))])] : differences;
}
