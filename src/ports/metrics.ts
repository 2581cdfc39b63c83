import type { PodSpread } from "../evidence/pod-spread.ts";
import type { Tally } from "../evidence/tally.ts";
import type { Instant, Millis } from "../lib/duration.ts";
import type { Plan } from "../release/plan.ts";
import type { MetricSource } from "./metric-source.ts";
import type { Finding } from "./preflight.ts";

/**
 * What is counted of one service, and what can be asked of it whether or not a release runs. Every method rejects only
 * when aborted.
 */
export interface Metrics {
  /**
   * Counts for one release, from its first look on. Copies of requests are known to the proxies of the pods that get them
   * and to nobody else, so that a plan with some is counted by those throughout.
   */
  watch(plan?: Pick<Plan, "stages">): MetricSource;
  /** The requests of both versions in the time before a moment. */
  traffic(at: Instant, window: Millis, signal: AbortSignal): Promise<WindowTally | Uncounted>;
  /**
   * Requests per second that the service got since it was first seen in a window, whoever answered. Undefined where
   * nobody knows.
   */
  rate(at: Instant, window: Millis, signal: AbortSignal): Promise<number | undefined>;
  /** Who answered requests of the service in the five minutes before a moment. */
  answerers(at: Instant, signal: AbortSignal): Promise<readonly Answerer[] | Uncounted>;
  /** How much more than independent ones stable's errors varied in the hour before a moment, and its pods differed. */
  dispersion(at: Instant, signal: AbortSignal): Promise<MeasuredDispersion>;
  /** Whether the gates of a plan will have something to judge by. */
  inspect(plan: Plan, at: Instant, signal: AbortSignal): Promise<readonly Finding[]>;
}

/** `covered`: how much of the window was counted at all; a service or a source may be younger. */
export type WindowTally = Tally & { readonly covered: Millis };

/** Pods under one name: a Deployment, a StatefulSet, or whatever made them. */
export type Answerer = { readonly workload: string; readonly namespace: string };

export type Uncounted = { readonly because: string };

export type MeasuredDispersion = {
  /** How many times as much as independent ones errors vary; 1 where it could not be measured. */
  readonly phi: number;
  readonly because: string;
  /** How much its pods differ. */
  readonly spread: PodSpread;
};
