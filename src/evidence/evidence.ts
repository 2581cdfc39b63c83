import type { Millis } from "../lib/duration.ts";
import { ratioScale } from "./confidence.ts";
import type { Settings } from "./defaults.ts";
import { harmRatios, type Pair, ratioEvidence, safeRatios } from "./error-ratio.ts";
import { emptyLatency, growLatency, type Latency, profileLatency } from "./latency.ts";
import { emptyMixture, grow, type Mixture } from "./mixture.ts";
import { oddsEvidence } from "./odds-ratio.ts";
import { betterRates, highestObjective, rateEvidence, worseRates } from "./one-sample.ts";
import type { Poll } from "./poll.ts";
import { countSplit, emptySplit, isServedAt, type SplitCount, splitEvidence } from "./split-test.ts";

/** Requests, failures. */
export type PairedCounts = { readonly requests: Pair; readonly errors: Pair };

/**
 * Everything that a ledger proves, as a fold over its polls: the same polls and settings give the same numbers, bit for
 * bit. Plain JSON without undefined or infinite values, of a size that does not grow, so older polls can be dropped.
 */
export type Evidence = {
  readonly polls: number;
  /** How old the canary was at the last poll. */
  readonly age: Millis;
  /** All polls. */
  readonly seen: PairedCounts;
  /** The polls after the warm-up: what the tests below are about. */
  readonly judged: PairedCounts;
  /** Against "the canary fails at most as often as allowed". */
  readonly harm: Mixture;
  /** Against "the canary fails `safeRatio` times as often as stable, or more". */
  readonly safe: Mixture;
  /** Against "the canary fails in `minExcess` of all requests, or more". */
  readonly harmless: Mixture;
  /** The likelihood of each ratio on `ratioScale`. */
  readonly ratio: Mixture;
  /** Against "the canary fails at most in `objective` of all requests". */
  readonly objective: Mixture;
  /** Against "the canary fails at most as often as the circuit breaker bears". */
  readonly breaker: Mixture;
  /** Against "the canary fails at least as often as the circuit breaker bears". */
  readonly sound: Mixture;
  /** How much more of the canary's requests fail, by Mantel and Haenszel over polls: `above` / `requests`. */
  readonly excess: { readonly above: number; readonly requests: number };
  readonly split: SplitCount;
  readonly latency: Latency;
};

const none: PairedCounts = { requests: { stable: 0, canary: 0 }, errors: { stable: 0, canary: 0 } };

export const noEvidence: Evidence = {
  polls: 0,
  age: 0,
  seen: none,
  judged: none,
  harm: emptyMixture(40),
  safe: emptyMixture(40),
  harmless: emptyMixture(40),
  ratio: emptyMixture(ratioScale.length),
  objective: emptyMixture(40),
  breaker: emptyMixture(40),
  sound: emptyMixture(40),
  excess: { above: 0, requests: 0 },
  split: emptySplit,
  latency: emptyLatency,
};

/** The evidence after one more poll. Every choice in here depends on earlier polls only, which keeps all bets fair. */
export function addPoll(evidence: Evidence, poll: Poll, settings: Settings): Evidence {
  const counted = countedIn(poll);
  const borne = borneRate(evidence, counted, settings);
  const always = {
    ...evidence,
    polls: evidence.polls + 1,
    age: poll.age,
    seen: sumOf(evidence.seen, counted),
    breaker: grow(evidence.breaker, breakerEvidence(worseRates, borne, counted)),
    sound: grow(evidence.sound, breakerEvidence(betterRates, borne, counted)),
    split: countSplit(evidence.split, poll, settings),
  };
  if (poll.age < settings.warmUp) return { ...always, latency: profileLatency(evidence.latency, poll) };

  const { dispersion, minExcess, objective, safeRatio } = settings;
  const { requests, errors } = counted;
  const exposure = fairExposure(evidence, poll, requests, settings.split.tolerance);
  const tempered = (increments: readonly number[]): readonly number[] => increments.map((log) => log / dispersion.phi);
  return {
    ...always,
    judged: sumOf(evidence.judged, counted),
    harm: grow(evidence.harm, harmEvidence(evidence, counted, exposure, settings)),
    // Safety never rests on the plan: a canary that gets no request at all would otherwise be proven safe.
    safe: grow(evidence.safe, ratioEvidence(safeRatios(safeRatio), safeRatio, requests, errors, dispersion)),
    harmless:
      minExcess > 0
        ? grow(
            evidence.harmless,
            tempered(rateEvidence(betterRates(minExcess), minExcess, requests.canary, errors.canary)),
          )
        : evidence.harmless,
    ratio: grow(evidence.ratio, ratioEvidence(ratioScale, 1, exposure, errors, dispersion)),
    objective:
      objective === undefined
        ? evidence.objective
        : grow(
            evidence.objective,
            tempered(rateEvidence(worseRates(objective), objective, requests.canary, errors.canary)),
          ),
    excess: addExcess(evidence.excess, exposure, errors),
    latency: growLatency(evidence.latency, poll, settings.latencyMargin, settings.latencyPhi),
  };
}

/** Errors are frequent enough for the exact form from here on. */
const frequent = 0.05;

function harmEvidence(
  { judged }: Evidence,
  { requests, errors }: PairedCounts,
  exposure: Pair,
  { allowedIncrease, dispersion }: Settings,
): readonly number[] {
  const allowed = 1 + allowedIncrease;
  const exact = exposure === requests && dispersion.kind === "tempered" && rate(judged) > frequent;
  if (!exact) return ratioEvidence(harmRatios(allowed), allowed, exposure, errors, dispersion);
  return oddsEvidence(harmRatios(allowed), allowed, requests, errors).map((log) => log / dispersion.phi);
}

/** Fewer expected canary requests in a poll than this say little about the split they came from. */
const few = 20;
/** The planned split is trusted while the evidence against it is below this. */
const quiet = Math.log(10);

/**
 * What failures are compared with: the requests that were counted; or, with few of them, the planned shares of all,
 * which tells more: one failure among 3 requests of the canary is one in 60 of both at 5 %. The plan is only right if
 * the mesh splits as planned, so the split test must be quiet. "Few" is expected, not counted: choosing by the canary's
 * own count would load the dice.
 */
function fairExposure({ split }: Evidence, poll: Poll, requests: Pair, tolerance: number): Pair {
  const { weight } = poll;
  const all = requests.stable + requests.canary;
  const planned = { stable: (all * (100 - weight)) / 100, canary: (all * weight) / 100 };
  if (!isServedAt(split, poll) || planned.canary >= few) return requests;
  const { more, less } = splitEvidence(split, tolerance);
  return Math.max(more, less) < quiet ? planned : requests;
}

/** The circuit breaker bears `floor`, or `timesStable` what stable has: over all time, or in this very poll. */
function borneRate({ seen }: Evidence, counted: PairedCounts, { breaker }: Settings): number {
  const ofStable = ({ requests, errors }: PairedCounts): number =>
    requests.stable === 0 ? 0 : errors.stable / requests.stable;
  return Math.max(breaker.floor, breaker.timesStable * Math.max(ofStable(sumOf(seen, counted)), ofStable(counted)));
}

function breakerEvidence(
  ratesAgainst: (borne: number) => readonly number[],
  borne: number,
  { requests, errors }: PairedCounts,
): readonly number[] {
  // Stable is broken itself: nothing can be much worse, and nothing that is as bad is sound.
  if (borne >= highestObjective) return [];
  return rateEvidence(ratesAgainst(borne), borne, requests.canary, errors.canary);
}

/**
 * Each poll counts by its own traffic, so that an incident on both versions in one stage does not look like an excess.
 */
function addExcess(
  { above, requests }: Evidence["excess"],
  { stable, canary }: Pair,
  errors: Pair,
): Evidence["excess"] {
  const all = stable + canary;
  if (all === 0) return { above, requests };
  return {
    above: above + (errors.canary * stable - errors.stable * canary) / all,
    requests: requests + (canary * stable) / all,
  };
}

const rate = ({ requests, errors }: PairedCounts): number => {
  const all = requests.stable + requests.canary;
  return all === 0 ? 0 : (errors.stable + errors.canary) / all;
};

const countedIn = ({ stable, canary }: Poll): PairedCounts => ({
  requests: { stable: stable.requests, canary: canary.requests },
  errors: { stable: stable.errors, canary: canary.errors },
});

const sumOf = (a: PairedCounts, b: PairedCounts): PairedCounts => ({
  requests: add(a.requests, b.requests),
  errors: add(a.errors, b.errors),
});
const add = (a: Pair, b: Pair): Pair => ({ stable: a.stable + b.stable, canary: a.canary + b.canary });
