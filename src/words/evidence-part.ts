import type { Conclusion, LogE } from "../evidence/conclusion.ts";
import { block, clip, folded, plain, table } from "../lib/markdown.ts";
import { number, percent } from "../lib/numbers.ts";
import type { Account } from "../release/account.ts";
import { verdictOf } from "../release/reason.ts";
import type { StageRecord } from "../release/release-record.ts";
import type { GateVerdict } from "../release/verdict.ts";
import { eValue } from "./conclusion-numbers.ts";
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
 * What the newest stage's evidence says; and folded, its questions with their answers, and of each stage the numbers
 * behind it, as Markdown. Undefined without any.
 */
export function evidencePart(account: Account): string | undefined {
  const known = account.stages.flatMap((record) => {
    const proof = proofIn(record);
    if (proof) return [{ proof, stage: `* Stage ${record.stage + 1} (${record.weight}%)` }];
    return [];
  });
  const newest = known.at(-1)?.proof;
  if (!newest) return undefined;
  const lines = known.map(({ proof, stage }) => {
    const words = proof === newest ? "" : `: ${sentence(proof)}`; // which stands outside of the fold
    return `${stage}${words}<br>${small(proof)}`;
  });
  const again = `Judged again from the report, without a cluster:\n\n${block("istio-canary replay canary-report.json", "sh")}`;
  const parts = [questions(newest), lines.slice(-keptStages).join("\n"), again];
  const behind = folded(titleOf(newest), parts.filter((part) => part !== undefined).join("\n\n"));
  const isReason = decidingProof(account)?.verdict === newest.verdict; // which is told above
  return isReason ? behind : `**Evidence:** ${sentence(newest)}\n\n${behind}`;
}

const titleOf = ({ verdict }: Proof): string =>
  verdict.kind === "fail" ? "Why this is not chance" : "How certain this is";

function questions({ verdict: { figures } }: Proof): string | undefined {
  if (figures.of !== "evidence" || !("conclusion" in figures)) return undefined;
  const { weight, bounds, split } = figures.conclusion;
  const all = split.requests.canary + split.requests.stable;
  const rows = [
    asked("Does it fail more often than stable?", weight.metrics.errors, bounds.alpha, "no sign of it"),
    asked("Is it slower than stable?", weight.metrics.latency, bounds.alpha, "no sign of it"),
    asked("Is it plainly broken?", weight.breaker, bounds.breaker.alpha, "no"),
    asked(
      `Is a broken version (${percent(bounds.breaker.floor)} failing) ruled out?`,
      weight.sound,
      bounds.beta,
      "not yet",
    ),
    asked("Is it surely safe?", weight.safe, bounds.beta, "not proven"),
  ];
  if (all > 0 && split.planned > 0) rows.push(["Does it get its share?", shares(split, all), "", ""]);
  return table([{ title: "Question" }, { title: "Answer" }, right("Certainty"), right("Needed")], rows);
}

const right = (title: string) => ({ title, right: true });

const shares = ({ planned, requests }: Conclusion["split"], all: number): string =>
  `${percent(requests.canary / all)}, planned ${planned}%`;

function asked(question: string, weight: LogE, bound: number, otherwise: string): readonly string[] {
  const isProven = (weight ?? -Infinity) >= Math.log(1 / bound);
  return [question, isProven ? "**yes**" : otherwise, eValue(weight), number(1 / bound)];
}

const sentence = ({ verdict }: Proof): string => plain(clip(verdictSentence(verdict), 600));
const small = ({ numbers }: Proof): string => `<sub>${plain(clip(numbers, 600))}</sub>`;
