import type { Tally } from "../evidence/tally.ts";
import type { Millis } from "../lib/duration.ts";
import type { Traffic } from "./detectability.ts";

/** What a service had in a window that was counted. Undefined when stable had no request: nobody knows then how often it fails. */
export function trafficOf({ stable, canary }: Tally, window: Millis): Traffic | undefined {
  if (stable.requests === 0) return undefined;
  return { rate: ((stable.requests + canary.requests) * 1_000) / window, baseline: stable.errors / stable.requests };
}
