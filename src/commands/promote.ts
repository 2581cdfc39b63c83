import { RefusedError } from "../lib/errors.ts";
import { after } from "../release/decide.ts";
import { conclude, exitCodeOf } from "./conclude.ts";
import { locked } from "./locked.ts";
import type { ExitCode, Session } from "./session.ts";

/** Goes on with a release that waits for approval: to its next stage, or to its end. */
export async function promote(session: Session): Promise<ExitCode> {
  const { namespace, service } = session.config;
  return locked(session, { force: false }, async (lost) => {
    const record = await session.journal.load();
    if (record?.state.phase !== "waiting") {
      throw new RefusedError(`${namespace}/${service}: no release waits for approval${record ? `; the last one is ${record.state.phase}` : ""}.`, {
        next: "`istio-canary status` tells where it is.",
      });
    }
    const now = session.clock.now();
    const approved = { at: now, do: "approve", because: `approved${session.run.actor ? ` by ${session.run.actor}` : ""}` };
    const taken = { ...record, run: session.run, state: after(record.plan, record.state.stage, now), log: [...record.log, approved] };
    await session.journal.save(taken);
    return exitCodeOf(await conclude(session, taken, lost));
  });
}
