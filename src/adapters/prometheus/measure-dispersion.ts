import { dispersionOf, type PodCount } from "../../evidence/dispersion.ts";
import type { MetricNames } from "../../istio/istio-metrics.ts";
import { formatDuration, type Instant, type Millis } from "../../lib/duration.ts";
import type { MeasuredDispersion } from "../../ports/metrics.ts";
import type { Target } from "../../release/target.ts";
import { type Course, type NoAnswer, type PrometheusAddress, subquery } from "./instant-query.ts";
import { selectors } from "./selectors.ts";

type Options = PrometheusAddress & MetricNames & { readonly interval: Millis; readonly target: Target };

const hour: Millis = 3_600_000;

/** An incident within the hour must not blind the test for the whole release: with 10, ten times the errors are needed. */
const most = 10;

/** How errors of stable's pods varied in the hour before. Rejects only when aborted. */
export async function measureDispersion(
  options: Options,
  at: Instant,
  signal: AbortSignal,
): Promise<MeasuredDispersion> {
  const step = Math.max(60_000, 4 * options.interval);
  // One step more, in which the first window begins. Raw counters, since increase() stretches what it counts, and what is stretched varies more than what was counted.
  const wanted = selectors(options.target, "destination", options).ofStable.perPod(hour + step, step);
  const [requests, errors] = await Promise.all([
    subquery(options, wanted.requests, at, signal),
    subquery(options, wanted.errors, at, signal),
  ]);
  if ("because" in requests) return unmeasured(requests);
  if ("because" in errors) return unmeasured(errors);
  const windows = windowsOf(podsOf(requests, errors, step));
  return judged(windows, step, options.target.stable.deployment);
}

const unmeasured = ({ because }: Pick<NoAnswer, "because">): MeasuredDispersion => ({
  phi: 1,
  because: `errors are taken as independent: ${because}`,
});

/** What one pod counted, by the ends of windows. */
type Pod = ReadonlyMap<Instant, PodCount>;

function podsOf(requests: readonly Course[], errors: readonly Course[], step: Millis): readonly Pod[] {
  const failed = new Map(errors.map(({ labels, values }) => [keyOf(labels), values]));
  return requests.map(({ labels, values }) => counted(values, failed.get(keyOf(labels)) ?? new Map(), step));
}

const keyOf = (labels: Course["labels"]): string =>
  JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)));

/** Where a pod restarted, or was not there at the beginning of a window, nobody knows what it counted in it. */
function counted(requests: Course["values"], errors: Course["values"], step: Millis): Pod {
  return new Map(
    [...requests].flatMap(([end, value]): readonly (readonly [Instant, PodCount])[] => {
      const before = requests.get(end - step);
      if (before === undefined) return [];
      const count = { requests: value - before, errors: (errors.get(end) ?? 0) - (errors.get(end - step) ?? 0) };
      return count.errors < 0 || count.requests < count.errors ? [] : [[end, count]];
    }),
  );
}

/** Each window with the pods that were there; those in which a single one was tell nothing. */
function windowsOf(pods: readonly Pod[]): readonly (readonly PodCount[])[] {
  const ends = new Set(pods.flatMap((pod) => [...pod.keys()]));
  return [...ends].map((end) => pods.flatMap((pod) => pod.get(end) ?? [])).filter((window) => window.length > 1);
}

function judged(windows: readonly (readonly PodCount[])[], step: Millis, deployment: string): MeasuredDispersion {
  const pods = Math.max(0, ...windows.map((window) => window.length));
  if (pods < 2)
    return unmeasured({
      because: `in the last hour Prometheus has no two pods of ${deployment} that counted their own requests (reporter=destination)`,
    });
  const seen = `${pods} pods of ${deployment} in ${windows.length} windows of ${formatDuration(step)}`;
  const failures = windows.flat().reduce((sum, { errors }) => sum + errors, 0);
  if (failures === 0) return unmeasured({ because: `no request failed at ${seen}` });
  const phi = dispersionOf(windows);
  const errors = `${failures} ${failures === 1 ? "error" : "errors"} of ${seen}`;
  if (phi === 1) return { phi, because: `${errors} varied no more than independent ones do` };
  const varied = `${errors} varied ${phi.toFixed(1)} times as much as independent ones do`;
  return phi > most
    ? { phi: most, because: `${varied}, as in an incident; counted as ${most} times` }
    : { phi, because: varied };
}
