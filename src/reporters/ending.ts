import type { Account } from "../release/account.ts";
import type { AnnotationLevel } from "./annotation.ts";
import { headlineOf } from "./headline.ts";

/** The last words about a release, for logs: what came of it, why, and what is not as it should be. */
export type Ending = { readonly level: AnnotationLevel; readonly title: string; readonly lines: readonly string[] };

export function endingOf(account: Account): Ending {
  const { mark, words } = headlineOf(account);
  const { state, target, differences = [], settled } = account;
  const good = (state.phase === "succeeded" || state.phase === "waiting") && settled !== false;
  const next = state.phase === "waiting" ? [`To go on: istio-canary promote --namespace ${target.namespace} --service ${target.service}`] : [];
  return {
    level: good ? "notice" : "error",
    title: `${mark} ${target.namespace}/${target.service}: ${words}`,
    lines: [account.because, ...differences.map((difference) => `not as it should be: ${difference}`), ...next],
  };
}
