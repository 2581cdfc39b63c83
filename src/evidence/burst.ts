import type { Millis } from "../lib/duration.ts";

/**
 * The most that a test has gained within a short time: an outage that reaches one version first, or one zone, looks
 * like proof for as long as it lasts.
 */
export type Burst = {
  /** The polls of the newest window, oldest first. */
  readonly recent: readonly BurstPoll[];
  /** The largest gain of ln E in any window. */
  readonly most: number;
  /** When that window ended. */
  readonly until: Millis;
};

/** When a poll ended, ln E before it, what went wrong with the canary in it, and whether stable had trouble as well. */
export type BurstPoll = {
  readonly age: Millis;
  readonly before: number;
  readonly bad: number;
  readonly shared: boolean;
};

export const noBurst: Burst = { recent: [], most: 0, until: 0 };

/** Looks come four times a scrape at most. */
const mostPolls = 16;
/** One thing that went wrong is no burst. */
const several = 2;

/** Of an outage that stable has as well, and of one that may still reach it. */
export type BurstWindows = { readonly shared: Millis; readonly alone: Millis };

/** The burst after one more poll; `after`: ln E. */
export function growBurst(
  { recent, most, until }: Burst,
  { after, ...poll }: BurstPoll & { readonly after: number },
  windows: BurstWindows,
): Burst {
  const { age } = poll;
  const newest = [...recent.filter((one) => one.age > age - windows.shared).slice(1 - mostPolls), poll];
  const window = newest.some(({ shared }) => shared) ? windows.shared : windows.alone;
  let [gain, count] = [0, 0];
  for (const one of newest.filter((one) => one.age > age - window).toReversed()) {
    count += one.bad;
    if (count >= several) gain = Math.max(gain, after - one.before);
  }
  return gain > most ? { recent: newest, most: gain, until: age } : { recent: newest, most, until };
}
