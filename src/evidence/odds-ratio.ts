import type { Pair } from "./error-ratio.ts";
import { logChoose } from "./numerics.ts";

/**
 * The evidence of one poll for each odds ratio ψ against `against`, exact for outcomes of any frequency: given how many
 * requests had the outcome altogether, the canary's part is noncentral hypergeometric (Fisher).
 * The binomial form of `ratioEvidence` is a fair bet there as well, but a timid one: at 30% it overrates the variance
 * by half.
 */
export function oddsEvidence(
  odds: readonly number[],
  against: number,
  requests: Pair,
  having: Pair,
): readonly number[] {
  const all = having.canary + having.stable;
  if (all === 0 || all === requests.canary + requests.stable || requests.canary === 0 || requests.stable === 0)
    return odds.map(() => 0);
  const reference = logMoment(against, requests, all);
  return odds.map((psi) => having.canary * Math.log(psi / against) + reference - logMoment(psi, requests, all));
}

/** ln Σ_y C(n_c, y) C(n_s, all − y) ψ^y, summed outwards from its largest term. */
function logMoment(psi: number, { canary, stable }: Pair, all: number): number {
  const least = Math.max(0, all - stable);
  const most = Math.min(canary, all);
  const start = Math.min(most, Math.max(least, largestTerm(psi, canary, stable, all)));
  let sum = 1;
  for (let y = start, term = 1; y < most && term > 1e-20 * sum; y++) {
    term *= (((canary - y) / (y + 1)) * psi * (all - y)) / (stable - all + y + 1);
    sum += term;
  }
  for (let y = start, term = 1; y > least && term > 1e-20 * sum; y--) {
    term *= ((y / (canary - y + 1)) * (stable - all + y)) / (psi * (all - y + 1));
    sum += term;
  }
  return logChoose(canary, start) + logChoose(stable, all - start) + start * Math.log(psi) + Math.log(sum);
}

/** Where a term is as large as the next one: the smaller root of (n_c − y)(all − y) ψ = (y + 1)(n_s − all + y + 1). */
function largestTerm(psi: number, canary: number, stable: number, all: number): number {
  const b = (canary + all + 2) * psi + stable - all;
  const c = (canary + 1) * (all + 1) * psi;
  return Math.floor((2 * c) / (b + Math.sqrt(b * b - 4 * (psi - 1) * c)));
}
