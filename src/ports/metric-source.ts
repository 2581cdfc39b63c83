import { type Count, emptyCount } from "../evidence/tally.ts";
import type { Instant } from "../lib/duration.ts";
import type { Reading } from "../release/observation.ts";

/**
 * Counts the requests of one release while it runs. It remembers where it stands, and each release has its own.
 * Both methods reject only when aborted; a source that does not answer is blind, or gives a reading without a value.
 */
export interface MetricSource {
  /**
   * What happened since the look before. Looks come one after another. Both versions are counted as far: where they are
   * read at moments of their own, what one of them did meanwhile waits for the other.
   */
  look(at: Instant, signal: AbortSignal): Promise<Increments>;
  /** The single number that a query of the user's gives. */
  query(query: string, at: Instant, signal: AbortSignal): Promise<Reading>;
}

/** What happened between two looks. */
export type Increments = {
  /**
   * The moment of the counts. It may be some time before the question: what happened since then comes with the next
   * look.
   */
  readonly at: Instant;
  /** The moment of the counts before. Undefined at the first look that sees, which finds only where to count from. */
  readonly since: Instant | undefined;
  /**
   * The earliest moment that anything in here may be of: whoever counted it was read then and tells no more. Before
   * `since` where not everybody is read at once.
   */
  readonly from: Instant;
  readonly stable: Count;
  readonly canary: Count;
  /** Requests of the service that failed and reached no pod, so that nobody knows which version they were meant for. */
  readonly lost: number;
  /** How many more requests are open at the canary's pods than at as many of stable's. Undefined: nobody looks. */
  readonly waiting?: number | undefined;
  /** What could not be seen. Empty when all was. */
  readonly blind: readonly Blind[];
};

/**
 * What could not be seen, and why. `requests`: nothing was counted, and the next look that sees counts this time as
 * well. `durations`: requests were counted, and how long they took was not.
 */
export type Blind = { readonly to: "requests" | "durations"; readonly because: string };

/** A look that saw nothing. */
export const sawNothing = (at: Instant, since: Instant | undefined, because: string): Increments => ({
  at,
  since,
  from: at,
  stable: emptyCount,
  canary: emptyCount,
  lost: 0,
  blind: [{ to: "requests", because }],
});
