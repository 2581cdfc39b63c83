import { formatDuration } from "../lib/duration.ts";
import { inLines } from "../lib/lines.ts";
import { plural } from "../lib/numbers.ts";
import type { Change, Replay, Replayable, ReplayedStage } from "../rehearsal/replay-ledger.ts";
import type { Target } from "../release/target.ts";
import type { GateVerdict } from "../release/verdict.ts";
import { numbersOf, verdictSentence } from "./verdict-sentence.ts";

/** Each stage's verdict beside what the ledger gives, and what followed from the evidence, poll by poll. */
export function replayText(
  { target, ledger }: Pick<Replayable, "ledger"> & { readonly target: Pick<Target, "namespace" | "service"> },
  { stages, changes, polls, folded, agrees }: Replay,
): string {
  const lines = [
    `Release of ${target.namespace}/${target.service}, judged again by the ${pollCount(polls)} of its ledger and the rules of its plan.`,
  ];
  if (folded > 0)
    lines.push(
      `The oldest ${pollCount(folded)} were folded into what they came to; what followed from each of them cannot be told any more.`,
    );
  lines.push("", ...stages.flatMap(stageLines), "");
  if (folded === 0) lines.push("What followed from the evidence, poll by poll:");
  else lines.push(`What followed from the evidence, poll by poll from ${folded + 1} on:`);
  if (ledger.polls.length === 0) lines.push("  no poll is left");
  else if (changes.length === 0) lines.push("  the same all the time");
  lines.push(...changes.map(changeLine), "", summary(stages, agrees));
  return inLines(lines);
}

const pollCount = (polls: number): string => `${polls} ${plural(polls, "poll")}`;

function summary(stages: readonly ReplayedStage[], agrees: boolean): string {
  const judged = stages.filter(({ outcome }) => outcome !== "not replayed");
  if (!agrees) {
    const wrong = judged.filter(({ outcome }) => outcome !== "agrees").length;
    return `Not what the ledger gives: ${wrong} of ${judged.length} ${plural(judged.length, "verdict")}.`;
  }
  if (judged.length === 0) return "No verdict rests on the ledger.";
  return "Every verdict agrees with the ledger.";
}

const marks = { agrees: "✓", differs: "✗", missing: "✗", "not replayed": "·" } as const;

function stageLines(stage: ReplayedStage): readonly string[] {
  const head = `${marks[stage.outcome]} stage ${stage.name}`;
  switch (stage.outcome) {
    case "agrees":
      return [`${head}, after ${pollCount(stage.polls)}: agrees`, ...verdictLines(stage.replayed)];
    case "differs":
      return [
        `${head}, after ${pollCount(stage.polls)}: differs in ${stage.differences.join(", ")}`,
        "  the report says",
        ...verdictLines(stage.reported),
        "  the ledger gives",
        ...verdictLines(stage.replayed),
      ];
    case "missing":
    case "not replayed":
      return [`${head}: not replayed, for ${whyNotReplayed(stage)}`];
  }
}

/** Why a stage has no verdict to compare. */
export function whyNotReplayed(stage: Extract<ReplayedStage, { outcome: "missing" | "not replayed" }>): string {
  if (stage.outcome === "missing")
    return `its verdict rests on ${stage.polls} polls, and the ledger has ${stage.ledger}`;
  const { why, polls } = stage;
  switch (why.kind) {
    case "no-gate":
      return "it has no gate that evidence answers";
    case "not-judged":
      return "it ended before it was judged";
    case "blind":
      return verdictSentence(why.verdict);
    case "folded":
      return `it rests on ${polls} of the ${why.folded} polls that were folded`;
  }
}

function verdictLines(verdict: GateVerdict): readonly string[] {
  let kind: string = verdict.kind;
  if (verdict.policy !== undefined) kind += ` (${verdict.policy})`;
  const lines = [`    ${kind}: ${verdictSentence(verdict)}`];
  const numbers = numbersOf(verdict);
  if (numbers !== undefined) lines.push(`    ${numbers}`);
  return lines;
}

function changeLine({ poll, weight, age, from, to }: Change): string {
  const when = age === 0 ? "at once" : `${formatDuration(age)} after the first weight`;
  return `  poll ${poll}, ${when}, at ${weight}%: ${from} → ${to}`;
}
