import { clip, folded, plain } from "../lib/markdown.ts";
import type { Account } from "../release/account.ts";
import { verdictOf } from "../release/reason.ts";
import type { StageRecord } from "../release/release-record.ts";
import type { GateVerdict } from "../release/verdict.ts";
import { numbersOf, verdictSentence } from "./verdict-sentence.ts";

/** A verdict of evidence with the numbers behind it, for somebody who doubts it. */
type Proof = { readonly verdict: GateVerdict; readonly numbers: string };

/** What the evidence of a stage said last. Undefined where no gate judges by it, or nothing was counted yet. */
export function proofIn(record: StageRecord | undefined): Proof | undefined {
  for (const verdict of record?.verdicts ?? []) {
    const numbers = numbersOf(verdict);
    if (numbers !== undefined) return { verdict, numbers };
  }
  return undefined;
}

/** What the newest stage's evidence says, where it is the release's own reason. */
export function decidingProof({ stages, reason }: Account): Proof | undefined {
  const proof = proofIn(stages.at(-1));
  if (proof?.verdict.gate !== verdictOf(reason)?.gate) return undefined;
  return proof;
}

/** A report has 65,536 characters for everything. */
const keptStages = 10;

/**
 * What the newest stage's evidence says, where it is not told above; and folded, of each stage, the numbers behind it, as
 * Markdown. Undefined without any.
 */
export function evidencePart(account: Account): string | undefined {
  const known = account.stages.flatMap((record) => {
    const proof = proofIn(record);
    return proof ? [{ proof, stage: `* Stage ${record.stage + 1} (${record.weight} %)` }] : [];
  });
  const newest = known.at(-1)?.proof;
  if (!newest) return undefined;
  const lines = known.map(({ proof, stage }) => {
    const words = proof === newest ? "" : `: ${sentence(proof)}`; // which stands outside of the fold
    return `${stage}${words}<br>${small(proof)}`;
  });
  const behind = folded("The evidence in numbers", lines.slice(-keptStages).join("\n"));
  const isReason = decidingProof(account)?.verdict === newest.verdict; // which is told above
  return isReason ? behind : `**Evidence:** ${sentence(newest)}\n\n${behind}`;
}

const sentence = ({ verdict }: Proof): string => plain(clip(verdictSentence(verdict), 600));
const small = ({ numbers }: Proof): string => `<sub>${plain(clip(numbers, 600))}</sub>`;
