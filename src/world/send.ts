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
  // AbortSignal.any does the same, and costs more than all the rest of a request.
  const over = new AbortController();
  const late = (): void => over.abort(deadline.reason);
  const stop = (): void => over.abort(signal?.reason);
  deadline.addEventListener("abort", late);
  signal?.addEventListener("abort", stop);
  try {
    return await transport.send({ ...request, signal: over.signal });
  } catch (error) {
    signal?.throwIfAborted();
    if (!deadline.aborted) throw error;
    throw new TimeoutError(`no answer within ${formatDuration(limit)}`, { cause: error });
  } finally {
    deadline.removeEventListener("abort", late);
    signal?.removeEventListener("abort", stop);
  }
}
