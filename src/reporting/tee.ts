import { setTimeout as sleep } from "node:timers/promises";
import type { Reporter } from "../ports/reporter.ts";

/** Several reporters as one. Whatever one of them does, the others are told, and nobody waits longer than the limit. */
export function tee(reporters: readonly Reporter[], trouble: (error: unknown) => void = () => {}): Reporter {
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
      const enough = new AbortController();
      const flushed = Promise.all(reporters.map((reporter) => flushOne(reporter, limit)));
      await Promise.race([flushed, sleep(limit, undefined, { signal: enough.signal }).catch(() => undefined)]);
      enough.abort();
    },
  };
}
