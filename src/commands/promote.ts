import type { Instant } from "../lib/duration.ts";
import { RefusedError } from "../lib/errors.ts";
import type { LogEntry, ReleaseRecord } from "../release/release-record.ts";
import type { State } from "../release/state.ts";
import { after, startPromotion } from "../release/transition.ts";
import { conclude, exitCodeOf } from "./conclude.ts";
import { locked } from "./locked.ts";
import type { ExitCode, Session } from "./session.ts";
import { takeOver } from "./take-over.ts";

/**
 * Goes on with a release that waits for approval, to its next stage or to its end, and with a promotion that got stuck.
 */
export async function promote(session: Session): Promise<ExitCode> {
  const { namespace, service } = session.config;
  return locked(session, { force: false }, async (lost) => {
    let last: State | undefined;
    const taken = await takeOver(session, (record) => {
      last = record.state;
      return approvedBy(session, record);
    });
    if (!taken) {
      const phase = last ? `; the last one is ${last.phase}` : "";
      throw new RefusedError(`${namespace}/${service}: no release waits for somebody to decide${phase}.`, {
        next: "`istio-canary status` tells where it is.",
      });
    }
    return exitCodeOf(await conclude(session, taken, lost, { taken: true }));
  });
}

/** Undefined where there is nothing to go on with. */
function approvedBy({ clock, run }: Session, record: ReleaseRecord): ReleaseRecord | undefined {
  const now = clock.now();
  const state = goOn(record, now);
  if (!state) return undefined;
  const kind = record.state.phase === "waiting" ? "approved" : "taken-up";
  const approved: LogEntry = { at: now, do: "approve", reason: { kind, actor: run.actor } };
  return { ...record, run, state, log: [...record.log, approved] };
}

function goOn({ plan, state }: ReleaseRecord, now: Instant): State | undefined {
  if (state.phase === "waiting") return after(plan, state.stage, now);
  return state.phase === "failed" && state.during === "promoting" ? startPromotion(plan, now) : undefined;
}
