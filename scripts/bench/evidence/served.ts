import type { Outcome } from "./judge.ts";
import type { Scenario } from "./scenarios.ts";
import type { Release } from "./world.ts";

/** Failed canary requests, or all of them, until the release was rolled back or the plan had ended. */
export function servedBy({ polls }: Release, outcome: Outcome, harm: Scenario["harm"]): number {
  const until = outcome.end === "rolled back" ? outcome.at : polls.length;
  return polls
    .slice(0, until)
    .reduce((sum, { canary }) => sum + (harm === "failed" ? canary.errors : canary.requests), 0);
}
