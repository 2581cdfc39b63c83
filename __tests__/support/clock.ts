import type { Instant, Millis } from "../../src/lib/duration.ts";
import type { Clock } from "../../src/world/clock.ts";

/** Lets everything go on that waits for nothing but its turn. */
export const idle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** What a promise has come to by now, or "pending". */
export async function stateOf(promise: Promise<unknown>): Promise<unknown> {
  await idle();
  return Promise.race([promise, Promise.resolve("pending")]);
}

type Wait = { readonly at: Instant; readonly ends: () => void };

/** What waits for a time, and what is due next. */
function createWaits(now: () => Instant, added: () => void) {
  const waits = new Set<Wait>();
  const works = new Set<Promise<void>>();

  function add(at: Instant, ends: () => void): () => void {
    const wait = { at, ends };
    waits.add(wait);
    added();
    return () => waits.delete(wait);
  }

  function tracked(work: Promise<void>): Promise<void> {
    works.add(work);
    return work.finally(() => works.delete(work));
  }

  const clock: Clock = {
    now,
    sleepUntil: (at, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted) return resolve();
        const forget = add(at, resolve);
        signal?.addEventListener(
          "abort",
          () => {
            forget();
            resolve();
          },
          { once: true },
        );
      }),
    every(interval, work) {
      let underWay: Promise<void> | undefined;
      const again = (): (() => void) =>
        add(now() + interval, () => {
          underWay ??= tracked(work()).finally(() => {
            underWay = undefined;
          });
          forget = again();
        });
      let forget = again();
      return async () => {
        forget();
        await underWay;
      };
    },
    deadline(at) {
      const late = new DOMException("The operation was aborted due to timeout", "TimeoutError");
      if (at < now()) return AbortSignal.abort(late);
      const controller = new AbortController();
      add(at, () => controller.abort(late));
      return controller.signal;
    },
  };

  /** Takes what is due first, if it is due by `end`. */
  function take(end: Instant): Wait | undefined {
    const next = [...waits].reduce<Wait | undefined>(
      (first, wait) => (first && first.at <= wait.at ? first : wait),
      undefined,
    );
    if (!next || next.at > end) return undefined;
    waits.delete(next);
    return next;
  }

  return { clock, take, settled: () => Promise.all(works) };
}

/** A clock that stands still until a test moves it. */
export function handClock(start: Instant = 0): Clock & { readonly advance: (by: Millis) => Promise<void> } {
  let time = start;
  const { clock, take, settled } = createWaits(
    () => time,
    () => {},
  );
  return {
    ...clock,
    /** What becomes due on the way happens at its time, and each has its consequences before the next: what is done again and again has ended. */
    async advance(by) {
      const end = time + by;
      await idle();
      for (let wait = take(end); wait; wait = take(end)) {
        time = Math.max(time, wait.at);
        wait.ends();
        await idle();
        await settled();
      }
      time = end;
    },
  };
}

/** A clock that jumps to what is due next whenever nobody has anything left to do but wait: hours pass in no time. */
export function jumpingClock(start: Instant = 0): Clock {
  let time = start;
  let turning = false;

  async function turn(): Promise<void> {
    turning = true;
    await idle();
    for (let wait = take(Infinity); wait; wait = take(Infinity)) {
      time = Math.max(time, wait.at);
      wait.ends();
      await idle();
    }
    turning = false;
  }

  const { clock, take } = createWaits(
    () => time,
    () => void (turning || turn()),
  );
  return clock;
}
