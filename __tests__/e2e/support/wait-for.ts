import { setTimeout as sleep } from "node:timers/promises";

/**
 * Waits until the condition gives something, and gives that. Fails after `limit` milliseconds with `what`,
 * the last thing that was seen instead, or the last error. An error of the condition counts as "not yet".
 */
export async function waitFor<T>(
  condition: () => T | Promise<T>,
  what: string,
  limit: number,
  every = 100,
): Promise<NonNullable<Exclude<T, false>>> {
  const until = Date.now() + limit;
  let last: unknown;
  for (;;) {
    try {
      const value = await condition();
      if (value !== undefined && value !== null && value !== false) return value as NonNullable<Exclude<T, false>>;
      last = value;
    } catch (error) {
      last = error;
    }
    if (Date.now() >= until)
      throw new Error(
        `${what} did not come true within ${limit / 1_000}s; last seen: ${last instanceof Error ? last.message : JSON.stringify(last)}`,
        {
          cause: last,
        },
      );
    await sleep(every);
  }
}
