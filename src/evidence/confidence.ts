import { type Mixture, totals } from "./mixture.ts";
import { logSpaced, logSumExp } from "./numerics.ts";

/** The ratios at which the likelihood is kept: 1/100 to 100. */
export const ratioScale: readonly number[] = logSpaced(1 / 100, 100, 81);

/** How many times as often the canary fails as stable. A bound is missing where the scale of 1/100 to 100 ends before it. */
export type RatioInterval = { readonly low?: number; readonly high?: number; readonly estimate?: number };

/**
 * The confidence sequence: every ratio that the mixture of all 81 does not beat by 1/α. It holds the true ratio at all
 * looks together with a chance of at least 1 − α. `likelihood` has the log likelihood at `ratioScale`.
 */
export function ratioInterval(likelihood: Mixture, alpha: number): RatioInterval {
  const logs = totals(likelihood);
  const floor = logSumExp(logs) - Math.log(logs.length) - Math.log(1 / alpha);
  const inside = (position: number): boolean => between(logs, position) > floor;
  const last = logs.length - 1;
  const peak = summit(logs);
  const low = inside(0) ? undefined : boundary(inside, peak, 0);
  const high = inside(last) ? undefined : boundary(inside, peak, last);
  return {
    ...(low === undefined ? {} : { low: ratioAt(low) }),
    ...(high === undefined ? {} : { high: ratioAt(high) }),
    ...(peak > 0.01 && peak < last - 0.01 ? { estimate: ratioAt(peak) } : {}),
  };
}

const ratioAt = (position: number): number => Math.exp((position / 40 - 1) * Math.log(100));

/** The log likelihood between its points, by a polynomial through the ten nearest: it is smooth, and exact here to about 1e-9. */
function between(logs: readonly number[], position: number): number {
  const width = 10;
  const first = Math.min(Math.max(Math.round(position) - width / 2, 0), logs.length - width);
  const nearest = Math.min(Math.max(Math.round(position), 0), logs.length - 1);
  const origin = logs[nearest] ?? 0; // Interpolating differences keeps the digits that large likelihoods would eat.
  const values = logs.slice(first, first + width).map((log) => log - origin);
  for (let level = 1; level < width; level++) {
    for (let i = 0; i < width - level; i++) {
      const [left, right] = [values[i] ?? 0, values[i + 1] ?? 0];
      values[i] = left + ((position - first - i) * (right - left)) / level;
    }
  }
  return origin + (values[0] ?? 0);
}

/** The position of the largest likelihood: it is concave, so a search in three parts finds it. */
function summit(logs: readonly number[]): number {
  const largest = logs.reduce((best, log, index) => (log > (logs[best] ?? -Infinity) ? index : best), 0);
  let [low, high] = [Math.max(0, largest - 1), Math.min(logs.length - 1, largest + 1)];
  for (let step = 0; step < 80; step++) {
    const [left, right] = [low + (high - low) / 3, high - (high - low) / 3];
    if (between(logs, left) < between(logs, right)) low = left;
    else high = right;
  }
  return (low + high) / 2;
}

/** Where `inside` ends on the way from a position inside to one outside. */
function boundary(inside: (position: number) => boolean, within: number, without: number): number {
  let [near, far] = [within, without];
  for (let step = 0; step < 60; step++) {
    const middle = (near + far) / 2;
    if (inside(middle)) near = middle;
    else far = middle;
  }
  return near;
}
