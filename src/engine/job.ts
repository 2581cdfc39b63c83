import type { Instant } from "../lib/duration.ts";
import type { Learnt } from "../release/learnt.ts";
import type { Failure } from "./observe.ts";

/** The job that runs a release: what may end it early, and what was noticed on the way. */
export type Job = {
  /** Aborts when the job is cancelled; its reason is the sentence that people will read. */
  readonly stop: AbortSignal;
  /** Aborts when whoever cancelled the job insists: what does not work by then is tried no longer. */
  readonly insist?: AbortSignal | undefined;
  /** Aborts when another job took the release over: nothing may be written any more. */
  readonly lost: AbortSignal;
  /** Another job had the release before. */
  readonly taken?: boolean | undefined;
  readonly deadlineAt: Instant;
  readonly warnings: () => readonly string[];
  /** Is told which proxies of the mesh have not learnt in time what was written. */
  readonly unlearnt?: ((learnt: Learnt) => void) | undefined;
  /** Is told why the journal does not have where the release ended. */
  readonly unsaved?: ((why: Failure) => void) | undefined;
};
