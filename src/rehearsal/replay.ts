import type { Settings } from "../evidence/defaults.ts";
import { addPoll, type Evidence, noEvidence } from "../evidence/evidence.ts";
import { type Ledger, pollsOf } from "../evidence/ledger.ts";
import { type Finding, weigh } from "../evidence/weight.ts";
import type { Millis } from "../lib/duration.ts";
import type { EvidenceRules, GateVerdict } from "../release/gate.ts";
import { judge } from "../release/judge.ts";
import type { StageRecord } from "../release/release-record.ts";

/** What has to be known of a release to judge it again; an `Account` has all of it. */
export type Replayable = {
  readonly plan: {
    readonly evidence: EvidenceRules;
    readonly stages: readonly { readonly gates: readonly { readonly kind: string; readonly name: string }[] }[];
  };
  readonly stages: readonly Pick<StageRecord, "stage" | "name" | "weight" | "polls" | "verdicts">[];
  readonly ledger: Ledger;
};

/** One stage judged again. */
export type ReplayedStage = Pick<StageRecord, "stage" | "name" | "weight" | "polls"> &
  (
    | {
        readonly outcome: "agrees" | "differs";
        readonly told: GateVerdict;
        readonly found: GateVerdict;
        /** What is not as it was told: `because`, `numbers`, … */
        readonly differences: readonly string[];
      }
    /** `why`: the stage has no such gate, or its verdict does not follow from the ledger, or what it follows from was folded. */
    | { readonly outcome: "not replayed"; readonly why: string }
    /** The verdict rests on more polls than the ledger has. */
    | { readonly outcome: "missing"; readonly why: string }
  );

/** The poll after which something else follows from the evidence. */
export type Change = {
  /** From 1. */
  readonly poll: number;
  readonly weight: number;
  /** Since the first weight was written. */
  readonly age: Millis;
  readonly from: Finding;
  readonly to: Finding;
};

export type Replay = {
  readonly stages: readonly ReplayedStage[];
  readonly changes: readonly Change[];
  /** Polls of the release, and how many of them were folded, so that they cannot be read one by one. */
  readonly polls: number;
  readonly folded: number;
  readonly agrees: boolean;
};

/** Judges a release again by its ledger and its rules alone. Throws a SyntaxError where the ledger has a line that is no poll. */
export function replay({ plan, stages, ledger }: Replayable): Replay {
  const wanted = new Set(stages.map(({ polls }) => polls));
  const { at, changes, polls } = walk(ledger, plan.evidence.settings, wanted);
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
  /** The evidence after so many polls, where it is wanted. */
  readonly at: ReadonlyMap<number, Evidence>;
  readonly changes: readonly Change[];
  readonly polls: number;
};

function walk(ledger: Ledger, settings: Settings, wanted: ReadonlySet<number>): Walk {
  let evidence = ledger.folded ?? noEvidence;
  let { finding } = weigh(evidence, settings);
  const at = new Map([[evidence.polls, evidence]]);
  const changes: Change[] = [];
  for (const poll of pollsOf(ledger)) {
    evidence = addPoll(evidence, poll, settings);
    if (wanted.has(evidence.polls)) at.set(evidence.polls, evidence);
    const { finding: to } = weigh(evidence, settings);
    if (to !== finding) changes.push({ poll: evidence.polls, weight: poll.weight, age: poll.age, from: finding, to });
    finding = to;
  }
  return { at, changes, polls: evidence.polls };
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
  const told = verdicts.find((verdict) => verdict.gate === gate?.name);
  if (!gate || !told)
    return {
      ...known,
      outcome: "not replayed",
      why: gate ? "it ended before it was judged" : "it has no gate that evidence answers",
    };
  // Judged with numbers or not at all: without them Prometheus could not be asked, and no ledger can tell that.
  if (told.numbers === undefined && told.kind === "no-data")
    return { ...known, outcome: "not replayed", why: told.because };
  if (polls < ledger.folded)
    return {
      ...known,
      outcome: "not replayed",
      why: `it rests on ${polls} of the ${ledger.folded} polls that were folded`,
    };
  const evidence = at.get(polls);
  if (!evidence)
    return {
      ...known,
      outcome: "missing",
      why: `its verdict rests on ${polls} polls, and the ledger has ${ledger.polls}`,
    };
  const found = {
    gate: gate.name,
    ...judge({ kind: "evidence", name: gate.name }, { evidence, readings: new Map() }, plan.evidence),
  };
  const differences = fields.filter((field) => told[field] !== found[field]);
  return { ...known, outcome: differences.length === 0 ? "agrees" : "differs", told, found, differences };
}

const fields = [
  "kind",
  "by",
  "because",
  "numbers",
  "value",
  "limit",
  "requests",
  "policy",
  "proven",
] as const satisfies readonly (keyof GateVerdict)[];
