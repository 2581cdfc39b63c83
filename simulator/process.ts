import type { Instant, Millis } from "../src/lib/duration.ts";
import type { Clock } from "../src/world/clock.ts";
import type { Timeline } from "./timeline.ts";

/** A process of a simulation: what it waits for reaches it while it is scheduled, late when it was frozen, or never. */
export interface SimulatedProcess {
  readonly clock: Clock;
  /** Runs in the process, as soon as it is scheduled again; never once it is dead. */
  deliver(run: () => void): void;
  /** SIGSTOP, and SIGCONT. */
  freeze(): void;
  thaw(): void;
  /** SIGKILL: nothing of it ever runs again. What it sent is on its way all the same. */
  kill(): void;
  readonly isDead: () => boolean;
}

/** @param skew what its clock shows beyond the true time */
export function startProcess(timeline: Timeline, skew: Millis): SimulatedProcess {
  let dead = false;
  let late: (() => void)[] | undefined;

  function deliver(run: () => void): void {
    if (dead) return;
    if (late === undefined) run();
    else late.push(run);
  }

  const wake = (at: Instant, run: () => void): (() => void) => timeline.at(at - skew, () => deliver(run));

  return {
    clock: clockOf(() => timeline.now() + skew, wake),
    deliver,
    freeze() {
      late ??= [];
    },
    thaw() {
      const runs = late ?? [];
      late = undefined;
      // One after another, each with its consequences before the next, as an event loop has it.
      for (const run of runs) timeline.after(0, () => deliver(run));
    },
    kill() {
      dead = true;
      late = undefined;
    },
    isDead: () => dead,
  };
}

function clockOf(now: () => Instant, wake: (at: Instant, run: () => void) => () => void): Clock {
  return {
    now,
    sleepUntil: (at, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted) return resolve();
        const end = (): void => {
          cancel();
          signal?.removeEventListener("abort", end);
          resolve();
        };
        const cancel = wake(at, end);
        signal?.addEventListener("abort", end);
      }),
    every(interval, work) {
      let underWay: Promise<void> | undefined;
      const again = (): (() => void) =>
        wake(now() + interval, () => {
          cancel = again();
          underWay ??= work().finally(() => {
            underWay = undefined;
          });
        });
      let cancel = again();
      return async () => {
        cancel();
        await underWay;
      };
    },
    deadline(at) {
      const controller = new AbortController();
      wake(at, () => controller.abort(timeout));
      return controller.signal;
    },
  };
}

/** One for all, since nearly every deadline passes when nobody waits for it any more. */
const timeout = new DOMException("The operation was aborted due to timeout", "TimeoutError");
