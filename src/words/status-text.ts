import { formatDuration, type Instant } from "../lib/duration.ts";
import { inLines } from "../lib/lines.ts";
import type { ClusterName } from "../release/account.ts";
import { knownImage } from "../release/known-image.ts";
import { plannedTraffic } from "../release/planned-weight.ts";
import type { LogEntry, ReleaseRecord } from "../release/release-record.ts";
import { heldBy, isOver, isRunning } from "../release/state.ts";
import type { GateVerdict } from "../release/verdict.ts";
import { decisionLines } from "./decision-lines.ts";
import { proofIn } from "./evidence-part.ts";
import { nextCommand } from "./next-command.ts";
import { sayEntry } from "./say.ts";
import { clusterInWords, exchangedInWords, isWayBack } from "./scene-setting.ts";
import { winnerInWords } from "./standing-text.ts";
import { withoutRepetition } from "./story.ts";
import { verdictSentence } from "./verdict-sentence.ts";

/** How the cluster differs from what the journal says. */
export type Deviation = {
  /** The routes, from what was written last. */
  readonly drift: string | undefined;
  /** What is not as it should be although the release is over. */
  readonly differences: readonly string[];
  /** A job runs it; undefined while none needs to. */
  readonly watched: boolean | undefined;
};

/** Where a release is, for somebody at a terminal. */
export function statusText(
  cluster: ClusterName,
  record: ReleaseRecord,
  { drift, differences, watched }: Deviation,
  now: Instant,
): string {
  const { target, run, startedAt, log } = record;
  const lines = [
    clusterInWords(cluster),
    `${target.namespace}/${target.service}: ${phaseInWords(record)}, ${shareInWords(record)}`,
    `begun ${dateAndTime(startedAt)} UTC, ${formatDuration(now - startedAt)} ago, by ${run.url ?? run.id}`,
  ];
  if (isWayBack(record)) lines.push(`undo from ${target.stable.deployment} back to ${target.canary.deployment}`);
  else if (record.exchanged) lines.push(exchangedInWords(target));
  if (drift !== undefined) lines.push(`the routes differ from what was written: ${drift}`);
  for (const difference of differences) lines.push(`not as it should be: ${difference}`);
  const newest = withoutRepetition(log).slice(-toldEntries);
  lines.push(...evidenceLines(record, newest));
  for (const entry of newest) lines.push(`  ${dateAndTime(entry.at)}  ${sayEntry(entry, record)}`);
  lines.push(...next(record, watched));
  if (differences.length > 0) lines.push(`What can be put right: ${nextCommand("rollback", record)}`);
  return inLines(lines);
}

function phaseInWords({ state, plan, undoes }: ReleaseRecord): string {
  let phase: string = heldBy(state) ? "held" : state.phase;
  if (undoes !== undefined && phase === "succeeded") phase = "undone";
  if ("stage" in state) return `${phase}, stage ${state.stage + 1} of ${plan.stages.length}`;
  return phase;
}

/** Of what has ended who serves; else the canary's share. */
function shareInWords(record: ReleaseRecord): string {
  const { state, target } = record;
  if (isOver(state)) return winnerInWords(record);
  const image = knownImage(record);
  const canary = image === undefined ? target.canary.deployment : `${target.canary.deployment} (${image})`;
  const { canary: weight, mirror } = plannedTraffic(record);
  const copies = mirror === undefined ? "" : `, and copies of ${mirror}%`;
  return `${weight}% on ${canary}${copies}`;
}

const dateAndTime = (at: Instant): string => new Date(at).toISOString().slice(0, 19).replace("T", " ");

/** A story can be long, and its end is what is asked for. */
const toldEntries = 8;

/** What the newest stage of a release that goes on is judged by, by evidence, unless the story says the same. */
function evidenceLines({ state, stages }: ReleaseRecord, story: readonly LogEntry[]): readonly string[] {
  const proof = isOver(state) ? undefined : proofIn(stages.at(-1));
  if (!proof) return [];
  const words = verdictSentence(proof.verdict);
  if (story.some((entry) => sayEntry(entry).includes(words))) return [];
  return [`evidence (${verdicts[proof.verdict.kind]}): ${words}`];
}

const verdicts: Readonly<{ [kind in GateVerdict["kind"]]: string }> = {
  pass: "pass",
  wait: "undecided",
  fail: "fail",
  "no-data": "no data",
};

function next(record: ReleaseRecord, watched: boolean | undefined): readonly string[] {
  const { state } = record;
  if (state.phase === "failed") return ["It could neither be finished nor given back.", ...decisionLines(record)];
  if (state.phase === "waiting" || state.phase === "succeeded") return decisionLines(record);
  if (!isRunning(state)) return [];
  const rollback = nextCommand("rollback", record);
  if (watched) return [`To stop it and give all traffic back: ${rollback}`];
  return [`No job runs it any more, so nobody watches the canary. To give all traffic back: ${rollback}`];
}
