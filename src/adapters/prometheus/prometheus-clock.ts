import type { Millis } from "../../lib/duration.ts";
import type { NoAnswer } from "./answered.ts";
import { instantQuery, type PrometheusAddress } from "./instant-query.ts";

/** How far Prometheus's clock is ahead of ours: surely at least, and at most. */
export type Ahead = { readonly least: Millis; readonly most: Millis };

/** Measures once: the answer was given between the question and its arrival. Rejects only when aborted. */
export async function measureAhead(prometheus: PrometheusAddress, signal: AbortSignal): Promise<Ahead | NoAnswer> {
  const { clock } = prometheus.network;
  const sent = clock.now();
  const answer = await instantQuery(prometheus, "time()", undefined, signal);
  const received = clock.now();
  if ("because" in answer) return answer;
  if (answer.at === undefined) return { because: "Prometheus does not say what time it is", fault: "prometheus" };
  return { least: answer.at - received - rounding, most: answer.at - sent + rounding };
}

/** Both clocks tell whole milliseconds. */
const rounding: Millis = 1;

/**
 * The address with what its clock is ahead of ours, measured anew at each call, since clocks drift and are set. What was
 * known narrows what is measured, until they contradict each other.
 */
export function followClock(): <A extends PrometheusAddress>(
  prometheus: A,
  signal: AbortSignal,
) => Promise<A | NoAnswer> {
  let known: Ahead = { least: -Infinity, most: Infinity };
  return async (prometheus, signal) => {
    const measured = await measureAhead(prometheus, signal);
    if ("because" in measured) return measured;
    known = inBoth(known, measured) ?? measured;
    return { ...prometheus, ahead: smallest(known) };
  };
}

function inBoth(one: Ahead, other: Ahead): Ahead | undefined {
  const both = { least: Math.max(one.least, other.least), most: Math.min(one.most, other.most) };
  return both.least <= both.most ? both : undefined;
}

/** The smallest difference that there may be. */
export const smallest = ({ least, most }: Ahead): Millis => Math.max(least, Math.min(0, most));
