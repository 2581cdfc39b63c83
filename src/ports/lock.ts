import type { Millis } from "../lib/duration.ts";
import type { Run } from "../release/release-record.ts";

/** One release of a service at a time. */
export interface Lock {
  /**
   * Takes the lock and renews it by itself, or says who has it. A holder that died loses it after its lease time.
   * Rejects with DeniedError or UnreachableError when that cannot be found out.
   */
  acquire(run: Run): Promise<HeldLock | HeldByOther>;
  /** Who has it and lives. Takes nothing. */
  holder(): Promise<HeldByOther | undefined>;
}

export interface HeldLock {
  /**
   * Aborts when somebody else took the lock: this job must not write any more. Its reason is a DeniedError that says
   * who.
   */
  readonly lost: AbortSignal;
  /** Looks whether somebody else took it, which renewals find out later. Rejects with the reason of `lost`; never else. */
  confirm(): Promise<void>;
  /** Stops renewing and gives the lock back, unless it was lost. Never rejects: it would run out by itself. */
  release(): Promise<void>;
}

export type HeldByOther = {
  readonly heldBy: Run;
  /** How long it has had the lock. */
  readonly heldFor: Millis;
};
