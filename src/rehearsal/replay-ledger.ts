import type { Settings } from "../evidence/defaults.ts";
import { type Evidence, noEvidence } from "../evidence/evidence.ts";
import type { Ledger } from "../evidence/ledger.ts";
import { type EvidenceFinding, weigh } from "../evidence/weigh.ts";
import type { Millis } from "../lib/duration.ts";
import type { EvidenceRules } from "../release/gate.ts";
import { judgeEvidence } from "../release/judge.ts";
import type { StageRecord } from "../release/release-record.ts";
import type { EvidenceFigures, EvidenceVerdict, Figures } from "../release/verdict.ts";
import { walkLedger } from "./ledger-history.ts";

/** A verdict as far as a replay needs it: of other gates only that they are others. */
type KnownVerdict = Omit<EvidenceVerdict, "figures"> & {
  readonly figures: EvidenceFigures | { readonly of: Exclude<Figures["of"], "evidence"> };
};

/** What has to be known of a release to judge it again; an `Account` has all of it. */
export type Replayable = {
  readonly plan: {
    readonly evidence: EvidenceRules;
    readonly stages: readonly { readonly gates: readonly { readonly kind: string; readonly name: string }[] }[];
  };
  readonly stages: readonly (Pick<StageRecord, "stage" | "name" | "weight" | "polls"> & {
    readonly verdicts: readonly KnownVerdict[];
  })[];
  readonly ledger: Ledger;
};

/** One stage judged again. */
export type ReplayedStage = Pick<StageRecord, "stage" | "name" | "weight" | "polls"> &
  (
    | {
        readonly outcome: "agrees" | "differs";
        /** What the report has, and what the ledger gives. */
        readonly reported: EvidenceVerdict;
        readonly replayed: EvidenceVerdict;
        /** What is not as it was reported: `kind`, `judged.errors.canary`, … */
        readonly differences: readonly string[];
      }
    /**
     * The stage has no such gate, or its verdict does not follow from the ledger, or what it follows from was folded.
     */
    | { readonly outcome: "not replayed"; readonly why: WhyNot }
    /** The verdict rests on more polls than the ledger has. */
    | { readonly outcome: "missing"; readonly ledger: number }
  );

export type WhyNot =
  | { readonly kind: "no-gate" }
  | { readonly kind: "not-judged" }
  | { readonly kind: "blind"; readonly verdict: EvidenceVerdict }
  | { readonly kind: "folded"; readonly folded: number };

/** The poll after which something else follows from the evidence. */
export type Change = {
  /** From 1. */
  readonly poll: number;
  readonly weight: number;
  /** Since the first weight was written. */
  readonly age: Millis;
  readonly from: EvidenceFinding;
  readonly to: EvidenceFinding;
};

export type Replay = {
  readonly stages: readonly ReplayedStage[];
  readonly changes: readonly Change[];
  /** Polls of the release, and how many of them were folded, so that they cannot be read one by one. */
  readonly polls: number;
  readonly folded: number;
  readonly agrees: boolean;
};

/**
 * Judges a release again by its ledger and its rules alone. Throws a SyntaxError where the ledger has a line that is no
 * poll.
 */
export function replayLedger({ plan, stages, ledger }: Replayable): Replay {
  const ends = new Set(stages.map(({ polls }) => polls));
  const { at, changes, polls } = walk(ledger, plan.evidence.settings, ends);
  const folded = ledger.folded?.polls ?? 0;
  const replayed = stages.map((stage) => replayStage(stage, plan, at, { polls, folded }));
  return {
    stages: replayed,
    changes,
    polls,
    folded,
    agrees: !replayed.some(({ outcome }) => outcome === "differs" || outcome === "missing"),
  };
}

type Walk = {
  /** The evidence after so many polls, where a stage ended with them. */
  readonly at: ReadonlyMap<number, Evidence>;
  readonly changes: readonly Change[];
  readonly polls: number;
};

function walk(ledger: Ledger, settings: Settings, ends: ReadonlySet<number>): Walk {
  const begun = ledger.folded ?? noEvidence;
  let polls = begun.polls;
  let { finding } = weigh(begun, settings);
  const at = new Map([[begun.polls, begun]]);
  const changes: Change[] = [];
  for (const { poll, evidence, proven } of walkLedger(ledger, settings)) {
    polls = evidence.polls;
    if (ends.has(evidence.polls)) at.set(evidence.polls, evidence);
    const to = proven.finding;
    if (to !== finding) changes.push({ poll: polls, weight: poll.weight, age: poll.age, from: finding, to });
    finding = to;
  }
  return { at, changes, polls };
}

function replayStage(
  record: Replayable["stages"][number],
  plan: Replayable["plan"],
  at: Walk["at"],
  ledger: { readonly polls: number; readonly folded: number },
): ReplayedStage {
  const { stage, name, weight, polls, verdicts } = record;
  const known = { stage, name, weight, polls };
  const gate = plan.stages[stage]?.gates.find(({ kind }) => kind === "evidence");
  if (!gate) return { ...known, outcome: "not replayed", why: { kind: "no-gate" } };
  const reported = verdicts.filter(isOfEvidence).find((verdict) => verdict.gate === gate.name);
  if (!reported) return { ...known, outcome: "not replayed", why: { kind: "not-judged" } };
  // Prometheus could not be asked then, and no ledger can tell that.
  if ("missing" in reported.figures)
    return { ...known, outcome: "not replayed", why: { kind: "blind", verdict: reported } };
  if (polls < ledger.folded)
    return { ...known, outcome: "not replayed", why: { kind: "folded", folded: ledger.folded } };
  const evidence = at.get(polls);
  if (!evidence) return { ...known, outcome: "missing", ledger: ledger.polls };
  const { figures, ...replayedVerdict } = judgeEvidence(evidence, plan.evidence);
  // What the stage counted itself is told, and follows from no ledger.
  const replayed = { gate: gate.name, ...replayedVerdict, figures: { ...figures, own: reported.figures.own } };
  const differences = differencesOf(reported, replayed);
  return { ...known, outcome: differences.length === 0 ? "agrees" : "differs", reported, replayed, differences };
}

const isOfEvidence = (verdict: KnownVerdict): verdict is EvidenceVerdict => verdict.figures.of === "evidence";

/** Where two values of plain JSON differ, as paths; the part that all figures have in common is left out of them. */
function differencesOf(one: unknown, other: unknown, path: readonly string[] = []): readonly string[] {
  if (!isObject(one) || !isObject(other))
    return one === other ? [] : [path.filter((key) => key !== "figures" && key !== "conclusion").join(".")];
  const keys = new Set([...Object.keys(one), ...Object.keys(other)]);
  return [...keys].flatMap((key) => differencesOf(one[key], other[key], [...path, key]));
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null;
