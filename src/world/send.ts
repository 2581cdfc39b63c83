import { formatDuration, type Millis } from "../lib/duration.ts";
import type { HttpAnswer, HttpRequest } from "./transport.ts";
import type { Network } from "./world.ts";

/** There was no answer within the time. */
export class TimeoutError extends Error {
  override readonly name = "TimeoutError";
}

/**
 * One request, answered to the last byte within `limit`. Rejects with TimeoutError, the system's error, or the signal's
 * reason.
 */
export async function send({ clock, transport }: Network, request: HttpRequest, limit: Millis): Promise<HttpAnswer> {
  const { signal } = request;
  signal?.throwIfAborted();
  const deadline = clock.deadline(clock.now() + limit);
  try {
    return await transport.send({ ...request, signal: signal ? AbortSignal.any([deadline, signal]) : deadline });
  } catch (error) {
    signal?.throwIfAborted();
    if (!deadline.aborted) throw error;
    throw new TimeoutError(`no answer within ${formatDuration(limit)}`, { cause: error });
  }
}
