import type { Millis } from "../lib/duration.ts";

/** How a program ended that did not end well. */
export type RunFailure =
  | { readonly kind: "exit"; readonly code: number }
  | { readonly kind: "signal"; readonly signal: string }
  | { readonly kind: "limit"; readonly after: Millis };
