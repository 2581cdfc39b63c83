import type { Instant, Millis } from "../../src/lib/duration.ts";
import { fullMatch } from "../re2.ts";
import { type Histogram, keyOf, type Labels, type Point, QueryError, type Range, type Sample } from "./value.ts";

export type Matcher = { readonly label: string; readonly op: "=" | "!=" | "=~" | "!~"; readonly text: string };

/** Samples by series, oldest first. */
export interface Storage {
  /** Without a value the series ends there: a staleness marker. A sample that is not newer than the last one is dropped. */
  append(labels: Labels, at: Instant, value: number | undefined, histogram?: Histogram): void;
  /** The newest sample of each series in the lookback before a moment, unless the series has ended. */
  instant(matchers: readonly Matcher[], at: Instant): readonly Sample[];
  /** Every sample in (start, end]. */
  range(matchers: readonly Matcher[], start: Instant, end: Instant): readonly Range[];
}

/** https://prometheus.io/docs/prometheus/latest/querying/basics/#staleness */
const lookback: Millis = 300_000;
const retention: Millis = 3_600_000;

type Stored = {
  readonly labels: Labels;
  readonly points: (Omit<Point, "value"> & { readonly value: number | undefined })[];
};

export function storage(): Storage {
  const all = new Map<string, Stored>();
  const select = (matchers: readonly Matcher[]): readonly Stored[] => {
    const tests = matchers.map(matcherOf);
    return [...all.values()].filter(({ labels }) => tests.every((test) => test(labels)));
  };

  return {
    append(labels, at, value, histogram) {
      const key = keyOf(labels);
      const stored = all.get(key) ?? { labels, points: [] };
      all.set(key, stored);
      if (at <= (stored.points.at(-1)?.at ?? -Infinity)) return;
      stored.points.push({ at, value, histogram });
      // Twice the time, so that it is done seldom and not for every sample.
      if ((stored.points[0]?.at ?? at) < at - 2 * retention)
        stored.points.splice(
          0,
          stored.points.findIndex((point) => point.at >= at - retention),
        );
    },
    instant: (matchers, at) =>
      select(matchers).flatMap(({ labels, points }) => {
        const newest = points.findLast((point) => point.at <= at);
        return newest?.value === undefined || newest.at <= at - lookback
          ? []
          : [{ ...newest, labels, value: newest.value }];
      }),
    range: (matchers, start, end) =>
      select(matchers).flatMap(({ labels, points }) => {
        const within = points.filter(
          (point): point is Point => point.value !== undefined && point.at > start && point.at <= end,
        );
        return within.length === 0 ? [] : [{ labels, points: within }];
      }),
  };
}

/** Whether a matcher takes a series. */
export function matcherOf({ label, op, text }: Matcher): (labels: Labels) => boolean {
  const test = op === "=" || op === "!=" ? (value: string) => value === text : patternTest(text);
  const wanted = op === "=" || op === "=~";
  return (labels) => test(labels[label] ?? "") === wanted;
}

/** Whether a matcher also takes series without the label; a selector of only such matchers would take everything. */
export const matchesEmpty = (matcher: Matcher): boolean => matcherOf(matcher)({});

function patternTest(pattern: string): (value: string) => boolean {
  try {
    const compiled = fullMatch(pattern);
    return (value) => compiled.test(value);
  } catch (error) {
    throw new QueryError("bad_data", `error parsing regexp: ${error instanceof Error ? error.message : String(error)}`);
  }
}
