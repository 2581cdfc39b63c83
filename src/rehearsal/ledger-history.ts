import { isDeepStrictEqual } from "node:util";
import type { Settings } from "../evidence/defaults.ts";
import { addPoll, type Evidence, noEvidence } from "../evidence/evidence.ts";
import { type Ledger, pollsOf } from "../evidence/ledger.ts";
import type { Poll } from "../evidence/poll.ts";
import { type WeighedEvidence, weigh } from "../evidence/weigh.ts";

/** What was counted in one poll, and what all polls up to it prove. */
export type LedgerMoment = { readonly poll: Poll; readonly proven: WeighedEvidence };

/**
 * Each poll of a ledger, oldest first, with all that was counted until then. Polls that were folded are in that, and are
 * no steps of their own. Throws a SyntaxError where the ledger has a line that is no poll.
 */
export function* walkLedger(
  ledger: Ledger,
  settings: Settings,
  before: Evidence = ledger.folded ?? noEvidence,
): Generator<LedgerMoment & { readonly evidence: Evidence }> {
  let evidence = before;
  for (const poll of pollsOf(ledger)) {
    evidence = addPoll(evidence, poll, settings);
    yield { poll, evidence, proven: weigh(evidence, settings) };
  }
}

/** How a release looked, poll by poll, oldest first. */
export type LedgerHistory = (ledger: Ledger, settings: Settings) => readonly LedgerMoment[];

/**
 * Keeps the history of a ledger that grows, and looks at what is new alone: the whole of an hour takes a second, in which
 * nobody watches. Any other ledger is looked at from its beginning.
 */
export function keepHistory(): LedgerHistory {
  let known: { readonly ledger: Ledger; readonly settings: Settings; readonly evidence: Evidence } | undefined;
  let moments: LedgerMoment[] = [];
  return (ledger, settings) => {
    const earlier = known && isDeepStrictEqual(known.settings, settings) && continues(known.ledger, ledger);
    if (!earlier) moments = [];
    let evidence = (earlier ? known?.evidence : ledger.folded) ?? noEvidence;
    const rest = { ...ledger, polls: ledger.polls.slice(moments.length) };
    for (const { evidence: now, ...moment } of walkLedger(rest, settings, evidence)) {
      evidence = now;
      moments.push(moment);
    }
    known = { ledger, settings, evidence };
    return moments;
  };
}

/** Nothing was folded meanwhile, and nothing begun anew. */
const continues = (earlier: Ledger, { folded, edges, polls }: Ledger): boolean =>
  isDeepStrictEqual(folded, earlier.folded) &&
  isDeepStrictEqual(edges.slice(0, earlier.edges.length), earlier.edges) &&
  isDeepStrictEqual(polls.slice(0, earlier.polls.length), earlier.polls);
