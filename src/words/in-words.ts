import type { Account } from "../release/account.ts";
import type { StageRecord } from "../release/release-record.ts";
import { heldBy } from "../release/state.ts";
import type { GateVerdict } from "../release/verdict.ts";
import { headlineOf } from "./headline.ts";
import { say } from "./say.ts";
import { figuresInWords, groundOf, numbersOf, verdictSentence } from "./verdict-sentence.ts";

/* For machines that show something to people: the data as it is, and beside it the sentences that people read. */

/** An account for JSON. */
export const accountInWords = (account: Account) => ({
  ...account,
  headline: headlineOf(account),
  state: stateInWords(account),
  stages: account.stages.map(stageInWords),
  log: account.log.map((entry) => ({ ...entry, because: say(entry.reason, account) })),
  because: say(account.reason, account),
});

function stateInWords(account: Account) {
  const { state } = account;
  const held = heldBy(state);
  if (held) return { ...state, held: say(held) };
  if ("reason" in state) return { ...state, because: say(state.reason, account) };
  return state;
}

const stageInWords = (stage: StageRecord) => ({ ...stage, verdicts: stage.verdicts.map(verdictInWords) });

/** A verdict for JSON. */
export const verdictInWords = (verdict: GateVerdict) => ({
  ...verdict,
  because: verdictSentence(verdict),
  ...figuresInWords(verdict),
  numbers: numbersOf(verdict),
  by: groundOf(verdict),
});
