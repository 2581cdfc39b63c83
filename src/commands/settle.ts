import { isRunning } from "../release/state.ts";
import { conclude } from "./conclude.ts";
import { locked } from "./locked.ts";
import { backFrom } from "./rollback.ts";
import type { ExitCode, Session } from "./session.ts";

/**
 * The action's second step, which runs when the first did not end by itself: cancelled, killed, out of time.
 * It ends the release of this very job and leaves everybody else's alone.
 */
export async function settle(session: Session): Promise<ExitCode> {
  const record = await session.journal.load();
  if (!record || record.run.id !== session.run.id || !isRunning(record.state)) {
    session.messages.print("Nothing of this job is left half-way.");
    session.messages.nothingLeft();
    return 0;
  }
  return locked(session, { force: false }, async (lost) => {
    const state = backFrom(record, { kind: "job-ended" }, session.clock.now());
    const { settled } = await conclude(session, { ...record, state }, lost);
    return settled ? 0 : 3;
  });
}
