import type { Buckets } from "../../evidence/tally.ts";
import type { NativeHistogram } from "./answered.ts";

/** Of Envoy's histograms, in milliseconds: https://github.com/envoyproxy/envoy/blob/main/source/common/stats/histogram_impl.cc */
const ofEnvoy: readonly number[] = [
  0.5, 1, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000, 300_000, 600_000, 1_800_000,
  3_600_000,
];

/** From 1ms to 6 minutes, so many for each doubling. */
const doublings = (each: number): readonly number[] =>
  Array.from({ length: 19 * each }, (_, step) => 2 ** (step / each));

/** An exponential histogram of schema 8, the finest, has edges at these, and all others at some of them. */
const isExponential = (edge: number, each = 256): boolean => {
  const steps = each * Math.log2(edge);
  return Math.abs(steps - Math.round(steps)) < 1e-6;
};

/** The edges at which native histograms are read: only buckets that hold something are shown. */
function edgesIn(histograms: readonly NativeHistogram[]): readonly number[] {
  const shown = [...new Set(histograms.flatMap(({ buckets }) => buckets.flatMap(({ from, to }) => [from, to])))]
    .filter((edge) => edge > 0 && Number.isFinite(edge))
    .sort((a, b) => a - b);
  if (shown.every((edge) => ofEnvoy.includes(edge))) return ofEnvoy;
  if (!shown.every((edge) => isExponential(edge))) return shown;
  return doublings(shown.every((edge) => isExponential(edge, 1)) ? 1 : 2);
}

export type NativeEdges = (histograms: readonly NativeHistogram[]) => readonly number[];

/** Decided once: what a counter lacked at the look before would count in full. */
export function keepEdges(): NativeEdges {
  let kept: readonly number[] | undefined;
  return (histograms) => {
    if (histograms.some(({ count }) => count > 0)) kept ??= edgesIn(histograms);
    return kept ?? ofEnvoy;
  };
}

/** As a classic histogram. */
export function classicOf({ count, buckets }: NativeHistogram, edges: readonly number[]): Buckets {
  const within = (le: number): number =>
    buckets.reduce((sum, { to, count }) => (to <= le * (1 + 1e-9) ? sum + count : sum), 0);
  return [...edges.map((le) => ({ le, count: within(le) })), { le: Infinity, count }];
}
