import type { Settings } from "../evidence/defaults.ts";
import type { Millis } from "../lib/duration.ts";

/**
 * What becomes of a gate that has no data: `wait` until the stage's deadline and then roll back, or `fail` as soon as
 * two polls could have found some.
 */
export type NoData = "wait" | "fail";

/** What a number of the user's own may be. */
type OwnLimits = {
  readonly name: string;
  readonly atMost?: number;
  readonly atLeast?: number;
  /** Consecutive answers outside the limits that are tolerated. Default 0: the first one fails the stage. */
  readonly tolerate: number;
  readonly noData: NoData;
};

/** Asked of Prometheus at every poll. */
export type QueryGate = OwnLimits & { readonly kind: "query"; readonly query: string };

/** A number in the JSON that a URL answers. Where it is asked, and with what, only the job's own configuration says. */
export type JsonGate = OwnLimits & {
  readonly kind: "json";
  /** Between two questions. */
  readonly every: Millis;
};

/**
 * A program of the user's: it passes when it ends with 0, and the number that it prints last is within the limits,
 * where there are any. What is run only the job's own configuration says: who can write a journal must not choose it.
 */
export type RunGate = OwnLimits & {
  readonly kind: "run";
  /** From the end of one that passed to the next. Missing: one that passed is enough for a stage. */
  readonly every?: Millis;
};

/** Gates that somebody else answers, in words of the user's own. */
export type AskedGate = QueryGate | JsonGate | RunGate;

/** The canary's share of failed requests since the stage began. */
export type ErrorGate = {
  readonly kind: "errors";
  readonly name: string;
  /** A ratio, 0.01 is 1%. */
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

/**
 * All that the release has counted so far, as a statistician would judge it: errors, latency and the split, by the
 * plan's evidence rules.
 */
export type EvidenceGate = { readonly kind: "evidence"; readonly name: string };

/** A question put to what was seen; its answer is a verdict. */
export type Gate = AskedGate | ErrorGate | LatencyGate | RestartGate | EvidenceGate;

export const isAsked = (gate: Gate): gate is AskedGate => ["query", "json", "run"].includes(gate.kind);

export const hasLimits = ({ atMost, atLeast }: Pick<AskedGate, "atMost" | "atLeast">): boolean =>
  atMost !== undefined || atLeast !== undefined;

/** It judges by requests that were counted. */
export const isCounting = ({ kind }: Pick<Gate, "kind">): boolean => ["errors", "latency", "evidence"].includes(kind);

export const isJudgedByEvidence = ({ gates }: { readonly gates: readonly Gate[] }): boolean =>
  gates.some(({ kind }) => kind === "evidence");

/**
 * What becomes of a stage whose wait is over while its evidence decides nothing: `extend` goes on looking up to the
 * stage's deadline and then holds; `hold` lets somebody decide; `promote` goes on to the next weight; `fail` rolls
 * back.
 */
export const policies = ["extend", "hold", "promote", "fail"] as const;
export type Policy = (typeof policies)[number];

/** How evidence is judged, the same in all stages. */
export type EvidenceRules = {
  readonly settings: Settings;
  /** How clustered errors are is measured before the release begins; otherwise it is as the settings have it. */
  readonly measured: boolean;
  readonly inconclusive: Policy;
  /** No request of the canary, or of stable, was counted. */
  readonly noData: Policy;
  /** How long a release that is held waits for somebody; then whoever settles gives it back. Default: an hour. */
  readonly holdFor?: Millis | undefined;
  /** A stage ends before its wait is over when the canary is proven safe. */
  readonly early: boolean;
  /**
   * The share of all requests that may fail because of the canary in the worst case; no weight is given that allows
   * more. Not bounded when missing.
   */
  readonly budget?: number | undefined;
};
