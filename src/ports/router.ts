import type { WrittenRule } from "../istio/envoy-config.ts";
import type { Strayed, Unserved } from "../release/observation.ts";
import type { PlannedTraffic } from "../release/planned-traffic.ts";
import type { Role } from "../release/target.ts";

/** Moves traffic between stable and canary. Every write is absolute: repeating one is harmless. */
export interface Router {
  /**
   * Makes the canary's destination known to the mesh (a missing subset is added in a DestinationRule of our own). Moves
   * no traffic.
   */
  prepare(): Promise<void>;
  /**
   * Gives the canary its share on every route of the release. Rejects with DeniedError or UnreachableError; and, where
   * it is said what `write(from)` left behind, with StrayedError for a route that is neither so nor as it is to be.
   */
  write(traffic: PlannedTraffic, from?: PlannedTraffic): Promise<void>;
  /**
   * How the routes differ from what `write(traffic)` left behind, in words; undefined when they do not. A route that
   * `write(next)` has reached already does not.
   */
  drift(traffic: PlannedTraffic, next?: PlannedTraffic): Promise<string | undefined>;
  /**
   * `stable`: the routes as they were before the release. `canary`: the canary as the only version that is served.
   * Rejects as `write` does; a route that `write(next)` has reached already is no other one either.
   */
  finish(winner: "stable" | "canary", from?: PlannedTraffic, next?: PlannedTraffic): Promise<void>;
  /** How each rule of the release divides its requests now, in words. */
  splits(): Promise<readonly string[]>;
  /** All rules of the release's routes as they stand there now: what proxies that follow them have to have. */
  written(): Promise<readonly WrittenRule[]>;
  /** How the routes differ from what `finish(winner)`, or `write(from)` before it, left behind; undefined when they do not. */
  strayed(winner: "stable" | "canary", from?: PlannedTraffic): Promise<Strayed | undefined>;
  /** For which of these versions no request can be answered: what the routes name is not there, or nobody behind it. */
  unserved(among: readonly Role[]): Promise<Unserved>;
  /** Takes away what `prepare` added and `winner` does not need. After `finish`. */
  cleanUp(winner: "stable" | "canary"): Promise<void>;
  /** What another job had under way when it lost the release lands before this resolves, or never. */
  fence(): Promise<void>;
  /** Gives stable the traffic again that the last `write` took, where nobody has written since. */
  takeBack(): Promise<void>;
  /** What is not as it should be after a release that `winner` won. Empty when all is well. */
  differences(winner: "stable" | "canary"): Promise<readonly string[]>;
}
