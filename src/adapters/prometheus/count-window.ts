import { emptyTally, sumOf } from "../../evidence/tally.ts";
import type { Instant, Millis } from "../../lib/duration.ts";
import type { Uncounted, WindowTally } from "../../ports/metrics.ts";
import { advance, counted, emptyMeter } from "./meter.ts";
import type { Snapshot } from "./snapshot.ts";

/** What can be seen of a window that ends now. */
export type WindowView = {
  /** The scrape interval. */
  readonly interval: Millis;
  /** The counters as they were: a snapshot holds the newest sample of the five minutes before it. */
  at(earlier: Instant): Promise<Snapshot | Uncounted>;
  /** The lowest sample of each counter in the window. */
  first(): Promise<Snapshot | Uncounted>;
  /** The counters as they are at its end. */
  last(): Promise<Snapshot | Uncounted>;
  /** Whether Prometheus looked at anything then. */
  watched(earlier: Instant): Promise<boolean>;
};

/** Snapshots this close miss nobody who came and went; `covered` is known to as much. */
const stride: Millis = 300_000;

/**
 * Counts what happened in a window: by differences of raw counters, through everybody who came, went or restarted
 * within it. Lost is only what somebody counted between the last look and a restart under the same name.
 */
export async function countWindow(view: WindowView, end: Instant, window: Millis): Promise<WindowTally | Uncounted> {
  const start = end - window;
  const base = await baseOf(view, start);
  if ("because" in base) return base;
  let meter = advance(emptyMeter(view.interval), base);
  let tally = emptyTally;
  let begun = start;
  for (const moment of [...between(start, end), end]) {
    const snapshot = await (moment === end ? view.last() : view.at(moment));
    if ("because" in snapshot) return snapshot;
    if (snapshot.requests.length === 0 && moment < end) begun = moment;
    // Whoever was not there before began in between, at zero.
    const known = { ...meter, processes: new Map([...meter.processes, ...processesIn(snapshot)]) };
    tally = sumOf(tally, counted(known, snapshot));
    meter = advance(known, snapshot);
  }
  return { ...tally, covered: end - begun };
}

const processesIn = ({ asked, requests, buckets }: Snapshot) =>
  [...requests, ...buckets].map(({ process, scraped }) => [process, scraped ?? asked] as const);

/**
 * A Prometheus that is younger than the window does not know what its counters were before it, and years may be in
 * their first samples.
 */
async function baseOf(view: WindowView, start: Instant): Promise<Snapshot | Uncounted> {
  const then = await view.at(start);
  if ("because" in then) return then;
  if (then.requests.length + then.buckets.length > 0 || (await view.watched(start))) return then;
  const first = await view.first();
  // Nobody knows when in the window those were scraped.
  return "because" in first ? first : { ...first, asked: then.asked };
}

function between(start: Instant, end: Instant): readonly Instant[] {
  const steps = Math.ceil((end - start) / stride);
  return Array.from({ length: steps - 1 }, (_, index) => Math.round(start + ((end - start) * (index + 1)) / steps));
}
