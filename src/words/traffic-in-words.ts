import { formatDuration, type Millis } from "../lib/duration.ts";
import { number, percent } from "../lib/numbers.ts";
import type { Traffic } from "../rehearsal/detection.ts";

/** "50 requests per second, of which 1% fail" */
export function trafficInWords({ rate, baseline }: Traffic): string {
  const requests = `${number(rate)} requests per second`;
  if (baseline === 0) return `${requests}, of which none failed`;
  return `${requests}, of which ${percent(baseline)} fail`;
}

/** Whole seconds: a simulation knows no better. */
export const about = (time: Millis): string => formatDuration(Math.round(time / 1_000) * 1_000);
