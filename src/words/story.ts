import type { Account } from "../release/account.ts";
import { isSameReason, type Reason } from "../release/reason.ts";
import type { LogEntry } from "../release/release-record.ts";

/** Gives the entries of each account that were not in one before. */
export function createStory(): (account: Account) => readonly LogEntry[] {
  let known: ReadonlySet<string> | undefined;
  let last: Reason | undefined;

  function isRepeated({ do: what, reason }: LogEntry): boolean {
    if (what === "retry") return false; // what failed is still what is being done
    const repeated = isSameReason(reason, last);
    last = reason;
    return repeated;
  }

  return ({ log, now }) => {
    // Of a release that another job began, only what happens from now on is told.
    const before = known ?? new Set(log.filter(({ at }) => at < now).map(key));
    known = new Set([...before, ...log.map(key)]);
    return log.filter((entry) => !before.has(key(entry)) && !isRepeated(entry));
  };
}

/**
 * Without what is done again at once: why it goes back is also why the routes change, and a step that failed is taken
 * again.
 */
export const withoutRepetition = (log: readonly LogEntry[]): readonly LogEntry[] =>
  log.filter(({ reason }, index) => !isSameReason(reason, log[index - 1]?.reason));

const key = ({ at, do: what, reason }: LogEntry): string => JSON.stringify([at, what, reason]);
