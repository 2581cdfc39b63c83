import type { Snapshot } from "../evidence/snapshot.ts";
import type { Instant } from "../lib/duration.ts";
import type { Reading } from "../release/judge.ts";

/** Evidence. Both methods reject only when aborted; a source that does not answer is a reading without a value. */
export interface MetricSource {
  /** Every raw counter of both versions, at one moment. Undefined, with the reason, when Prometheus could not be asked. */
  counters(at: Instant, signal: AbortSignal): Promise<Snapshot | { readonly because: string }>;
  /** The single number that a query of the user's gives. */
  query(query: string, at: Instant, signal: AbortSignal): Promise<Reading>;
}
