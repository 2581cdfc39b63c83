import type { Instant } from "../lib/duration.ts";
import type { Run } from "../release/release-record.ts";

/** One release of a service at a time. */
export interface Lock {
  /** Takes the lock and renews it by itself, or says who has it. A holder that died loses it after its lease time. */
  acquire(run: Run): Promise<Held | { readonly heldBy: Run; readonly since: Instant }>;
}

export interface Held {
  /** Aborts when somebody else took the lock: this job must not write any more. */
  readonly lost: AbortSignal;
  release(): Promise<void>;
}
