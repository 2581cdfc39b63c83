import { logRising, logSpaced } from "./numerics.ts";

/** A number for each version: requests, weights or failures. */
export type Pair = { readonly stable: number; readonly canary: number };

/**
 * How failures that come in clusters (retry storms, one bad connection) are borne. φ is the factor by which they vary
 * more than independent ones would, and is measured by `dispersionOf`. `tempered` divides all evidence by φ, also where
 * a cluster reaches over several polls. `beta-binomial` takes the failures of a poll as correlated just so much that
 * they vary φ times as much: it proves sooner, but takes a cluster that two polls share for two.
 */
export type Dispersion = { readonly kind: "tempered" | "beta-binomial"; readonly phi: number };

export const independent: Dispersion = { kind: "tempered", phi: 1 };

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
 * It stays a fair bet when failures are frequent, too: its expectation at ρ = `against` is at most 1 for any error
 * rate.
 */
export function ratioEvidence(
  ratios: readonly number[],
  against: number,
  exposure: Pair,
  failed: Pair,
  dispersion: Dispersion,
): readonly number[] {
  if (failed.canary + failed.stable === 0 || exposure.canary === 0 || exposure.stable === 0) return ratios.map(() => 0);
  const all = failed.canary + failed.stable;
  if (dispersion.kind === "beta-binomial" && dispersion.phi > 1)
    return correlatedEvidence(ratios, against, exposure, failed, correlation(all, dispersion.phi));
  const weight = exposure.canary / (exposure.stable + against * exposure.canary);
  const { phi } = dispersion;
  return ratios.map(
    (ratio) => (failed.canary * Math.log(ratio / against) - all * Math.log1p((ratio - against) * weight)) / phi,
  );
}

/** A beta-binomial part of `all` failures varies 1 + (all − 1) icc times as much as a binomial one. */
const correlation = (all: number, phi: number): number => Math.min(0.98, (phi - 1) / Math.max(1, all - 1));

/**
 * The same when any two failures of a poll are correlated by icc, between 0 and 1: the canary's part is beta-binomial.
 */
export function correlatedEvidence(
  ratios: readonly number[],
  against: number,
  exposure: Pair,
  failed: Pair,
  icc: number,
): readonly number[] {
  const strength = 1 / icc - 1;
  const logLikelihood = (ratio: number): number => {
    const whole = exposure.stable + ratio * exposure.canary;
    return (
      logRising((ratio * exposure.canary * strength) / whole, failed.canary) +
      logRising((exposure.stable * strength) / whole, failed.stable)
    );
  };
  const reference = logLikelihood(against);
  return ratios.map((ratio) => logLikelihood(ratio) - reference);
}
