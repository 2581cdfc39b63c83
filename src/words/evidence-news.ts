import type { Account } from "../release/account.ts";
import { verdictOf } from "../release/reason.ts";
import { decidingProof, proofIn } from "./evidence-part.ts";
import { isExtended } from "./stage-progress.ts";
import { verdictSentence } from "./verdict-sentence.ts";

/**
 * For logs: what the evidence says when its verdict changes, and when its stage is extended or over, unless what is
 * done next is told with the same words. `verbose`: with the numbers behind it.
 */
export function createEvidenceNews(verbose: boolean): (account: Account) => readonly string[] {
  let known = { verdict: "", turn: "" };
  return (account) => {
    const record = account.stages.at(-1);
    const proof = proofIn(record);
    const extended = isExtended(account);
    // before the first poll there is nothing to find
    if (!record || (!extended && (!proof || record.polls === 0))) return [];
    const before = known;
    known = {
      verdict: JSON.stringify([account.startedAt, proof?.verdict.kind, proof?.verdict.proven]),
      turn: turnOf(record.stage, record.until !== undefined, extended) ?? before.turn,
    };
    // Why it is stands among what happened.
    if (extended && known.turn !== before.turn) {
      const deciding = decidingProof(account);
      if (deciding && verbose) return [deciding.numbers];
      return [];
    }
    const isNews = known.verdict !== before.verdict || known.turn !== before.turn;
    if (!proof || !isNews || isToldBy(account, proof.verdict.gate)) return [];
    const told = `evidence: ${verdictSentence(proof.verdict)}`;
    if (verbose) return [told, proof.numbers];
    return [told];
  };
}

function turnOf(stage: number, isOver: boolean, isExtended: boolean): string | undefined {
  if (isOver) return `${stage} over`;
  if (isExtended) return `${stage} extended`;
  return undefined;
}

/** What was decided last rests on this gate's verdict, and says it. A stage that is extended goes on being judged. */
function isToldBy({ log, now }: Account, gate: string): boolean {
  const newest = log.at(-1);
  if (newest?.do === "wait" && newest.at < now) return false;
  return newest !== undefined && verdictOf(newest.reason)?.gate === gate;
}
