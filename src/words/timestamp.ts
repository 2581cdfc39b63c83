import type { Instant } from "../lib/duration.ts";

/** `12:03:10`, in UTC: whoever reads a report may sit in another zone than who wrote it. */
export const timeOf = (at: Instant): string => new Date(at).toISOString().slice(11, 19);

/** `2026-01-31 12:03 UTC`. */
export const dateOf = (at: Instant): string => `${new Date(at).toISOString().slice(0, 16).replace("T", " ")} UTC`;

/** Lines of a log that belong together: the time before the first, and the others below its words. */
export const underTime = (at: Instant, lines: readonly string[]): readonly string[] =>
  lines.map((line, index) => `${index === 0 ? timeOf(at) : " ".repeat(timeOf(at).length)}  ${line}`);
