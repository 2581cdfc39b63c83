import { logRising, logSpaced } from "./numerics.ts";

/** A number for each version: requests, weights or failures. */
export type Pair = { readonly stable: number; readonly canary: number };

/**
 * How much more failures vary than independent ones would, because they come in clusters (retry storms, one bad
 * connection). `tempered` divides all evidence by φ, the factor by which the variance is larger, and bears clusters
 * that reach over several polls. `beta-binomial` takes icc, the correlation of two failures in one poll, and is sharper
 * where clusters stay within a poll.
 */
export type Dispersion = { readonly kind: "tempered"; readonly phi: number } | { readonly kind: "beta-binomial"; readonly icc: number };

export const independent: Dispersion = { kind: "tempered", phi: 1 };

/** What the evidence of tests that know no correlation is divided by. */
export const phiOf = (dispersion: Dispersion): number => (dispersion.kind === "tempered" ? dispersion.phi : 1);

const worse = logSpaced(1.2, 100, 40);
const better = logSpaced(1.05, 8, 40);

/** What `harm` puts its stakes on: ratios of 1.2 to 100 times the one that is allowed. */
export const harmRatios = (allowed: number): readonly number[] => worse.map((factor) => allowed * factor);

/** What `safe` puts its stakes on: ratios of 1/1.05 to 1/8 of the one that would be too much. */
export const safeRatios = (tooMuch: number): readonly number[] => better.map((factor) => tooMuch / factor);

/**
 * The evidence of one poll for each ratio p_canary / p_stable against `against`, as log likelihood ratios.
 * Given how many requests failed altogether, the canary's part of them is binomial with θ(ρ) = ρ n_c / (n_s + ρ n_c),
 * whatever the common error rate is at that moment. That is why polls are multiplied and never pooled: each is judged
 * by its own traffic, so an incident that hits both versions in one stage proves nothing.
 * It stays a fair bet when failures are frequent, too: its expectation at ρ = `against` is at most 1 for any error rate.
 */
export function ratioEvidence(ratios: readonly number[], against: number, exposure: Pair, failed: Pair, dispersion: Dispersion): readonly number[] {
  if (failed.canary + failed.stable === 0 || exposure.canary === 0 || exposure.stable === 0) return ratios.map(() => 0);
  if (dispersion.kind === "beta-binomial") return betaBinomialEvidence(ratios, against, exposure, failed, dispersion.icc);
  const all = failed.canary + failed.stable;
  const weight = exposure.canary / (exposure.stable + against * exposure.canary);
  const { phi } = dispersion;
  return ratios.map((ratio) => (failed.canary * Math.log(ratio / against) - all * Math.log1p((ratio - against) * weight)) / phi);
}

/** The same when two failures of one poll are correlated by icc: the canary's part is beta-binomial. */
function betaBinomialEvidence(ratios: readonly number[], against: number, exposure: Pair, failed: Pair, icc: number): readonly number[] {
  const strength = 1 / icc - 1;
  const logLikelihood = (ratio: number): number => {
    const whole = exposure.stable + ratio * exposure.canary;
    return logRising((ratio * exposure.canary * strength) / whole, failed.canary) + logRising((exposure.stable * strength) / whole, failed.stable);
  };
  const reference = logLikelihood(against);
  return ratios.map((ratio) => logLikelihood(ratio) - reference);
}
