import type { Millis } from "../lib/duration.ts";
import type { Target } from "../release/target.ts";
import type { MeasuredDispersion, Uncounted, WindowTally } from "./metrics.ts";

/** What was counted of a service until now. Rejects only when the job is stopped. */
export interface TrafficHistory {
  /** The requests of the last `window`. */
  traffic(target: Target, window: Millis): Promise<WindowTally | Uncounted>;
  /** Requests per second that the service got in the last `window`, whoever answered; undefined where nobody knows. */
  rate(target: Target, window: Millis): Promise<number | undefined>;
  /** How clustered stable's errors were in the last hour. */
  dispersion(target: Target): Promise<MeasuredDispersion>;
}
