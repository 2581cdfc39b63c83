import { type Conclusion, conclude } from "../evidence/conclusion.ts";
import type { Evidence } from "../evidence/evidence.ts";
import { type Count, emptyTally, type Tally } from "../evidence/tally.ts";
import type { EvidenceFinding } from "../evidence/weigh.ts";
import {
  type AskedGate,
  type ErrorGate,
  type EvidenceRules,
  type Gate,
  hasLimits,
  type JsonGate,
  type LatencyGate,
  type NoData,
  type QueryGate,
  type RestartGate,
  type RunGate,
} from "./gate.ts";
import type { Health } from "./health.ts";
import type { BakingLook, Reading, StageCounts } from "./observation.ts";
import { ownFigures, responseTime } from "./own-figures.ts";
import type { EvidenceVerdict, Missing, Verdict } from "./verdict.ts";

/** What the gates of a stage are judged by. */
export type StageEvidence = Pick<BakingLook, "counts" | "evidence" | "readings" | "awaited" | "canary"> & {
  /** The stage has only just begun: what was not counted yet may still come. */
  readonly early: boolean;
};

/** Puts the question of a gate to what was seen. */
export function judge(gate: Gate, seen: StageEvidence, rules: EvidenceRules): Verdict {
  switch (gate.kind) {
    case "evidence":
      if ("uncounted" in seen.counts) return blind(seen.counts);
      return judgeEvidence(seen.evidence, rules, seen.counts.tally);
    case "query":
    case "json":
      return judgeNumber(gate, seen);
    case "run":
      return judgeRun(gate, seen);
    case "errors":
      return judgeDeserted(seen, rules) ?? judgeErrors(gate, seen.counts, seen.early);
    case "latency":
      return judgeDeserted(seen, rules) ?? judgeLatency(gate, seen.counts, seen.early);
    case "restarts":
      return judgeRestarts(gate, seen.canary);
  }
}

/** Blind is worse than undecided: whatever the policies say, a stage without Prometheus ends with a rollback. */
const blind = ({ uncounted }: Extract<StageCounts, { uncounted: string }>): Verdict => ({
  kind: "no-data",
  figures: { of: "evidence", missing: { what: "counters", words: uncounted } },
});

/** `tally`: what the stage counted itself; no verdict depends on it, and it is told beside. */
export function judgeEvidence(evidence: Evidence, rules: EvidenceRules, tally?: Tally): Omit<EvidenceVerdict, "gate"> {
  const conclusion = conclude(evidence, rules.settings);
  const own = tally && ownFigures(tally, conclusion);
  return { ...answerOf(conclusion.kind, conclusion.finding, rules), figures: { of: "evidence", conclusion, own } };
}

/**
 * Callers who leave, or wait, are neither failures nor response times. Whatever else a stage is judged by, a canary that does not
 * answer them, as stable does, has failed.
 */
function judgeDeserted({ counts, evidence }: StageEvidence, rules: EvidenceRules): Verdict | undefined {
  if ("uncounted" in counts) return undefined;
  const { kind, by } = conclude(evidence, rules.settings);
  return kind === "fail" && (by === "givenUp" || by === "unanswered")
    ? judgeEvidence(evidence, rules, counts.tally)
    : undefined;
}

/** What a conclusion means for a stage. */
function answerOf(
  kind: Conclusion["kind"],
  finding: EvidenceFinding,
  { inconclusive, noData }: EvidenceRules,
): Pick<Verdict, "kind" | "policy" | "proven"> {
  switch (kind) {
    case "fail":
      return { kind };
    case "pass":
      return { kind, proven: finding === "safe" };
    case "no-data":
      return { kind, policy: noData };
    case "inconclusive": {
      // A split that is proven wrong does not mend by looking on.
      const wrong = finding === "too-little-traffic" || finding === "too-much-traffic";
      const pointless = wrong && inconclusive === "extend";
      return { kind: "wait", policy: pointless ? "hold" : inconclusive };
    }
  }
}

function judgeNumber(gate: QueryGate | JsonGate, { readings, early, awaited }: StageEvidence): Verdict {
  const { kind, atLeast, atMost, tolerate } = gate;
  const limits = { of: kind, atLeast, atMost } as const;
  const answers = readings.get(gate.name) ?? [];
  const newest = answers.at(-1);
  if (!newest && kind !== "query") return { kind: "wait", figures: { ...limits, missing: { what: "end" } } };
  const value = newest?.value;
  if (value === undefined || !Number.isFinite(value))
    return { kind: unanswered(gate, early), figures: { ...limits, missing: noAnswer(newest) } };

  const outside = outsideInARow(answers, gate);
  if (outside === 0 && awaited?.has(gate.name)) return { kind: "wait", figures: { ...limits, missing: newer } };
  return {
    kind: inARow(outside, tolerate),
    figures: { ...limits, value, outside, tolerated: tolerate },
  };
}

/** A program takes its time, and until it has ended nothing is missing. */
function judgeRun(gate: RunGate, { readings, early, awaited }: StageEvidence): Verdict {
  const { atLeast, atMost, tolerate } = gate;
  const limits = { of: "run", atLeast, atMost } as const;
  const answers = readings.get(gate.name) ?? [];
  const newest = answers.at(-1);
  if (!newest) return { kind: "wait", figures: { ...limits, missing: { what: "end" } } };
  const { value, failure } = newest;
  if (newest.because !== undefined || (hasLimits(gate) && !failure && !Number.isFinite(value)))
    return { kind: unanswered(gate, early), figures: { ...limits, missing: noAnswer(newest) } };
  const outside = outsideInARow(answers, gate);
  if (outside === 0 && awaited?.has(gate.name)) return { kind: "wait", figures: { ...limits, missing: newer } };
  return { kind: inARow(outside, tolerate), figures: { ...limits, value, failure, outside, tolerated: tolerate } };
}

/** While it is under way the answer before lets no stage pass: the canary may have become bad since. */
const newer = { what: "newer-answer" } as const;

const outsideInARow = (answers: readonly Reading[], gate: AskedGate): number =>
  answers.length - 1 - answers.findLastIndex((answer) => !isOutside(answer, gate));

/** By how many of the newest answers are outside the limits. */
function inARow(outside: number, tolerate: number): Verdict["kind"] {
  if (outside === 0) return "pass";
  return outside > tolerate ? "fail" : "wait";
}

function noAnswer(newest: Reading | undefined): Missing {
  if (newest?.because !== undefined) return { what: "answer", words: newest.because };
  if (newest?.value !== undefined) return { what: "answer", words: String(newest.value) };
  return { what: "question" };
}

export function isOutside(
  { value, failure }: Reading,
  { atLeast, atMost }: Pick<AskedGate, "atLeast" | "atMost">,
): boolean {
  if (failure) return true;
  if (value === undefined) return false;
  return (atMost !== undefined && value > atMost) || (atLeast !== undefined && value < atLeast);
}

function judgeErrors(gate: ErrorGate, counts: StageCounts, early: boolean): Verdict {
  const { stable, canary, unattributed } = tallyOf(counts);
  const ofStable = gate.aboveStable === undefined ? undefined : ratioOf(stable);
  const limits = [gate.atMost, gate.aboveStable === undefined ? undefined : (ofStable ?? 0) + gate.aboveStable];
  const limit = { of: "errors", allowed: smallest(limits), stable: ofStable } as const;

  const { requests, errors: failed } = canary;
  const lost = unattributed.errors;
  // Pods that Envoy ejected, or that are none of the subset's, get no requests, so their failures are nobody's. They
  // outnumber the canary's requests only when it is the canary that is missing, or when more of the service fails than
  // its weight.
  if (requests < gate.minRequests && lost >= gate.minRequests)
    return { kind: "fail", figures: { ...limit, requests, failed, lost } };
  if (requests === 0)
    return { kind: unanswered(gate, early), figures: { ...limit, missing: uncounted(counts, "requests") } };
  return {
    kind: answer(requests < gate.minRequests, failed / requests, limit.allowed),
    figures: { ...limit, requests, failed, needed: gate.minRequests },
  };
}

function judgeLatency(gate: LatencyGate, counts: StageCounts, early: boolean): Verdict {
  const { stable, canary } = tallyOf(counts);
  const ofStable = gate.timesStable === undefined ? undefined : responseTime(stable.buckets, gate.quantile);
  const times = ofStable && "atMost" in ofStable ? ofStable.atMost * (gate.timesStable ?? 1) : undefined;
  const limit = {
    of: "latency",
    quantile: gate.quantile,
    allowed: smallest([gate.atMost, times]),
    stable: ofStable,
    requests: canary.buckets.at(-1)?.count ?? 0,
  } as const;

  const time = responseTime(canary.buckets, gate.quantile);
  if (time === undefined)
    return { kind: unanswered(gate, early), figures: { ...limit, missing: uncounted(counts, "response-times") } };
  if (limit.allowed === undefined)
    return { kind: unanswered(gate, early), figures: { ...limit, time, missing: { what: "stable-response-times" } } };
  return {
    kind: answer(limit.requests < gate.minRequests, "atMost" in time ? time.atMost : Infinity, limit.allowed),
    figures: { ...limit, time, needed: gate.minRequests },
  };
}

const judgeRestarts = ({ atMost }: RestartGate, { restarts }: Health): Verdict => ({
  kind: restarts > atMost ? "fail" : "pass",
  figures: { of: "restarts", restarts, allowed: atMost },
});

/** Of an answer that is there. */
function answer(tooFew: boolean, value: number, allowed: number = Infinity): Verdict["kind"] {
  if (tooFew) return "wait";
  return value > allowed ? "fail" : "pass";
}

/** A gate may want data, but not before there could be any. */
const unanswered = ({ noData }: { readonly noData: NoData }, early: boolean): Verdict["kind"] =>
  noData === "fail" && !early ? "fail" : "no-data";

const tallyOf = (counts: StageCounts): Tally => ("tally" in counts ? counts.tally : emptyTally);

function uncounted(counts: StageCounts, what: "requests" | "response-times"): Missing {
  if ("uncounted" in counts) return { what: "counters", words: counts.uncounted };
  return what === "requests" ? { what } : { what, words: counts.untimed };
}

const ratioOf = ({ requests, errors }: Count): number | undefined => (requests === 0 ? undefined : errors / requests);

function smallest(limits: readonly (number | undefined)[]): number | undefined {
  const known = limits.filter((limit) => limit !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
}
