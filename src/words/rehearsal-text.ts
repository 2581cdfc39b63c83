import { formatDuration } from "../lib/duration.ts";
import { inLines } from "../lib/lines.ts";
import { count, number, percent } from "../lib/numbers.ts";
import type { Traffic } from "../rehearsal/detection.ts";
import type { RehearsedKind } from "../rehearsal/rehearse-kinds.ts";
import type { Plan, Stage } from "../release/plan.ts";
import { about, trafficInWords } from "./traffic-in-words.ts";

/** What was rehearsed, and what came of it. */
export type RehearsedPlan = {
  readonly plan: Plan;
  readonly traffic: Traffic;
  /** Who says that this is the traffic. */
  readonly from: string;
  readonly runs: number;
  readonly seed: number;
  readonly kinds: readonly RehearsedKind[];
  /** Gates that count as passed. */
  readonly unrehearsed: readonly string[];
  readonly hasPrometheus: boolean;
};

/** While it goes on. */
export const rehearsingInWords = (part: number, all: number): string =>
  `rehearsing: ${part}% of ${count(all)} releases`;

/** What was played, a table of what came of it, and what that means. */
export const rehearsalText = (rehearsed: RehearsedPlan): string =>
  inLines([...setting(rehearsed), "", ...table(rehearsed.kinds), "", ...verdictOn(rehearsed.kinds)]);

function setting({ plan, traffic, from, runs, seed, unrehearsed, hasPrometheus }: RehearsedPlan): readonly string[] {
  const { phi } = plan.evidence.settings.dispersion;
  let before = `${trafficInWords(traffic)} (${from})`;
  if (phi > 1) before += `, in clusters (φ ${number(phi)})`;
  const lines = [
    `${number(runs)} rehearsed releases of each kind of canary (seed ${seed}), before ${before}.`,
    `Stages: ${plan.stages.map(stageInShort).join(", ")}; looked at every ${formatDuration(plan.pollEvery)}.`,
  ];
  if (unrehearsed.length > 0) lines.push(`Not rehearsed, and taken as passed: ${unrehearsed.join(", ")}.`);
  if (plan.stages.some(({ approval }) => approval)) lines.push("Approvals are taken as given at once.");
  if (!hasPrometheus) lines.push("No Prometheus is configured: the proxies count the requests.");
  return lines;
}

function stageInShort({ weight, wait }: Stage): string {
  if (wait === 0) return `${weight}%`;
  return `${weight}% for ${formatDuration(wait)}`;
}

const heads = [
  "the canary fails",
  "rolled back",
  "held",
  "released",
  "until rollback (9 in 10)",
  "failed requests (too many)",
  "until promotion",
];

/** The first column to the left, figures to the right. */
function table(kinds: readonly RehearsedKind[]): readonly string[] {
  const rows = [heads, ...kinds.map(rowOf)];
  const widths = heads.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const inColumn = (cell: string, column: number): string => {
    const width = widths[column] ?? 0;
    if (column === 0) return cell.padEnd(width);
    return cell.padStart(width);
  };
  return rows.map((row) => row.map(inColumn).join("  ").trimEnd());
}

const rowOf = ({ untilRollback, untilPromotion, ...kind }: RehearsedKind): readonly string[] => [
  nameOf(kind),
  percent(kind.rolledBack),
  percent(kind.held),
  percent(kind.released),
  untilRollback ? `${about(untilRollback.median)} (${about(untilRollback.p90)})` : "—",
  `${number(kind.failedRequests)} (${number(kind.excess)})`,
  untilPromotion === undefined ? "—" : about(untilPromotion),
];

function nameOf({ timesStable, failing }: Pick<RehearsedKind, "timesStable" | "failing">): string {
  if (timesStable === undefined) return "every request";
  const often = timesStable === 1 ? "as often as stable" : `${timesStable} times as often`;
  return `${often} (${percent(failing)})`;
}

/** What somebody on call wants to know, in a few sentences. */
function verdictOn(kinds: readonly RehearsedKind[]): readonly string[] {
  const [healthy] = kinds;
  const dead = kinds.at(-1);
  if (!healthy || !dead) return [];
  const sentences = [verdictOnHealthy(healthy), verdictOnDead(dead)];
  for (const { timesStable = 0, released } of kinds)
    if (timesStable > 1 && released > 0.2)
      sentences.push(
        `A version that fails ${timesStable} times as often as stable is released all the same in ${percent(released)} of releases.`,
      );
  return sentences;
}

function verdictOnHealthy({ rolledBack, late, held, released, untilPromotion }: RehearsedKind): string {
  let sentence = `This plan rolls a healthy version back in ${percent(rolledBack)} of releases`;
  if (late > 0) sentence += ` (in ${percent(late)} because time ran out)`;
  if (held > 0) sentence += ` and leaves ${percent(held)} of them to somebody to decide`;
  if (untilPromotion !== undefined && released >= 0.5) sentence += `; a good release takes ${about(untilPromotion)}`;
  return `${sentence}.`;
}

function verdictOnDead({ rolledBack, untilRollback, failedRequests }: RehearsedKind): string {
  if (!untilRollback) return "A version that fails every request is never rolled back by this plan.";
  return `A version that fails every request is rolled back in ${percent(rolledBack)} of releases, half of them within ${about(untilRollback.median)}, after ${number(failedRequests)} failed requests on average.`;
}
