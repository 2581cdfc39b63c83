import { number } from "../lib/numbers.ts";
import type { OwnFigures, ResponseTime } from "../release/verdict.ts";

/** `; p50 up to 500ms, p99 up to 1s, stable's up to 25ms and 50ms`: how slow, for whoever has to know whether it hurts. */
export function timesInWords(times: OwnFigures["times"]): string {
  if (!times) return "";
  const { canary, stable } = times;
  return `; p50 ${within(canary.p50)}, p99 ${within(canary.p99)}, stable's ${within(stable.p50)} and ${within(stable.p99)}`;
}

/** A histogram knows between which edges a time is, and nothing nearer. */
const within = (time: ResponseTime): string =>
  "above" in time ? `more than ${millis(time.above)}` : `up to ${millis(time.atMost)}`;

export const bound = (time: ResponseTime): string =>
  "above" in time ? `> ${millis(time.above)}` : `≤ ${millis(time.atMost)}`;

export function millis(value: number): string {
  if (value < 1_000) return `${number(value)}ms`;
  return `${number(value / 1_000)}s`;
}
