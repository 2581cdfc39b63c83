import type { Settings } from "../evidence/defaults.ts";
import { addPoll, noEvidence } from "../evidence/evidence.ts";
import { type Ledger, pollsOf } from "../evidence/ledger.ts";
import type { Poll } from "../evidence/poll.ts";
import { type WeighedEvidence, weigh } from "../evidence/weigh.ts";

/** What was counted in one poll, and what all polls up to it prove. */
export type LedgerMoment = { readonly poll: Poll; readonly proven: WeighedEvidence };

/**
 * How a release looked, poll by poll, oldest first. Polls that were folded are proof still, and no moments of their
 * own. Throws a SyntaxError where the ledger has a line that is no poll.
 */
export function ledgerHistory(ledger: Ledger, settings: Settings): readonly LedgerMoment[] {
  let evidence = ledger.folded ?? noEvidence;
  return pollsOf(ledger).map((poll) => {
    evidence = addPoll(evidence, poll, settings);
    return { poll, proven: weigh(evidence, settings) };
  });
}
