import type { Millis } from "../lib/duration.ts";
import { DeniedError, TakenOverError, tell, UnreachableError } from "../lib/errors.ts";
import type { HeldLock } from "../ports/lock.ts";
import type { LogEntry, ReleaseRecord } from "../release/release-record.ts";
import { isOver } from "../release/state.ts";
import { assertAsAsked } from "./as-asked.ts";
import type { Session } from "./session.ts";

/** The job that has the release saves after each of its steps; between two of them there is time enough. */
const maxTries = 100;
const pause: Millis = 20;

type TakeOverOptions = {
  readonly held: HeldLock;
  /** Whether a release that cannot be saved is taken all the same: by whoever gives traffic back. */
  readonly evenUnsaved: boolean;
};

/**
 * Makes the newest release this job's own, whatever the job that has it does meanwhile: what `change` makes of its
 * record is saved, and when that job saved in between, read and saved again. From then on it finds that it has lost the
 * release. Of two who take it at once whoever took the lock last has it: it is asked for between reading and saving, so
 * that no save of one who has lost it comes after the other one has read. Rejects with the reason of `lost` then.
 * Undefined when there is nothing to take over, as `change` says. Rejects with DeniedError where the release is
 * about something else than was asked for.
 */
export async function takeOver(
  { config, journal, clock, messages }: Session,
  { held, evenUnsaved }: TakeOverOptions,
  change: (record: ReleaseRecord) => ReleaseRecord | undefined,
): Promise<ReleaseRecord | undefined> {
  for (let tries = 1; ; tries++) {
    const record = await journal.load();
    const taken = record && change(record);
    if (!taken) return undefined;
    assertAsAsked(config, taken.target);
    await held.confirm();
    try {
      await journal.save(taken);
      return taken;
    } catch (error) {
      if (evenUnsaved && (error instanceof DeniedError || error instanceof UnreachableError)) {
        messages.warn(`The journal cannot be saved, and giving back comes first: ${tell(error)}`);
        return taken;
      }
      if (!(error instanceof TakenOverError) || tries === maxTries) throw error;
      await clock.sleepUntil(clock.now() + pause);
    }
  }
}

/** One that is over: from now on no other job has it. */
export function ofThisJob(
  { run, clock }: Session,
  record: ReleaseRecord,
  entry: Omit<LogEntry, "at">,
): ReleaseRecord | undefined {
  if (!isOver(record.state)) return undefined;
  return { ...record, run, log: [...record.log, { at: clock.now(), ...entry }] };
}
