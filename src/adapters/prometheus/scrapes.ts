import { formatDuration, type Instant, type Millis } from "../../lib/duration.ts";
import type { Uncounted } from "../../ports/metrics.ts";
import type { Target } from "../../release/target.ts";
import { isOfVersion, type Snapshot } from "./snapshot.ts";

/** How the scrapes of those who count the versions went on until now. */
export type Scrapes = {
  /** The newest one, by Prometheus's clock. */
  readonly newest: Instant;
  /** Since when, by ours, there is no newer one. */
  readonly since: Instant;
  /** The longest time between two. Undefined as long as there was one only. */
  readonly pace: Millis | undefined;
};

/** Undefined as long as there was none. */
export function followScrapes(before: Scrapes | undefined, { at, asked, requests }: Snapshot): Scrapes | undefined {
  const newest = Math.max(...requests.filter(isOfVersion).map(({ scraped }) => scraped ?? -Infinity));
  if (newest === -Infinity || newest <= (before?.newest ?? -Infinity)) return before;
  if (!before) return { newest, since: at - Math.max(0, asked - newest), pace: undefined };
  return { newest, since: at, pace: Math.max(before.pace ?? 0, newest - before.newest) };
}

/** Before it is known how often Prometheus scrapes: its default is a minute, whatever a configuration believes. */
const usualPace: Millis = 40_000;
/** A machine that is busy is no news. */
const least: Millis = 5_000;

/** How long nothing may be scraped. */
export const mostSilent = (interval: Millis, pace: Millis = usualPace): Millis =>
  Math.max(least, 3 * Math.max(interval, pace));

/**
 * Why counters that are there tell nothing: those that stand still because nobody reads them would let a gate pass on
 * old evidence.
 */
export function whyStale(
  snapshot: Snapshot,
  scrapes: Scrapes | undefined,
  { interval, target: { stable, canary } }: { readonly interval: Millis; readonly target: Target },
): Uncounted | undefined {
  const ofVersions = snapshot.requests.filter(isOfVersion);
  const names = `${stable.deployment} or ${canary.deployment}`;
  if (ofVersions.length === 0 && !scrapes) return undefined;
  if (!scrapes || ofVersions.every(({ scraped }) => scraped === undefined))
    return {
      because: `Prometheus has no counter of ${names} any more: the proxies that counted are gone, or could not be scraped`,
    };
  const silent = snapshot.at - scrapes.since;
  return silent <= mostSilent(interval, scrapes.pace)
    ? undefined
    : { because: notScraped(names, scrapes.newest, silent) };
}

/** `newest` is the last scrape by Prometheus's clock. */
export const notScraped = (counted: string, newest: Instant, silent: Millis): string =>
  `Prometheus has scraped nobody who counts ${counted} since ${new Date(newest).toISOString()}, for ${formatDuration(silent)}`;
