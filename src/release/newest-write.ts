import type { Instant } from "../lib/duration.ts";
import type { ReleaseRecord } from "./release-record.ts";

/** What gives the routes a weight. Put back, they have it anew: somebody else's was there before. */
const writes: readonly string[] = ["route", "finish"];

/**
 * When the routes were given the weight that they have, by the journal. Undefined where a release has written none yet,
 * or its log has lost it.
 */
export function newestWrite({ log, stages }: Pick<ReleaseRecord, "log" | "stages">): Instant | undefined {
  return log.findLast(({ do: what }) => writes.includes(what))?.at ?? stages.at(-1)?.since;
}
