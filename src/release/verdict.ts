import type { Conclusion } from "../evidence/conclusion.ts";
import type { Pair } from "../evidence/error-ratio.ts";
import type { PairedCounts } from "../evidence/evidence.ts";
import type { Millis } from "../lib/duration.ts";
import type { Policy } from "./gate.ts";
import type { RunFailure } from "./run-failure.ts";

/**
 * The answer of a gate, as data: words/ makes a sentence of it. Only `fail` rolls a release back by itself; `wait` and
 * `no-data` keep the stage open.
 */
export type Verdict = {
  readonly kind: "pass" | "wait" | "fail" | "no-data";
  /**
   * A gate that waits or has no data: what becomes of the stage when its wait is over. Missing: it rolls back at its
   * deadline.
   */
  readonly policy?: Policy | undefined;
  /** A gate that passes: more looking would not change it, the stage may end. */
  readonly proven?: boolean | undefined;
  readonly figures: Figures;
};

export type GateVerdict = Verdict & { readonly gate: string };

/** A verdict that follows from the ledger, or would, had the counters been read. */
export type EvidenceVerdict = GateVerdict & { readonly figures: EvidenceFigures };

/** What a verdict rests on, by the kind of gate. Plain JSON: what is missing is not there, and nothing is infinite. */
export type Figures =
  | EvidenceFigures
  | ErrorFigures
  | LatencyFigures
  | QueryFigures
  | RunFigures
  | RestartFigures
  | BudgetFigures;

/** Why there is nothing to judge by. `words` are those of the source that was asked. */
export type Missing =
  | { readonly what: "counters"; readonly words: string }
  | { readonly what: "requests" }
  | { readonly what: "response-times"; readonly words?: string | undefined }
  | { readonly what: "stable-response-times" }
  | { readonly what: "answer"; readonly words: string }
  | { readonly what: "question" }
  | { readonly what: "end" }
  /** There is an answer, and it is asked for a newer one: the older proves nothing any more. */
  | { readonly what: "newer-answer" };

export type EvidenceFigures = { readonly of: "evidence" } & (
  | { readonly missing: Extract<Missing, { what: "counters" }> }
  /** A conclusion rests on all stages together. `own`: what this one counted; missing where nobody knows any more. */
  | { readonly conclusion: Conclusion; readonly own?: OwnFigures | undefined }
);

/** What one stage counted itself, of both versions. */
export type OwnFigures = PairedCounts & {
  /** How long requests took. Missing where it is not known of both. */
  readonly times?: { readonly stable: ResponseTimes; readonly canary: ResponseTimes } | undefined;
  /** Requests slower than the edge that proves most, and those of which that is known. */
  readonly slow?: { readonly slow: Pair; readonly requests: Pair } | undefined;
};

export type ResponseTimes = { readonly p50: ResponseTime; readonly p99: ResponseTime };

/** Ratios: 0.01 is 1%. */
export type ErrorFigures = {
  readonly of: "errors";
  readonly allowed?: number | undefined;
  /** Stable's ratio in the same time, where it counts. */
  readonly stable?: number | undefined;
} & (
  | { readonly missing: Missing }
  | { readonly requests: number; readonly failed: number; readonly needed: number }
  /** The canary is what is missing: so many requests of the service failed because there was no pod to send them to. */
  | { readonly requests: number; readonly failed: number; readonly lost: number }
);

/** A quantile of the response time: at most this, or slower than the last edge of the histogram. */
export type ResponseTime = { readonly atMost: Millis } | { readonly above: Millis };

export type LatencyFigures = {
  readonly of: "latency";
  readonly quantile: number;
  readonly allowed?: Millis | undefined;
  /** Stable's same quantile, where it counts. */
  readonly stable?: ResponseTime | undefined;
  readonly requests: number;
} & (
  | { readonly missing: Missing; readonly time?: ResponseTime | undefined }
  | { readonly time: ResponseTime; readonly needed: number }
);

export type QueryFigures = {
  readonly of: "query" | "json";
  readonly atLeast?: number | undefined;
  readonly atMost?: number | undefined;
} & (
  | { readonly missing: Missing }
  /** `outside`: answers in a row that were outside the limits, of which `tolerated` are. */
  | { readonly value: number; readonly outside: number; readonly tolerated: number }
);

/** Of a program that ended: its number, where there are limits for one, and how it failed. */
export type RunFigures = {
  readonly of: "run";
  readonly atLeast?: number | undefined;
  readonly atMost?: number | undefined;
} & (
  | { readonly missing: Missing }
  | {
      readonly value?: number | undefined;
      readonly failure?: RunFailure | undefined;
      readonly outside: number;
      readonly tolerated: number;
    }
);

export type RestartFigures = { readonly of: "restarts"; readonly restarts: number; readonly allowed: number };

/** Of no gate: what the plan's budget allows. Whole percents. */
export type BudgetFigures = { readonly of: "budget"; readonly largest: number; readonly weight: number };
