import type { Millis } from "../lib/duration.ts";
import { UnreachableError } from "../lib/errors.ts";
import type { Clock } from "../world/clock.ts";
import { within } from "../world/within.ts";
import type { Job } from "./job.ts";

/**
 * Aborts when somebody wants a job to end that goes on because going on is what is safe: with the first cancellation,
 * or with the next one when the first was heard already and is why the release goes back.
 */
export const insistenceOn = ({ stop, insist = never }: Pick<Job, "stop" | "insist">, heard: boolean): AbortSignal =>
  heard ? insist : AbortSignal.any([stop, insist]);
export const never = new AbortController().signal;

/** What works ends within it, so that a second cancellation takes nothing away. */
const grace: Millis = 2_000;

/** Rejects with UnreachableError when the work does not end although somebody insists. */
export async function unlessInsisted<T>(work: Promise<T>, clock: Clock, insistence: AbortSignal): Promise<T> {
  const ended = await within(
    work.then((value) => ({ value })),
    grace,
    clock,
    insistence,
  );
  if (!ended) throw new UnreachableError("the cluster has not answered before the job was cancelled");
  return ended.value;
}
