import type { Account } from "../release/account.ts";
import type { LogEntry } from "../release/release-record.ts";

/** Gives the entries of each account that were not in one before. */
export function createStory(): (account: Account) => readonly LogEntry[] {
  let told: Set<string> | undefined;
  let last = "";
  const key = ({ at, do: what, because }: LogEntry): string => JSON.stringify([at, what, because]);
  return ({ log, now }) => {
    // Of a release that another job began, only what happens from now on is told.
    const known = told ?? new Set(log.filter(({ at }) => at < now).map(key));
    told = new Set([...known, ...log.map(key)]);
    const fresh = log.filter((entry) => !known.has(key(entry)));
    return fresh.filter(({ do: what, because }) => {
      if (what === "retry") return true; // what failed is still what is being done
      const repeated = because === last; // why it goes back is also why the routes change, and a step that failed is taken again
      last = because;
      return !repeated;
    });
  };
}
