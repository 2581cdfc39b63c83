import type { Millis } from "../lib/duration.ts";

/** What becomes of a gate that has no data: `wait` until the stage's deadline and then roll back, or `fail` as soon as two polls could have found some. */
export type NoData = "wait" | "fail";

/** A number of the user's own, asked of Prometheus at every poll. */
export type QueryGate = {
  readonly kind: "query";
  readonly name: string;
  readonly query: string;
  readonly atMost?: number;
  readonly atLeast?: number;
  /** Consecutive polls outside the limits that are tolerated. Default 0: the first one fails the stage. */
  readonly tolerate: number;
  readonly noData: NoData;
};

/** The canary's share of failed requests since the stage began. */
export type ErrorGate = {
  readonly kind: "errors";
  readonly name: string;
  /** A ratio, 0.01 is 1 %. */
  readonly atMost?: number;
  /** How far above stable's ratio in the same time it may be; 0.01 is one percentage point. */
  readonly aboveStable?: number;
  /** Fewer canary requests than this prove nothing: the gate waits. */
  readonly minRequests: number;
  readonly noData: NoData;
};

/** A quantile of the canary's response time since the stage began, read from histogram buckets. */
export type LatencyGate = {
  readonly kind: "latency";
  readonly name: string;
  /** 0.99 is the 99th percentile. */
  readonly quantile: number;
  readonly atMost?: Millis;
  /** How many times stable's same quantile it may be. */
  readonly timesStable?: number;
  readonly minRequests: number;
  readonly noData: NoData;
};

/** Restarts of the canary's containers since it was deployed. */
export type RestartGate = { readonly kind: "restarts"; readonly name: string; readonly atMost: number };

/** A question put to evidence; its answer is a verdict. */
export type Gate = QueryGate | ErrorGate | LatencyGate | RestartGate;

/** The answer. Only `fail` rolls a release back by itself; `wait` and `no-data` hold the stage up to its deadline. */
export type Verdict = {
  readonly kind: "pass" | "wait" | "fail" | "no-data";
  /** A whole sentence part: "errors: 12 of 60 canary requests failed (20 %), limit 1 %". */
  readonly because: string;
  /** For tables: the value as people write it, `—` where there is none. */
  readonly value: string;
  /** For tables: `≤ 1 %`. */
  readonly limit: string;
  /** Canary requests that stand behind the value, where the gate counts them. */
  readonly requests?: number;
};
