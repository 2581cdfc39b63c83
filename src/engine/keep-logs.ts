import type { Millis } from "../lib/duration.ts";
import type { Ports } from "../ports/ports.ts";
import type { ReleaseRecord } from "../release/release-record.ts";
import { within } from "../world/within.ts";

/** A log is a comfort. A job that is cancelled has seconds for everything. */
const patience: Millis = 3_000;
const patienceWhenStopped: Millis = 500;

/**
 * Keeps what the canary's pods said in the newest stage, before they go. By then the traffic is off them, and whatever
 * comes of it, and whether anything does, changes nothing.
 */
export async function keepLogs(
  { stages, startedAt }: ReleaseRecord,
  { workload, clock }: Ports,
  stop: AbortSignal,
): Promise<void> {
  const limit = stop.aborted ? patienceWhenStopped : patience;
  const since = stages.at(-1)?.since ?? startedAt;
  const kept = workload.keepLogs(since, clock.deadline(clock.now() + limit)).catch(() => undefined);
  await within(kept, limit, clock);
}
