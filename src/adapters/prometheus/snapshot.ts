import type { Attribution } from "../../evidence/tally.ts";
import type { Instant } from "../../lib/duration.ts";

/** One counter as Prometheus had it: a whole number that only grows, until its process restarts. */
export type Counter = {
  /** The label set, written canonically; the same series has the same key at every look. */
  readonly series: string;
  /** The process that counts (`instance` or `pod`); a new series of a known process began at zero. */
  readonly process: string;
  readonly origin: Attribution;
  readonly failed: boolean;
  readonly value: number;
};

/** One bucket of a response-time histogram: how many requests took at most `le` milliseconds. */
export type Bucket = {
  readonly series: string;
  readonly process: string;
  readonly origin: Attribution;
  /** Milliseconds; Infinity for the last bucket. */
  readonly le: number;
  readonly value: number;
};

/** Every raw counter of both versions at one moment, asked with the same `time=`. */
export type Snapshot = {
  readonly at: Instant;
  readonly requests: readonly Counter[];
  readonly buckets: readonly Bucket[];
};
