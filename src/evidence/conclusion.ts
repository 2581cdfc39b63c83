import type { Millis } from "../lib/duration.ts";
import { type RatioInterval, ratioInterval } from "./confidence.ts";
import type { Settings } from "./defaults.ts";
import type { Pair } from "./error-ratio.ts";
import type { Evidence, PairedCounts } from "./evidence.ts";
import { type FewTimes, fewTimes, slowestEdge, type Untimed, whyUntimed } from "./latency.ts";
import { meansOf } from "./mean-times.ts";
import { allMetrics, type ByMetric, byMetric } from "./metric.ts";
import { grow, logE, type Mixture } from "./mixture.ts";
import { betterRates, rateEvidence } from "./one-sample.ts";
import { isSilent, type TotalRate, type Whereabouts, whereabouts } from "./silence.ts";
import { type EvidenceFinding, owesResponseTimes, type WeighedEvidence, weigh } from "./weigh.ts";

/** What can decide: one of the metrics, or what is judged beside them. */
export const grounds = [...allMetrics, "breaker", "split", "lost", "unanswered"] as const;
export type Ground = (typeof grounds)[number];

/** The natural logarithm of an e-value. Null for an e-value of 0: JSON has no infinity. */
export type LogE = number | null;

/** What the figures are held against. */
export type Bounds = Pick<
  Settings,
  "alpha" | "beta" | "objective" | "safeRatio" | "minExcess" | "breaker" | "split" | "dispersion"
>;

/**
 * What the evidence says about a canary, with every figure that it rests on. Plain JSON, and no words: those are made
 * of it.
 */
export type Conclusion = {
  readonly kind: "fail" | "pass" | "inconclusive" | "no-data";
  readonly finding: EvidenceFinding;
  /** What decided, or what is nearest to deciding. */
  readonly by: Ground;
  readonly polls: number;
  /** Requests and failures of all polls, and of those after the warm-up. */
  readonly seen: PairedCounts;
  readonly judged: PairedCounts;
  /** Requests counted at the planned weight of now, in whole percents, and failures among them that reached no pod. */
  readonly split: { readonly planned: number; readonly requests: Pair; readonly lost: number };
  /** Requests slower than the edge of the histogram that proves most. Missing while there is no histogram. */
  readonly slower?: { readonly than: Millis; readonly slow: Pair; readonly requests: Pair } | undefined;
  /** What requests take on average, in milliseconds, where that proves more than any edge. */
  readonly average?: { readonly requests: Pair; readonly means: Pair } | undefined;
  /** Of a canary that does not answer: how many requests ended, and how many were to. */
  readonly unanswered?: Unanswered | undefined;
  /** Of a canary that gets too little: its requests surely went elsewhere, as the service's total is what it was. */
  readonly elsewhere?: TotalRate | undefined;
  /** Response times were not judged, and why. */
  readonly untimed?: Untimed | undefined;
  /** What a verdict still lacks. Missing where nothing is open, or no number of requests would do. */
  readonly missing?: MissingCounts | undefined;
  /** How much longer the canary warms up; 0 afterwards. */
  readonly warmUpLeft: Millis;
  /** How many times as often as stable the canary fails. */
  readonly ratio: RatioInterval;
  readonly weight: {
    readonly harm: LogE;
    readonly metrics: ByMetric<LogE>;
    readonly safe: LogE;
    readonly sound: LogE;
    readonly breaker: LogE;
    readonly deserted: LogE;
  };
  readonly bounds: Bounds;
};

/** `requests`: so many more of the canary's without a failure, and a broken version is ruled out. */
export type MissingCounts = { readonly requests?: number | undefined; readonly times?: FewTimes | undefined };

/** Whole requests, and requests a second. */
export type Unanswered = {
  readonly ended: number;
  readonly expected: number;
  readonly stable: number;
  readonly lasted: Millis;
  /** Where it says that they are missing. */
  readonly total?: TotalRate | undefined;
  /** Where those are known that wait. */
  readonly waiting?: number | undefined;
};

/** What a finding means for a gate. "Nothing" is no data where there was nothing to compare. */
export function kindOf(
  finding: EvidenceFinding,
  evidence: Evidence,
  { requires, warmUp }: Settings,
): Conclusion["kind"] {
  switch (finding) {
    case "harm":
    case "broken":
    case "lost":
    case "unanswered":
      return "fail";
    case "too-much-traffic":
      return isFarTooMuch(evidence) ? "fail" : "inconclusive";
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

/** Twice the users that were agreed to are at risk. Below that it may be callers that stick, and somebody decides. */
function isFarTooMuch({ split: { weight = 0, requests } }: Evidence): boolean {
  return requests.canary >= (2 * weight * (requests.canary + requests.stable)) / 100;
}

/** While it warms up a canary is judged alone. */
function isComparable({ seen, judged, age }: Evidence, warmUp: Millis): boolean {
  const { stable, canary } = judged.requests;
  return seen.requests.canary > 0 && (age < warmUp || (canary > 0 && stable > 0));
}

/** Draws the conclusion. It depends on the evidence and the settings only. */
export function conclude(evidence: Evidence, settings: Settings): Conclusion {
  const before = drawn.get(evidence);
  if (before?.settings === settings) return before.conclusion;
  const conclusion = draw(evidence, settings);
  drawn.set(evidence, { settings, conclusion });
  return conclusion;
}

/** Looks come several times as often as polls: from evidence that is the same the conclusion was drawn already. */
const drawn = new WeakMap<Evidence, { readonly settings: Settings; readonly conclusion: Conclusion }>();

function draw(evidence: Evidence, settings: Settings): Conclusion {
  const weight = weigh(evidence, settings);
  const { finding } = weight;
  const { polls, seen, judged, split } = evidence;
  return {
    kind: kindOf(finding, evidence, settings),
    finding,
    by: groundOf(weight, evidence, settings),
    polls,
    seen,
    judged,
    split: { planned: split.weight ?? 0, requests: split.requests, lost: split.lost },
    ...slownessOf(evidence, settings),
    untimed: judged.requests.stable > 0 ? whyUntimed(evidence.latency) : undefined,
    missing: finding === "nothing" ? missingCounts(evidence, settings) : undefined,
    unanswered: finding === "unanswered" ? unansweredRequests(evidence, settings) : undefined,
    elsewhere: finding === "too-little-traffic" ? rateWhere("elsewhere", whereabouts(evidence, settings)) : undefined,
    warmUpLeft: Math.max(0, settings.warmUp - evidence.age),
    ratio: ratioInterval(evidence.ratio, settings.alpha),
    weight: weightsOf(weight),
    bounds: boundsOf(settings),
  };
}

function groundOf(
  { finding, most, harm, breaker, deserted }: WeighedEvidence,
  evidence: Evidence,
  settings: Settings,
): Ground {
  switch (finding) {
    case "harm":
      return most;
    case "broken":
      return deserted > breaker ? "givenUp" : "breaker";
    case "too-much-traffic":
    case "too-little-traffic":
      return "split";
    case "lost":
    case "unanswered":
      return finding;
    case "safe":
    case "sound":
      return "errors";
    case "nothing":
      return isHarm(harm, settings) ? most : openGround(evidence, settings);
  }
}

const isHarm = (harm: LogE, { alpha }: Pick<Settings, "alpha">): boolean =>
  harm !== null && harm >= Math.log(1 / alpha);

/** Harm is proven, and nearly all of it by one minute, which is no proof. */
export const isHarmOfOneMinute = ({ finding, weight, bounds }: Conclusion): boolean =>
  finding === "nothing" && isHarm(weight.harm, bounds);

/** While it warms up, only plain failure is judged. */
function openGround(evidence: Evidence, settings: Settings): Ground {
  if (owesResponseTimes(evidence, settings)) return "latency";
  if (evidence.seen.requests.canary > 0 && evidence.age < settings.warmUp) return "breaker";
  return "errors";
}

function missingCounts(evidence: Evidence, settings: Settings): MissingCounts {
  return {
    requests: cleanUntilSound(evidence.sound, settings),
    times: owesResponseTimes(evidence, settings) ? fewTimes(evidence.latency) : undefined,
  };
}

/** More of them than this nobody waits for. */
const tooMany = 1_000_000;

/** By halving: each request without a failure adds to every alternative. */
function cleanUntilSound(sound: Mixture, { beta, breaker }: Settings): number | undefined {
  const needed = Math.log(1 / beta);
  const after = (requests: number): number =>
    logE(grow(sound, rateEvidence(betterRates(breaker.floor), breaker.floor, requests, 0)));
  if (after(0) >= needed || after(tooMany) < needed) return undefined;
  let [few, enough] = [0, tooMany];
  while (enough - few > 1) {
    const middle = Math.floor((few + enough) / 2);
    if (after(middle) >= needed) enough = middle;
    else few = middle;
  }
  return enough;
}

function slownessOf({ latency }: Evidence, settings: Settings): Pick<Conclusion, "slower" | "average"> {
  const { means, edges } = latency;
  const edge = slowestEdge(latency, settings);
  if (edge) return { slower: { than: edge.le, slow: edge.slow, requests: edge.requests } };
  if (!means || !edges) return {};
  return { average: { requests: means.all.requests, means: meansOf(means.all) } };
}

function unansweredRequests(evidence: Evidence, settings: Settings): Unanswered {
  const { split, silence, age } = evidence;
  const isSince = isSilent(evidence, settings);
  const found = whereabouts(evidence, settings);
  const { stable, canary } = isSince ? { stable: silence.stable, canary: 0 } : split.requests;
  return {
    ended: canary,
    expected: Math.round((stable * (split.weight ?? 0)) / (100 - (split.weight ?? 0))),
    stable,
    lasted: age - ((isSince ? silence.from : split.from) ?? age),
    total: rateWhere("missing", found),
    waiting: found && "waiting" in found ? found.waiting : undefined,
  };
}

function rateWhere(place: Whereabouts["are"], found: Whereabouts | undefined): TotalRate | undefined {
  if (found?.are === place && "rate" in found) return found.rate;
  return undefined;
}

const weightsOf = ({ harm, metrics, safe, sound, breaker, deserted }: WeighedEvidence): Conclusion["weight"] => ({
  harm: finite(harm),
  metrics: byMetric((metric) => finite(metrics[metric])),
  safe: finite(safe),
  sound: finite(sound),
  breaker: finite(breaker),
  deserted: finite(deserted),
});

const finite = (logE: number): LogE => (logE === -Infinity ? null : logE);

const boundsOf = (settings: Settings): Bounds => ({
  alpha: settings.alpha,
  beta: settings.beta,
  objective: settings.objective,
  safeRatio: settings.safeRatio,
  minExcess: settings.minExcess,
  breaker: settings.breaker,
  split: settings.split,
  dispersion: settings.dispersion,
});
