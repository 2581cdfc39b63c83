import { formatDuration, type Millis } from "../lib/duration.ts";
import type { Traffic } from "../rehearsal/detectability.ts";

/** Three significant digits, and whole numbers with commas. */
export const number = (value: number): string =>
  value >= 1_000 ? String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, ",") : String(Number(value.toPrecision(3)));

/** A share as a percentage. What is not all is never written as all, and what is not nothing never as nothing. */
export function share(value: number): string {
  const percent = Number((value * 100).toPrecision(value < 0.1 ? 2 : 3));
  if (value < 1 && percent >= 99.95) return "99.9 %";
  return `${value > 0.9 ? percent.toFixed(1).replace(/\.0$/, "") : percent} %`;
}

/** "50 requests per second, of which 1 % fail" */
export const trafficInWords = ({ rate, baseline }: Traffic): string =>
  `${number(rate)} requests per second, of which ${baseline === 0 ? "none" : share(baseline)} ${baseline === 0 ? "failed" : "fail"}`;

/** Whole seconds: a simulation knows no better. */
export const about = (time: Millis): string => formatDuration(Math.round(time / 1_000) * 1_000);
