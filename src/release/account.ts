import type { Pair } from "../evidence/error-ratio.ts";
import type { Ledger } from "../evidence/ledger.ts";
import type { Tally } from "../evidence/tally.ts";
import type { Instant } from "../lib/duration.ts";
import type { GateVerdict } from "./gate.ts";
import type { Plan } from "./plan.ts";
import { plannedWeight } from "./planned-weight.ts";
import type { Record } from "./record.ts";
import type { State } from "./state.ts";
import type { Target } from "./target.ts";

/** What happened in one stage that was entered. */
export type StageRecord = {
  readonly stage: number;
  readonly name: string;
  readonly weight: number;
  readonly since: Instant;
  readonly until?: Instant;
  /** The newest answer of each gate. */
  readonly verdicts: readonly GateVerdict[];
  /** How many polls of the ledger they rest on. */
  readonly polls: number;
  /** Requests and errors counted for both versions while the stage lasted; without buckets. */
  readonly tally: Tally;
  /** Requests by which the split is judged by eye: without those of the first scrape, which has some of the weight before. Missing while there is no other. */
  readonly served?: Pair;
};

/** One thing that was decided, as people read it. */
export type Entry = { readonly at: Instant; readonly do: string; readonly because: string };

/** Where the release runs, for whoever wants to look. */
export type Run = { readonly id: string; readonly url?: string; readonly actor?: string };

/** Everything that can be told about a release at one moment: reporters get nothing else, and need nothing else. */
export type Account = {
  readonly target: Target;
  readonly plan: Plan;
  readonly run: Run;
  readonly startedAt: Instant;
  readonly now: Instant;
  readonly state: State;
  /** Why the release is where it is: the sentence of the newest decision. */
  readonly because: string;
  /** The canary's planned share now, in percent. */
  readonly weight: number;
  readonly stages: readonly StageRecord[];
  readonly log: readonly Entry[];
  readonly ledger: Ledger;
  /** What was noticed on the way and did not stop the release. */
  readonly warnings: readonly string[];
  /** Present when the job has ended: whether the cluster is as it should be, and if not, what differs. */
  readonly settled?: boolean;
  readonly differences?: readonly string[];
};

export const accountOf = (record: Record, because: string, now: Instant, warnings: readonly string[]): Account => ({
  target: record.target,
  plan: record.plan,
  run: record.run,
  startedAt: record.startedAt,
  now,
  state: record.state,
  because,
  weight: plannedWeight(record),
  stages: record.stages,
  log: record.log,
  ledger: record.ledger,
  warnings,
});
