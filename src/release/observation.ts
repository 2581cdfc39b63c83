import type { Pair } from "../evidence/error-ratio.ts";
import type { Evidence } from "../evidence/evidence.ts";
import type { Tally } from "../evidence/tally.ts";
import type { Instant } from "../lib/duration.ts";
import type { Health } from "./health.ts";
import type { Learnt } from "./learnt.ts";
import type { RunFailure } from "./run-failure.ts";
import type { Role } from "./target.ts";

/** Something the outside world did not do. */
export type Trouble = {
  /** What the world said. */
  readonly words: string;
  /** Asking again will not help: refused, forbidden, invalid. */
  readonly lasting: boolean;
  /** Since when nothing has worked. */
  readonly since: Instant;
};

/** The world at one moment, as far as a decision needs it. */
export type Observation = {
  readonly now: Instant;
  /** When this job has to be done. */
  readonly deadlineAt: Instant;
  /** Somebody wants the release to stop: "the job was cancelled". */
  readonly stop?: string | undefined;
  /** Somebody wants the job to end although it promotes or goes back: what does not work is tried no longer. */
  readonly insisted?: boolean | undefined;
  /** Another job had the release: its journal may have been written by anybody, so nothing is deployed by it. */
  readonly taken?: boolean | undefined;
  /** Until when the proxies of the mesh may learn what was written last; missing where that has ended. */
  readonly learning?: Instant | undefined;
  /** How it has ended. Missing where nobody looked. */
  readonly learnt?: Learnt | undefined;
  /** How often the release began again already. Missing is never. */
  readonly again?: number | undefined;
} & (
  | {
      readonly look: Look;
      /** What became of the newest effect, where it has to be tried again. */
      readonly trouble?: Trouble | undefined;
    }
  /** The look failed. */
  | {
      readonly look?: undefined;
      readonly trouble: Trouble;
      /** What a stage is judged by all the same: metrics come from elsewhere. */
      readonly counted?: Counted | undefined;
    }
);

/** What is looked at, by phase. Undefined is what a step does not need. */
export type Look = PreparingLook | ShiftingLook | BakingLook | PromotingLook | RollingBackLook;

export type PreparingLook = {
  readonly phase: "preparing";
  readonly canary: Health | undefined;
  readonly drift?: string | undefined;
};

export type ShiftingLook = {
  readonly phase: "shifting";
  /** How the routes differ from what the release wrote last, or found; undefined when they do not. */
  readonly drift?: string | undefined;
  readonly canary: Health | undefined;
  readonly away?: Away | undefined;
  /** Of the stage before: its traffic flows while pods start for the next weight. */
  readonly counted?: Counted | undefined;
};

export type BakingLook = {
  readonly phase: "baking";
  /** How the routes differ from the split that the release wrote last; undefined when they do not. */
  readonly drift: string | undefined;
  readonly canary: Health;
  readonly away?: Away | undefined;
  readonly counts: StageCounts;
  /** Requests of the stage without those of its first scrape, which has some of the weight before it. */
  readonly served: Pair | undefined;
  /** What all polls of the release have proved. */
  readonly evidence: Evidence;
  readonly readings: Readings;
  /** Programs and URLs, by their gates' names, whose newest answer is due and not there yet. Missing: none. */
  readonly awaited?: ReadonlySet<string> | undefined;
};

/** The part of a look at a stage that needs no cluster. */
export type Counted = Pick<BakingLook, "counts" | "evidence" | "readings" | "awaited">;

/** What a step does not need is missing. */
export type PromotingLook = {
  readonly phase: "promoting";
  readonly stable?: Health | undefined;
  readonly canary?: Health | undefined;
  readonly strayed?: Strayed | undefined;
  readonly stranded?: Stranded | undefined;
};

/**
 * Those who reach the loser's pods alone and do not move with the release, in words: the last question before pods go.
 */
export type Stranded = readonly string[];

/** Routes that are not as they were written last: how, in words, and which versions get requests by them. */
export type Strayed = { readonly differences: string; readonly serving: readonly Role[] };

/** For which versions no request can be answered, and why, in words: nobody gets what routes send to them. */
export type Unserved = Readonly<Partial<Record<Role, string>>>;

/** Stable, which has a part of the requests, gets none of them: why, and since when it has been seen so. */
export type Away = { readonly words: string; readonly since: Instant };

/** Missing is also what could not be read, but before pods are taken: it is not worth a rollback's trouble. */
export type RollingBackLook = {
  readonly phase: "rolling-back";
  readonly stable?: Health | undefined;
  readonly canary?: Health | undefined;
  /** Of the newest stage, while its canary keeps its requests because stable gets none. */
  readonly counted?: (Counted & { readonly stage: number }) | undefined;
  readonly strayed?: Strayed | undefined;
  readonly stranded?: Stranded | undefined;
};

/**
 * Requests since the stage began, or why the counters could not be read: that is never zero, and never what was read
 * before.
 */
export type StageCounts =
  | {
      readonly tally: Tally;
      /** Why nobody knows how long they took. */
      readonly untimed?: string | undefined;
    }
  | { readonly uncounted: string };

/** The answers to gates of the user's own since the stage began, by the gate's name, oldest first. */
export type Readings = ReadonlyMap<string, readonly Reading[]>;

/**
 * One answer. `because`: why there is none; that is never read as zero. A program that ended well may have printed no
 * number.
 */
export type Reading = {
  readonly at: Instant;
  readonly value?: number;
  readonly because?: string;
  readonly failure?: RunFailure;
  /** What a program printed, at its end. */
  readonly output?: string;
};

/** The look of a phase. Throws a RangeError where another phase was looked at. */
export function lookIn<P extends Look["phase"]>(phase: P, look: Look): LookIn<P> {
  if (isLookIn(phase, look)) return look;
  throw new RangeError(`a release that is ${phase} was looked at as one that is ${look.phase}`);
}

type LookIn<P extends Look["phase"]> = Extract<Look, { phase: P }>;

const isLookIn = <P extends Look["phase"]>(phase: P, look: Look): look is LookIn<P> => look.phase === phase;
