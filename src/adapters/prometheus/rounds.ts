import type { Attribution } from "../../evidence/tally.ts";
import type { Instant, Millis } from "../../lib/duration.ts";
import { isOfVersion, type Snapshot } from "./snapshot.ts";

/**
 * Scrapes of those who count one version each. Prometheus scrapes every pod at a moment of its own, so that what is new
 * at a look may be of one version alone: counts are taken in rounds, when each of them has been scraped again.
 */
export type Rounds = {
  /** Those who were scraped in the last round or since, by process. */
  readonly members: ReadonlyMap<string, Member>;
  /** The shortest time between two scrapes of one of them. Undefined as long as there was none. */
  readonly pace: Millis | undefined;
};

/** Moments of scrapes: the newest one, and the one that the last round has. Undefined: it has none. */
type Member = { readonly origin: Attribution; readonly newest: Instant; readonly taken: Instant | undefined };

export const noRounds: Rounds = { members: new Map(), pace: undefined };

export function followRounds({ members, pace }: Rounds, { requests, buckets }: Snapshot): Rounds {
  const next = new Map(members);
  let shortest = pace ?? Infinity;
  for (const { process, origin, scraped } of [...requests, ...buckets].filter(isOfVersion)) {
    const known = next.get(process);
    if (scraped === undefined || scraped <= (known?.newest ?? -Infinity)) continue;
    if (known) shortest = Math.min(shortest, scraped - known.newest);
    next.set(process, { origin, newest: scraped, taken: known?.taken });
  }
  return { members: next, pace: Number.isFinite(shortest) ? shortest : undefined };
}

/** As long as it is not known how often Prometheus scrapes, which is each minute by default. */
const usualPace: Millis = 60_000;
/** A scrape that is lost is followed by the next one; two in a row are not waited for. */
const patience = 2.5;
/** A version that would be missing altogether is waited for longer: a round without it compares nothing. */
const morePatience = 5;

/** Whether a round may be taken now, `after` the one before: what is late is waited for, and a pod that is gone is not. */
export function isRound({ members, pace = usualPace }: Rounds, after: Millis, interval: Millis): boolean {
  const all = [...members.values()];
  const late = all.filter(({ newest, taken }) => newest === taken);
  if (late.length === 0) return true;
  const scrapes = after / Math.max(interval, pace);
  const missing = late.some(({ origin }) => all.every((one) => one.origin !== origin || late.includes(one)));
  return scrapes >= (missing ? morePatience : patience);
}

/** After a round. Whoever was late is out until it is scraped again. */
export const takeRound = ({ members, pace }: Rounds): Rounds => ({
  members: new Map(
    [...members].flatMap(([process, member]) =>
      member.newest === member.taken ? [] : [[process, { ...member, taken: member.newest }] as const],
    ),
  ),
  pace,
});
