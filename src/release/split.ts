import { type Plan, stageAt } from "./plan.ts";
import { type Role, roles } from "./target.ts";

/** How requests are meant to divide between the two versions. Whole percents that sum to 100. */
export type Split = { readonly stable: number; readonly canary: number };

/** Throws a RangeError unless `canary` is a whole percent from 0 to 100. */
export function splitAt(canary: number): Split {
  if (!Number.isInteger(canary) || canary < 0 || canary > 100) {
    throw new RangeError(`the canary's share must be a whole percent, got ${canary}`);
  }
  return { stable: 100 - canary, canary };
}

/** The split of a stage. After the last comes all traffic on the canary; after that nothing, which is a RangeError. */
export const splitOf = (plan: Pick<Plan, "stages">, stage: number): Split =>
  splitAt(stage === plan.stages.length ? 100 : stageAt(plan, stage).weight);

/** The versions that get requests by it. */
export const servingBy = (split: Split): readonly Role[] => roles.filter((role) => split[role] > 0);
