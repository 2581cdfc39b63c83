import { formatDuration } from "../lib/duration.ts";
import { RefusedError, withNext } from "../lib/errors.ts";
import type { Plan } from "../release/plan.ts";
import type { LogEntry, ReleaseRecord } from "../release/release-record.ts";
import { isOver } from "../release/state.ts";
import type { Target } from "../release/target.ts";
import { nextCommand } from "../words/next-command.ts";
import { exchangedInWords } from "../words/scene-setting.ts";
import { conclude, exitCodeOf } from "./conclude.ts";
import { locked, withNote } from "./locked.ts";
import { newRecord } from "./new-record.ts";
import { type Orientation, orient } from "./orient.ts";
import { required, unlessStopped, untouched } from "./preconditions.ts";
import { backFrom } from "./rollback.ts";
import type { ExitCode, Session } from "./session.ts";
import { takeOver } from "./take-over.ts";
import { withMeasuredDispersion } from "./usual-traffic.ts";

/** The whole job: look, deploy, shift, judge, promote or roll back. */
export async function release(session: Session): Promise<ExitCode> {
  const wanted = required(session.config);
  return locked(session, { force: false }, async (lost) => {
    await finishEarlier(session, lost);
    const orientation = await orient(session, wanted.target, wanted.plan);
    const { target, exchanged } = orientation;
    if (exchanged) session.messages.print(exchangedInWords(target));
    const plan = session.config.firstDeploy ? straight(wanted.plan) : wanted.plan;
    await allowed(session, target, plan);
    unlessStopped(session);
    return exitCodeOf(await conclude(session, await begin(session, orientation, plan), lost, { taken: false }));
  });
}

/** A service without a stable version has nothing to compare with and nobody to harm: all traffic at once. */
const straight = (plan: Plan): Plan => ({ ...plan, stages: [], promotion: "swap", keepOld: true });

/** Makes every preflight check, tells what was found, and refuses if anything forbids the release. */
async function allowed(session: Session, target: Target, plan: Plan): Promise<void> {
  const refusals: string[] = [];
  for (const { level, what, next } of await session.preflight(target, plan).inspect()) {
    if (level === "warn") session.messages.warn(withNext(what, next));
    if (level === "refuse") refusals.push(`  ✗ ${withNext(what, next)}`);
  }
  if (refusals.length === 0) return;
  const service = `${target.namespace}/${target.service}`;
  throw new RefusedError([`${service} cannot be released, and nothing was changed:`, ...refusals].join("\n"));
}

async function begin(session: Session, orientation: Orientation, wanted: Plan): Promise<ReleaseRecord> {
  const { target } = orientation;
  // Errors that come in clusters prove less; how clustered they are is seen on stable's pods in the hour before.
  const [before, { plan, because }] = await Promise.all([
    session.capture(target),
    withMeasuredDispersion(session.history, target, wanted),
  ]);
  const begun = newRecord(session, orientation, plan, before);
  const log: LogEntry[] = [];
  if (because !== undefined)
    log.push({ at: begun.startedAt, do: "measure", reason: { kind: "measured", words: because } });
  const record = { ...begun, log };
  await untouched(session.journal.save(record));
  return record;
}

/**
 * A job that died (its runner was lost), or could not go on, left its release half-way. It is ended before another one
 * begins: a promotion forward, everything else back. One that waits for approval is somebody's decision and is left
 * alone.
 */
async function finishEarlier(session: Session, lost: AbortSignal): Promise<void> {
  const taken = await untouched(takeOver(session, { evenUnsaved: false }, (record) => unfinished(session, record)));
  if (!taken) return;
  const { settled, differences } = await conclude(session, taken, lost, { taken: true });
  if (settled) return;
  throw new RefusedError(
    `${taken.target.namespace}/${taken.target.service}: ${earlier(taken)} could not be ended: ${differences?.join("; ")}`,
    { next: "Put that right by hand, run `rollback`, then release again." },
  );
}

/** What is to become of an earlier release; undefined when it is over. */
function unfinished({ clock, messages, run }: Session, record: ReleaseRecord): ReleaseRecord | undefined {
  const { target, startedAt, state } = record;
  const now = clock.now();
  if (isOver(state)) return undefined;
  if (state.phase === "waiting") {
    const since = formatDuration(now - state.since);
    throw new RefusedError(
      `${target.namespace}/${target.service}: ${earlier(record)} waits for somebody to decide since ${since}.`,
      {
        next: `To finish it: ${nextCommand("promote", record)}. To end it: ${nextCommand("rollback", record)}. Then release again.`,
      },
    );
  }
  messages.warn(
    `${earlier(record)}, begun ${formatDuration(now - startedAt)} ago, was left half-way; it is ended first`,
  );
  return { ...record, run, state: backFrom(record, { kind: "left-half-way" }, now) };
}

const earlier = ({ target, run }: ReleaseRecord): string =>
  withNote(`the release of ${target.image ?? target.canary.deployment}`, run.url);
