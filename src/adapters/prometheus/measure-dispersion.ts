import { dispersionOf, type PodCount } from "../../evidence/dispersion.ts";
import { formatDuration, type Instant, type Millis } from "../../lib/duration.ts";
import { plural } from "../../lib/numbers.ts";
import type { MeasuredDispersion } from "../../ports/metrics.ts";
import { isRawCount, type TimeSeries } from "./answered.ts";
import { subquery } from "./instant-query.ts";
import type { PrometheusOptions } from "./prometheus-options.ts";
import { seriesSelectors } from "./series-selectors.ts";

const hour: Millis = 3_600_000;

/**
 * An incident within the hour must not blind the test for the whole release: with 10, ten times the errors are needed.
 */
const most = 10;

/** How errors of stable's pods varied in the hour before. Rejects only when aborted. */
export async function measureDispersion(
  options: PrometheusOptions,
  at: Instant,
  signal: AbortSignal,
): Promise<MeasuredDispersion> {
  const step = Math.max(60_000, 4 * options.interval);
  // One step more, in which the first window begins. Raw counters, since increase() stretches what it counts, and what
  // is stretched varies more than what was counted.
  const { perPod } = seriesSelectors(options.target, "destination", options).ofStable;
  const sums = await subquery(options, perPod(hour + step, step), at, signal);
  if ("because" in sums) return unmeasured(sums.because);
  const windows = windowsOf(podsOf(sums, step, options.labels.reporter));
  return dispersionIn(windows, step, options.target.stable.deployment);
}

export const unmeasured = (because: string): MeasuredDispersion => ({
  phi: 1,
  because: `errors are taken as independent: ${because}`,
});

/** What one pod counted, by the ends of windows. */
type PodWindows = ReadonlyMap<Instant, PodCount>;

/** `reporter`: the label that sums of errors have, and those of all requests have not. */
function podsOf(sums: readonly TimeSeries[], step: Millis, reporter: string): readonly PodWindows[] {
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
function windowsOfPod(requests: TimeSeries["values"], errors: TimeSeries["values"], step: Millis): PodWindows {
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

/** Each window with the pods that were there; those in which a single one was tell nothing. */
function windowsOf(pods: readonly PodWindows[]): readonly (readonly PodCount[])[] {
  const ends = new Set(pods.flatMap((pod) => [...pod.keys()]));
  return [...ends].map((end) => pods.flatMap((pod) => pod.get(end) ?? [])).filter((window) => window.length > 1);
}

function dispersionIn(windows: readonly (readonly PodCount[])[], step: Millis, deployment: string): MeasuredDispersion {
  const pods = Math.max(0, ...windows.map((window) => window.length));
  if (pods < 2)
    return unmeasured(
      `in the last hour Prometheus has no two pods of ${deployment} that counted their own requests (reporter=destination)`,
    );
  const measured = `${pods} pods of ${deployment} in ${windows.length} windows of ${formatDuration(step)}`;
  const failures = windows.flat().reduce((sum, { errors }) => sum + errors, 0);
  if (failures === 0) return unmeasured(`no request failed at ${measured}`);

  const errors = `${failures} ${plural(failures, "error")} of ${measured}`;
  const phi = dispersionOf(windows);
  const varied = `${errors} varied ${phi.toFixed(1)} times as much as independent ones do`;
  if (phi === 1) return { phi, because: `${errors} varied no more than independent ones do` };
  if (phi > most) return { phi: most, because: `${varied}, as in an incident; counted as ${most} times` };
  return { phi, because: varied };
}
