import type { Instant, Millis } from "../../src/lib/duration.ts";

/** Time inside the sandbox. Everything that happens later goes through it, so that tests decide how fast time passes. */
export interface SandboxClock {
  now(): Instant;
  /** Runs once, `delay` from now; the answer cancels it. */
  after(delay: Millis, run: () => void): () => void;
  /** Cancels everything that is still to come. */
  close(): void;
}

/** The real time, with delays `scale` times as long: 0.01 turns ten seconds of back-off into 100ms. */
export function realClock(scale = 1): SandboxClock {
  const timers = new Set<NodeJS.Timeout>();
  return {
    now: () => Date.now(),
    after(delay, run) {
      const timer = setTimeout(() => {
        timers.delete(timer);
        run();
      }, delay * scale);
      timers.add(timer);
      return () => {
        timers.delete(timer);
        clearTimeout(timer);
      };
    },
    close() {
      for (const timer of timers) clearTimeout(timer);
      timers.clear();
    },
  };
}

/** A clock that stands still until a test moves it. */
export function manualClock(
  start: Instant = Date.UTC(2026, 0, 1),
): SandboxClock & { readonly advance: (by: Millis) => Promise<void> } {
  let now = start;
  let pending: readonly { readonly at: Instant; readonly run: () => void }[] = [];
  return {
    now: () => now,
    after(delay, run) {
      const timer = { at: now + delay, run };
      pending = [...pending, timer];
      return () => {
        pending = pending.filter((other) => other !== timer);
      };
    },
    close() {
      pending = [];
    },
    async advance(by) {
      const end = now + by;
      for (;;) {
        await new Promise(setImmediate); // what the last timer began (a pod that starts) may set the next one
        const next = pending.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
        if (next === undefined) break;
        now = Math.max(now, next.at);
        pending = pending.filter((other) => other !== next);
        next.run();
      }
      now = end;
    },
  };
}
