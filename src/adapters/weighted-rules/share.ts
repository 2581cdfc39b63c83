import { sumOf, type WeightedDestination } from "../../istio/destination.ts";

/**
 * What the two versions have to divide. Weights are proportions, so the two alone are written as percent, whatever
 * their sum was; beside third destinations with weight they keep their own sum, and the others keep their part of all
 * requests.
 */
export function managedShare(ours: readonly WeightedDestination[], thirds: readonly WeightedDestination[]): number {
  return sumOf(thirds) === 0 ? 100 : sumOf(ours);
}

/**
 * The canary's weight out of the managed share. A share that was asked for is never rounded to nothing, nor to
 * everything. `percent` is a whole number from 0 to 100.
 */
export function canaryWeight(managed: number, percent: number): number {
  if (percent === 0 || percent === 100) return (managed * percent) / 100;
  return Math.min(Math.max(Math.round((managed * percent) / 100), 1), managed - 1);
}
