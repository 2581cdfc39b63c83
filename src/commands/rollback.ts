import type { Instant } from "../lib/duration.ts";
import type { Reason } from "../release/reason.ts";
import type { ReleaseRecord } from "../release/release-record.ts";
import { isOver, type State } from "../release/state.ts";
import { rollBack, startPromotion } from "../release/transition.ts";
import { concludeTaken } from "./conclude.ts";
import { locked } from "./locked.ts";
import { putRight } from "./put-right.ts";
import type { ExitCode, Session } from "./session.ts";
import { takeOver } from "./take-over.ts";
import { rollBackWithoutJournal } from "./without-journal.ts";

/**
 * Gives all traffic back to stable and puts everything else back, from whatever state. Repeating it is harmless.
 * The lock is taken by force, and the release whatever its job does meanwhile: somebody on call is not kept waiting by
 * the job that went wrong.
 */
export async function rollback(session: Session): Promise<ExitCode> {
  return locked(session, { force: true }, async (held) => {
    let last: ReleaseRecord | undefined;
    const reason = { kind: "rollback-wanted", actor: session.run.actor } as const;
    const taken = await takeOver(session, { held, evenUnsaved: true }, (record) => {
      last = record;
      if (isOver(record.state)) return undefined;
      return { ...record, run: session.run, state: backFrom(record, reason, session.clock.now()) };
    });
    if (!taken) return last ? putRight(session, last, held) : rollBackWithoutJournal(session, held.lost);
    return concludeTaken(session, taken, held.lost);
  });
}

/** Once stable is being changed only forward is safe, so a promotion is finished; everything else goes back. */
export function backFrom({ plan, state }: ReleaseRecord, reason: Reason, now: Instant): State {
  if (state.phase === "promoting" || state.phase === "rolling-back") return state;
  if (state.phase === "failed" && state.during === "promoting") return startPromotion(plan, now);
  return rollBack(state, reason, now);
}
