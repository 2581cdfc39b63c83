import type { Account } from "../release/account.ts";
import type { State } from "../release/state.ts";
import { isUndoable } from "../release/undoing.ts";
import { commandAfter } from "./failed-lines.ts";
import { nextCommand } from "./next-command.ts";

/** What whoever is on call would run now; undefined when there is nothing to do. */
export function commandNow(account: Account): string | undefined {
  const { state, settled } = account;
  if (state.phase === "failed") return nextCommand(commandAfter[state.during], account);
  if (settled === false) return nextCommand("status", account);
  if (isUndoable(account)) return nextCommand("undo", account);
  const name = afterPhase[state.phase];
  return name && nextCommand(name, account);
}

const afterPhase: Readonly<Partial<Record<State["phase"], "promote" | "rollback">>> = {
  waiting: "promote",
  preparing: "rollback",
  shifting: "rollback",
  baking: "rollback",
};
