import { logSpaced } from "./numerics.ts";

/** What a test of "at most `allowed` fail" puts its stakes on: rates from 1.2 times as much to 95%. */
export const worseRates = (allowed: number): readonly number[] => logSpaced(1.2 * allowed, 0.95, 40);

/** The highest rate that leaves something worse to put stakes on. */
export const highestObjective = 0.95 / 1.2;

const better = logSpaced(1.05, 8, 40);

/** What a test of "at least `tooMuch` fail" puts its stakes on: a part of it, as `safeRatios` does. */
export const betterRates = (tooMuch: number): readonly number[] => better.map((factor) => tooMuch / factor);

/** The evidence of `failed` out of `requests` for each rate against `against`, as log likelihood ratios. */
export function rateEvidence(
  rates: readonly number[],
  against: number,
  requests: number,
  failed: number,
): readonly number[] {
  const served = requests - failed;
  return rates.map((rate) => failed * Math.log(rate / against) + served * Math.log1p((against - rate) / (1 - against)));
}
