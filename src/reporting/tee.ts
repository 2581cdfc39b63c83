import type { Reporter } from "../ports/reporter.ts";
import type { Clock } from "../world/clock.ts";
import { within } from "../world/within.ts";

/** Several reporters as one. Whatever one of them does, the others are told, and nobody waits longer than the limit. */
export function tee(clock: Clock, reporters: readonly Reporter[], trouble: (error: unknown) => void): Reporter {
  async function flushOne(reporter: Reporter, limit: number): Promise<void> {
    try {
      await reporter.flush(limit);
    } catch (error) {
      trouble(error);
    }
  }

  return {
    report(account) {
      for (const reporter of reporters) {
        try {
          reporter.report(account);
        } catch (error) {
          trouble(error);
        }
      }
    },
    async flush(limit) {
      const flushed = Promise.all(reporters.map((reporter) => flushOne(reporter, limit)));
      await within(flushed, limit, clock);
    },
  };
}
