/**
 * The Mann-Whitney test as Kayenta uses it: R's `wilcox.test` by the normal approximation, with ties and continuity
 * correction (https://stat.ethz.ch/R-manual/R-devel/library/stats/html/wilcox.test.html).
 */

/** The rank sum of x less its mean, in standard deviations. Undefined when all observations are tied. */
export function standardised(x: readonly number[], y: readonly number[], correct: boolean): number | undefined {
  const { ranks, ties } = rank([...x, ...y]);
  const all = x.length + y.length;
  const above =
    ranks.slice(0, x.length).reduce((a, b) => a + b, 0) - (x.length * (x.length + 1)) / 2 - (x.length * y.length) / 2;
  const variance = ((x.length * y.length) / 12) * (all + 1 - ties / (all * (all - 1)));
  if (variance === 0) return undefined;
  return (above - (correct ? Math.sign(above) * 0.5 : 0)) / Math.sqrt(variance);
}

/** Average ranks, and Σ (t³ − t) over groups of t equal values. */
function rank(values: readonly number[]): { readonly ranks: readonly number[]; readonly ties: number } {
  const order = values.map((value, index) => ({ value, index })).sort((a, b) => a.value - b.value);
  const ranks = Array<number>(values.length).fill(0);
  let ties = 0;
  for (let from = 0; from < order.length; ) {
    let to = from;
    while (to + 1 < order.length && order[to + 1]?.value === order[from]?.value) to++;
    for (let i = from; i <= to; i++) ranks[order[i]?.index ?? 0] = (from + to) / 2 + 1;
    ties += (to - from + 1) ** 3 - (to - from + 1);
    from = to + 1;
  }
  return { ranks, ties };
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
  const at = (mu: number): number | undefined => {
    const z = standardised(
      x.map((value) => value - mu),
      y,
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
