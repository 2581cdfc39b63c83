import type { Millis } from "../lib/duration.ts";

/**
 * The most that a test has gained within a short time: an outage that reaches one version first, or one zone, looks
 * like proof for as long as it lasts.
 */
export type Burst = {
  /** The polls of the newest window, oldest first: when each ended, ln E before it, and what went wrong in it. */
  readonly recent: readonly { readonly age: Millis; readonly before: number; readonly bad: number }[];
  /** The largest gain of ln E in any window. */
  readonly most: number;
  /** When that window ended. */
  readonly until: Millis;
};

export const noBurst: Burst = { recent: [], most: 0, until: 0 };

/** Looks come four times a scrape at most. */
const mostPolls = 16;
/** One thing that went wrong is no burst. */
const several = 2;

/** The burst after one more poll, in which so much went `bad`. */
export function growBurst(
  { recent, most, until }: Burst,
  {
    age,
    bad,
    before,
    after,
  }: { readonly age: Millis; readonly bad: number; readonly before: number; readonly after: number },
  window: Millis,
): Burst {
  const newest = [...recent.filter((poll) => poll.age > age - window).slice(1 - mostPolls), { age, before, bad }];
  let [gain, count] = [0, 0];
  for (const poll of newest.toReversed()) {
    count += poll.bad;
    if (count >= several) gain = Math.max(gain, after - poll.before);
  }
  return gain > most ? { recent: newest, most: gain, until: age } : { recent: newest, most, until };
}
