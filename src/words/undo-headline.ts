import type { Account } from "../release/account.ts";
import type { State } from "../release/state.ts";
import { winnerOf } from "../release/transition.ts";

/** Where an undo is, in a few words; the version that served before is the canary of it. Undefined where it is stuck. */
export function undoHeadline({ plan, target, settled }: Account, { phase }: State): string | undefined {
  const serves = target[winnerOf(plan)].deployment;
  switch (phase) {
    case "preparing":
      return "undoing, starting the version before";
    case "shifting":
    case "baking":
    case "waiting":
      return "undoing, giving the version before all requests";
    case "promoting":
      return "undone for all requests, putting the rest right";
    case "rolling-back":
      return "giving the undo up";
    case "succeeded":
      return `undone, ${serves} runs the version before and serves everything again`;
    case "rolled-back":
      return settled === false ? "not undone" : `not undone, all requests still go to ${target.stable.deployment}`;
    case "failed":
      return undefined;
  }
}
