import type { Instant } from "../lib/duration.ts";
import { RefusedError } from "../lib/errors.ts";
import type { LogEntry, ReleaseRecord } from "../release/release-record.ts";
import type { State } from "../release/state.ts";
import { after, startPromotion } from "../release/transition.ts";
import { conclude, exitCodeOf } from "./conclude.ts";
import { locked } from "./locked.ts";
import type { ExitCode, Session } from "./session.ts";

/**
 * Goes on with a release that waits for approval, to its next stage or to its end, and with a promotion that got stuck.
 */
export async function promote(session: Session): Promise<ExitCode> {
  const { namespace, service } = session.config;
  return locked(session, { force: false }, async (lost) => {
    const record = await session.journal.load();
    const now = session.clock.now();
    const state = record && goOn(record, now);
    if (!state) {
      const last = record ? `; the last one is ${record.state.phase}` : "";
      throw new RefusedError(`${namespace}/${service}: no release waits for somebody to decide${last}.`, {
        next: "`istio-canary status` tells where it is.",
      });
    }
    const kind = record.state.phase === "waiting" ? "approved" : "taken-up";
    const approved: LogEntry = { at: now, do: "approve", reason: { kind, actor: session.run.actor } };
    const taken = { ...record, run: session.run, state, log: [...record.log, approved] };
    await session.journal.save(taken);
    return exitCodeOf(await conclude(session, taken, lost));
  });
}

function goOn({ plan, state }: ReleaseRecord, now: Instant): State | undefined {
  if (state.phase === "waiting") return after(plan, state.stage, now);
  return state.phase === "failed" && state.during === "promoting" ? startPromotion(plan, now) : undefined;
}
