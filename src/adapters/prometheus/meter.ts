import { type Attribution, type Count, emptyTally, sumOfBuckets, type Tally } from "../../evidence/tally.ts";
import type { Instant } from "../../lib/duration.ts";
import type { Bucket, Counter, Snapshot } from "./snapshot.ts";

/** What is needed to count on: counters as they were when they were read last. */
export type Meter = {
  /** When that was. Undefined: nothing was read yet, not even the base. */
  readonly at: Instant | undefined;
  /**
   * The last value of every series ever seen: a pod that vanished keeps it, a scrape that failed does not count twice.
   */
  readonly last: ReadonlyMap<string, number>;
  readonly processes: ReadonlySet<string>;
};

export const emptyMeter: Meter = { at: undefined, last: new Map(), processes: new Set() };

/**
 * What happened between the last snapshot and this one. The first snapshot is only a base.
 * Differences are taken here and per series because `increase()` extrapolates, and never sees a series' first
 * sample: the first errors of a fresh canary (https://github.com/prometheus/prometheus/issues/3886).
 */
export function counted(meter: Meter, snapshot: Snapshot): Tally {
  if (meter.at === undefined) return emptyTally;
  const of = (origin: Attribution): Count => countOf(meter, snapshot, origin);
  return { stable: of("stable"), canary: of("canary"), unattributed: of("unattributed") };
}

function countOf(meter: Meter, snapshot: Snapshot, origin: Attribution): Count {
  const grown = (series: Counter | Bucket): number => growth(meter, series);
  const requests = snapshot.requests.filter((counter) => counter.origin === origin);
  const buckets = snapshot.buckets.filter((bucket) => bucket.origin === origin);
  return {
    requests: sum(requests.map(grown)),
    errors: sum(requests.filter(({ failed }) => failed).map(grown)),
    // A restart may hide in a wide bucket, because it had outgrown its old value.
    buckets: sumOfBuckets(buckets.map((bucket) => ({ le: bucket.le, count: grown(bucket) }))),
  };
}

/** The meter after a snapshot. */
export function advance(meter: Meter, { at, requests, buckets }: Snapshot): Meter {
  const all = [...requests, ...buckets];
  return {
    at,
    last: new Map([...meter.last, ...all.map(({ series, value }) => [series, value] as const)]),
    processes: new Set([...meter.processes, ...all.map(({ process }) => process)]),
  };
}

function growth(meter: Meter, { series, process, origin, value }: Counter | Bucket): number {
  const previous = meter.last.get(series);
  // less than before: the process restarted from zero
  if (previous !== undefined) return value >= previous ? value - previous : value;
  // A process that has counted before, or one of the canary's own, began this series at zero; a stranger's past is
  // unknown.
  return meter.processes.has(process) || origin === "canary" ? value : 0;
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
