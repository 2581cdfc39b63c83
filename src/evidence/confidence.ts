import { type Mixture, totals } from "./mixture.ts";
import { logSpaced, logSumExp } from "./numerics.ts";

/** The ratios at which the likelihood is kept: 1/100 to 100. */
export const ratioScale: readonly number[] = logSpaced(1 / 100, 100, 81);

/**
 * How many times as often the canary fails as stable. A bound is missing where the scale of 1/100 to 100 ends before
 * it.
 */
export type RatioInterval = {
  readonly low?: number | undefined;
  readonly high?: number | undefined;
  readonly estimate?: number | undefined;
};

/**
 * The confidence sequence: every ratio that the mixture of all 81 does not beat by 1/α. It holds the true ratio at all
 * looks together with a chance of at least 1 − α. `likelihood` has the log likelihood at `ratioScale`.
 */
export function ratioInterval(likelihood: Mixture, alpha: number): RatioInterval {
  const logs = totals(likelihood);
  const floor = logSumExp(logs) - Math.log(logs.length) - Math.log(1 / alpha);
  const last = logs.length - 1;
  const largest = logs.reduce((best, log, index) => (log > (logs[best] ?? -Infinity) ? index : best), 0);
  const peak = summit(logs, largest);
  const isOnScale = peak > 0.01 && peak < last - 0.01;
  return {
    low: ratioAt(boundary(logs, floor, largest, -1)),
    high: ratioAt(boundary(logs, floor, largest, 1)),
    estimate: ratioAt(isOnScale ? peak : undefined),
  };
}

const ratioAt = (position: number | undefined): number | undefined =>
  position === undefined ? undefined : Math.exp((position / 40 - 1) * Math.log(100));

/** (−1)^i · C(9, i): https://en.wikipedia.org/wiki/Lagrange_polynomial#Barycentric_form between equidistant points. */
const barycentric = [1, -9, 36, -84, 126, -126, 84, -36, 9, -1];

/**
 * The log likelihood between its points, by a polynomial through the ten nearest: it is smooth, and exact here to about
 * 1e-9.
 */
function between(logs: readonly number[], position: number): number {
  const width = barycentric.length;
  const first = Math.min(Math.max(Math.round(position) - width / 2, 0), logs.length - width);
  const nearest = Math.min(Math.max(Math.round(position), 0), logs.length - 1);
  const origin = logs[nearest] ?? 0; // Interpolating differences keeps the digits that large likelihoods would eat.
  let sum = 0;
  let all = 0;
  for (let i = 0; i < width; i++) {
    const log = logs[first + i] ?? 0;
    const distance = position - first - i;
    if (distance === 0) return log;
    const weight = (barycentric[i] ?? 0) / distance;
    sum += weight * (log - origin);
    all += weight;
  }
  return origin + sum / all;
}

/** The position of the largest likelihood: it is concave, so ever narrower parabolas lead there. */
function summit(logs: readonly number[], largest: number): number {
  let peak = largest;
  for (const width of [0.5, 0.02]) {
    const [before, at, after] = [between(logs, peak - width), between(logs, peak), between(logs, peak + width)];
    const curve = before - 2 * at + after;
    if (curve >= 0) return peak; // flat: nothing was seen
    const step = (width * (before - after)) / (2 * curve);
    peak = Math.min(logs.length - 1, Math.max(0, peak + Math.min(1, Math.max(-1, step))));
  }
  return peak;
}

/** Where the likelihood falls to `floor` on the way from its largest value; undefined where the scale ends before. */
function boundary(logs: readonly number[], floor: number, largest: number, direction: 1 | -1): number | undefined {
  let near = largest;
  while ((logs[near + direction] ?? -Infinity) > floor) near += direction;
  const far = near + direction;
  if (logs[far] === undefined) return undefined;
  return crossing((position) => between(logs, position) - floor, near, far);
}

/**
 * Where a function that is positive at `near` and not at `far` crosses zero, by false position with halved weights
 * (Illinois).
 */
function crossing(height: (position: number) => number, near: number, far: number): number {
  let [inside, outside] = [
    { at: near, height: height(near) },
    { at: far, height: height(far) },
  ];
  for (let step = 0; step < 60 && Math.abs(outside.at - inside.at) > 1e-9; step++) {
    const at = inside.at + ((outside.at - inside.at) * inside.height) / (inside.height - outside.height);
    const middle = { at, height: height(at) };
    if (Math.abs(middle.height) < 1e-9) return at;
    if (middle.height > 0) {
      inside = middle;
      outside = { at: outside.at, height: outside.height / 2 };
    } else {
      outside = middle;
      inside = { at: inside.at, height: inside.height / 2 };
    }
  }
  return inside.at;
}
