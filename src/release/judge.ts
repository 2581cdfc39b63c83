import { type Conclusion, conclude } from "../evidence/conclusion.ts";
import type { Evidence } from "../evidence/evidence.ts";
import { quantileOf } from "../evidence/quantile.ts";
import type { Count, Tally } from "../evidence/tally.ts";
import type { Finding } from "../evidence/weight.ts";
import type { Instant } from "../lib/duration.ts";
import type {
  ErrorGate,
  EvidenceGate,
  EvidenceRules,
  Gate,
  LatencyGate,
  QueryGate,
  RestartGate,
  Verdict,
} from "./gate.ts";
import type { Health } from "./health.ts";

/** One answer to a query gate. Without a value it says why there is none; that is never read as zero. */
export type Reading = { readonly at: Instant; readonly value?: number; readonly because?: string };

/** What gates are judged by. */
export type Seen = {
  readonly tally?: Tally;
  /** Why there is no tally: what is away, and how it looks. */
  readonly uncounted?: string;
  /** What all polls of the release have proved. */
  readonly evidence?: Evidence;
  readonly readings: ReadonlyMap<string, readonly Reading[]>;
  readonly canary?: Health;
  /** The stage has only just begun: what was not counted yet may still come. */
  readonly early?: boolean;
};

/** Answers gates. A rehearsal, which nobody reads, does without the words. */
export type Judge = typeof judge;

/** Puts the question of a gate to what was seen. */
export function judge(gate: Gate, seen: Seen, rules: EvidenceRules): Verdict {
  switch (gate.kind) {
    case "evidence":
      return judgeEvidence(gate, seen, rules);
    case "query":
      return judgeQuery(gate, seen);
    case "errors":
      return judgeErrors(gate, seen);
    case "latency":
      return judgeLatency(gate, seen);
    case "restarts":
      return judgeRestarts(gate, seen.canary);
  }
}

function judgeQuery(gate: QueryGate, seen: Seen): Verdict {
  const readings = seen.readings.get(gate.name) ?? [];
  const limit = [
    gate.atLeast === undefined ? "" : `≥ ${number(gate.atLeast)}`,
    gate.atMost === undefined ? "" : `≤ ${number(gate.atMost)}`,
  ]
    .filter(Boolean)
    .join(", ");
  const newest = readings.at(-1);
  if (newest?.value === undefined) return noData(gate, seen, limit, newest?.because ?? "it was not asked yet");

  const value = number(newest.value);
  const outside = ({ value }: Reading): boolean =>
    value !== undefined &&
    ((gate.atMost !== undefined && value > gate.atMost) || (gate.atLeast !== undefined && value < gate.atLeast));
  if (!outside(newest)) return { kind: "pass", because: `${gate.name} is ${value}, limit ${limit}`, value, limit };

  const inARow = readings.length - 1 - readings.findLastIndex((reading) => !outside(reading));
  const because = `${gate.name} is ${value}, limit ${limit}${gate.tolerate > 0 ? `, ${inARow} ${inARow === 1 ? "poll" : "polls"} in a row` : ""}`;
  return { kind: inARow > gate.tolerate ? "fail" : "wait", because, value, limit };
}

function judgeErrors(gate: ErrorGate, seen: Seen): Verdict {
  const { tally, uncounted } = seen;
  const stable = tally ? ratio(tally.stable) : undefined;
  const allowed = Math.min(
    gate.atMost ?? Infinity,
    gate.aboveStable === undefined ? Infinity : (stable ?? 0) + gate.aboveStable,
  );
  const limit = `≤ ${percent(allowed)}${gate.aboveStable !== undefined && stable !== undefined ? ` (stable ${percent(stable)})` : ""}`;
  const { requests, errors } = tally?.canary ?? { requests: 0, errors: 0 };
  const lost = tally?.unattributed.errors ?? 0;
  // Pods that Envoy ejected, or that are none of the subset's, get no requests, so their failures are nobody's. They outnumber
  // the canary's requests only when it is the canary that is missing, or when more of the service fails than its weight.
  if (requests < gate.minRequests && lost >= gate.minRequests) {
    const because = `${gate.name}: ${requests} requests reached the canary, while ${lost} of the service's failed because there was no pod to send them to`;
    return {
      kind: "fail",
      because,
      value: percent((errors + lost) / (requests + lost)),
      limit,
      requests: requests + lost,
    };
  }
  if (requests === 0)
    return { ...noData(gate, seen, limit, uncounted ?? "no request of the canary was counted"), requests };

  const value = percent(errors / requests);
  const because = `${gate.name}: ${errors} of ${requests} canary requests failed (${value}), limit ${limit}`;
  if (requests < gate.minRequests)
    return {
      kind: "wait",
      because: `${because}; ${gate.minRequests} requests are needed to judge`,
      value,
      limit,
      requests,
    };
  return { kind: errors / requests > allowed ? "fail" : "pass", because, value, limit, requests };
}

function judgeLatency(gate: LatencyGate, seen: Seen): Verdict {
  const { tally, uncounted } = seen;
  const stable = tally && quantileOf(tally.stable.buckets, gate.quantile);
  const allowed = Math.min(
    gate.atMost ?? Infinity,
    gate.timesStable === undefined ? Infinity : (stable ?? Infinity) * gate.timesStable,
  );
  const limit = `≤ ${allowed === Infinity ? "—" : millis(allowed)}${gate.timesStable !== undefined && stable !== undefined ? ` (stable ${millis(stable)})` : ""}`;
  const quantile = tally && quantileOf(tally.canary.buckets, gate.quantile);
  const requests = tally?.canary.buckets.at(-1)?.count ?? 0;
  if (tally === undefined || quantile === undefined)
    return { ...noData(gate, seen, limit, uncounted ?? "no response time of the canary was counted"), requests };
  const value = quantile === Infinity ? `more than ${millis(tally.canary.buckets.at(-2)?.le ?? 0)}` : millis(quantile);
  if (allowed === Infinity)
    return { ...noData(gate, seen, limit, "no response time of stable was counted to compare with"), value, requests };

  const because = `${gate.name}: the canary's p${number(gate.quantile * 100)} is ${value} over ${requests} requests, limit ${limit}`;
  if (requests < gate.minRequests)
    return {
      kind: "wait",
      because: `${because}; ${gate.minRequests} requests are needed to judge`,
      value,
      limit,
      requests,
    };
  return { kind: quantile > allowed ? "fail" : "pass", because, value, limit, requests };
}

function judgeEvidence(gate: EvidenceGate, { evidence, uncounted }: Seen, rules: EvidenceRules): Verdict {
  // Blind is worse than undecided: whatever the policies say, a stage without Prometheus ends with a rollback.
  if (evidence === undefined || uncounted !== undefined)
    return {
      kind: "no-data",
      because: `${gate.name} has no data: ${uncounted ?? "nothing was counted yet"}`,
      value: "—",
      limit: "like stable",
    };
  const { kind, by, because, numbers, value, limit, weight } = conclude(evidence, rules.settings);
  return {
    ...answerOf(kind, weight.finding, rules),
    because,
    numbers,
    value,
    limit,
    by,
    requests: evidence.seen.requests.canary,
  };
}

/** What a conclusion means for a stage, without its words. */
export function answerOf(
  kind: Conclusion["kind"],
  finding: Finding,
  { inconclusive, noData }: EvidenceRules,
): Pick<Verdict, "kind" | "policy" | "proven"> {
  switch (kind) {
    case "fail":
      return { kind };
    case "pass":
      return { kind, proven: finding === "safe" };
    case "no-data":
      return { kind, policy: noData };
    case "inconclusive": // A split that is proven wrong does not mend by looking on.
      return {
        kind: "wait",
        policy: finding === "too-little-traffic" && inconclusive === "extend" ? "hold" : inconclusive,
      };
  }
}

function judgeRestarts(gate: RestartGate, canary: Health | undefined): Verdict {
  const limit = `≤ ${gate.atMost}`;
  if (!canary)
    return { kind: "no-data", because: `${gate.name}: the canary's pods could not be read`, value: "—", limit };
  const because = `${gate.name}: the canary's containers restarted ${canary.restarts} ${canary.restarts === 1 ? "time" : "times"}, limit ${limit}`;
  return { kind: canary.restarts > gate.atMost ? "fail" : "pass", because, value: String(canary.restarts), limit };
}

function noData(gate: QueryGate | ErrorGate | LatencyGate, { early }: Seen, limit: string, why: string): Verdict {
  return {
    kind: gate.noData === "fail" && !early ? "fail" : "no-data",
    because: `${gate.name} has no data: ${why}`,
    value: "—",
    limit,
  };
}

const ratio = ({ requests, errors }: Count): number | undefined => (requests === 0 ? undefined : errors / requests);

/** Three significant digits, without a trailing zero. */
const number = (value: number): string => String(Number(value.toPrecision(3)));
const percent = (value: number): string => `${number(value * 100)} %`;
const millis = (value: number): string => (value < 1_000 ? `${number(value)} ms` : `${number(value / 1_000)} s`);
