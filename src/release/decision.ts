import type { Instant } from "../lib/duration.ts";
import type { Plan } from "./plan.ts";
import type { PlannedTraffic } from "./planned-traffic.ts";
import type { Reason } from "./reason.ts";
import type { State } from "./state.ts";
import type { GateVerdict } from "./verdict.ts";

/**
 * One step: what to do, what is true afterwards, and why. `overOurs`: a route that is not as the release wrote it last is
 * not written over, but looked at again. By default it is written over, whatever it is; a way back tells it.
 */
export type Decision = {
  readonly reason: Reason;
  /** What the gates of the stage said, where a stage was judged. */
  readonly verdicts?: readonly GateVerdict[] | undefined;
  /** The plan from now on, where it had to be adapted. */
  readonly plan?: Plan | undefined;
} & (
  | { readonly do: "wait"; readonly until: Instant }
  | { readonly do: "nothing"; readonly next: State }
  | { readonly do: "deploy"; readonly next: State }
  | { readonly do: "scale"; readonly to: PlannedTraffic; readonly next: State }
  | { readonly do: "route"; readonly to: PlannedTraffic; readonly overOurs?: boolean; readonly next: State }
  | { readonly do: "update-stable"; readonly next: State }
  | { readonly do: "finish"; readonly winner: "stable" | "canary"; readonly overOurs?: boolean; readonly next: State }
  | { readonly do: "retire"; readonly loser: "stable" | "canary"; readonly next: State }
  | { readonly do: "revive"; readonly next: State }
  | { readonly do: "restore"; readonly next: State }
);
