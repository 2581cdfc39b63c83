import { formatDuration } from "../lib/duration.ts";
import { tell } from "../lib/errors.ts";
import { plannedWeight } from "../release/planned-weight.ts";
import type { Record } from "../release/record.ts";
import { splitAt } from "../release/split.ts";
import { isOutcome, isRunning } from "../release/state.ts";
import type { ExitCode, Session } from "./session.ts";

/** Where the newest release of the service is, from the journal, and whether the routes are as it left them. */
export async function status(session: Session): Promise<ExitCode> {
  const { namespace, service, json } = session.config;
  const record = await session.journal.load();
  if (!record) {
    session.print(json ? JSON.stringify({ namespace, service, phase: "none" }) : `${namespace}/${service}: no release was ever begun here.`);
    return 0;
  }
  const drift = isOutcome(record.state) ? undefined : await driftOf(session, record);
  session.print(json ? JSON.stringify({ ...record, weight: plannedWeight(record), drift }) : textOf(record, drift, session.clock.now()));
  return 0;
}

const driftOf = (session: Session, record: Record): Promise<string | undefined> =>
  session
    .connect(record)
    .router.drift(splitAt(plannedWeight(record)))
    .catch((error: unknown) => tell(error));

function textOf(record: Record, drift: string | undefined, now: number): string {
  const { target, state, run, startedAt, log } = record;
  const at = (time: number): string => new Date(time).toISOString().slice(0, 19).replace("T", " ");
  return [
    `${target.namespace}/${target.service}: ${state.phase}${"stage" in state ? `, stage ${state.stage + 1} of ${record.plan.stages.length}` : ""}, ${plannedWeight(record)} % on ${target.canary.deployment}`,
    `begun ${at(startedAt)} UTC, ${formatDuration(now - startedAt)} ago, by ${run.url ?? run.id}`,
    ...(drift === undefined ? [] : [`the routes differ from what was written: ${drift}`]),
    ...log.slice(-8).map((entry) => `  ${at(entry.at)}  ${entry.because}`),
    ...next(record),
  ].join("\n");
}

function next({ state }: Record): readonly string[] {
  if (state.phase === "waiting") return ["It waits for somebody: run `promote` to go on, or `rollback`."];
  if (state.phase === "failed") return ["It could neither be finished nor given back: see the report, then run `rollback`."];
  return isRunning(state) ? ["If no job runs it any more, `rollback` gives the traffic back."] : [];
}
