import { formatDuration, type Millis } from "../lib/duration.ts";
import { type RatioInterval, ratioInterval } from "./confidence.ts";
import type { Settings } from "./defaults.ts";
import type { Evidence } from "./evidence.ts";
import { slowestEdge } from "./latency.ts";
import { type Finding, type Metric, type Weight, weigh } from "./weight.ts";

/** What can decide: one of the metrics, or what is judged beside them. */
export const grounds = ["errors", "latency", "objective", "breaker", "split", "lost"] as const;

/** What the evidence says about a canary, for people and for gates. */
export type Conclusion = {
  readonly kind: "fail" | "pass" | "inconclusive" | "no-data";
  /** What decided, or what is nearest to deciding. */
  readonly by: (typeof grounds)[number];
  /** One sentence for somebody on call. */
  readonly because: string;
  /** The numbers behind it, for somebody who doubts it. */
  readonly numbers: string;
  /** For a table: the figure that decided, or is nearest to deciding, and what it is held against. */
  readonly value: string;
  readonly limit: string;
  readonly ratio: RatioInterval;
  readonly weight: Weight;
};

/** What a finding means for a gate. "Nothing" is no data where there was nothing to compare. */
export function kindOf(finding: Finding, evidence: Evidence, { requires, warmUp }: Settings): Conclusion["kind"] {
  switch (finding) {
    case "harm":
    case "broken":
    case "too-much-traffic":
    case "lost":
      return "fail";
    case "too-little-traffic":
      return "inconclusive";
    case "safe":
      return "pass";
    case "sound":
      return requires === "sound" ? "pass" : "inconclusive";
    case "nothing":
      return isComparable(evidence, warmUp) ? "inconclusive" : "no-data";
  }
}

/** While it warms up a canary is judged alone. */
function isComparable({ seen, judged, age }: Evidence, warmUp: Millis): boolean {
  const { stable, canary } = judged.requests;
  return seen.requests.canary > 0 && (age < warmUp || (canary > 0 && stable > 0));
}

/** Draws the conclusion. It depends on the evidence and the settings only. */
export function conclude(evidence: Evidence, settings: Settings): Conclusion {
  const weight = weigh(evidence, settings);
  const ratio = ratioInterval(evidence.ratio, settings.alpha);
  const said = sentence(evidence, weight, ratio, settings);
  const kind = kindOf(weight.finding, evidence, settings);
  return {
    ...said,
    kind,
    ...figures(evidence, said.by, settings),
    numbers: numbersOf(evidence, weight, ratio, settings),
    ratio,
    weight,
  };
}

function sentence(
  evidence: Evidence,
  weight: Weight,
  ratio: RatioInterval,
  settings: Settings,
): Pick<Conclusion, "by" | "because"> {
  switch (weight.finding) {
    case "broken":
      return {
        by: "breaker",
        because: `${failures(evidence.seen)}: more than stops a release at once, ${chance(settings.breaker.alpha)}`,
      };
    case "too-much-traffic":
      return {
        by: "split",
        because: `${splitSeen(evidence)}: more than planned, ${chance(settings.split.alpha)}; callers that stick to one version, or another route, send it more`,
      };
    case "lost":
      return {
        by: "lost",
        because: `${splitSeen(evidence)}, while ${count(evidence.split.lost)} requests of the service failed without reaching a pod: those meant for the canary do, ${chance(settings.split.alpha)}`,
      };
    case "harm":
      return { by: weight.most, because: harmSentence(evidence, weight.most, ratio, settings) };
    case "too-little-traffic":
      return {
        by: "split",
        because: `${splitSeen(evidence)}: less than planned, ${chance(settings.split.alpha)}; some callers bypass the route, so what is seen here is not what all users would see`,
      };
    case "safe":
      return { by: "errors", because: safeSentence(evidence, ratio, settings) };
    case "sound":
      return { by: "errors", because: soundSentence(evidence, ratio, settings) };
    case "nothing":
      return nothingSentence(evidence, ratio, settings);
  }
}

function figures(
  evidence: Evidence,
  by: Conclusion["by"],
  { breaker, objective = 0 }: Settings,
): Pick<Conclusion, "value" | "limit"> {
  const { seen, split } = evidence;
  const ofCanary = share(seen.errors.canary, seen.requests.canary);
  const edge = by === "latency" ? slowestEdge(evidence.latency) : undefined;
  if (edge) {
    const { le, slow, requests } = edge;
    return {
      value: `${share(slow.canary, requests.canary)} slower than ${formatDuration(le)}`,
      limit: likeStable(slow.stable, requests.stable),
    };
  }
  if (by === "split" || by === "lost")
    return {
      value: `${share(split.requests.canary, split.requests.canary + split.requests.stable)} of requests`,
      limit: `as planned: ${percent((split.weight ?? 0) / 100)}`,
    };
  if (by === "breaker") return { value: ofCanary, limit: `≤ ${percent(breaker.floor)}` };
  if (by === "objective") return { value: ofCanary, limit: `≤ ${percent(objective)}` };
  const { errors, requests } = evidence.judged.requests.canary > 0 ? evidence.judged : seen;
  return { value: share(errors.canary, requests.canary), limit: likeStable(errors.stable, requests.stable) };
}

const likeStable = (part: number, whole: number): string =>
  whole === 0 ? "like stable" : `like stable: ${share(part, whole)}`;

function harmSentence(evidence: Evidence, metric: Metric, ratio: RatioInterval, settings: Settings): string {
  const odds = chance(settings.alpha);
  switch (metric) {
    case "errors": {
      const times =
        ratio.low !== undefined && ratio.low >= 1.05
          ? `at least ${number(ratio.low)} times as many`
          : "more often than on stable";
      return `${compared(evidence)}: ${times}, ${odds}`;
    }
    case "latency": {
      const edge = slowestEdge(evidence.latency);
      if (!edge) return `the canary is slower than stable, ${odds}`;
      const { le, slow, requests } = edge;
      return `${of(slow.canary, requests.canary)} canary requests took longer than ${formatDuration(le)}, ${of(slow.stable, requests.stable)} on stable in the same time: slower than stable, ${odds}`;
    }
    case "objective":
      return `${failures(evidence.judged)}: more than the objective of ${percent(settings.objective ?? 0)} allows, ${odds}`;
  }
}

function safeSentence(evidence: Evidence, ratio: RatioInterval, { safeRatio, minExcess, beta }: Settings): string {
  if (ratio.high !== undefined && ratio.high <= safeRatio)
    return `${compared(evidence)}: at most ${number(ratio.high)} times as many, ${chance(beta)}`;
  return `${compared(evidence)}: either less than ${number(safeRatio)} times as many or less than ${percent(minExcess)} of all, ${chance(beta)}`;
}

function soundSentence(evidence: Evidence, ratio: RatioInterval, { breaker, beta, warmUp }: Settings): string {
  const { seen, judged, age } = evidence;
  const sound = `(${percent(breaker.floor)} failing would be), ${chance(beta)}`;
  if (age < warmUp || judged.requests.canary === 0 || judged.requests.stable === 0)
    return `${failures(seen)}: surely not broken ${sound}; too little was seen to compare it with stable`;
  const warm =
    judged.requests.canary < seen.requests.canary ? `, by all ${count(seen.requests.canary)} of its requests` : "";
  return `${compared(evidence)}: ${told(evidence, ratio)}; surely not broken${warm} ${sound}`;
}

function nothingSentence(
  evidence: Evidence,
  ratio: RatioInterval,
  { warmUp }: Settings,
): Pick<Conclusion, "by" | "because"> {
  if (evidence.seen.requests.canary === 0)
    return {
      by: "errors",
      because: `no request of the canary was counted, ${count(evidence.seen.requests.stable)} of stable in the same time`,
    };
  if (evidence.age < warmUp) {
    const because = `${failures(evidence.seen)}; it is warming up for ${formatDuration(warmUp - evidence.age)} more, until then only plain failure is judged`;
    return { by: "breaker", because };
  }
  if (evidence.judged.requests.canary === 0)
    return {
      by: "errors",
      because: `no request of the canary was counted since it warmed up, ${count(evidence.judged.requests.stable)} of stable in the same time`,
    };
  if (evidence.judged.requests.stable === 0)
    return {
      by: "errors",
      because: `no request of stable was counted, so nothing can be compared; ${failures(evidence.judged)}`,
    };
  return { by: "errors", because: `${compared(evidence)}: ${told(evidence, ratio)} yet` };
}

function numbersOf(evidence: Evidence, weight: Weight, ratio: RatioInterval, settings: Settings): string {
  const { seen, judged, split } = evidence;
  const metrics = [
    `errors ${eValue(weight.metrics.errors)}`,
    `latency ${eValue(weight.metrics.latency)}`,
    ...(settings.objective === undefined ? [] : [`objective ${eValue(weight.metrics.objective)}`]),
  ];
  const all = split.requests.canary + split.requests.stable;
  return [
    `harm E = ${eValue(weight.harm)} of ${number(1 / settings.alpha)} (${metrics.join(", ")})`,
    `safe E = ${eValue(weight.safe)} of ${number(1 / settings.beta)}`,
    `ratio ${ratio.estimate === undefined ? "—" : number(ratio.estimate)} (${range(ratio)})`,
    `failed ${share(judged.errors.canary, judged.requests.canary)} of canary, ${share(judged.errors.stable, judged.requests.stable)} of stable`,
    `sound E = ${eValue(weight.sound)} of ${number(1 / settings.beta)}`,
    `breaker E = ${eValue(weight.breaker)} of ${number(1 / settings.breaker.alpha)} over ${count(seen.requests.canary)} requests`,
    ...(all === 0 ? [] : [`split ${share(split.requests.canary, all)}, planned ${percent((split.weight ?? 0) / 100)}`]),
    ...(settings.dispersion.phi > 1 ? [`φ ${number(settings.dispersion.phi)}`] : []),
    `${count(evidence.polls)} ${evidence.polls === 1 ? "poll" : "polls"}`,
  ].join(" · ");
}

const compared = ({ judged: { requests, errors } }: Evidence): string =>
  `${of(errors.canary, requests.canary)} canary requests failed, ${of(errors.stable, requests.stable)} on stable in the same time`;
const failures = ({ requests, errors }: Evidence["judged"]): string =>
  `${of(errors.canary, requests.canary)} canary requests failed`;
const splitSeen = ({ split: { requests, weight } }: Evidence): string =>
  `the canary got ${share(requests.canary, requests.canary + requests.stable)} of ${count(requests.canary + requests.stable)} requests instead of ${percent((weight ?? 0) / 100)}`;

function range({ low, high }: RatioInterval): string {
  if (low === undefined && high === undefined) return "any number of times as many";
  if (high === undefined) return `at least ${number(low ?? 0)} times as many`;
  return low === undefined
    ? `at most ${number(high)} times as many`
    : `${number(low)} to ${number(high)} times as many`;
}

const told = ({ judged: { errors } }: Evidence, ratio: RatioInterval): string =>
  errors.canary + errors.stable === 0
    ? "no failure to compare by"
    : `${range(ratio)}, which proves neither harm nor safety`;

const chance = (alpha: number): string => `odds of chance below 1 in ${count(Math.round(1 / alpha))}`;
const of = (part: number, whole: number): string => `${count(part)} of ${count(whole)}`;
const share = (part: number, whole: number): string => (whole === 0 ? "—" : percent(part / whole));
const percent = (value: number): string => `${number(value * 100)} %`;
const number = (value: number): string =>
  value >= 1_000 ? count(Math.round(value)) : String(Number(value.toPrecision(value < 10 ? 2 : 3)));
const count = (value: number): string => String(value).replace(/\B(?=(\d{3})+$)/g, ",");

/** An e-value from its logarithm: as a number where people read one, as a power of ten beyond. */
function eValue(logE: number): string {
  if (logE === -Infinity) return "0";
  return Math.abs(logE) < Math.log(10_000) ? number(Math.exp(logE)) : `10^${Math.floor(logE / Math.LN10)}`;
}
