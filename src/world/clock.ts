import type { Instant, Millis } from "../lib/duration.ts";

/** The time, and everything that waits for it. */
export interface Clock {
  now(): Instant;
  /** Resolves at the time, or at once when aborted; never rejects. */
  sleepUntil(at: Instant, signal?: AbortSignal): Promise<void>;
  /**
   * Does the work again and again, an interval apart, never twice at once; keeps no process alive. `work` must not
   * reject. What it gives stops it, and resolves when nothing is under way any more.
   */
  every(interval: Millis, work: () => Promise<void>): () => Promise<void>;
  /** Aborts at the time, with a DOMException called TimeoutError; keeps no process alive. */
  deadline(at: Instant): AbortSignal;
}
