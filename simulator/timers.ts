import type { Instant, Millis } from "../src/lib/duration.ts";
import type { Timeline } from "./timeline.ts";

/**
 * Puts a timeline in the place of the process's own timers and time, for what knows no other: the queues in which
 * Octokit's plugins keep GitHub's pace. The answer takes it back.
 */
export function onTimersOf(timeline: Timeline): () => void {
  const { setTimeout, clearTimeout, setInterval, clearInterval } = globalThis;
  const { now } = Date;
  const cancels = new WeakMap<object, () => void>();

  function begin(
    run: (...args: readonly unknown[]) => void,
    delay: Millis,
    args: readonly unknown[],
    again: boolean,
  ): object {
    const timer = { ref: () => timer, unref: () => timer, hasRef: () => false, [Symbol.toPrimitive]: () => 0 };
    const arm = (): void => {
      cancels.set(
        timer,
        timeline.after(Math.max(again ? 1 : 0, delay), () => {
          if (again) arm();
          run(...args);
        }),
      );
    };
    arm();
    return timer;
  }

  const cancel = (timer: unknown): void => {
    if (typeof timer === "object" && timer !== null) cancels.get(timer)?.();
  };

  Object.assign(globalThis, {
    setTimeout: (run: () => void, delay = 0, ...args: readonly unknown[]) => begin(run, delay, args, false),
    setInterval: (run: () => void, delay = 0, ...args: readonly unknown[]) => begin(run, delay, args, true),
    clearTimeout: cancel,
    clearInterval: cancel,
  });
  Date.now = (): Instant => timeline.now();
  return () => {
    Object.assign(globalThis, { setTimeout, clearTimeout, setInterval, clearInterval });
    Date.now = now;
  };
}
