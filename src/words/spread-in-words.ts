import { type PodSpread, podMargin } from "../evidence/pod-spread.ts";
import { number, percent } from "../lib/numbers.ts";

/** How much healthy pods differ, and what one canary pod cannot prove therefore. */
export function spreadInWords(spread: PodSpread): string {
  const slow = Math.max(0, ...spread.slow.map((edge) => edge.spread));
  if (spread.errors + slow === 0) return "pods of stable do not differ more than chance has them";
  const differ = `${apart(spread.errors)} in how often they fail and ${apart(slow)} in how often they are slow`;
  const proves = `one canary pod proves no less than ${number(podMargin(spread, spread.errors))} times the failures and ${number(podMargin(spread, slow))} times the odds of being slow`;
  if (spread.pods < 2)
    return `how much healthy pods differ could not be measured and is taken to be ${differ}, so ${proves}`;
  return `pods of stable differ by ${differ}, so ${proves}`;
}

const apart = (spread: number): string => percent(Math.expm1(spread));
