import type { Pair } from "./error-ratio.ts";

/** How much more the canary's requests have of something, by Mantel and Haenszel over polls: `above` / `requests`. */
export type Excess = { readonly above: number; readonly requests: number };

export const noExcess: Excess = { above: 0, requests: 0 };

/**
 * Each poll counts by its own traffic, so that an incident on both versions in one stage does not look like an excess.
 */
export function addExcess({ above, requests }: Excess, { stable, canary }: Pair, having: Pair): Excess {
  const all = stable + canary;
  if (all === 0) return { above, requests };
  return {
    above: above + (having.canary * stable - having.stable * canary) / all,
    requests: requests + (canary * stable) / all,
  };
}
