import { dispersionOf, type PodCount } from "../../evidence/dispersion.ts";
import { lastingDifference, type PodWindows, podSpreadOf, usualSpread } from "../../evidence/pod-spread.ts";
import { formatDuration, type Instant, type Millis } from "../../lib/duration.ts";
import { plural } from "../../lib/numbers.ts";
import type { MeasuredDispersion } from "../../ports/metrics.ts";
import { unmeasured } from "../../ports/unmeasured.ts";
import { isRawCount, type TimeSeries } from "./answered.ts";
import { subquery } from "./instant-query.ts";
import type { PrometheusOptions } from "./prometheus-options.ts";
import { seriesSelectors } from "./series-selectors.ts";

const hour: Millis = 3_600_000;

/**
 * An incident within the hour must not blind the test for the whole release: with 10, ten times the errors are needed.
 */
const most = 10;

/** How errors of stable's pods varied in the hour before, and how its pods differed. Rejects only when aborted. */
export async function measureDispersion(
  options: PrometheusOptions,
  at: Instant,
  signal: AbortSignal,
): Promise<MeasuredDispersion> {
  const step = Math.max(60_000, 4 * options.interval);
  // One step more, in which the first window begins. Raw counters, since increase() stretches what it counts, and what
  // is stretched varies more than what was counted.
  const { perPod, perPodTimes } = seriesSelectors(options.target, "destination", options).ofStable;
  const [sums, times] = await Promise.all([
    subquery(options, perPod(hour + step, step), at, signal),
    subquery(options, perPodTimes(hour + tenMinutes, tenMinutes), at, signal),
  ]);
  if ("because" in sums) return unmeasured(sums.because);
  const windows = windowsOf(podsOf(sums, step, options.labels.reporter));
  const slow = "because" in times || times.length === 0 ? undefined : slowWindows(times);
  return dispersionIn(windows, slow, step, options.target.stable.deployment);
}

const tenMinutes: Millis = 600_000;

/** What one pod counted, by the ends of windows. */
type CountsByEnd = ReadonlyMap<Instant, PodCount>;

/** `reporter`: the label that sums of errors have, and those of all requests have not. */
function podsOf(sums: readonly TimeSeries[], step: Millis, reporter: string): readonly CountsByEnd[] {
  const isOfErrors = ({ labels }: TimeSeries): boolean => reporter in labels;
  const podOf = ({ [reporter]: _, ...pod }: TimeSeries["labels"]): string => keyOf(pod);
  const failed = new Map(sums.filter(isOfErrors).map(({ labels, values }) => [podOf(labels), values]));
  return sums
    .filter((sum) => !isOfErrors(sum))
    .map(({ labels, values }) => windowsOfPod(values, failed.get(podOf(labels)) ?? new Map(), step));
}

const keyOf = (labels: TimeSeries["labels"]): string =>
  JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)));

/** Where a pod restarted, or was not there at the beginning of a window, nobody knows what it counted in it. */
function windowsOfPod(requests: TimeSeries["values"], errors: TimeSeries["values"], step: Millis): CountsByEnd {
  const windows = new Map<Instant, PodCount>();
  for (const [end, value] of requests) {
    const before = requests.get(end - step);
    if (before === undefined) continue;
    const [failed, failedBefore] = [errors.get(end) ?? 0, errors.get(end - step) ?? 0];
    if (![value, before, failed, failedBefore].every(isRawCount)) continue;
    const count = { requests: value - before, errors: failed - failedBefore };
    if (count.errors >= 0 && count.errors <= count.requests) windows.set(end, count);
  }
  return windows;
}

/** Each window, oldest first, with all pods; those in which a single one was tell nothing. */
function windowsOf(pods: readonly CountsByEnd[]): readonly (readonly (PodCount | undefined)[])[] {
  const ends = [...new Set(pods.flatMap((pod) => [...pod.keys()]))].sort((a, b) => a - b);
  return ends.map((end) => pods.map((pod) => pod.get(end))).filter((window) => podsIn(window) > 1);
}

const podsIn = (window: readonly (PodCount | undefined)[]): number => window.filter((pod) => pod !== undefined).length;

const away: PodCount = { requests: 0, errors: 0 };
const inPlace = (windows: ReturnType<typeof windowsOf>): PodWindows =>
  windows.map((window) => window.map((pod) => pod ?? away));

/** Pods' requests slower than each edge, as if those were failures. */
function slowWindows(times: readonly TimeSeries[]): readonly { readonly le: number; readonly windows: PodWindows }[] {
  const pods = Map.groupBy(times, ({ labels: { le: _, ...pod } }) => keyOf(pod));
  const wholes = [...pods.values()].flatMap((buckets) => {
    const all = buckets.find(({ labels }) => labels.le === "+Inf");
    if (all) return [{ all: all.values, buckets }];
    return [];
  });
  const edges = [...new Set(times.map(({ labels }) => Number(labels.le)))]
    .filter(Number.isFinite)
    .sort((a, b) => a - b);
  return edges.map((le) => {
    const slower = wholes.map(({ all, buckets }) => {
      const within = buckets.find(({ labels }) => Number(labels.le) === le)?.values ?? all;
      const beyond = [...all].map(([end, count]) => [end, count - (within.get(end) ?? count)] as const);
      return windowsOfPod(all, new Map(beyond), tenMinutes);
    });
    return { le, windows: inPlace(windowsOf(slower)) };
  });
}

function dispersionIn(
  found: ReturnType<typeof windowsOf>,
  slow: ReturnType<typeof slowWindows> | undefined,
  step: Millis,
  deployment: string,
): MeasuredDispersion {
  const pods = Math.max(0, ...found.map(podsIn));
  if (pods < 2)
    return unmeasured(
      `in the last hour Prometheus has no two pods of ${deployment} that counted their own requests (reporter=destination)`,
    );
  const windows = inPlace(found);
  const spread = { ...podSpreadOf(windows, slow ?? []), ...(slow ? {} : { slow: usualSpread.slow }) };
  const measured = `${pods} pods of ${deployment} in ${windows.length} windows of ${formatDuration(step)}`;
  const failures = windows.flat().reduce((sum, { errors }) => sum + errors, 0);
  if (failures === 0) return { ...unmeasured(`no request failed at ${measured}`), spread };

  const errors = `${failures} ${plural(failures, "error")} of ${measured}`;
  const phi = dispersionOf(windows, lastingDifference(windows).rates);
  const varied = `${errors} varied ${phi.toFixed(1)} times as much as independent ones do`;
  if (phi === 1) return { phi, because: `${errors} varied no more than independent ones do`, spread };
  if (phi > most) return { phi: most, because: `${varied}, as in an incident; counted as ${most} times`, spread };
  return { phi, because: varied, spread };
}
