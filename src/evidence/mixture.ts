import { logMeanExp } from "./numerics.ts";

/**
 * The logarithm of a likelihood ratio for each of several alternatives, summed over polls.
 * Their average is an e-value: were there no harm, it would exceed 1/α at any moment with a chance of at most α
 * (Ville's inequality), however often one looks. Plain numbers: it is stored and read back without loss.
 */
export type Mixture = {
  readonly logs: readonly number[];
  /** What rounding took from each sum (Neumaier), so that weeks of polls lose nothing. */
  readonly rests: readonly number[];
};

export const emptyMixture = (alternatives: number): Mixture => ({
  logs: Array<number>(alternatives).fill(0),
  rests: Array<number>(alternatives).fill(0),
});

/** The mixture after one more poll, whose evidence for each alternative is `increments`. */
export function grow({ logs, rests }: Mixture, increments: readonly number[]): Mixture {
  const next = { logs: logs.slice(), rests: rests.slice() };
  for (let index = 0; index < logs.length; index++) {
    const before = logs[index] ?? 0;
    const increment = increments[index] ?? 0;
    const after = before + increment;
    next.logs[index] = after;
    next.rests[index] =
      (rests[index] ?? 0) +
      (Math.abs(before) >= Math.abs(increment) ? before - after + increment : increment - after + before);
  }
  return next;
}

/** The sums, with what rounding took added again. */
export const totals = ({ logs, rests }: Mixture): readonly number[] =>
  logs.map((log, index) => log + (rests[index] ?? 0));

/** ln E: every alternative has the same weight. Asked several times of the same mixture. */
export function logE(mixture: Mixture): number {
  const before = known.get(mixture);
  if (before !== undefined) return before;
  const found = logMeanExp(totals(mixture));
  known.set(mixture, found);
  return found;
}

const known = new WeakMap<Mixture, number>();
