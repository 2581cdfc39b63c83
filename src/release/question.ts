import type { Instant, Millis } from "../lib/duration.ts";
import { type AskedGate, hasLimits, type JsonGate, type QueryGate, type RunGate } from "./gate.ts";
import { isOutside } from "./judge.ts";
import type { Reading } from "./observation.ts";

/** When a gate of the user's own is asked. */
export type Moment = {
  readonly now: Instant;
  /** Between two polls. */
  readonly pollEvery: Millis;
  /** When the stage may end. */
  readonly end: Instant;
  /** When the mesh has had its time to learn of the stage's traffic. */
  readonly settled: Instant;
};

/**
 * Whether a gate is to be asked, by what it answered last. A program that sends requests would meet the route before,
 * and pass on what stable answers: it is not begun until the mesh has had its time.
 */
export function isDue(gate: AskedGate, last: Reading | undefined, moment: Moment): boolean {
  if (!last) return gate.kind !== "run" || moment.now >= moment.settled;
  return gate.kind === "run" ? isDueAgain(gate, last, moment) : isNumberDue(gate, last, moment);
}

/** Looks may come more often than polls; answers in a row are counted, so that one is not asked for more often. */
function isNumberDue(gate: QueryGate | JsonGate, { at }: Reading, { now, pollEvery, end }: Moment): boolean {
  const interval = gate.kind === "json" ? gate.every : pollEvery;
  return now - at >= interval || isBeforeEnd({ at }, { now, end });
}

/** A stage that may end wants an answer that was asked for then. */
export const isBeforeEnd = ({ at }: Pick<Reading, "at">, { now, end }: Pick<Moment, "now" | "end">): boolean =>
  at < end && end <= now;

/** What passed is not asked again unless it shall be. */
function isDueAgain(gate: RunGate, last: Reading, { now, pollEvery }: Moment): boolean {
  const passed = last.because === undefined && !isOutside(last, gate) && (!hasLimits(gate) || last.value !== undefined);
  const interval = passed ? (gate.every ?? Infinity) : pollEvery;
  return now - last.at >= interval;
}
