import { letsIn, type PlannedTraffic } from "./planned-traffic.ts";
import { splitAt } from "./split.ts";

/**
 * How every route of a release is to be. `before`: as the release found it. `swapped`: the canary in stable's place.
 */
export type Aim =
  | { readonly to: "before" }
  | ({ readonly to: "split" } & Omit<PlannedTraffic, "stable">)
  | { readonly to: "swapped" };

/** A canary that gets nothing needs no destination, so no share is the same as the route before the release. */
export function aimOf({ stable: _, ...traffic }: PlannedTraffic): Aim {
  if (traffic.canary === 0 && !letsIn(traffic)) return { to: "before" };
  return { to: "split", ...traffic };
}

export const aimAt = (canary: number): Aim => aimOf(splitAt(canary));
