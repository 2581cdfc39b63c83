import type { Instant } from "../lib/duration.ts";
import type { Held, Passed, Reason } from "./reason.ts";

/** How a promotion goes on, once all traffic is on the canary. A swap has no use for the first three. */
export type PromotionStep =
  | "updating" //     stable's Deployment gets the image
  | "starting" //     … and its pods become available
  | "settling" //     … and the mesh learns of them
  | "finishing" //    routes get their last form: the canary alone (swap), or as they began (update)
  | "draining" //     the loser finishes its requests
  | "retiring"; //    the loser's pods go

export type PreparationStep =
  | "returning" //    only where it begins again: routes as they were before
  | "deploying"
  | "starting"
  | "settling"; //    the mesh learns of the pods

export type RollbackStep =
  | "returning" //    routes as they were before
  | "draining"
  | "retiring"; //    the canary's Deployment as it was before, our DestinationRule gone

/**
 * Where a release is. A step in -ing names the effect in progress, and every effect is absolute,
 * so a job that starts again repeats it without harm.
 */
export type State =
  | {
      readonly phase: "preparing";
      readonly step: PreparationStep;
      readonly since: Instant;
      /** How often somebody else's weights were put back. Missing is never. */
      readonly putBacks?: number | undefined;
    }
  | {
      readonly phase: "shifting";
      readonly step: "scaling" | "filling" | "routing";
      readonly stage: number;
      readonly since: Instant;
      readonly putBacks?: number | undefined;
    }
  | { readonly phase: "baking"; readonly stage: number; readonly since: Instant; readonly putBacks: number }
  | {
      readonly phase: "waiting";
      readonly stage: number;
      readonly since: Instant;
      /** The plan asks for an approval, or the stage is held. */
      readonly reason: Passed | Held;
    }
  | {
      readonly phase: "promoting";
      readonly step: PromotionStep;
      readonly since: Instant;
      /** How often somebody else's change was put back. Missing is never. */
      readonly putBacks?: number | undefined;
    }
  | {
      readonly phase: "rolling-back";
      readonly step: RollbackStep;
      readonly reason: Reason;
      /** The canary may have had requests, so it is given time to finish them. */
      readonly served: boolean;
      readonly since: Instant;
      /** How often somebody else's change was put back. Missing is never. */
      readonly putBacks?: number | undefined;
    }
  | Outcome;

/** The end of a release. `failed`: it could neither be finished nor given back, and somebody has to look. */
export type Outcome =
  | {
      readonly phase: "succeeded";
      /** Until then the old version keeps its pods after a swap, where the plan keeps them for a time. */
      readonly keptUntil?: Instant | undefined;
    }
  | { readonly phase: "rolled-back"; readonly reason: Reason }
  | {
      readonly phase: "failed";
      readonly during: "promoting" | "rolling-back";
      /** Whether stable got its traffic back before it failed. */
      readonly returned: boolean;
      readonly reason: Reason;
    };

export type Running = Exclude<State, Outcome | { readonly phase: "waiting" }>;
export type Preparing = Extract<State, { phase: "preparing" }>;
export type Shifting = Extract<State, { phase: "shifting" }>;
export type Baking = Extract<State, { phase: "baking" }>;
export type Promoting = Extract<State, { phase: "promoting" }>;
export type RollingBack = Extract<State, { phase: "rolling-back" }>;

export const isOutcome = (state: State): state is Outcome =>
  state.phase === "succeeded" || state.phase === "rolled-back" || state.phase === "failed";

/** Nothing is left to be done: a release that failed is not over, it waits for somebody to end it. */
export const isOver = (state: State): boolean => state.phase === "succeeded" || state.phase === "rolled-back";

/** A job ends at an outcome, and also where the release waits for somebody's approval. */
export const isRunning = (state: State): state is Running => !isOutcome(state) && state.phase !== "waiting";

/** Why somebody has to decide although the plan did not ask for it. Undefined where the release is not held. */
export const heldBy = (state: State): Held | undefined =>
  state.phase === "waiting" && state.reason.kind === "held" ? state.reason : undefined;

export const initial = (now: Instant): State => ({ phase: "preparing", step: "deploying", since: now });
