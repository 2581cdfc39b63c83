import type { Millis } from "../lib/duration.ts";
import type { Clock } from "./clock.ts";

/**
 * What the work gives, or undefined when it has not ended within the limit. The limit begins now, or when `from`
 * aborts. Work that is too late goes on, and how it ends is nobody's business.
 */
export async function within<T>(
  work: Promise<T>,
  limit: Millis,
  clock: Clock,
  from?: AbortSignal,
): Promise<T | undefined> {
  const over = new AbortController();
  const late = begun(from, over.signal).then(async () => {
    await clock.sleepUntil(clock.now() + limit, over.signal);
    return undefined;
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    over.abort("over"); // a reason of its own spares the exception that it would be otherwise
  }
}

/** Resolves when `from` aborts; never when it is `over` before that. */
async function begun(from: AbortSignal | undefined, over: AbortSignal): Promise<void> {
  if (from === undefined || from.aborted) return;
  await new Promise<void>((resolve) => from.addEventListener("abort", () => resolve(), { once: true, signal: over }));
}
