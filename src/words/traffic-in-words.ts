import { formatDuration, type Millis } from "../lib/duration.ts";
import { number, percent } from "../lib/numbers.ts";
import type { Traffic } from "../rehearsal/detection.ts";

/** "50 requests per second, of which 1 % fail" */
export const trafficInWords = ({ rate, baseline }: Traffic): string =>
  `${number(rate)} requests per second, of which ${baseline === 0 ? "none failed" : `${percent(baseline)} fail`}`;

/** Whole seconds: a simulation knows no better. */
export const about = (time: Millis): string => formatDuration(Math.round(time / 1_000) * 1_000);
