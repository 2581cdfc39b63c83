import { code } from "../lib/markdown.ts";
import { count, plural } from "../lib/numbers.ts";
import type { Account } from "../release/account.ts";
import type { StageRecord } from "../release/release-record.ts";
import { winnerOf } from "../release/transition.ts";
import { isOnlyUnsaved } from "./headline.ts";
import { timeOf } from "./timestamp.ts";

/** Whether users are safe: where requests go now, and how many had a failure. Undefined where there is nothing to say. */
export function whoServes(account: Account): string | undefined {
  const told = [servingWords(account), failedWords(account)].filter((words) => words !== undefined);
  if (told.length === 0) return undefined;
  return told.join(" ");
}

/** Nothing of an undo, whose headline says it; nor where the routes are not as they should be, or were not read. */
function servingWords(account: Account): string | undefined {
  const { state, target, stages } = account;
  const [stable, canary] = [code(target.stable.deployment), code(target.canary.deployment)];
  const isKnown = (account.settled !== false || isOnlyUnsaved(account)) && !account.undoes;
  switch (state.phase) {
    case "succeeded":
      return isKnown ? releasedTo(account) : undefined;
    case "rolled-back": {
      if (!isKnown) return undefined;
      const until = stages.at(-1)?.until;
      if (stages.length === 0) return `${stable} serves as before.`;
      return `All requests go to ${stable} again${until === undefined ? "" : `, since ${timeOf(until)} UTC`}.`;
    }
    case "failed":
      if (state.during === "promoting") return undefined; // what is to be done by hand begins with it
      return state.returned
        ? `All requests go to ${stable} again.`
        : `**Users may still get the new version**, from ${canary}.`;
    default:
      return sharesNow(account);
  }
}

function releasedTo({ plan, target }: Account): string {
  const winner = code(target[winnerOf(plan)].deployment);
  return plan.promotion === "swap"
    ? `${winner} is the new stable, and all requests go to it.`
    : `${winner} runs the new version, and all requests go to it.`;
}

function sharesNow({ weight, target, undoes, state, plan }: Account): string | undefined {
  const canary = code(target.canary.deployment);
  const mirror = state.phase === "baking" || state.phase === "waiting" ? plan.stages[state.stage]?.mirror : undefined;
  if (mirror !== undefined)
    return `${canary} gets copies of ${mirror}% of the requests, whose answers nobody gets. What they write is written twice.`;
  if (weight === 0 || undoes) return undefined;
  if (weight === 100) return `All requests go to ${canary}.`;
  const whose = plan.affinity ? "new users" : "the requests";
  return `${canary} gets ${weight}% of ${whose}, ${code(target.stable.deployment)} the rest.`;
}

/** What users felt of a version that is given up. Failures that reached no pod are no version's, and told. */
function failedWords({ stages, state, plan }: Account): string | undefined {
  const isGivenUp =
    state.phase === "rolled-back" ||
    state.phase === "rolling-back" ||
    (state.phase === "failed" && state.during === "rolling-back");
  const areCopies = ({ stage }: StageRecord): boolean => plan.stages[stage]?.mirror !== undefined;
  const failedOf = (some: readonly StageRecord[]): number =>
    some.reduce((sum, { tally }) => sum + tally.canary.errors, 0);
  const failed = isGivenUp ? failedOf(stages.filter((one) => !areCopies(one) || plan.testers)) : 0;
  const copies = isGivenUp ? failedOf(stages) - failed : 0;
  const lost = stages.reduce((sum, { tally }) => sum + tally.unattributed.errors, 0);
  const parts = [];
  if (failed > 0) parts.push(`**${count(failed)} ${plural(failed, "request")} of the canary failed**`);
  if (lost > 0) parts.push(`**${count(lost)} ${plural(lost, "request")} reached no pod**`);
  if (copies > 0)
    parts.push(`${count(copies)} ${plural(copies, "copy", "copies")} of requests failed, which no user saw`);
  if (parts.length === 0) return undefined;
  const nobody = isGivenUp && !plan.testers && stages.length > 0 && stages.every(areCopies);
  return `${nobody ? "**No user got an answer of the canary**: " : ""}${parts.join(", and ")}.`;
}
