import type { Snapshot } from "../../evidence/snapshot.ts";
import { advance, emptyMeter, type Tally } from "../../evidence/tally.ts";
import type { Instant, Millis } from "../../lib/duration.ts";

/** `covered`: how much of the window had counters at all, to five minutes; a service or a Prometheus may be younger. */
export type CountedTraffic = Tally & { readonly covered: Millis };

type Counted = Promise<Snapshot | { readonly because: string }>;

/** What can be seen of a window that ends now. */
export type Sight = {
  /** The counters as they were: a snapshot holds the newest sample of the five minutes before it. */
  at(earlier: Instant): Counted;
  /** The lowest sample of each counter in the window. */
  first(): Counted;
  /** The counters as they are at its end. */
  last(): Counted;
  /** Whether Prometheus looked at anything then. */
  watched(earlier: Instant): Promise<boolean>;
};

/** Snapshots this close miss nobody who came and went. */
const stride: Millis = 300_000;

/**
 * Counts what happened in a window: by differences of raw counters, through everybody who came, went or restarted
 * within it. Lost is only what somebody counted between the last look and a restart under the same name.
 */
export async function countTraffic(
  see: Sight,
  end: Instant,
  window: Millis,
): Promise<CountedTraffic | { readonly because: string }> {
  const base = await baseOf(see, end - window);
  if ("because" in base) return base;
  let meter = advance(emptyMeter, base);
  let begun = end - window;
  for (const { moment, look } of [
    ...between(end - window, end).map((moment) => ({ moment, look: () => see.at(moment) })),
    { moment: end, look: see.last },
  ]) {
    const now = await look();
    if ("because" in now) return now;
    if (now.requests.length === 0 && moment < end) begun = moment;
    // Whoever was not there before began in between, at zero.
    const processes = new Set([...meter.processes, ...[...now.requests, ...now.buckets].map(({ process }) => process)]);
    meter = advance({ ...meter, processes }, now);
  }
  return { ...meter.tally, covered: end - begun };
}

/** A Prometheus that is younger than the window does not know what its counters were before it, and years may be in their first samples. */
async function baseOf(see: Sight, start: Instant): Counted {
  const then = await see.at(start);
  const known = "because" in then || then.requests.length + then.buckets.length > 0 || (await see.watched(start));
  return known ? then : see.first();
}

function between(start: Instant, end: Instant): readonly Instant[] {
  const steps = Math.ceil((end - start) / stride);
  return Array.from({ length: steps - 1 }, (_, index) => Math.round(start + ((end - start) * (index + 1)) / steps));
}
