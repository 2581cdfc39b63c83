import type { Judge, Outcome } from "./judge.ts";
import { isShifted, shift } from "./mann-whitney.ts";
import { between, failureRate, quantile } from "./totals.ts";
import { pollSeconds, polls, pollsPerStage } from "./world.ts";

/*
 * The rules that other tools publish, written anew from their documentation and run on the same releases. All see the
 * plan's weights as they are: Flagger would stay at a weight while its checks fail, which saves it a few bad requests.
 */

const passed: Outcome = { end: "passed" };
const rolledBack = (at: number): Outcome => ({ end: "rolled back", at: Math.min(at, polls) });

/** What is usual in a service, as somebody knows who runs it: the part of requests that fails, and the p99 in milliseconds. */
export type Usual = { readonly failing: number; readonly p99: number };

/** What may be set of a rule that asks every 30 seconds whether the canary is within a limit. */
export type Limits = {
  /** A figure, or what the same query says of stable. */
  readonly against: "a figure" | "stable";
  readonly allowed: keyof typeof allowances;
  /** How many times as long the p99 may be. */
  readonly slower: number;
  /** Of the query's range, in seconds. */
  readonly range: number;
  /** Flagger's `threshold`, Argo's `failureLimit`. */
  readonly failures: number;
  /** Argo's `initialDelay`, in seconds. */
  readonly delay: number;
};

const allowances = {
  "plus one point": (failing: number): number => failing + 0.01,
  twice: (failing: number): number => 2 * failing,
  "plus five points": (failing: number): number => failing + 0.05,
};

export const interval = 30;
const every = interval / pollSeconds;

/** Whether each check of a release failed, with the poll after which it was made. No request in the range is no failure: `or vector(0)`. */
function* checks(release: Parameters<Judge>[0], limits: Limits, usual: Usual) {
  const allowed = allowances[limits.allowed];
  for (let at = limits.delay / pollSeconds + every; at <= polls; at += every) {
    const { canary, stable } = between(release, at - limits.range / pollSeconds, at);
    const than: Usual =
      limits.against === "stable" ? { failing: failureRate(stable), p99: quantile(stable.buckets, 0.99) } : usual;
    const failed =
      failureRate(canary) > allowed(than.failing) || quantile(canary.buckets, 0.99) > limits.slower * than.p99;
    yield { at, failed };
  }
}

/** Flagger counts failed checks, and rolls back at the tick after the last that it bears (https://docs.flagger.app/usage/metrics). */
export const flagger =
  (limits: Limits, usual: Usual): Judge =>
  (release) => {
    let failed = 0;
    for (const check of checks(release, limits, usual)) {
      if (check.failed) failed += 1;
      if (failed >= limits.failures) return check.at + every > polls ? passed : rolledBack(check.at + every);
    }
    return passed;
  };

/** Argo Rollouts' background analysis ends with the first failure beyond `failureLimit` (https://argo-rollouts.readthedocs.io/en/stable/features/analysis/). */
export const argo =
  (limits: Limits, usual: Usual): Judge =>
  (release) => {
    let failed = 0;
    for (const check of checks(release, limits, usual)) {
      if (check.failed) failed += 1;
      if (failed > limits.failures) return rolledBack(check.at);
    }
    return passed;
  };

/** What may be set of a judge like Kayenta's. */
export type Comparison = {
  /** Seconds that each value stands for. */
  readonly step: number;
  /** Seconds between two judgements; each looks at all values so far. */
  readonly judged: number;
  /** `allowedIncrease`: how many times stable's mean the canary's may be. */
  readonly increase: number;
  /** Seconds that are left out at the beginning. */
  readonly delay: number;
};

/** The quantile of the normal distribution for Kayenta's confidence of 98%. */
const confidence98 = 2.3263478740408408;

/**
 * Kayenta's judge over all values so far: high when the interval of 98% lies above 25% of its own estimate, and the
 * mean is beyond the increase that is allowed (https://github.com/spinnaker/kayenta/blob/master/docs/canary-config.md).
 */
export const kayenta =
  ({ step, judged, increase, delay }: Comparison): Judge =>
  (release) => {
    const seen = { canary: [[], []] as readonly number[][], stable: [[], []] as readonly number[][] };
    for (let at = (delay + step) / pollSeconds; at <= polls; at += step / pollSeconds) {
      const counted = between(release, at - step / pollSeconds, at);
      for (const version of ["canary", "stable"] as const) {
        seen[version][0]?.push(failureRate(counted[version]) * 100);
        seen[version][1]?.push(quantile(counted[version].buckets, 0.99));
      }
      if ((at * pollSeconds) % judged !== 0) continue;
      if (seen.canary.some((values, metric) => isHigh(values, seen.stable[metric] ?? [], increase)))
        return rolledBack(at);
    }
    return passed;
  };

export const stageSeconds = pollsPerStage * pollSeconds;

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

function isHigh(canary: readonly number[], stable: readonly number[], increase: number): boolean {
  const [x, y] = [canary.filter(Number.isFinite), stable.filter(Number.isFinite)];
  if (x.length === 0 || y.length === 0 || x.every((value, index) => value === y[index])) return false;
  if (mean(x) <= increase * mean(y) || !isShifted(x, y, confidence98)) return false;
  const found = shift(x, y, confidence98);
  return found !== undefined && found.low > 0.25 * Math.abs(found.estimate);
}

/** The rule of thumb: each minute, the failure rate or the p99 since the stage began may be 1.5 times stable's. */
export const ratio: Judge = (release) => {
  for (let at = 60 / pollSeconds; at <= polls; at += 60 / pollSeconds) {
    const { stable, canary } = between(release, Math.floor((at - 1) / pollsPerStage) * pollsPerStage, at);
    if (
      failureRate(canary) > 1.5 * failureRate(stable) ||
      quantile(canary.buckets, 0.99) > 1.5 * quantile(stable.buckets, 0.99)
    )
      return rolledBack(at);
  }
  return passed;
};

/** The textbook's test of two proportions, one-sided at 5%, on all counts so far, each minute. */
export const pooled: Judge = (release) => {
  for (let at = 60 / pollSeconds; at <= polls; at += 60 / pollSeconds) {
    const { stable, canary } = between(release, 0, at);
    const p = (stable.errors + canary.errors) / (stable.requests + canary.requests);
    const z =
      (failureRate(canary) - failureRate(stable)) /
      Math.sqrt(p * (1 - p) * (1 / canary.requests + 1 / stable.requests));
    if (z > 1.6448536269514722) return rolledBack(at);
  }
  return passed;
};
