import type { Millis } from "../lib/duration.ts";
import { type Dispersion, independent } from "./error-ratio.ts";
import type { ByMetric } from "./metric.ts";
import type { PodSpread } from "./pod-spread.ts";

/** What a release is judged by. Ratios and rates are plain numbers: 0.01 is 1%. */
export type Settings = {
  /** The chance that a canary no worse than allowed is ever called worse, however often one looks. */
  readonly alpha: number;
  /** The chance that a canary that is too bad is ever called safe. */
  readonly beta: number;
  /** How much more often than stable the canary may fail, as a part of stable's rate: 0.1 allows 1.1 times as often. */
  readonly allowedIncrease: number;
  /**
   * A difference of error rates below this one never fails a release, and a canary that surely fails less often passes.
   */
  readonly minExcess: number;
  /** The canary is safe when it surely fails less than this many times as often as stable. */
  readonly safeRatio: number;
  /** The odds of being slow may be this many times stable's. */
  readonly latencyMargin: number;
  /** Requests that took no longer than this are never called slow: nobody feels it. */
  readonly slowFrom: Millis;
  /** A canary whose requests take so much longer, and by such a part of what stable's take, is not called slow for it. */
  readonly slowerBy: Millis;
  readonly slowerByPart: number;
  /**
   * What a stage needs to pass: a canary that is surely `safe` (see `safeRatio`), or one that is `sound`: surely not
   * broken, and not suspected of harm.
   */
  readonly requires: "safe" | "sound";
  /** How often whatever counts is looked at: at a poll, counts are up to twice as old. */
  readonly scrape: Millis;
  /** The first part of the canary's life, in which only the circuit breaker judges. */
  readonly warmUp: Millis;
  /** The share of failures that the canary may have at most, whatever stable has. Not asked when missing. */
  readonly objective?: number | undefined;
  /**
   * Stops a release that is plainly broken, also while warming up: more failures than `floor` and than so many times
   * stable's.
   */
  readonly breaker: { readonly alpha: number; readonly floor: number; readonly timesStable: number };
  /**
   * How far the observed split may be from the planned one, as a part of the smaller planned share. From 1 on nothing
   * is tested.
   */
  readonly split: {
    readonly alpha: number;
    readonly tolerance: number;
    /** Some requests get the canary beside its weight, so that more than planned is no surprise. */
    readonly atLeast?: true | undefined;
  };
  /** How the metrics share α, relative to each other; those that are asked are scaled to one. */
  readonly shares: ByMetric<number>;
  /** Requests a second of the service before the release. Measured; missing where nobody knows. */
  readonly usual?: number | undefined;
  /** Of how many requests that was measured. */
  readonly usualOf?: number | undefined;
  /** How clustered errors are; measured by `dispersionOf`. */
  readonly dispersion: Dispersion;
  /** How much healthy pods differ. Measured; where it is missing they are taken to be alike. */
  readonly podSpread?: PodSpread | undefined;
  /** φ for slow requests. */
  readonly latencyPhi: number;
};

/** Where a figure below says "simulated", docs/evidence.md has the table and `npm run bench evidence` repeats it. */
export const defaults: Settings = {
  alpha: 0.05, //           the customary 1 in 20; simulated, about 1 false rollback in 100 releases, 3 with failures in clusters
  beta: 0.05, //            the same for calling a bad canary safe
  allowedIncrease: 0, //    "as good as stable"; minExcess, not a margin, is what keeps trifles from failing a release
  minExcess: 0.001, //      one request in a thousand: the smallest difference that most objectives (99.9%) can feel
  safeRatio: 2, //          less than twice as many errors; a smaller ratio needs so many errors that hardly a service has them
  requires: "sound", //     safety takes thousands of requests; simulated: 81% of good releases at 0.1% errors would end undecided
  scrape: 15_000, //        what Istio's own installation has
  latencyMargin: 1.25, //   two versions are never equally fast; a quarter more slow requests is the least that people notice
  slowFrom: 10, //          0.7 → 1.7ms is no reason for a rollback; from here on it is Envoy's edges that are coarse
  slowerBy: 10, //          24.5 → 25.5ms crosses an edge with every request, and nobody feels it
  slowerByPart: 0.1, //     nor 500 → 540ms
  warmUp: 120_000, //       simulated: cold starts of a minute with 5% errors; connection pools and JIT compilers settle within two
  breaker: {
    alpha: 0.05, //         simulated: no more false rollbacks than with 0.01, since a sound canary fails far less than `floor`, and out a third sooner
    floor: 0.1, //          simulated: 50% errors trip it after 7 requests, a cold start with 5% never does
    timesStable: 2, //      an outage that both versions share does not trip it
  },
  split: {
    alpha: 0.001, //        a split is counted in all requests, so even strict proof comes within seconds
    tolerance: 0.2, //      5% may be 4% to 6%: long-lived connections and retries make real splits lumpy
  },
  shares: {
    errors: 6, //           errors first: they are what users report; a share of 6/10 costs ln(10/6) = 0.5 of evidence
    latency: 2,
    givenUp: 1, //          a canary that hangs loses all its callers, and proves at once whatever its share
    cutOff: 1,
    objective: 2,
  },
  dispersion: independent, // until it is measured
  latencyPhi: 1,
};
