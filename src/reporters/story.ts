import type { Account, Entry } from "../release/account.ts";

/** Gives the entries of each account that were not in the one before. */
export function createStory(): (account: Account) => readonly Entry[] {
  let told: string | undefined;
  let last = "";
  const key = ({ at, do: what, because }: Entry): string => JSON.stringify([at, what, because]);
  return ({ log, now }) => {
    // Of a release that another job began, only what happens from now on is told.
    const from = told === undefined ? log.findIndex(({ at }) => at >= now) : log.findLastIndex((entry) => key(entry) === told) + 1;
    const fresh = from < 0 ? [] : log.slice(from);
    const newest = log.at(-1);
    told = newest ? key(newest) : "";
    return fresh.filter(({ because }) => {
      const repeated = because === last; // why it goes back is also why the routes change
      last = because;
      return !repeated;
    });
  };
}
