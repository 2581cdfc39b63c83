import type { PodCount } from "./dispersion.ts";

/** How much healthy pods of one version differ as long as they live: a node is slower, a cache is colder. */
export type PodSpread = {
  /** Pods of stable that it was measured on. 1: it could not be measured, and is taken for what is usual. */
  readonly pods: number;
  /** The standard deviation of the logarithm of a pod's rate of failures. */
  readonly errors: number;
  /** The same of its odds to be slower than an edge in milliseconds; between edges as at the one before. */
  readonly slow: readonly { readonly le: number; readonly spread: number }[];
};

/** For services whose pods do not count for themselves, or have one: simulated, docs/evidence.md has the table. */
const usual = { errors: 0.2, slow: 0.4, times: 0.2 };
export const usualSpread: PodSpread = { pods: 1, errors: usual.errors, slow: [{ le: 0, spread: usual.slow }] };

/** Fewer pods look alike by chance: they are taken to differ by so much at least. */
const enoughPods = 4;
const few = { errors: 0.05, slow: 0.2 };
const none = { errors: 0, slow: 0 };

/**
 * The quantile of Student's t for 95%, one-sided, by degrees of freedom; from 5 on to 1%. With one it would be 6.3,
 * and hardly anything could be proven.
 */
const fewDegrees = [1.645, 2.92, 2.92, 2.353, 2.132];
const student = (degrees: number): number => fewDegrees[degrees] ?? 1.645 + 1.8 / degrees;

/**
 * How many times as bad as stable its pods alone make a canary at most, in 19 of 20 releases. It moves what "no worse"
 * means: what lasts adds up over all polls, so that no factor on the evidence would bear it.
 */
export function podMargin(measured: PodSpread | undefined, spread = 0, canaryPods = 1): number {
  if (!measured || spread === 0) return 1;
  return Math.exp(student(measured.pods - 1) * spread * Math.sqrt(1 / Math.max(1, canaryPods) + 1 / measured.pods));
}

/** The spread of the odds of being slower than the edge `le`. */
export const slowSpread = (measured: PodSpread | undefined, le: number): number | undefined =>
  measured?.slow.findLast((edge) => edge.le <= le)?.spread;

/**
 * The spread of the times themselves. Odds move at least as far as times do, unless times are spread very widely; where
 * no edge could be measured it is what is usual.
 */
export function timeSpread(measured: PodSpread | undefined): number {
  if (!measured) return 0;
  if (measured.pods < 2 || measured.slow.length === 0) return usual.times;
  return Math.max(...measured.slow.map(({ spread }) => spread));
}

/** What pods counted in several windows. A pod stands at the same place in each; one that was away has no requests. */
export type PodWindows = readonly (readonly PodCount[])[];

/** What stable's pods had before the release: failures, and requests slower than each edge. */
export function podSpreadOf(
  failures: PodWindows,
  slow: readonly { readonly le: number; readonly windows: PodWindows }[],
): PodSpread {
  const pods = Math.max(0, ...failures.map((window) => window.filter(({ requests }) => requests > 0).length));
  if (pods < 2) return usualSpread;
  const least = pods < enoughPods ? few : none;
  const known = slow.flatMap(({ le, windows }) => {
    const spread = spreadIn(windows);
    return spread === undefined ? [] : [{ le, spread: Math.max(spread, least.slow) }];
  });
  return { pods, errors: Math.max(spreadIn(failures) ?? 0, least.errors), slow: known };
}

/** Undefined where nothing, or nearly everything, happened: that tells of no difference. */
function spreadIn(windows: PodWindows): number | undefined {
  const [requests, errors] = [requestsOf(windows.flat()), errorsOf(windows.flat())];
  const rate = errors / requests;
  if (!(rate > 0 && rate < mostly)) return undefined;
  return Math.sqrt(Math.log1p(lastingDifference(windows).variance)) / (1 - rate);
}

const mostly = 0.9;
const requestsOf = (pods: readonly PodCount[]): number => pods.reduce((sum, pod) => sum + pod.requests, 0);
const errorsOf = (pods: readonly PodCount[]): number => pods.reduce((sum, pod) => sum + pod.errors, 0);

/** What one pod had beyond what its requests let expect. `pairs`: products of each two windows. */
type Surplus = { readonly beyond: number; readonly expected: number; readonly pairs: Pairs };
type Pairs = { readonly beyond: number; readonly expected: number };

const noSurplus: Surplus = { beyond: 0, expected: 0, pairs: { beyond: 0, expected: 0 } };

const addWindow = ({ beyond, expected, pairs }: Surplus, more: Pairs): Surplus => ({
  beyond: beyond + more.beyond,
  expected: expected + more.expected,
  pairs: {
    beyond: pairs.beyond + 2 * beyond * more.beyond,
    expected: pairs.expected + 2 * expected * more.expected,
  },
});

/** An hour of minutes is taken by ten: an incident seldom lasts longer. */
const parts = 6;

function inParts(windows: PodWindows): PodWindows {
  const size = Math.ceil(windows.length / parts);
  return Array.from({ length: Math.min(parts, windows.length) }, (_, part) => {
    const own = windows.slice(part * size, (part + 1) * size);
    const pods = Math.max(0, ...own.map((window) => window.length));
    return Array.from({ length: pods }, (_, index): PodCount => {
      const counts = own.flatMap((window) => window[index] ?? []);
      return { requests: requestsOf(counts), errors: errorsOf(counts) };
    });
  });
}

/** Less than so many standard deviations of chance are none of the pods'. */
const doubt = 2;

/**
 * What pods differ by in all windows alike, from the products of what each two windows have: neither chance, nor a
 * cluster or an incident within one window, adds anything. `variance`: of pods' rates, as a part of their mean's square;
 * `rates`: each pod's, as a part of all pods'.
 */
export function lastingDifference(windows: PodWindows): {
  readonly variance: number;
  readonly rates: readonly number[];
} {
  const surpluses: Surplus[] = [];
  for (const window of inParts(windows)) {
    const rate = errorsOf(window) / Math.max(1, requestsOf(window));
    for (const [index, { requests, errors }] of window.entries()) {
      const expected = requests * rate;
      surpluses[index] = addWindow(surpluses[index] ?? noSurplus, { beyond: errors - expected, expected });
    }
  }
  const pods = surpluses.filter(({ pairs }) => pairs.expected > 0);
  if (pods.length < 2) return { variance: 0, rates: [] };
  const scale = pods.reduce((sum, { pairs }) => sum + pairs.expected, 0);
  const found = pods.reduce((sum, { pairs }) => sum + pairs.beyond, 0) / scale - doubt * Math.sqrt(2 / scale);
  const variance = Math.min(mostVariance, Math.max(0, (found * pods.length) / (pods.length - 1)));
  // As far as the pod has failed often enough to tell.
  const rates = surpluses.map(({ beyond, expected }) => 1 + (variance * beyond) / (1 + variance * expected));
  return { variance, rates };
}

/** A pod that failed all the hour is no measure for healthy ones. */
const mostVariance = 1;
