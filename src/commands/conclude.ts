import type { Job } from "../engine/job.ts";
import { run } from "../engine/run.ts";
import { tell } from "../lib/errors.ts";
import type { Ports } from "../ports/ports.ts";
import { type Account, accountOf } from "../release/account.ts";
import type { Reason } from "../release/reason.ts";
import type { ReleaseRecord } from "../release/release-record.ts";
import { heldBy } from "../release/state.ts";
import { winnerOf } from "../release/transition.ts";
import { within } from "../world/within.ts";
import type { ExitCode, Session } from "./session.ts";

/**
 * Runs a release to its end, reads the cluster again, and tells everybody how it stands. `taken`: another job had the
 * release before.
 */
export async function conclude(
  session: Session,
  record: ReleaseRecord,
  lost: AbortSignal,
  { taken }: { readonly taken: boolean },
): Promise<Account> {
  const ports = session.connect(record);
  let unsaved: string | undefined;
  const noticed = (why: { readonly words: string }): void => {
    unsaved = why.words;
  };
  const ended = await run(record, ports, { ...jobOf(session, record, lost), taken, unsaved: noticed });
  const account = await finalAccount(session, ended, ports, unsaved);
  session.reporter.report(account);
  await session.reporter.flush(flushLimit);
  return account;
}

/** Reports are never waited for longer than this. */
const flushLimit = 5_000;

const jobOf = (session: Session, { plan }: ReleaseRecord, lost: AbortSignal): Job => ({
  stop: session.stop,
  insist: session.insist,
  lost,
  deadlineAt: session.clock.now() + plan.deadline,
  warnings: session.messages.warnings,
});

async function finalAccount(
  session: Session,
  ended: ReleaseRecord,
  ports: Ports,
  unsaved: string | undefined,
): Promise<Account> {
  const differences = await within(differencesOf(ended, ports), readingWhenInsisted, session.clock, session.insist);
  const account = accountOf(ended, reasonOf(ended), session.clock.now(), session.messages.warnings());
  const settled = ended.state.phase !== "failed" && differences?.length === 0 && unsaved === undefined;
  return {
    ...account,
    differences: differences ?? ["the cluster has not answered before the job was cancelled"],
    settled,
    unsaved,
  };
}

/** Nobody who insists waits for the last reading. */
const readingWhenInsisted = 2_000;

/** Why it ended as it did: of a success who won, and not the clean-up after it. */
function reasonOf({ state, plan }: ReleaseRecord): Reason {
  if ("reason" in state) return state.reason;
  if (state.phase === "succeeded") return { kind: "promoted", winner: winnerOf(plan) };
  throw new RangeError(`a release that is ${state.phase} has not ended`);
}

/** Green is what was read, not what was written. A release that waits is where it should be. */
async function differencesOf({ state, plan }: ReleaseRecord, ports: Ports): Promise<readonly string[]> {
  if (state.phase === "waiting") return [];
  const winner = state.phase === "succeeded" && plan.promotion === "swap" ? "canary" : "stable";
  try {
    return (await Promise.all([ports.router.differences(winner), ports.workload.differences(winner)])).flat();
  } catch (error) {
    return [`the cluster could not be read again: ${tell(error)}`];
  }
}

/**
 * A release that is held is settled, and all the same no success: the plan did not ask for somebody, and nobody watches
 * the canary.
 */
export function exitCodeOf({ state, settled }: Account): ExitCode {
  if (!settled) return 3;
  if (state.phase === "waiting") return heldBy(state) ? 3 : 0;
  return state.phase === "rolled-back" ? 1 : 0;
}
