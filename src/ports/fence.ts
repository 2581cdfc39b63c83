import type { Millis } from "../lib/duration.ts";
import { unlessTakenOver } from "../lib/errors.ts";
import type { Clock } from "../world/clock.ts";
import { within } from "../world/within.ts";
import type { Journal } from "./journal.ts";

/**
 * Between reading an object and writing it a job makes sure that the release is still its own: both reject with
 * TakenOverError when it is not. Every write tests the version that was read, and whoever takes a release over changes
 * that version; so a write that was under way lands before the new owner looks, or never.
 */
export type Fence = {
  /** Before a write that goes on: rejects also when nobody can say whose the release is. */
  readonly forward: () => Promise<void>;
  /** Before one that gives back: traffic comes off a bad version although the journal cannot be read. */
  readonly back: () => Promise<void>;
};

/** How long the journal may hold up what gives back. */
const patience: Millis = 1_000;

export const fenceBy = (journal: Pick<Journal, "confirm">, clock: Clock): Fence => ({
  forward: journal.confirm,
  back: () => within(journal.confirm().catch(unlessTakenOver), patience, clock),
});
