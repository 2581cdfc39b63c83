import type { Count } from "../../../src/evidence/tally.ts";
import type { Judge, Outcome } from "./judge.ts";
import { shift } from "./mann-whitney.ts";
import { pollSeconds, pollsPerStage, type Release } from "./world.ts";

/*
 * The rules that other tools publish, written anew from their documentation and run on the same releases. All see the
 * plan's weights as they are: Flagger would stay at a weight while its checks fail, which saves it a few bad requests.
 */

const pollsPerMinute = 60 / pollSeconds;

type Minute = { readonly stable: Count; readonly canary: Count; readonly stage: number; readonly endsAt: number };

function minutes({ polls }: Release): readonly Minute[] {
  return Array.from({ length: polls.length / pollsPerMinute }, (_, minute) => {
    const part = polls.slice(minute * pollsPerMinute, (minute + 1) * pollsPerMinute);
    return {
      stable: total(part.map(({ stable }) => stable)),
      canary: total(part.map(({ canary }) => canary)),
      stage: Math.floor((minute * pollsPerMinute) / pollsPerStage),
      endsAt: (minute + 1) * pollsPerMinute,
    };
  });
}

function total(counts: readonly Count[]): Count {
  return {
    requests: counts.reduce((sum, { requests }) => sum + requests, 0),
    errors: counts.reduce((sum, { errors }) => sum + errors, 0),
    buckets: (counts[0]?.buckets ?? []).map(({ le }, index) => ({
      le,
      count: counts.reduce((sum, { buckets }) => sum + (buckets[index]?.count ?? 0), 0),
    })),
  };
}

const failureRate = ({ requests, errors }: Count): number => (requests === 0 ? Number.NaN : errors / requests);

/** Prometheus's `histogram_quantile`: linear within a bucket, and the last finite edge beyond it. */
export function quantile(buckets: Count["buckets"], q: number): number {
  const all = buckets.at(-1)?.count ?? 0;
  if (all === 0) return Number.NaN;
  const index = buckets.findIndex(({ count }) => count >= q * all);
  const [above, below] = [buckets[index], buckets[index - 1] ?? { le: 0, count: 0 }];
  if (!above || above.le === Infinity) return buckets.at(-2)?.le ?? Number.NaN;
  return below.le + ((above.le - below.le) * (q * all - below.count)) / (above.count - below.count);
}

const passed: Outcome = { end: "passed" };

/**
 * Flagger's documented canary: each minute a success rate of 99 % at least and a p99 of 500 ms at most; a fifth failed
 * check rolls back at the next tick. No traffic is a failed check (https://docs.flagger.app/usage/metrics).
 */
export const flagger: Judge = (release) => {
  let failed = 0;
  for (const { canary, endsAt } of minutes(release)) {
    if (failed >= 5) return { end: "rolled back", at: endsAt };
    const good = canary.requests > 0 && failureRate(canary) <= 0.01;
    const fast = canary.buckets.length === 0 || quantile(canary.buckets, 0.99) <= 500;
    failed += good && fast ? 0 : 1;
  }
  return passed;
};

/**
 * Argo Rollouts' background analysis: success rate of 99 % at least, each minute, `failureLimit: 3`. A series without
 * requests is NaN and fails; no series yet is an error, of which five in a row end it (https://argo-rollouts.readthedocs.io/en/stable/features/analysis/).
 */
export const argo: Judge = (release) => {
  let [failed, errors, known] = [0, 0, false];
  for (const { canary, endsAt } of minutes(release)) {
    known ||= canary.requests > 0;
    errors = known ? 0 : errors + 1;
    if (known && !(failureRate(canary) <= 0.01)) failed += 1;
    if (failed > 3 || errors > 4) return { end: "rolled back", at: endsAt };
  }
  return passed;
};

/** The quantile of the normal distribution for Kayenta's confidence of 98 %. */
const confidence98 = 2.3263478740408408;

/** Kayenta's judge at the end of each stage over all minutes so far: high when the interval of 98 % lies above 25 % of its own estimate. */
export const kayenta: Judge = (release) => {
  const all = minutes(release);
  for (const [index, { endsAt, stage }] of all.entries()) {
    if (all[index + 1]?.stage === stage) continue;
    const seen = all.slice(0, index + 1);
    const rates = [
      seen.map(({ canary }) => failureRate(canary) * 100),
      seen.map(({ stable }) => failureRate(stable) * 100),
    ] as const;
    const times = [
      seen.map(({ canary }) => quantile(canary.buckets, 0.99)),
      seen.map(({ stable }) => quantile(stable.buckets, 0.99)),
    ] as const;
    if (isHigh(...rates) || isHigh(...times)) return { end: "rolled back", at: endsAt };
  }
  return passed;
};

function isHigh(canary: readonly number[], stable: readonly number[]): boolean {
  const [x, y] = [canary.filter(Number.isFinite), stable.filter(Number.isFinite)];
  if (x.length === 0 || y.length === 0 || x.every((value, index) => value === y[index])) return false;
  const found = shift(x, y, confidence98);
  return found !== undefined && found.low > 0.25 * Math.abs(found.estimate);
}

/** The rule of thumb: each minute, the failure rate or the p99 since the stage began may be 1.5 times stable's. */
export const ratio: Judge = (release) => {
  let since: Minute[] = [];
  for (const minute of minutes(release)) {
    since = [...since.filter(({ stage }) => stage === minute.stage), minute];
    const [stable, canary] = [total(since.map((one) => one.stable)), total(since.map((one) => one.canary))];
    if (
      failureRate(canary) > 1.5 * failureRate(stable) ||
      quantile(canary.buckets, 0.99) > 1.5 * quantile(stable.buckets, 0.99)
    )
      return { end: "rolled back", at: minute.endsAt };
  }
  return passed;
};

/** The textbook's test of two proportions, one-sided at 5 %, on all counts so far, each minute. */
export const pooled: Judge = (release) => {
  const all = minutes(release);
  for (const [index, { endsAt }] of all.entries()) {
    const seen = all.slice(0, index + 1);
    const [stable, canary] = [total(seen.map((one) => one.stable)), total(seen.map((one) => one.canary))];
    const p = failureRate(total([stable, canary]));
    const z =
      (failureRate(canary) - failureRate(stable)) /
      Math.sqrt(p * (1 - p) * (1 / canary.requests + 1 / stable.requests));
    if (z > 1.6448536269514722) return { end: "rolled back", at: endsAt };
  }
  return passed;
};
