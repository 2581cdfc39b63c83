import type { Instant } from "../lib/duration.ts";

export interface Clock {
  now(): Instant;
  /** Resolves at the time, or at once when aborted; never rejects. */
  sleepUntil(at: Instant, signal: AbortSignal): Promise<void>;
}
