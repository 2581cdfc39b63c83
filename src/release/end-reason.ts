import { atOnce } from "./plan.ts";
import type { Reason } from "./reason.ts";
import type { ReleaseRecord } from "./release-record.ts";
import { winnerOf } from "./transition.ts";

/** Why it ended as it did: of a success who won, and not the clean-up after it. Throws for a release that is not over. */
export function endReason({ state, plan, target, undoes }: ReleaseRecord): Reason {
  if ("reason" in state) return state.reason;
  const winner = winnerOf(plan);
  if (state.phase === "succeeded" && undoes)
    return { kind: "undone", deployment: target[winner].deployment, image: target.image };
  if (state.phase === "succeeded") return { kind: "promoted", winner, ...atOnce(plan) };
  throw new RangeError(`a release that is ${state.phase} has not ended`);
}
