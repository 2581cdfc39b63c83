import type { Account } from "../release/account.ts";
import { decidingFinding } from "./evidence.ts";
import { headlineOf } from "./headline.ts";

/** The last words about a release, for logs: what came of it, why, and what is not as it should be. */
export type Ending = { readonly level: "notice" | "error"; readonly title: string; readonly lines: readonly string[] };

export function endingOf(account: Account): Ending {
  const { mark, words } = headlineOf(account);
  const { target, differences = [] } = account;
  const numbers = decidingFinding(account)?.numbers;
  return {
    level: isGood(account) ? "notice" : "error",
    title: `${mark} ${target.namespace}/${target.service}: ${words}`,
    lines: [
      account.because,
      ...(numbers === undefined ? [] : [numbers]),
      ...differences.map((difference) => `not as it should be: ${difference}`),
      ...nextSteps(account),
    ],
  };
}

/** Waiting is good where the plan asked for an approval. A release that is held is nobody's plan, and somebody has to know. */
const isGood = ({ state, settled }: Account): boolean =>
  settled !== false && (state.phase === "succeeded" || (state.phase === "waiting" && state.held === undefined));

function nextSteps({ state, target, weight }: Account): readonly string[] {
  if (state.phase !== "waiting") return [];
  const command = (name: string): string =>
    `istio-canary ${name} --namespace ${target.namespace} --service ${target.service}`;
  if (state.held === undefined) return [`To go on: ${command("promote")}`];
  return [
    `Nobody watches the ${weight} % that the canary has until somebody decides.`,
    `To go on: ${command("promote")}`,
    `To give up: ${command("rollback")}`,
  ];
}
