import type { Millis } from "../lib/duration.ts";
import type { Count } from "./tally.ts";

/** What one poll counted since the one before it. Whole numbers; a list of these is the ledger of a release. */
export type Poll = {
  /** The canary's planned share in whole percents, as it was written to the routes. */
  readonly weight: number;
  /** How long the canary has been available at the end of the poll. */
  readonly age: Millis;
  /** How long it had been at the earliest moment that anything counted here may be of. May be before the beginning. */
  readonly from: Millis;
  /** The age at which it last got more pods than it had had: those begin cold. 0 where all were there from the start. */
  readonly joined?: Millis;
  /** How many pods of the canary were available; missing: nobody saw. */
  readonly pods?: number;
  /** How many more requests are open at them than at as many of stable's; missing: nobody looks. Only beside `pods`. */
  readonly waiting?: number;
  readonly stable: Count;
  readonly canary: Count;
  /** Failures of the service that reached no pod, so that nobody knows which version they were meant for. */
  readonly lost: number;
};

/**
 * Looks come more often than counts do: one that found nothing is a poll only `every` so often. `last`: the age at the
 * poll before.
 */
export const isPoll = ({ age, stable, canary, lost }: Poll, last: Millis, every: Millis): boolean =>
  stable.requests + canary.requests + lost > 0 || age - last >= every;
