import type { Instant, Millis } from "../lib/duration.ts";
import type { Plan } from "./plan.ts";
import { heldBy, type State } from "./state.ts";

/** Long enough for somebody to come to a desk, short enough that no canary is forgotten over night. */
const usualHold: Millis = 3_600_000;

export const holdOf = ({ evidence }: Plan): Millis => evidence.holdFor ?? usualHold;

/**
 * When a release that is held is given back if nobody has decided. One that waits for an approval is somebody's own
 * plan, and has no such time.
 */
export const holdEnds = (plan: Plan, state: State): Instant | undefined =>
  heldBy(state) && "since" in state ? state.since + holdOf(plan) : undefined;
