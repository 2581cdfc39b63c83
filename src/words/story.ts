import type { Account } from "../release/account.ts";
import { isSameReason, type Reason } from "../release/reason.ts";
import type { LogEntry } from "../release/release-record.ts";
import { isRunning } from "../release/state.ts";

/**
 * Gives the entries of each account that were not in one before. What is tried again and again is told at once, and once
 * more with its number when something else happens.
 */
export function createStory(): (account: Account) => readonly LogEntry[] {
  let known: ReadonlySet<string> | undefined;
  let last: Reason | undefined;

  function isRepeated({ do: what, reason }: LogEntry): boolean {
    if (what === "retry") return false; // what failed is still what is being done
    const repeated = isSameReason(reason, last);
    last = reason;
    return repeated;
  }

  return ({ log, now, state }) => {
    const past = isRunning(state) ? log.slice(0, -2) : log;
    const told = [...past.filter(isRetried), ...log.map(once)];
    // Of a release that another job began, only what happens from now on is told.
    const before = known ?? new Set(told.filter(({ at }) => at < now).map(key));
    known = new Set([...before, ...told.map(key)]);
    return told
      .filter((entry) => !before.has(key(entry)))
      .filter((entry) => isRetried(entry) || !isRepeated(entry))
      .map((entry) => (isRetried(entry) ? { ...entry, at: now } : entry));
  };
}

const once = ({ times: _, ...entry }: LogEntry): LogEntry => entry;
const isRetried = ({ times = 1 }: LogEntry): boolean => times > 1;

/**
 * Without what is done again at once: why it goes back is also why the routes change, and a step that failed is taken
 * again.
 */
export const withoutRepetition = (log: readonly LogEntry[]): readonly LogEntry[] =>
  log.filter(({ reason }, index) => !isSameReason(reason, log[index - 1]?.reason));

const key = ({ at, do: what, reason, times }: LogEntry): string => JSON.stringify([at, what, reason, times]);
