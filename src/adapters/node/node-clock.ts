import { setTimeout as sleep } from "node:timers/promises";
import type { Instant, Millis } from "../../lib/duration.ts";
import type { Clock } from "../../world/clock.ts";

/** Longer timers fire at once: https://nodejs.org/api/timers.html#settimeoutcallback-delay-args */
const longestTimer: Millis = 2 ** 31 - 1;

/**
 * The machine's time when the process began, and what has passed since: a clock that is set, by a person or by NTP,
 * neither ends a stage nor makes it last.
 */
const now = (): Instant => Math.floor(performance.timeOrigin + performance.now());

const left = (at: Instant): Millis => Math.min(Math.max(0, at - now()), longestTimer);

export const nodeClock: Clock = {
  now,
  async sleepUntil(at, signal) {
    do await sleep(left(at), undefined, { signal }).catch(() => undefined);
    while (left(at) > 0 && !signal?.aborted);
  },
  every(interval, work) {
    let underWay: Promise<void> | undefined;
    const timer = setInterval(() => {
      underWay ??= work().finally(() => {
        underWay = undefined;
      });
    }, interval).unref();
    return async () => {
      clearInterval(timer);
      await underWay;
    };
  },
  deadline: (at) => AbortSignal.timeout(left(at)),
};
