import { formatDuration, type Millis } from "../../lib/duration.ts";
import type { Finding } from "../../ports/preflight.ts";
import type { PrometheusAddress } from "./instant-query.ts";
import { type Ahead, measureAhead, smallest } from "./prometheus-clock.ts";

/** Below this nothing is said. */
const worthTelling: Millis = 5_000;
/** By clocks that differ more nobody knows which of two counters is the newer one. */
const mostApart: Millis = 60_000;

/**
 * Says how Prometheus's clock differs from ours, which every query is corrected by, and whether behind its
 * address there are several that differ. `level` says how much that matters.
 */
export async function inspectClock(
  prometheus: PrometheusAddress,
  level: Finding["level"],
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  const answers = await Promise.all(Array.from({ length: 4 }, () => measureAhead(prometheus, signal)));
  const measured = answers.flatMap((answer) => ("because" in answer ? [] : [answer]));
  const apart = distanceOf(measured);
  if (apart > worthTelling) return [severalClocks(apart, apart > mostApart ? level : "warn")];
  const ahead = smallest(measured[0] ?? { least: 0, most: 0 });
  return Math.abs(ahead) > worthTelling ? [otherClock(ahead)] : [];
}

/** By how much measures of one clock contradict each other at least. */
function distanceOf(measured: readonly Ahead[]): Millis {
  const [highest, lowest] = [
    Math.max(...measured.map(({ least }) => least)),
    Math.min(...measured.map(({ most }) => most)),
  ];
  return Math.max(0, highest - lowest);
}

const severalClocks = (apart: Millis, level: Finding["level"]): Finding => ({
  level,
  what: `Prometheus answers with clocks that are ${formatDuration(apart)} apart: there are several behind metrics.prometheus`,
  next: "Let NTP set their clocks, or let metrics.prometheus be one of them.",
});

const otherClock = (ahead: Millis): Finding => ({
  level: "warn",
  what: `Prometheus's clock is ${formatDuration(Math.abs(ahead))} ${ahead > 0 ? "ahead of" : "behind"} this job's; it is asked in its own time`,
  next: "Let NTP set both.",
});
