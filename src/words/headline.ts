import type { Account } from "../release/account.ts";
import type { OpenQuestion } from "../release/reason.ts";
import { heldBy, type State } from "../release/state.ts";
import { isExtended } from "./stage-progress.ts";

export type Headline = {
  /** One sign that is seen before anything is read. */
  readonly mark: string;
  readonly words: string;
};

const whatIsOpen: Readonly<Record<OpenQuestion, string>> = {
  undecided: "the evidence does not decide",
  "no-data": "no data to decide by",
  split: "the canary gets less than planned",
  budget: "the budget allows no larger weight",
};

/** Where a release is, in a few words of plain text. */
export function headlineOf(account: Account): Headline {
  const headline = phaseHeadline(account, account.state);
  const unsettled = account.settled === false && account.state.phase !== "failed";
  return unsettled ? { mark: "⚠️", words: `${headline.words}, but not everything is as it should be` } : headline;
}

function phaseHeadline(account: Account, state: State): Headline {
  const { plan, stages, target, weight, settled } = account;
  const stage = (index: number): string => `stage ${index + 1} of ${plan.stages.length}`;
  switch (state.phase) {
    case "preparing":
      return { mark: "⏳", words: "starting the canary" };
    case "shifting":
      return {
        mark: "⏳",
        words:
          state.stage < plan.stages.length
            ? `going to ${plan.stages[state.stage]?.weight} % (${stage(state.stage)})`
            : "going to 100 %",
      };
    case "baking":
      return {
        mark: "⏳",
        words: `${weight} % on the canary (${stage(state.stage)}${isExtended(account) ? ", extended" : ""})`,
      };
    case "waiting": {
      const held = heldBy(state);
      return held
        ? { mark: "✋", words: `held at ${weight} % (${stage(state.stage)}): ${whatIsOpen[held.question]}` }
        : { mark: "✋", words: `waiting for approval at ${weight} % (${stage(state.stage)} passed)` };
    }
    case "promoting":
      return { mark: "⏳", words: "every stage passed, promoting" };
    case "rolling-back":
      return { mark: "⏳", words: "rolling back" };
    case "succeeded":
      return {
        mark: "✅",
        words:
          plan.promotion === "swap"
            ? `released, ${target.canary.deployment} is the new stable`
            : `released, ${target.stable.deployment} runs the new version`,
      };
    case "rolled-back": // Where requests go is known only when the cluster was read again and is as it was.
      if (settled === false) return { mark: "❌", words: stages.length > 0 ? "rolled back" : "not released" };
      return {
        mark: "❌",
        words:
          stages.length > 0
            ? `rolled back, all requests go to ${target.stable.deployment} again`
            : "not released, no request went to the canary",
      };
    case "failed":
      return {
        mark: "🚨",
        words:
          state.during === "promoting"
            ? "stuck while promoting, somebody has to look"
            : "stuck while rolling back, somebody has to look",
      };
  }
}
