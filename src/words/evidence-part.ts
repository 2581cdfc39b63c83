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
 * The newest stage's evidence with its numbers, and that of earlier stages folded, as Markdown. Undefined without any.
 */
export function evidencePart(account: Account): string | undefined {
  const lines = [];
  let newest: Proof | undefined;
  for (const record of account.stages) {
    const proof = proofIn(record);
    if (!proof) continue;
    newest = proof;
    lines.push(`* Stage ${record.stage + 1} (${record.weight} %): ${sentence(proof)}<br>${small(proof)}`);
  }
  if (!newest) return undefined;
  const isReason = decidingProof(account)?.verdict === newest.verdict; // which is told above
  const words = isReason ? ", in numbers:" : `: ${sentence(newest)}`;
  const part = `**Evidence** of all stages together${words}<br>${small(newest)}`;
  const earlier = lines.slice(0, -1).slice(-keptStages);
  if (earlier.length === 0) return part;
  return `${part}\n\n${folded("Evidence at the end of earlier stages", earlier.join("\n"))}`;
}

const sentence = ({ verdict }: Proof): string => plain(clip(verdictSentence(verdict), 600));
const small = ({ numbers }: Proof): string => `<sub>${plain(clip(numbers, 600))}</sub>`;
