import type { ReleaseRecord } from "../release/release-record.ts";
import { isRunning } from "../release/state.ts";
import { conclude } from "./conclude.ts";
import { locked } from "./locked.ts";
import { backFrom } from "./rollback.ts";
import type { ExitCode, Session } from "./session.ts";
import { takeOver } from "./take-over.ts";

/**
 * The action's second step, which runs when the first did not end by itself: cancelled, killed, out of time.
 * It ends the release of this very job and leaves everybody else's alone.
 */
export async function settle(session: Session): Promise<ExitCode> {
  const isLeft = ({ run, state }: ReleaseRecord): boolean => run.id === session.run.id && isRunning(state);
  const record = await session.journal.load();
  if (!record || !isLeft(record)) return nothingLeft(session);
  return locked(session, { force: false }, async (lost) => {
    const taken = await takeOver(session, { evenUnsaved: true }, (record) => {
      if (!isLeft(record)) return undefined;
      return { ...record, state: backFrom(record, { kind: "job-ended" }, session.clock.now()) };
    });
    if (!taken) return nothingLeft(session);
    const { settled } = await conclude(session, taken, lost, { taken: true });
    return settled ? 0 : 3;
  });
}

function nothingLeft({ messages }: Session): ExitCode {
  messages.print("Nothing of this job is left half-way.");
  messages.nothingLeft();
  return 0;
}
