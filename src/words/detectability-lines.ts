import { formatDuration } from "../lib/duration.ts";
import { number, percent } from "../lib/numbers.ts";
import { type Detectability, type DetectableInTraffic, enough } from "../rehearsal/detectable.ts";
import { neverSeen, type Traffic } from "../rehearsal/detection.ts";
import { spreadInWords } from "./spread-in-words.ts";
import { thinStageSentence } from "./thin-stage.ts";
import { about, trafficInWords } from "./traffic-in-words.ts";

/** One thing that is said of what a plan finds: the heading, what it finds, what it cannot, and that nobody knows. */
export type DetectabilityLine = { readonly of: "heading" | "found" | "lacking" | "unknown"; readonly words: string };

const shown: Readonly<Record<DetectabilityLine["of"], (words: string) => string>> = {
  heading: (words) => `${words}:`,
  found: (words) => `  ${words}`,
  lacking: (words) => `! ${words}`,
  unknown: (words) => words,
};

const found = (words: string): DetectabilityLine => ({ of: "found", words });
const lacking = (words: string): DetectabilityLine => ({ of: "lacking", words });

/** As lines for a terminal. */
export const detectabilityLines = (detectability: Detectability): readonly string[] =>
  detectabilityInWords(detectability).map(({ of, words }) => shown[of](words));

/** What a plan finds, what it costs until then, and what would find more. */
export function detectabilityInWords(detectability: Detectability): readonly DetectabilityLine[] {
  if ("because" in detectability)
    return [{ of: "unknown", words: `What this plan would find cannot be said: ${detectability.because}.` }];
  const { traffic, spread, thin, smallest, dead, safeAfter, runs, seed } = detectability;
  const title = `What it finds in the traffic of the last hour, ${trafficInWords(traffic)} (${number(runs)} simulated releases of each kind, seed ${seed})`;
  const lines: DetectabilityLine[] = [{ of: "heading", words: title }];
  if (smallest)
    lines.push(
      found(
        `a version that ${failing(smallest.ratio, traffic)} is found in at least 80% of releases, after ${requests(smallest.badRequests)} on average`,
      ),
    );

  let everyRequest = `one that fails every request is found in ${percent(dead.found)} of releases`;
  if (dead.medianTime !== undefined)
    everyRequest += `, half of the time within ${about(dead.medianTime)}, after ${requests(dead.badRequests)} on average`;
  lines.push(found(everyRequest));

  if (safeAfter === undefined) lines.push(found("a good one could not be proven safe within 30 days"));
  else lines.push(found(`a good one could be proven safe after ${about(safeAfter)}`));

  if (spread) lines.push(found(spreadInWords(spread)));
  if (thin) lines.push(lacking(thinStageSentence(thin, traffic)));
  if (!smallest || smallest.ratio > enough) lines.push(whatWouldHelp(detectability));
  return lines;
}

/** Where little or nothing is found: what would help. That a plan finds no small difference is no fault of it. */
function whatWouldHelp({ traffic, smallest, better }: DetectableInTraffic): DetectabilityLine {
  const help = better
    ? `${formatDuration(better.wait)} at ${better.weight}% would find one that ${failing(better.ratio, traffic)}`
    : nothingBetter;
  if (smallest) return found(`what fails less often needs more requests than these stages have; ${help}`);
  const rate = `${number(traffic.rate)} requests per second`;
  const nothing = `At ${rate} this plan finds nothing, not even a version that fails every request, in 80% of releases`;
  return lacking(`${nothing}; ${help}.`);
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
