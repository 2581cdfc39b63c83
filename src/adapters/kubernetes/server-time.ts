import type { Instant, Millis } from "../../lib/duration.ts";
import type { Clock } from "../../world/clock.ts";

/**
 * The API server's time, by the `Date` of its answers (https://www.rfc-editor.org/rfc/rfc9110#section-6.6.1): the only
 * one that jobs on several machines share.
 */
export type ServerTime = {
  /** Undefined until an answer has told it. */
  readonly now: () => Instant | undefined;
  /** Takes in the `Date` of an answer that has just come, to a request that was sent at a time of ours. */
  readonly hear: (date: string | undefined, sent: Instant) => void;
  /**
   * Our clock, put right by the first answer and by no later one: a release measures lengths on it, and what it writes
   * down another job can read.
   */
  readonly clock: Clock;
};

/** A `Date` has whole seconds. */
const grain: Millis = 1_000;

export function createServerTime(clock: Clock): ServerTime {
  /** How far the server is ahead of us: by the newest answer, and by the first. */
  let ahead: Millis | undefined;
  let atFirst: Millis | undefined;

  return {
    now: () => (ahead === undefined ? undefined : clock.now() + ahead),
    hear(date = "", sent) {
      const told = Date.parse(date);
      if (Number.isNaN(told)) return;
      // As near to what was known as the answer allows: clocks that agree are left alone, and a slow answer tells little.
      ahead = Math.min(Math.max(ahead ?? 0, told - clock.now()), told + grain - sent);
      atFirst ??= ahead;
    },
    clock: shifted(clock, () => atFirst ?? 0),
  };
}

const shifted = (clock: Clock, by: () => Millis): Clock => ({
  now: () => clock.now() + by(),
  sleepUntil: (at, signal) => clock.sleepUntil(at - by(), signal),
  every: clock.every,
  deadline: (at) => clock.deadline(at - by()),
});
