import type { Bucket, Counter, Origin, Snapshot } from "./snapshot.ts";

/** Requests counted for one version. Whole numbers. */
export type Count = {
  readonly requests: number;
  readonly errors: number;
  /** Requests that took at most `le` ms, by edge; edges ascend, the last is Infinity. Empty without a histogram. */
  readonly buckets: readonly { readonly le: number; readonly count: number }[];
};

export type Tally = { readonly [origin in Origin]: Count };

/** What was counted, and what is needed to count on. */
export type Meter = {
  readonly tally: Tally;
  /** The last value of every series ever seen: a pod that vanished keeps it, a scrape that failed does not count twice. */
  readonly last: ReadonlyMap<string, number>;
  readonly processes: ReadonlySet<string>;
  /** Polls that were counted. At zero nothing has been seen yet, not even the base. */
  readonly polls: number;
};

const nothing: Count = { requests: 0, errors: 0, buckets: [] };
export const emptyTally: Tally = { stable: nothing, canary: nothing, unattributed: nothing };

export const emptyMeter: Meter = { tally: emptyTally, last: new Map(), processes: new Set(), polls: 0 };

/** The same memory of the counters with nothing counted. */
export const reset = (meter: Meter): Meter => ({ ...meter, tally: emptyTally });

/** What both counted together. */
export const sumOf = (a: Tally, b: Tally): Tally => ({
  stable: sumOfCounts(a.stable, b.stable),
  canary: sumOfCounts(a.canary, b.canary),
  unattributed: sumOfCounts(a.unattributed, b.unattributed),
});

const sumOfCounts = (a: Count, b: Count): Count => ({
  requests: a.requests + b.requests,
  errors: a.errors + b.errors,
  buckets: addBuckets(a.buckets, b.buckets),
});

/**
 * Adds what happened between the last snapshot and this one. The first snapshot is only a base.
 * Differences are taken here and per series because `increase()` extrapolates, and never sees a series' first
 * sample: the first errors of a fresh canary (https://github.com/prometheus/prometheus/issues/3886).
 */
export function advance(meter: Meter, snapshot: Snapshot): Meter {
  const grown = (series: Counter | Bucket): number => (meter.polls === 0 ? 0 : growth(meter, series));
  const counted = (origin: Origin): Count => {
    const requests = snapshot.requests.filter((counter) => counter.origin === origin);
    const before = meter.tally[origin];
    return {
      requests: before.requests + sum(requests.map(grown)),
      errors: before.errors + sum(requests.filter((counter) => counter.failed).map(grown)),
      buckets: addBuckets(
        before.buckets,
        snapshot.buckets
          .filter((bucket) => bucket.origin === origin)
          .map((bucket) => ({ le: bucket.le, count: grown(bucket) })),
      ),
    };
  };
  const all = [...snapshot.requests, ...snapshot.buckets];
  return {
    tally: { stable: counted("stable"), canary: counted("canary"), unattributed: counted("unattributed") },
    last: new Map([...meter.last, ...all.map(({ series, value }) => [series, value] as const)]),
    processes: new Set([...meter.processes, ...all.map(({ process }) => process)]),
    polls: meter.polls + 1,
  };
}

function growth(meter: Meter, { series, process, origin, value }: Counter | Bucket): number {
  const previous = meter.last.get(series);
  if (previous !== undefined) return value >= previous ? value - previous : value; // below: the process restarted from zero
  // A process that has counted before, or one of the canary's own, began this series at zero; a stranger's past is unknown.
  return meter.processes.has(process) || origin === "canary" ? value : 0;
}

function addBuckets(before: Count["buckets"], now: Count["buckets"]): Count["buckets"] {
  const counts = new Map(before.map(({ le, count }) => [le, count]));
  for (const { le, count } of now) counts.set(le, (counts.get(le) ?? 0) + count);
  // A wider bucket holds what the narrower ones hold, even where a restart hid in it because it had outgrown its old value.
  let narrower = 0;
  return [...counts]
    .sort(([a], [b]) => a - b)
    .map(([le, count]) => {
      narrower = Math.max(narrower, count);
      return { le, count: narrower };
    });
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
