import type { Instant } from "../../src/lib/duration.ts";
import { histogramQuantile } from "./histogram.ts";
import { extrapolated, type Window } from "./rate.ts";
import { type Point, type Value, type ValueType, vector, withoutName } from "./value.ts";

type PromFunction = {
  readonly takes: readonly ValueType[];
  /** How many of the last arguments may be left out. */
  readonly optional?: number;
  readonly gives: "scalar" | "vector";
  readonly run: (args: readonly Value[], at: Instant) => Value;
};

/** What can be asked for; anything else that Prometheus knows is refused by name. */
export const functions: Readonly<Record<string, PromFunction>> = {
  rate: overTime((points, window) => divided(extrapolated(points, window, true), window)),
  increase: overTime((points, window) => extrapolated(points, window, true)),
  delta: overTime((points, window) => extrapolated(points, window, false)),
  irate: overTime((points) =>
    lastTwo(
      points,
      (before, last) =>
        (last.value >= before.value ? last.value - before.value : last.value) / ((last.at - before.at) / 1_000),
    ),
  ),
  idelta: overTime((points) => lastTwo(points, (before, last) => last.value - before.value)),
  resets: overTime((points) => pairs(points).filter(([before, now]) => now < before).length),
  changes: overTime(
    (points) =>
      pairs(points).filter(([before, now]) => now !== before && !(Number.isNaN(now) && Number.isNaN(before))).length,
  ),
  sum_over_time: overTime((points) => sum(points.map(({ value }) => value))),
  avg_over_time: overTime((points) => sum(points.map(({ value }) => value)) / points.length),
  min_over_time: overTime((points) => lowest(points.map(({ value }) => value))),
  max_over_time: overTime((points) => highest(points.map(({ value }) => value))),
  count_over_time: overTime((points) => points.length),
  present_over_time: overTime(() => 1),
  last_over_time: {
    ...overTime(() => 0),
    run: ([range]) =>
      vector(seriesOf(range).map(({ labels, points }) => ({ labels, value: Number.NaN, ...points.at(-1) }))),
  },
  quantile_over_time: {
    takes: ["scalar", "matrix"],
    gives: "vector",
    run: ([quantile, range]) =>
      eachRange(range, (points) =>
        quantileOf(
          scalarOf(quantile),
          points.map(({ value }) => value),
        ),
      ),
  },

  histogram_quantile: {
    takes: ["scalar", "vector"],
    gives: "vector",
    run: ([quantile, buckets]) => vector(histogramQuantile(scalarOf(quantile), samplesOf(buckets))),
  },

  abs: perSample(Math.abs),
  ceil: perSample(Math.ceil),
  floor: perSample(Math.floor),
  exp: perSample(Math.exp),
  ln: perSample(Math.log),
  log2: perSample(Math.log2),
  log10: perSample(Math.log10),
  sqrt: perSample(Math.sqrt),
  sgn: perSample(Math.sign),
  round: { ...perSample((value, to = 1) => Math.floor(value * (1 / to) + 0.5) / (1 / to), 1), optional: 1 },
  clamp_min: perSample((value, least = Number.NaN) => Math.max(least, value), 1),
  clamp_max: perSample((value, most = Number.NaN) => Math.min(most, value), 1),
  clamp: {
    takes: ["vector", "scalar", "scalar"],
    gives: "vector",
    run: ([given, least, most]) =>
      scalarOf(least) > scalarOf(most)
        ? vector([])
        : eachSample(given, (value) => Math.max(scalarOf(least), Math.min(scalarOf(most), value))),
  },

  scalar: {
    takes: ["vector"],
    gives: "scalar",
    run: ([given]) => ({
      type: "scalar",
      value: samplesOf(given).length === 1 ? (samplesOf(given)[0]?.value ?? Number.NaN) : Number.NaN,
    }),
  },
  vector: { takes: ["scalar"], gives: "vector", run: ([given]) => vector([{ labels: {}, value: scalarOf(given) }]) },
  time: { takes: [], gives: "scalar", run: (_, at) => ({ type: "scalar", value: at / 1_000 }) },
  // Of a selector the samples' own times: see evaluate.ts.
  timestamp: { takes: ["vector"], gives: "vector", run: ([given], at) => eachSample(given, () => at / 1_000) },
  absent: {
    takes: ["vector"],
    gives: "vector",
    run: ([given]) => vector(samplesOf(given).length === 0 ? [{ labels: {}, value: 1 }] : []),
  },
  absent_over_time: {
    takes: ["matrix"],
    gives: "vector",
    run: ([given]) => vector(seriesOf(given).length === 0 ? [{ labels: {}, value: 1 }] : []),
  },
  sort: {
    takes: ["vector"],
    gives: "vector",
    run: ([given]) => vector(samplesOf(given).toSorted((a, b) => a.value - b.value)),
  },
  sort_desc: {
    takes: ["vector"],
    gives: "vector",
    run: ([given]) => vector(samplesOf(given).toSorted((a, b) => b.value - a.value)),
  },
};

function overTime(of: (points: readonly Point[], window: Window) => number | undefined): PromFunction {
  return { takes: ["matrix"], gives: "vector", run: ([range]) => eachRange(range, of) };
}

function eachRange(
  range: Value | undefined,
  of: (points: readonly Point[], window: Window) => number | undefined,
): Value {
  const window = range?.type === "matrix" ? range : { start: 0, end: 0 };
  return vector(
    seriesOf(range).flatMap(({ labels, points }) => {
      const value = of(points, window);
      return value === undefined ? [] : [{ labels: withoutName(labels), value }];
    }),
  );
}

function perSample(of: (value: number, ...more: number[]) => number, scalars = 0): PromFunction {
  const takes: readonly ValueType[] = ["vector", ...Array.from({ length: scalars }, () => "scalar" as const)];
  return {
    takes,
    gives: "vector",
    run: ([given, ...more]) => eachSample(given, (value) => of(value, ...more.map(scalarOf))),
  };
}

const eachSample = (given: Value | undefined, of: (value: number) => number): Value =>
  vector(samplesOf(given).map(({ labels, value }) => ({ labels: withoutName(labels), value: of(value) })));

// The types of arguments are checked before anything runs (check.ts), so these never meet another type.
export const scalarOf = (value: Value | undefined): number => (value?.type === "scalar" ? value.value : Number.NaN);
export const samplesOf = (value: Value | undefined) => (value?.type === "vector" ? value.samples : []);
const seriesOf = (value: Value | undefined) => (value?.type === "matrix" ? value.series : []);

export const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

/** NaN only where there is nothing else. */
export const lowest = (values: readonly number[]): number =>
  values.reduce((least, value) => (value < least || Number.isNaN(least) ? value : least), Number.NaN);
export const highest = (values: readonly number[]): number =>
  values.reduce((most, value) => (value > most || Number.isNaN(most) ? value : most), Number.NaN);

/** Linear between the two nearest values. */
export function quantileOf(quantile: number, values: readonly number[]): number {
  if (values.length === 0 || Number.isNaN(quantile)) return Number.NaN;
  if (quantile < 0) return -Infinity;
  if (quantile > 1) return Infinity;
  const sorted = values.toSorted((a, b) => a - b);
  const rank = quantile * (sorted.length - 1);
  const lower = sorted[Math.floor(rank)] ?? Number.NaN;
  const upper = sorted[Math.min(sorted.length - 1, Math.floor(rank) + 1)] ?? Number.NaN;
  return lower * (1 - (rank - Math.floor(rank))) + upper * (rank - Math.floor(rank));
}

const divided = (value: number | undefined, { start, end }: Window): number | undefined =>
  value === undefined ? undefined : value / ((end - start) / 1_000);

const pairs = (points: readonly Point[]): readonly (readonly [number, number])[] =>
  points.slice(1).map(({ value }, index) => [points[index]?.value ?? value, value]);

function lastTwo(points: readonly Point[], of: (before: Point, last: Point) => number): number | undefined {
  const [before, last] = points.slice(-2);
  return before && last ? of(before, last) : undefined;
}
