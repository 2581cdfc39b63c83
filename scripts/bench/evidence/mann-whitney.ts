/**
 * The Mann-Whitney test as Kayenta uses it: R's `wilcox.test` by the normal approximation, with ties and continuity
 * correction (https://stat.ethz.ch/R-manual/R-devel/library/stats/html/wilcox.test.html).
 */

/** The rank sum of x less its mean, in standard deviations. Undefined when all observations are tied. */
export const standardised = (x: readonly number[], y: readonly number[], correct: boolean): number | undefined =>
  ofSorted(Float64Array.from(x).sort(), Float64Array.from(y).sort(), correct);

function ofSorted(x: Float64Array, y: Float64Array, correct: boolean): number | undefined {
  const { wins, ties } = compared(x, y);
  const all = x.length + y.length;
  const above = wins - (x.length * y.length) / 2;
  const variance = ((x.length * y.length) / 12) * (all + 1 - ties / (all * (all - 1)));
  if (variance === 0) return undefined;
  return (above - (correct ? Math.sign(above) * 0.5 : 0)) / Math.sqrt(variance);
}

/** How many pairs x wins, halves for equal ones; and Σ (t³ − t) over groups of t equal values. */
function compared(x: Float64Array, y: Float64Array): { readonly wins: number; readonly ties: number } {
  let [wins, ties, i, j] = [0, 0, 0, 0];
  while (i < x.length || j < y.length) {
    const value = Math.min(x[i] ?? Infinity, y[j] ?? Infinity);
    const [fromX, fromY] = [i, j];
    while (x[i] === value) i++;
    while (y[j] === value) j++;
    wins += (i - fromX) * (fromY + (j - fromY) / 2);
    const tied = i - fromX + j - fromY;
    ties += tied ** 3 - tied;
  }
  return { wins, ties };
}

export type Shift = { readonly low: number; readonly high: number; readonly estimate: number };

/** How far x lies above y: Hodges and Lehmann's estimate and its interval, at the quantile of the normal distribution given. */
export function shift(x: readonly number[], y: readonly number[], quantile: number): Shift | undefined {
  const low = root(x, y, quantile);
  const high = root(x, y, -quantile);
  const estimate = root(x, y, 0);
  return low === undefined || high === undefined || estimate === undefined ? undefined : { low, high, estimate };
}

/** Whether that interval lies above 0, which is quick to tell. */
export const isShifted = (x: readonly number[], y: readonly number[], quantile: number): boolean =>
  (standardised(x, y, true) ?? 0) > quantile;

/** R finds the shift at which the statistic is `quantile` to an absolute 1e-4, in whatever unit; so does this. */
function root(x: readonly number[], y: readonly number[], quantile: number): number | undefined {
  const [sortedX, sortedY] = [Float64Array.from(x).sort(), Float64Array.from(y).sort()];
  const at = (mu: number): number | undefined => {
    const z = ofSorted(
      sortedX.map((value) => value - mu),
      sortedY,
      true,
    );
    return z === undefined ? undefined : z - quantile;
  };
  let low = Math.min(...x) - Math.max(...y);
  let high = Math.max(...x) - Math.min(...y);
  const [first, last] = [at(low), at(high)];
  if (first === undefined || last === undefined) return undefined;
  if (first <= 0) return low;
  if (last >= 0) return high;
  while (high - low > 1e-4) {
    const middle = (low + high) / 2;
    const value = at(middle);
    if (value === undefined) return undefined;
    if (value > 0) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}
