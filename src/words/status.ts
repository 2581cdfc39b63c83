import { formatDuration } from "../lib/duration.ts";
import type { GateVerdict } from "../release/gate.ts";
import { plannedWeight } from "../release/planned-weight.ts";
import type { ReleaseRecord, StageRecord } from "../release/release-record.ts";
import { isRunning } from "../release/state.ts";

/** Where a release is, for somebody at a terminal. */
export function statusText(record: ReleaseRecord, drift: string | undefined, now: number): string {
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
  return verdict?.numbers === undefined
    ? []
    : [`evidence (${verdicts[verdict.kind]}): ${verdict.because}`, `  ${verdict.numbers}`];
}

const verdicts: Readonly<{ [kind in GateVerdict["kind"]]: string }> = {
  pass: "pass",
  wait: "undecided",
  fail: "fail",
  "no-data": "no data",
};

function next(record: ReleaseRecord): readonly string[] {
  const { state } = record;
  if (state.phase === "waiting") {
    return state.held === undefined
      ? ["It waits for somebody: run `promote` to go on, or `rollback`."]
      : [
          `Nobody watches the ${plannedWeight(record)} % that the canary has until somebody decides: run \`promote\` to go on, or \`rollback\`.`,
        ];
  }
  if (state.phase === "failed")
    return ["It could neither be finished nor given back: see the report, then run `rollback`."];
  return isRunning(state) ? ["If no job runs it any more, `rollback` gives the traffic back."] : [];
}
