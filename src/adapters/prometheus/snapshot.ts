import type { Attribution } from "../../evidence/tally.ts";
import type { Ending } from "../../istio/counted-request.ts";
import type { Instant } from "../../lib/duration.ts";

/** One counter as Prometheus had it: a whole number that only grows, until its process restarts. */
export type Counter = Series & Ending;

/** One bucket of a response-time histogram: how many requests took at most `le` milliseconds. */
export type Bucket = Series & {
  /** Milliseconds; Infinity for the last bucket. */
  readonly le: number;
};

export type Series = {
  /** The label set, written canonically; the same series has the same key at every look. */
  readonly series: string;
  /** The process that counts (`instance` or `pod`); a new series of a known process began at zero. */
  readonly process: string;
  readonly origin: Attribution;
  readonly value: number;
  /**
   * When it was scraped last, by the clock of whoever scraped it. Undefined where the newest scrape failed or lacks it:
   * the value is older then, and nobody knows by how much.
   */
  readonly scraped: Instant | undefined;
};

export const isOfVersion = ({ origin }: Series): boolean => origin !== "unattributed";

/** Every raw counter of both versions at one moment. */
export type Snapshot = {
  readonly at: Instant;
  /** The same moment by Prometheus's clock. */
  readonly asked: Instant;
  readonly requests: readonly Counter[];
  readonly buckets: readonly Bucket[];
  /** How many milliseconds requests took; none where nobody knows. Values are no whole numbers. */
  readonly times?: readonly Series[];
};
