import type { Conclusion } from "../evidence/conclusion.ts";
import type { Pair } from "../evidence/error-ratio.ts";
import type { PairedCounts } from "../evidence/evidence.ts";
import type { Count } from "../evidence/tally.ts";
import { count, number, percent } from "../lib/numbers.ts";
import type { OwnFigures } from "../release/verdict.ts";

/** In which way requests end badly. */
export type BadEnd = "errors" | "givenUp" | "cutOff";

/** `none of the canary's requests failed (0 of 14), 0.32% of stable's 1,237`. */
export function comparedInWords(bad: Pair, requests: Pair, how = "failed"): string {
  return `${canaryInWords(bad, requests, how)}, ${stableInWords(bad, requests)}`;
}

/** `4.2% of the canary's requests failed (11 of 262)`. */
export const canaryInWords = (bad: Pair, requests: Pair, how = "failed"): string =>
  `${shareOrNone(bad.canary, requests.canary)} of the canary's requests ${how} (${part(bad.canary, requests.canary)})`;

export function stableInWords(bad: Pair, { stable }: Pair): string {
  if (stable === 0) return "stable had none";
  return `${shareOrNone(bad.stable, stable)} of stable's ${count(stable)}`;
}

const shareOrNone = (bad: number, all: number): string => (bad === 0 ? "none" : percent(bad / all));

export const part = (some: number, all: number): string => `${count(some)} of ${count(all)}`;
/** `11 of 262`: of how many. */
export const failedOf = ({ requests, errors }: Pick<Count, "requests" | "errors">): string => part(errors, requests);
export const share = (some: number, all: number): string => (all === 0 ? "—" : percent(some / all));

/**
 * How many times as often the canary's requests end so. Undefined where none of stable's do: nothing is any number of
 * times as often as never.
 */
export function timesAsOften(bad: Pair, requests: Pair): number | undefined {
  if (bad.stable === 0 || requests.canary === 0) return undefined;
  return (bad.canary * requests.stable) / (requests.canary * bad.stable);
}

export const isWorse = (counts: PairedCounts, ending: BadEnd): boolean => {
  const { requests } = counts;
  const bad = counts[ending];
  return requests.canary > 0 && requests.stable > 0 && bad.canary * requests.stable > bad.stable * requests.canary;
};

/** A stage's own, where they lean the same way as what was tested, which leaves its first scrape out. */
export function shownSplit({ planned, requests }: Conclusion["split"], own: OwnFigures | undefined): Pair {
  const beyond = ({ stable, canary }: Pair): number => Math.sign(100 * canary - planned * (stable + canary));
  return own && beyond(own.requests) === beyond(requests) ? own.requests : requests;
}

/** Two digits: it is an estimate. */
export const about = (value: number): string => number(Number(value.toPrecision(2)));

/** Two digits, and never more than it is. */
export const atLeast = (value: number): string => number(roundedDown(value));

function roundedDown(value: number): number {
  const unit = 10 ** (Math.floor(Math.log10(value)) - 1);
  return Number((Math.floor(value / unit + 1e-9) * unit).toPrecision(2));
}

/**
 * How seldom chance alone comes to this: an e-value is exceeded by chance in one of so many releases at most, whenever
 * one looks.
 */
export function chanceInWords(logE: number): string {
  const releases = logE >= Math.log(1_000_000) ? "a million" : atLeast(Math.exp(logE) + 1e-9);
  return `chance does this less than once in ${releases} releases`;
}
