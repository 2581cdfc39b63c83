import type { Instant, Millis } from "../lib/duration.ts";
import type { Decision } from "./decision.ts";
import { isLearnt } from "./learnt.ts";
import type { Observation } from "./observation.ts";
import type { Plan } from "./plan.ts";
import type { State } from "./state.ts";

/** Pods are looked at more often than metrics: readiness is what a user waits for. */
export const readyPoll = (plan: Plan): Millis => Math.min(plan.pollEvery, 1_000);

/**
 * Pods and routes that serve are looked at as often as evidence, which may be judged as often as one likes: a scrape is
 * found sooner by looking more often than it comes. At an interval of 15s a bad version is out 5s earlier on average.
 */
export const watchEvery = ({ pollEvery }: Plan): Millis => Math.min(pollEvery, Math.max(pollEvery / 4, 250));

/** What is known of how proxies learn what was written. */
type Learning = Pick<Observation, "now" | "learning" | "learnt">;

/** A lesson that goes on is looked at often: it takes a part of a second mostly. */
const learningPoll: Millis = 100;

/** Until the mesh has learnt of new pods. */
export function settled(plan: Plan, since: Instant, { now, learning, learnt }: Learning, next: State): Decision {
  const end = since + plan.meshDelay;
  if (now >= end || (learnt && isLearnt(learnt))) return { do: "nothing", next, reason: { kind: "mesh-learnt" } };
  const until = learning === undefined ? end : Math.min(end, now + learningPoll);
  return { do: "wait", until, reason: { kind: "mesh-learning", left: end - now } };
}

/**
 * Until requests under way have ended; the last of them may be sent by a proxy that has just learnt who has left.
 * Meanwhile pods and routes are looked at.
 */
export function drained(plan: Plan, since: Instant, { now, learning, learnt }: Learning, next: State): Decision {
  const read = learnt?.because === undefined ? learnt?.at : undefined;
  const end = Math.max(since, learning === undefined ? (read ?? since) : now) + plan.drain;
  if (now >= end) return { do: "nothing", next, reason: { kind: "drained" } };
  return { do: "wait", until: Math.min(end, now + watchEvery(plan)), reason: { kind: "draining", left: end - now } };
}
