import type { Pair } from "../evidence/error-ratio.ts";
import type { Ledger } from "../evidence/ledger.ts";
import type { Tally } from "../evidence/tally.ts";
import type { Instant } from "../lib/duration.ts";
import type { AskedWith } from "./asked-with.ts";
import type { Build } from "./build.ts";
import type { KeptMetrics } from "./kept-metrics.ts";
import type { Plan } from "./plan.ts";
import type { Reason } from "./reason.ts";
import type { State } from "./state.ts";
import type { Target } from "./target.ts";
import type { GateVerdict } from "./verdict.ts";

/** What happened in one stage that was entered. */
export type StageRecord = {
  readonly stage: number;
  readonly name: string;
  readonly weight: number;
  readonly since: Instant;
  readonly until?: Instant | undefined;
  /** The newest answer of each gate. */
  readonly verdicts: readonly GateVerdict[];
  /** How many polls of the ledger they rest on. */
  readonly polls: number;
  /** Requests and errors counted for both versions while the stage lasted; without buckets. */
  readonly tally: Tally;
  /**
   * Requests by which the split is judged by eye: without those of the first scrape, which has some of the weight
   * before. Missing while there is no other.
   */
  readonly served?: Pair | undefined;
  /** What the programs of its gates printed last, by the gate's name. */
  readonly outputs?: Readonly<Record<string, string>> | undefined;
};

/** One thing that was decided, and why. */
export type LogEntry = {
  readonly at: Instant;
  readonly do: string;
  readonly reason: Reason;
  /** How often, from then on. Missing is once. */
  readonly times?: number | undefined;
};

/** The release that an undo takes back. */
export type UndoneRelease = {
  readonly startedAt: Instant;
  /** What it had brought. */
  readonly image?: string | undefined;
};

/** Where the release runs, for whoever wants to look. */
export type Run = {
  readonly id: string;
  readonly url?: string | undefined;
  readonly actor?: string | undefined;
};

/**
 * What the journal keeps of a release: enough to finish it or give it back from any job, and to tell its story.
 * Plain JSON. `version` changes when an older program could not read it.
 */
export type ReleaseRecord = {
  readonly version: 1;
  readonly target: Target;
  /** The release before made the canary of the configuration the stable version, and this one goes the other way. */
  readonly exchanged?: boolean | undefined;
  /** Present where it takes back a release that had succeeded. */
  readonly undoes?: UndoneRelease | undefined;
  readonly asked?: AskedWith | undefined;
  /** Missing where nothing counts requests, and in records of older programs. */
  readonly metrics?: KeptMetrics | undefined;
  readonly plan: Plan;
  readonly run: Run;
  readonly startedAt: Instant;
  /** How routes and workloads were before the release, in the adapters' own words. */
  readonly before: {
    readonly routes: unknown;
    readonly workloads: unknown;
    /** Who reached the canary's pods alone already, in words. Missing in records of older programs. */
    readonly bystanders?: readonly string[] | undefined;
    /** The image that served, for whoever tells of it. */
    readonly image?: string | undefined;
  };
  readonly state: State;
  readonly stages: readonly StageRecord[];
  readonly log: readonly LogEntry[];
  /** What was counted, poll by poll. */
  readonly ledger: Ledger;
  /** What the canary ran when it became ready: what is judged, and all that may be promoted. */
  readonly judged?: Build | undefined;
  /** The image that stable had when it was replaced, where somebody had given it another one since the release began. */
  readonly replaced?: string | undefined;
  /** How often the release began again because somebody else changed its canary. */
  readonly again?: number | undefined;
};
