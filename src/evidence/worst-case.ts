import type { Settings } from "./defaults.ts";
import type { Evidence } from "./evidence.ts";
import { logBeta, xlogy } from "./numerics.ts";

/**
 * The highest share of failing requests that the canary may have, at every look with a chance of at least 1 − β: no
 * higher one is beaten by 1/β by the average over all shares (a beta-binomial with the arcsine prior, as Krichevsky and
 * Trofimov have it, https://doi.org/10.1109/TIT.1981.1056331). 1 where no request was counted.
 */
export function worstRate({ seen, judged }: Evidence, { beta, dispersion }: Settings): number {
  const { requests, errors } = judged.requests.canary > 0 ? judged : seen;
  const [n, x] = [requests.canary, errors.canary];
  const average = logBeta(x + 0.5, n - x + 0.5) - logBeta(0.5, 0.5);
  const beaten = (rate: number): boolean =>
    (average - xlogy(x, rate) - xlogy(n - x, 1 - rate)) / dispersion.phi >= Math.log(1 / beta);
  let [low, high] = [n === 0 ? 1 : x / n, 1];
  while (high - low > 1e-6) {
    const middle = (low + high) / 2;
    if (beaten(middle)) high = middle;
    else low = middle;
  }
  return high;
}

/**
 * The largest weight, in whole percents, at which the worst case stays within the budget: that share of all requests
 * may fail because of the canary. What stable fails itself is not the canary's doing.
 */
export function largestWeight(evidence: Evidence, settings: Settings, budget: number): number {
  const { requests, errors } = evidence.seen;
  const ofStable = requests.stable === 0 ? 0 : errors.stable / requests.stable;
  const harm = Math.max(0, worstRate(evidence, settings) - ofStable);
  return harm === 0 ? 100 : Math.min(100, Math.floor((100 * budget) / harm));
}
