/**
 * How every route of a release is to be. `before`: as the release found it. `swapped`: the canary in stable's place.
 */
export type Aim =
  | { readonly to: "before" }
  | { readonly to: "split"; readonly canary: number }
  | { readonly to: "swapped" };

/** A canary without requests needs no destination, so no share is the same as the route before the release. */
export const aimAt = (canary: number): Aim => (canary === 0 ? { to: "before" } : { to: "split", canary });
