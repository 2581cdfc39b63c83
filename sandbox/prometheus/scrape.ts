import { request } from "undici";
import type { Instant, Millis } from "../../src/lib/duration.ts";
import { parseExposition } from "./exposition.ts";
import { withNative } from "./native-histograms.ts";
import type { Storage } from "./storage.ts";
import { keyOf, type Labels } from "./value.ts";

/** Something that is scraped. */
export type ScrapeTarget = {
  readonly url: string;
  /** Added to each of its series: `pod`, `namespace`. `job` and `instance` are there without being named. */
  readonly labels?: Labels;
};

/**
 * Gives the function that scrapes a target once. What a target no longer shows ends at that moment, and everything of
 * a target that does not answer: https://prometheus.io/docs/prometheus/latest/querying/basics/#staleness
 */
export function scraper(
  { url, labels = {} }: ScrapeTarget,
  storage: Storage,
  timeout: Millis,
  convertsHistograms = false,
): (at: Instant) => Promise<void> {
  const added: Labels = { job: "istio", instance: new URL(url).host, ...labels };
  let before: ReadonlyMap<string, Labels> = new Map();
  return async (at) => {
    const exposed = await get(url, timeout).catch(() => undefined);
    const now = new Map<string, Labels>();
    const read = exposed && convertsHistograms ? withNative(exposed) : exposed;
    for (const { labels: own, value, at: said, histogram } of read ?? []) {
      const all = { ...renamed(own, added), ...added };
      // Whoever says when a value was true is not taken to say that it ended: Prometheus's track_timestamps_staleness.
      if (said === undefined) now.set(keyOf(all), all);
      storage.append(all, said ?? at, value, histogram);
    }
    for (const [key, gone] of before) if (!now.has(key)) storage.append(gone, at, undefined);
    storage.append({ __name__: "up", ...added }, at, exposed ? 1 : 0);
    before = now;
  };
}

/** A label that the target has, too, is kept as `exported_…`. */
const renamed = (own: Labels, added: Labels): Labels =>
  Object.fromEntries(Object.entries(own).map(([name, value]) => [name in added ? `exported_${name}` : name, value]));

async function get(url: string, timeout: Millis) {
  const { statusCode, body } = await request(url, { signal: AbortSignal.timeout(timeout) });
  const text = await body.text();
  if (statusCode !== 200) throw new Error(`server returned HTTP status ${statusCode}`);
  return parseExposition(text);
}
