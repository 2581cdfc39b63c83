import type { Account } from "../release/account.ts";
import { heldBy } from "../release/state.ts";
import { decisionLines } from "./decision-lines.ts";
import { decidingProof } from "./evidence-part.ts";
import { headlineOf } from "./headline.ts";
import { restOfLogs } from "./kept-logs-part.ts";
import { nextCommand } from "./next-command.ts";
import { say } from "./say.ts";

/** The last words about a release, for logs: what came of it, why, and what is not as it should be. */
export type EndingWords = {
  readonly level: "notice" | "warning" | "error";
  readonly title: string;
  readonly lines: readonly string[];
};

/** `verbose`: with the numbers behind the evidence. */
export function endingOf(account: Account, verbose: boolean): EndingWords {
  const { mark, words } = headlineOf(account);
  const { target, reason, differences = [], unsaved } = account;
  const lines = [say(reason, account)];
  const proof = decidingProof(account);
  if (proof && verbose) lines.push(proof.numbers);
  for (const difference of differences) lines.push(`not as it should be: ${difference}`);
  if (unsaved !== undefined) lines.push(...unsavedLines(account, unsaved));
  lines.push(...decisionLines(account));
  if (account.logs) lines.push(...restOfLogs(account.logs));
  return {
    level: levelOf(account),
    title: `${mark} ${target.namespace}/${target.service}: ${words}`,
    lines,
  };
}

/**
 * Waiting is good where the plan asked for an approval. A release that is held is nobody's plan, and somebody has to
 * know; nothing has gone wrong yet.
 */
function levelOf({ state, settled }: Account): EndingWords["level"] {
  if (settled === false) return "error";
  if (state.phase === "waiting") return heldBy(state) ? "warning" : "notice";
  return state.phase === "succeeded" ? "notice" : "error";
}

const unsavedLines = (account: Account, unsaved: string): readonly string[] => [
  `its journal could not be saved: ${unsaved}`,
  `When it can be saved again, so that it says how the release ended: ${nextCommand("rollback", account)}`,
];
