import type { Pair } from "../evidence/error-ratio.ts";
import type { Evidence } from "../evidence/evidence.ts";
import type { Tally } from "../evidence/tally.ts";
import type { Instant } from "../lib/duration.ts";
import type { Health } from "./health.ts";
import type { Reading } from "./judge.ts";

/** Something the outside world did not do. */
export type Trouble = {
  readonly because: string;
  /** Asking again will not help: refused, forbidden, invalid. */
  readonly lasting: boolean;
  /** Since when nothing has worked. */
  readonly since: Instant;
};

/** The world at one moment, as far as a decision in this phase needs it. What was not looked at is undefined. */
export type Observation = {
  readonly now: Instant;
  /** When this job has to be done. */
  readonly deadlineAt: Instant;
  /** Somebody wants the release to stop: "the job was cancelled". */
  readonly stop?: string;
  readonly trouble?: Trouble;
  /** How the routes differ from the split that the release wrote last. */
  readonly drift?: string;
  readonly canary?: Health;
  readonly stable?: Health;
  readonly tally?: Tally;
  /** Requests of the stage without those of its first scrape, which has some of the weight before. */
  readonly served?: Pair;
  /** Why there is no tally, where the counters could not be read. */
  readonly uncounted?: string;
  /** What all polls of the release have proved. */
  readonly evidence?: Evidence;
  /** The answers to query gates since the stage began, by the gate's name, oldest first. */
  readonly readings: ReadonlyMap<string, readonly Reading[]>;
};
