import type { Instant, Millis } from "../../src/lib/duration.ts";
import type { Point } from "./value.ts";

export type Window = { readonly start: Instant; readonly end: Instant };

/** How much a counter grew; a value below the last one is a restart from zero. */
function grown(points: readonly Point[]): number {
  const steps = points.slice(1).map(({ value }, index) => ({ value, before: points[index]?.value ?? 0 }));
  return steps.reduce((sum, { value, before }) => sum + (value >= before ? value - before : value), 0);
}

/**
 * `increase()` and `delta()` as Prometheus computes them: the change between the first and the last sample, stretched to
 * the window, but by no more than half a sample interval where the series begins or ends within it, and for counters not
 * to before they were zero (prometheus/prometheus, promql/functions.go, extrapolatedRate).
 */
export function extrapolated(points: readonly Point[], { start, end }: Window, counter: boolean): number | undefined {
  const first = points[0];
  const last = points.at(-1);
  if (!first || !last || points.length < 2) return undefined;
  const change = counter ? grown(points) : last.value - first.value;
  const sampled = last.at - first.at;
  const interval = sampled / (points.length - 1);
  const within = (gap: Millis): Millis => (gap >= interval * 1.1 ? interval / 2 : gap);

  const toZero = counter && change > 0 && first.value >= 0 ? sampled * (first.value / change) : Infinity;
  const stretched = sampled + Math.min(within(first.at - start), toZero) + within(end - last.at);
  return change * (stretched / sampled);
}
