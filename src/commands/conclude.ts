import type { Job } from "../engine/job.ts";
import { run } from "../engine/run.ts";
import { TakenOverError } from "../lib/errors.ts";
import type { Ports } from "../ports/ports.ts";
import { type Account, accountOf } from "../release/account.ts";
import { endReason } from "../release/end-reason.ts";
import type { Learnt } from "../release/learnt.ts";
import { servingBy } from "../release/planned-traffic.ts";
import { plannedTraffic } from "../release/planned-weight.ts";
import type { ReleaseRecord } from "../release/release-record.ts";
import { heldBy } from "../release/state.ts";
import { winnerAfter } from "../release/transition.ts";
import { lessonInWords } from "../words/lesson-in-words.ts";
import { leftInWords, unread } from "../words/standing-text.ts";
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
  const unlearnt = (learnt: Learnt): void => session.messages.warn(lessonInWords(learnt));
  const job = { ...jobOf(session, record, lost), taken, unsaved: noticed, unlearnt };
  const ended = await run(record, ports, job).catch(async (error: unknown) => {
    throw isLost(error, lost) ? await leaving(record, ports, error) : error;
  });
  const account = await finalAccount(session, ended, ports, unsaved);
  session.reporter.report(account);
  await session.reporter.flush(flushLimit);
  return account;
}

/** Ends what another job had begun: 0 when all is as it should be, however the release ended. */
export async function concludeTaken(session: Session, record: ReleaseRecord, lost: AbortSignal): Promise<ExitCode> {
  const { settled } = await conclude(session, record, lost, { taken: true });
  if (settled) return 0;
  return 3;
}

const isLost = (error: unknown, lost: AbortSignal): error is Error =>
  error instanceof TakenOverError || (error instanceof Error && lost.aborted && error === lost.reason);

/** A job that lost its release says what it leaves behind, as far as that can be read by now. */
async function leaving(record: ReleaseRecord, { router, clock }: Ports, lost: Error): Promise<TakenOverError> {
  const splits = await within(
    router.splits().catch(() => undefined),
    lastLookLimit,
    clock,
  );
  return new TakenOverError(lost.message, { next: leftInWords(record, splits), cause: lost });
}

/** Somebody waits to hear that the job has stopped. */
const lastLookLimit = 5_000;

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
  const look = await within(lastLook(ended, ports), readingWhenInsisted, session.clock, session.insist);
  const { differences, unread } = look ?? notAnswered;
  const account = accountOf(ended, endReason(ended), session.clock.now(), session.messages.warnings());
  const settled = ended.state.phase !== "failed" && differences.length === 0 && unsaved === undefined;
  return { ...account, differences, unread, settled, unsaved };
}

/** Nobody who insists waits for the last reading. */
const readingWhenInsisted = 2_000;
const notAnswered: LastLook = {
  differences: ["the cluster has not answered before the job was cancelled"],
  unread: true,
};

/** What is not as it should be; when it could not be read, that. */
export type LastLook = { readonly differences: readonly string[]; readonly unread: boolean };

/** Green is what was read, not what was written. */
export async function lastLook(record: ReleaseRecord, ports: Ports): Promise<LastLook> {
  const { state } = record;
  try {
    const looks = state.phase === "waiting" ? looksAtWaiting(record, ports) : looksAtEnd(record, ports);
    return { differences: (await Promise.all(looks)).flat(), unread: false };
  } catch (error) {
    return { differences: [unread(error)], unread: true };
  }
}

function looksAtEnd(
  { plan, state }: ReleaseRecord,
  { router, workload }: Ports,
): readonly Promise<readonly string[]>[] {
  const winner = winnerAfter(plan, state);
  return [router.differences(winner), workload.differences(winner)];
}

/** Its routes are as the last stage left them, and whoever has requests can answer. */
function looksAtWaiting(record: ReleaseRecord, { router }: Ports): readonly Promise<readonly string[]>[] {
  const drift = router.drift(plannedTraffic(record));
  return [drift.then((words) => (words === undefined ? [] : [words])), unansweredBy(record, router)];
}

/** Why requests that a release has given to a version get no answer. */
export async function unansweredBy(record: ReleaseRecord, { unserved }: Ports["router"]): Promise<readonly string[]> {
  return Object.values(await unserved(servingBy(plannedTraffic(record))));
}

/**
 * A release that is held is settled, and all the same no success: the plan did not ask for somebody, and nobody watches
 * the canary.
 */
export function exitCodeOf({ state, settled }: Account): ExitCode {
  if (!settled) return 3;
  if (state.phase === "waiting") return heldBy(state) ? 3 : 0;
  if (state.phase === "rolled-back") return 1;
  return 0;
}
