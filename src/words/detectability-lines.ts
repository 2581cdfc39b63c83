import { formatDuration } from "../lib/duration.ts";
import { number, percent } from "../lib/numbers.ts";
import { type Detectability, type DetectableInTraffic, enough } from "../rehearsal/detectable.ts";
import { neverSeen, type Traffic } from "../rehearsal/detection.ts";
import { spreadInWords } from "./spread-in-words.ts";
import { thinStageSentence } from "./thin-stage.ts";
import { about, trafficInWords } from "./traffic-in-words.ts";

/** What a plan finds, what it costs until then, and what would find more. */
export function detectabilityLines(detectability: Detectability): readonly string[] {
  if ("because" in detectability) return [`What this plan would find cannot be said: ${detectability.because}.`];
  const { traffic, spread, thin, smallest, dead, safeAfter, runs, seed } = detectability;
  const lines = [
    `What it finds in the traffic of the last hour, ${trafficInWords(traffic)} (${number(runs)} simulated releases of each kind, seed ${seed}):`,
  ];
  if (smallest)
    lines.push(
      `  a version that ${failing(smallest.ratio, traffic)} is found in at least 80% of releases, after ${requests(smallest.badRequests)} on average`,
    );

  let found = `  one that fails every request is found in ${percent(dead.found)} of releases`;
  if (dead.medianTime !== undefined)
    found += `, half of the time within ${about(dead.medianTime)}, after ${requests(dead.badRequests)} on average`;
  lines.push(found);

  if (safeAfter === undefined) lines.push("  a good one could not be proven safe within 30 days");
  else lines.push(`  a good one could be proven safe after ${about(safeAfter)}`);

  if (spread) lines.push(`  ${spreadInWords(spread)}`);
  if (thin) lines.push(thinStageSentence(thin, traffic));
  if (!smallest || smallest.ratio > enough) lines.push(whatWouldHelp(detectability));
  return lines;
}

/** Where little or nothing is found: what would help. That a plan finds no small difference is no fault of it. */
function whatWouldHelp({ traffic, smallest, better }: DetectableInTraffic): string {
  const help = better
    ? `${formatDuration(better.wait)} at ${better.weight}% would find one that ${failing(better.ratio, traffic)}`
    : nothingBetter;
  if (smallest) return `  what fails less often needs more requests than these stages have; ${help}`;
  const rate = `${number(traffic.rate)} requests per second`;
  return `! At ${rate} this plan finds nothing, not even a version that fails every request, in 80% of releases; ${help}.`;
}

const nothingBetter =
  "no stage of up to 4h would find much more; a gate on a query of your own, or an approval, can judge what is too rare to count";

/** "fails 4 times as often (0.4%)"; where stable never failed, there is nothing to be a multiple of. */
function failing(ratio: number, { baseline }: Traffic): string {
  const rate = ratio * Math.max(baseline, neverSeen);
  if (rate >= 0.9999) return "fails every request";
  if (baseline === 0) return `fails in ${percent(rate)} of its requests`;
  return `fails ${number(ratio)} times as often (${percent(rate)})`;
}

const requests = (count: number): string => `${number(count < 10 ? count : Math.round(count))} failed requests`;
