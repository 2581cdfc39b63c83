import { defaults, type Settings } from "../../../src/evidence/defaults.ts";
import { type Course, smallestFound, timeToSafety } from "../../../src/rehearsal/detection.ts";
import { pollSeconds, pollsPerStage, weights } from "./world.ts";

const course: Course = {
  steps: weights.map((weight) => ({ weight, wait: pollsPerStage * pollSeconds * 1_000 })),
  pollEvery: pollSeconds * 1_000,
};
const rates = [0.2, 2, 10, 50, 200];
const times = (ratio: number | undefined): string =>
  ratio === undefined ? "none" : `${Number(ratio.toPrecision(3))}×`;
const hours = (millis: number | undefined): string =>
  millis === undefined
    ? "more than 30d"
    : millis < 5_400_000
      ? `${Math.round(millis / 60_000)} min`
      : millis < 172_800_000
        ? `${Math.round(millis / 3_600_000)}h`
        : `${Math.round(millis / 86_400_000)}d`;

/** The smallest regression found in 80% of releases, the bad requests that it costs, and the time until safety is proven. */
export function detectabilityTable(runs: number, seed: number): string {
  const bare: Settings = { ...defaults, warmUp: 0, minExcess: 0 };
  const cell = (rate: number, baseline: number): string => {
    const found = smallestFound(course, { rate, baseline }, defaults, runs, seed);
    const alone = smallestFound(course, { rate, baseline }, bare, runs, seed);
    return `${times(found?.ratio)} (${times(alone?.ratio)}) · ${found ? found.badRequests.toFixed(0) : "—"} · ${hours(timeToSafety(course, { rate, baseline }, defaults))}`;
  };
  return [
    "Smallest ratio found in 80% of releases (in brackets without warm-up and floor) · bad requests until then · time until a good canary is proven safe:",
    "",
    "| requests/s | 0.1% fail | 1% fail |",
    "|---|---|---|",
    ...rates.map((rate) => `| ${rate} | ${cell(rate, 0.001)} | ${cell(rate, 0.01)} |`),
  ].join("\n");
}
