import type { Instant, Millis } from "../lib/duration.ts";
import type { Decision } from "./decision.ts";
import type { Plan } from "./plan.ts";
import type { State } from "./state.ts";

/** Pods are looked at more often than metrics: readiness is what a user waits for. */
export const readyPoll = (plan: Plan): Millis => Math.min(plan.pollEvery, 1_000);

/**
 * Pods and routes that serve are looked at as often as evidence, which may be judged as often as one likes: a scrape is
 * found sooner by looking more often than it comes. At an interval of 15s a bad version is out 5s earlier on average.
 */
export const watchEvery = ({ pollEvery }: Plan): Millis => Math.min(pollEvery, Math.max(pollEvery / 4, 250));

/** Until the mesh has learnt of new pods. */
export function settled(plan: Plan, since: Instant, now: Instant, next: State): Decision {
  const end = since + plan.meshDelay;
  if (now >= end) return { do: "nothing", next, reason: { kind: "mesh-learnt" } };
  return { do: "wait", until: end, reason: { kind: "mesh-learning", left: end - now } };
}

/** Until requests under way have ended. Meanwhile pods and routes are looked at. */
export function drained(plan: Plan, since: Instant, now: Instant, next: State): Decision {
  const end = since + plan.drain;
  if (now >= end) return { do: "nothing", next, reason: { kind: "drained" } };
  return { do: "wait", until: Math.min(end, now + watchEvery(plan)), reason: { kind: "draining", left: end - now } };
}
