import type { Ledger } from "../evidence/ledger.ts";
import type { Instant } from "../lib/duration.ts";
import type { Entry, Run, StageRecord } from "./account.ts";
import type { Plan } from "./plan.ts";
import type { State } from "./state.ts";
import type { Target } from "./target.ts";

/**
 * What the journal keeps of a release: enough to finish it or give it back from any job, and to tell its story.
 * Plain JSON. `version` changes when an older program could not read it.
 */
export type Record = {
  readonly version: 1;
  readonly target: Target;
  readonly plan: Plan;
  readonly run: Run;
  readonly startedAt: Instant;
  /** How routes and workloads were before the release, in the adapters' own words. */
  readonly before: { readonly routes: unknown; readonly workloads: unknown };
  readonly state: State;
  readonly stages: readonly StageRecord[];
  readonly log: readonly Entry[];
  /** What was counted, poll by poll. */
  readonly ledger: Ledger;
};
