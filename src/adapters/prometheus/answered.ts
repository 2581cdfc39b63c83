import type { SeriesLabels } from "../../istio/counted-request.ts";
import type { Instant } from "../../lib/duration.ts";
import { plural } from "../../lib/numbers.ts";
import type { Uncounted } from "../../ports/metrics.ts";

/** What Prometheus gave for one moment: a number for each series; a scalar is a series without labels. */
export type Answered = {
  /** Which moment that was, by its own clock. Undefined where nothing tells: there is no number. */
  readonly at: Instant | undefined;
  readonly samples: readonly Sample[];
  /** Series without a number; those of a native histogram are among them. */
  readonly none: readonly NoNumber[];
  readonly histograms: readonly NativeHistogram[];
};

/** How many were counted, and how many of them in each bucket in which any were: https://prometheus.io/docs/specs/native_histograms/ */
export type NativeHistogram = {
  readonly labels: SeriesLabels;
  readonly count: number;
  readonly sum: number;
  readonly buckets: readonly { readonly from: number; readonly to: number; readonly count: number }[];
};

type Numbers = Pick<Answered, "samples" | "none">;

/** `value` is finite: every number of an answer has passed one check. */
export type Sample = { readonly labels: SeriesLabels; readonly value: number };

/** What was there in the place of a number: `NaN`, `+Inf`, `-Inf`, or what kind of thing it was. */
export type NoNumber = { readonly labels: SeriesLabels; readonly said: string };

/** A series with its numbers by time; moments without one are left out. */
export type TimeSeries = { readonly labels: SeriesLabels; readonly values: ReadonlyMap<Instant, number> };

/** Why there is no answer. `query`: Prometheus understood, and refuses this query; another one may be answered. */
export type NoAnswer = {
  readonly because: string;
  readonly fault: "prometheus" | "query";
  /** What to do about it, where that is known. */
  readonly next?: string | undefined;
};

/** The values that a label has, each once. */
export const valuesOf = (samples: readonly Sample[], label: string): readonly string[] =>
  [...new Set(samples.map(({ labels }) => labels[label] ?? ""))].filter((value) => value !== "").sort();

/** None where there was no answer. */
export const samplesOf = (answer: Answered | NoAnswer): readonly Sample[] =>
  "because" in answer ? [] : answer.samples;

/** Raw counters and sums of them are whole, and never below zero. */
export const isRawCount = (value: number): boolean => Number.isSafeInteger(value) && value >= 0;

/** An answer of raw counters. What none of them can be is no number there. */
export function rawCountsOf({ samples, none }: Numbers): Numbers {
  const wrong = samples.filter(({ value }) => !isRawCount(value));
  return {
    samples: samples.filter(({ value }) => isRawCount(value)),
    none: [...none, ...wrong.map(({ labels, value }) => ({ labels, said: String(value) }))],
  };
}

/** Says which series is no count, by those of its labels that tell it from others. Undefined where all are. */
export function whatIsNoCount(
  [first, ...others]: readonly NoNumber[],
  metric: string,
  telling: readonly string[],
): Uncounted | undefined {
  if (!first) return undefined;
  const pairs = telling.flatMap((name) => (first.labels[name] ? [`${name}="${first.labels[name]}"`] : []));
  const more = others.length === 0 ? "" : `, nor ${plural(others.length, "is", "are")} ${others.length} more`;
  return { because: `Prometheus says ${first.said} for ${metric}{${pairs.join(",")}}, which is no count${more}` };
}
