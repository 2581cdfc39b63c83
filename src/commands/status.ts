import { formatDuration } from "../lib/duration.ts";
import { tell } from "../lib/errors.ts";
import type { StageRecord } from "../release/account.ts";
import type { GateVerdict } from "../release/decide.ts";
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
  const { target, state, run, startedAt, log, stages } = record;
  const at = (time: number): string => new Date(time).toISOString().slice(0, 19).replace("T", " ");
  return [
    `${target.namespace}/${target.service}: ${state.phase}${"stage" in state ? `, stage ${state.stage + 1} of ${record.plan.stages.length}` : ""}, ${plannedWeight(record)} % on ${target.canary.deployment}`,
    `begun ${at(startedAt)} UTC, ${formatDuration(now - startedAt)} ago, by ${run.url ?? run.id}`,
    ...(drift === undefined ? [] : [`the routes differ from what was written: ${drift}`]),
    ...evidenceLines(stages.at(-1)),
    ...log.slice(-8).map((entry) => `  ${at(entry.at)}  ${entry.because}`),
    ...next(record),
  ].join("\n");
}

/** What the newest stage is judged by where it is judged by evidence, with the numbers behind it. */
function evidenceLines(stage: StageRecord | undefined): readonly string[] {
  const verdict = stage?.verdicts.find(({ numbers }) => numbers !== undefined);
  return verdict?.numbers === undefined ? [] : [`evidence (${verdicts[verdict.kind]}): ${verdict.because}`, `  ${verdict.numbers}`];
}

const verdicts: Readonly<{ [kind in GateVerdict["kind"]]: string }> = { pass: "pass", wait: "undecided", fail: "fail", "no-data": "no data" };

function next(record: Record): readonly string[] {
  const { state } = record;
  if (state.phase === "waiting") {
    return state.held === undefined
      ? ["It waits for somebody: run `promote` to go on, or `rollback`."]
      : [`Nobody watches the ${plannedWeight(record)} % that the canary has until somebody decides: run \`promote\` to go on, or \`rollback\`.`];
  }
  if (state.phase === "failed") return ["It could neither be finished nor given back: see the report, then run `rollback`."];
  return isRunning(state) ? ["If no job runs it any more, `rollback` gives the traffic back."] : [];
}
