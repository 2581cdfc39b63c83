/** How requests are meant to divide between the two versions. Whole percents that sum to 100. */
export type Split = { readonly stable: number; readonly canary: number };

/** Throws a RangeError unless `canary` is a whole percent from 0 to 100. */
export function splitAt(canary: number): Split {
  if (!Number.isInteger(canary) || canary < 0 || canary > 100) {
    throw new RangeError(`the canary's share must be a whole percent, got ${canary}`);
  }
  return { stable: 100 - canary, canary };
}
