import {
  type Attribution,
  type Count,
  emptyTally,
  endings,
  sumOfBuckets,
  type Tally,
  timedBy,
} from "../../evidence/tally.ts";
import type { Ending } from "../../istio/counted-request.ts";
import type { Instant, Millis } from "../../lib/duration.ts";
import { lookBack } from "./series-selectors.ts";
import type { Series, Snapshot } from "./snapshot.ts";

/** What is needed to count on: counters as they were when they were read last. */
export type Meter = {
  /** The scrape interval. */
  readonly interval: Millis;
  /** When that was. Undefined: nothing was read yet, not even the base. */
  readonly at: Instant | undefined;
  /**
   * The last value of every series ever seen: a pod that vanished keeps it, a scrape that failed does not count twice.
   */
  readonly last: ReadonlyMap<string, Known>;
  /** Whoever has counted, and when it was scraped last. */
  readonly processes: ReadonlyMap<string, Instant>;
};

/** The newest value of a series, from whichever replica of Prometheus. Moments are those of scrapes. */
type Known = {
  readonly value: number;
  readonly scraped: Instant;
  /** When it was seen to have begun again at zero, and what it had reached until then. */
  readonly restarted: Instant;
  readonly left: number;
};

export const emptyMeter = (interval: Millis): Meter => ({
  interval,
  at: undefined,
  last: new Map(),
  processes: new Map(),
});

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
  const grown = (series: Series): number => read(meter, series, snapshot.asked).grown;
  const requests = snapshot.requests.filter((counter) => counter.origin === origin);
  const buckets = snapshot.buckets.filter((bucket) => bucket.origin === origin);
  const times = snapshot.times?.filter((time) => time.origin === origin) ?? [];
  const ended = (how: keyof Ending): number => sum(requests.filter((counter) => counter[how]).map(grown));
  return {
    requests: sum(requests.map(grown)),
    errors: ended("failed"),
    ...endings(ended("givenUp"), ended("cutOff")),
    // A restart may hide in a wide bucket, because it had outgrown its old value.
    buckets: sumOfBuckets(buckets.map((bucket) => ({ le: bucket.le, count: grown(bucket) }))),
    ...timedBy(times.map(grown), buckets.filter(({ le }) => le === Infinity).length),
  };
}

/** The meter after a snapshot. */
export function advance(meter: Meter, { at, asked, requests, buckets, times = [] }: Snapshot): Meter {
  const all = [...requests, ...buckets, ...times];
  return {
    ...meter,
    at,
    last: new Map([...meter.last, ...all.map((series) => [series.series, read(meter, series, asked).known] as const)]),
    processes: new Map([
      ...meter.processes,
      ...all.map(({ process, scraped }) => [process, scraped ?? asked] as const),
    ]),
  };
}

/**
 * The earliest moment that anything counted in a snapshot may be of: the scrape before it of whoever counted it. Nobody
 * knows when somebody new began, but that no scrape of the last interval had him.
 */
export function countedFrom(meter: Meter, { at, asked, requests, buckets }: Snapshot): Instant {
  const ahead = asked - at;
  const unknown = (meter.at ?? at) + ahead - meter.interval;
  const begun = [...requests, ...buckets]
    .filter((series) => read(meter, series, asked).grown > 0)
    .map(({ series, process }) => meter.last.get(series)?.scraped ?? meter.processes.get(process) ?? unknown);
  return Math.min(asked, ...begun) - ahead;
}

type Growth = { readonly grown: number; readonly known: Known };

function read(meter: Meter, series: Series, asked: Instant): Growth {
  const { value, process, origin, scraped } = series;
  const known = meter.last.get(series.series);
  if (known) return readOn(known, series, asked, meter.interval);
  // A process that has counted before, or one of the canary's own, began this series at zero; a stranger's past is
  // unknown.
  const grown = meter.processes.has(process) || origin === "canary" ? value : 0;
  return { grown, known: { value, scraped: scraped ?? asked, restarted: -Infinity, left: 0 } };
}

/**
 * Behind one address there may be several replicas of Prometheus, each with scrapes of its own, and each answer may
 * come from another: docs/decisions/0011-one-prometheus-or-several.md has the rule, and where it errs.
 */
function readOn(known: Known, { value, scraped }: Series, asked: Instant, interval: Millis): Growth {
  const nothingNew: Growth = { grown: 0, known };
  if (scraped === undefined) {
    // It may be from before the restart that another replica has shown already.
    const doubtful = asked - known.restarted <= lookBack;
    if (doubtful || value <= known.value) return nothingNew;
    return { grown: value - known.value, known: { ...known, value, scraped: asked } };
  }
  if (scraped <= known.scraped) return nothingNew;
  if (isReturn(known, value, scraped)) {
    const grown = Math.max(0, value - known.left - known.value);
    return { grown, known: { ...known, value, scraped, left: 0 } };
  }
  if (value >= known.value) return { grown: value - known.value, known: { ...known, value, scraped } };
  if (!isRestart(known, value, scraped - known.scraped, interval)) return nothingNew;
  return { grown: value, known: { value, scraped, restarted: scraped, left: known.value } };
}

/** Clocks of replicas differ by less, and no scrape takes as long. */
const doubt: Millis = 60_000;

/**
 * Whoever begins again at zero is far below where it was. One that is not has to be that much later: replicas that
 * disagree a little are no restart.
 */
const isRestart = (known: Known, value: number, later: Millis, interval: Millis): boolean =>
  later > (value <= known.value / 2 ? interval / 2 : doubt);

/** Who is back at once where it was had not begun again: two processes write one series, or somebody lies. */
const isReturn = ({ value: last, left, restarted }: Known, value: number, scraped: Instant): boolean =>
  scraped - restarted <= doubt && last <= left / 2 && value >= left;

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
