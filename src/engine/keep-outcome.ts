import { fold } from "../evidence/ledger.ts";
import type { Instant, Millis } from "../lib/duration.ts";
import { UnreachableError, unlessTakenOver } from "../lib/errors.ts";
import type { Ports } from "../ports/ports.ts";
import { accountOf } from "../release/account.ts";
import { stumbled } from "../release/follow.ts";
import type { ReleaseRecord } from "../release/release-record.ts";
import type { Outcome } from "../release/state.ts";
import { within } from "../world/within.ts";
import { insistenceOn, unlessInsisted } from "./insistence.ts";
import type { Job } from "./job.ts";
import { type Failure, failureOf } from "./observe.ts";

/** The record with a ledger that takes little room. */
export const foldedRecord = (record: ReleaseRecord): ReleaseRecord => ({
  ...record,
  ledger: fold(record.ledger, record.plan.evidence.settings),
});

/** After something failed; the client has tried several times itself by then. */
export const pause: Millis = 500;

/** A release that was given up has been borne long enough, perhaps because of its journal. */
const lastTry: Millis = 1_000;

/**
 * Saves where a release ended, for as long as a trouble is borne. It is over all the same, so its job ends then; who
 * finds the older phase does its last step again, which is harmless. Gives the record with what went wrong on the way.
 * Rejects with TakenOverError, or the reason of `lost`.
 */
export async function keepOutcome(
  record: ReleaseRecord,
  state: Outcome,
  ports: Ports,
  job: Job,
): Promise<ReleaseRecord> {
  const { clock } = ports;
  const end = clock.now() + (state.phase === "failed" ? lastTry : record.plan.patience);
  const insistence = insistenceOn(job, job.stop.aborted);
  let told = record;
  let failure: Failure | undefined;
  for (;;) {
    failure = await failureOfSaving(record, ports, end, insistence, failure);
    if (!failure) return told;
    job.lost.throwIfAborted();
    told = stumbled(told, failure, clock.now());
    if (insistence.aborted || clock.now() + pause >= end) {
      job.unsaved?.(failure);
      return told;
    }
    ports.reporter.report(accountOf(told, { kind: "trying-again", words: failure.words }, clock.now(), job.warnings()));
    await clock.sleepUntil(clock.now() + pause, insistence);
  }
}

/** Where the last try gets no answer in time, what the try before heard is why. */
async function failureOfSaving(
  record: ReleaseRecord,
  { journal, clock }: Ports,
  end: Instant,
  insistence: AbortSignal,
  before: Failure | undefined,
): Promise<Failure | undefined> {
  try {
    const saved = unlessInsisted(journal.save(foldedRecord(record)), clock, insistence);
    const inTime = await within(
      saved.then(() => true),
      end - clock.now(),
      clock,
    );
    return inTime ? undefined : (before ?? failureOf(new UnreachableError("the API server has not answered yet")));
  } catch (error) {
    unlessTakenOver(error);
    return failureOf(error);
  }
}
