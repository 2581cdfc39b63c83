import type { Millis } from "../lib/duration.ts";
import { type Burst, growBurst, noBurst } from "./burst.ts";
import { ratioScale } from "./confidence.ts";
import type { Settings } from "./defaults.ts";
import { harmRatios, type Pair, ratioEvidence, safeRatios } from "./error-ratio.ts";
import { addExcess, type Excess, noExcess } from "./excess.ts";
import { emptyLatency, growLatency, type Latency, latencyLogE, profileLatency } from "./latency.ts";
import { growMeans } from "./mean-times.ts";
import { type ByMetric, byMetric } from "./metric.ts";
import { emptyMixture, grow, logE, type Mixture } from "./mixture.ts";
import { oddsEvidence } from "./odds-ratio.ts";
import { betterRates, highestObjective, rateEvidence, worseRates } from "./one-sample.ts";
import { podMargin, slowSpread, timeSpread } from "./pod-spread.ts";
import type { Poll } from "./poll.ts";
import { listen, noSilence, type Silence } from "./silence.ts";
import { countSplit, emptySplit, isServedAt, type SplitCount, splitEvidence } from "./split-test.ts";

/** Requests, failures, and how many of the requests were given up or cut off. */
export type PairedCounts = {
  readonly requests: Pair;
  readonly errors: Pair;
  readonly givenUp: Pair;
  readonly cutOff: Pair;
};

/** One way in which requests end badly, compared with stable's. */
export type EndingEvidence = {
  /** Against "the canary's requests end so at most as often as allowed". */
  readonly harm: Mixture;
  readonly excess: Excess;
};

/**
 * Everything that a ledger proves, as a fold over its polls: the same polls and settings give the same numbers, bit for
 * bit. Plain JSON without undefined or infinite values, of a size that does not grow, so older polls can be dropped.
 */
export type Evidence = {
  readonly polls: number;
  /** How old the canary was at the last poll. */
  readonly age: Millis;
  /** When the canary's newest pods came, as its age then, and for how long they are left alone. */
  readonly joined: { readonly at: Millis; readonly warmUp: Millis };
  /** All polls. */
  readonly seen: PairedCounts;
  /** The polls after the warm-up: what the tests below are about. */
  readonly judged: PairedCounts;
  /** Against "the canary fails at most as often as allowed". */
  readonly harm: Mixture;
  /** The most that each metric has proven against the canary within a minute. */
  readonly bursts: ByMetric<Burst>;
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
  /** The same of a much higher rate, and begun anew whenever nothing speaks for it: a failure that begins late. */
  readonly collapse: Mixture;
  /** Against "the canary fails at least as often as the circuit breaker bears". */
  readonly sound: Mixture;
  /** Against "callers leave the canary at most as often as the circuit breaker bears". */
  readonly deserted: Mixture;
  /** Of failures. */
  readonly excess: Excess;
  readonly givenUp: EndingEvidence;
  readonly cutOff: EndingEvidence;
  readonly split: SplitCount;
  readonly silence: Silence;
  readonly latency: Latency;
};

const nobody: Pair = { stable: 0, canary: 0 };
const none: PairedCounts = { requests: nobody, errors: nobody, givenUp: nobody, cutOff: nobody };
const noEnding: EndingEvidence = { harm: emptyMixture(40), excess: noExcess };

export const noEvidence: Evidence = {
  polls: 0,
  age: 0,
  joined: { at: 0, warmUp: 0 },
  seen: none,
  judged: none,
  harm: emptyMixture(40),
  bursts: byMetric(() => noBurst),
  safe: emptyMixture(40),
  harmless: emptyMixture(40),
  ratio: emptyMixture(ratioScale.length),
  objective: emptyMixture(40),
  breaker: emptyMixture(40),
  collapse: emptyMixture(40),
  sound: emptyMixture(40),
  deserted: emptyMixture(40),
  excess: noExcess,
  givenUp: noEnding,
  cutOff: noEnding,
  split: emptySplit,
  silence: noSilence,
  latency: emptyLatency,
};

/** The evidence after one more poll. Every choice in here depends on earlier polls only, which keeps all bets fair. */
export function addPoll(evidence: Evidence, poll: Poll, settings: Settings): Evidence {
  const counted = countedIn(poll);
  const bearable = (rates: typeof worseRates, having: Having, least = 0): readonly number[] =>
    breakerEvidence(rates, having, Math.max(least, borneRate(having, evidence, counted, settings)), counted);
  // Where callers leave most streams as they please, that says nothing about a version.
  const bad = borneRate(failedOrGivenUp, evidence, counted, settings) < highestObjective ? failedOrGivenUp : failed;
  const joined = joinedBy(evidence, poll, settings);
  const always = {
    ...evidence,
    polls: evidence.polls + 1,
    age: poll.age,
    joined,
    seen: sumOf(evidence.seen, counted),
    breaker: grow(evidence.breaker, bearable(worseRates, failed)),
    collapse: sinceItSpeaks(grow(evidence.collapse, bearable(worseRates, bad, collapsed))),
    deserted: grow(evidence.deserted, bearable(worseRates, givenUp)),
    sound: grow(evidence.sound, bearable(betterRates, bad)),
    split: countSplit(evidence.split, poll, settings),
    silence: listen(evidence.silence, evidence.split, poll),
  };
  if (poll.age < settings.warmUp || poll.age < joined.at + joined.warmUp)
    return { ...always, latency: profileLatency(evidence.latency, poll, settings.slowFrom) };

  const { dispersion, minExcess, objective, podSpread, safeRatio } = settings;
  const { requests, errors } = counted;
  const exposure = fairExposure(evidence, poll, requests, settings.split);
  const tempered = (increments: readonly number[]): readonly number[] => increments.map((log) => log / dispersion.phi);
  const harm = grow(evidence.harm, harmEvidence(failed, evidence, counted, exposure, poll, settings));
  const ended = {
    givenUp: addEnding(evidence, "givenUp", counted, exposure, poll, settings),
    cutOff: addEnding(evidence, "cutOff", counted, exposure, poll, settings),
  };
  const slower = (le: Millis): number =>
    Math.max(settings.latencyMargin, podMargin(podSpread, slowSpread(podSpread, le), poll.pods));
  const latency = withMeans(
    growLatency(evidence.latency, poll, slower, settings.latencyPhi, settings.slowFrom),
    evidence.latency,
    poll,
    settings,
  );
  const promised =
    objective === undefined
      ? evidence.objective
      : grow(
          evidence.objective,
          tempered(rateEvidence(worseRates(objective), objective, requests.canary, errors.canary)),
        );
  const against = { harm, ...ended, latency, objective: promised };
  return {
    ...always,
    ...against,
    judged: sumOf(evidence.judged, counted),
    bursts: burstsOf(evidence, against, counted, poll.age, settings),
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
    excess: addExcess(evidence.excess, exposure, errors),
  };
}

/** The average of response times is a bet beside those on edges, and begins with them. */
function withMeans(grown: Latency, { means }: Latency, poll: Poll, settings: Settings): Latency {
  if (!grown.edges) return grown;
  const margin = podMargin(settings.podSpread, timeSpread(settings.podSpread), poll.pods);
  const next = growMeans(means, poll, margin, settings);
  if (!next) return grown;
  return { ...grown, means: next };
}

type Proofs = Pick<Evidence, "harm" | "latency" | "givenUp" | "cutOff" | "objective">;

/** The natural logarithm of what each metric has proven against the canary. */
export const provenBy = (
  { harm, latency, givenUp, cutOff, objective }: Proofs,
  ofLatency: (latency: Latency) => number = latencyLogE,
): ByMetric<number> => ({
  errors: logE(harm),
  latency: ofLatency(latency),
  givenUp: logE(givenUp.harm),
  cutOff: logE(cutOff.harm),
  objective: logE(objective),
});

function burstsOf(
  evidence: Evidence,
  grown: Proofs,
  counted: PairedCounts,
  age: Millis,
  settings: Settings,
): Evidence["bursts"] {
  const [before, after] = [provenBy(evidence), provenBy(grown)];
  const windows = { shared: burstOf(settings), alone: scrapesAlone * settings.scrape };
  return byMetric((metric) => {
    const having = havingOf[metric];
    // How slow stable is as a whole is not among these counts.
    const shared = metric === "latency" || hasTrouble(having, evidence.seen, counted);
    const poll = { age, bad: having(counted).canary, shared, before: before[metric], after: after[metric] };
    return growBurst(evidence.bursts[metric], poll, windows);
  });
}

/** Fewer requests of stable in a poll do not show that all is well with it. */
const enoughToBeWell = 100;

/** More of stable's requests end badly than did: what is in the way then may be nobody's, and reach one version first. */
function hasTrouble(having: Having, seen: PairedCounts, counted: PairedCounts): boolean {
  const requests = counted.requests.stable;
  if (requests < enoughToBeWell || seen.requests.stable < enoughToBeWell) return true;
  const usual = (requests * having(seen).stable) / seen.requests.stable;
  return having(counted).stable > 3 * usual + 3;
}

/** A minute, where Prometheus scrapes every 15s: a shorter interval shows both versions an outage that much closer. */
const scrapesOfBurst = 4;

export const burstOf = ({ scrape }: Settings): Millis => scrapesOfBurst * scrape;

/** An outage of both that the canary meets first is seen on stable as well by then. */
const scrapesAlone = 2;

/**
 * New pods are cold as the first ones were. They are left alone for half of the time since those before them at most: a
 * canary that grows with each short stage would never be compared with stable otherwise.
 */
function joinedBy({ joined }: Evidence, { joined: at = 0 }: Poll, { warmUp }: Settings): Evidence["joined"] {
  if (at <= joined.at) return joined;
  return { at, warmUp: Math.min(warmUp, (at - joined.at) / 2) };
}

/** Errors are frequent enough for the exact form from here on. */
const frequent = 0.05;

/** Which requests are asked about. */
type Having = (counts: PairedCounts) => Pair;
const failed: Having = ({ errors }) => errors;
const givenUp: Having = (counts) => counts.givenUp;
const failedOrGivenUp: Having = (counts) => add(counts.errors, counts.givenUp);
const havingOf: ByMetric<Having> = {
  errors: failed,
  latency: ({ requests }) => requests,
  givenUp,
  cutOff: (counts) => counts.cutOff,
  objective: failed,
};

function harmEvidence(
  having: Having,
  { judged }: Evidence,
  counted: PairedCounts,
  exposure: Pair,
  { pods }: Poll,
  { allowedIncrease, dispersion, podSpread }: Settings,
): readonly number[] {
  const allowed = (1 + allowedIncrease) * podMargin(podSpread, podSpread?.errors, pods);
  const { requests } = counted;
  const exact = exposure === requests && dispersion.kind === "tempered" && rate(having, judged) > frequent;
  if (!exact) return ratioEvidence(harmRatios(allowed), allowed, exposure, having(counted), dispersion);
  return oddsEvidence(harmRatios(allowed), allowed, requests, having(counted)).map((log) => log / dispersion.phi);
}

function addEnding(
  evidence: Evidence,
  ending: "givenUp" | "cutOff",
  counted: PairedCounts,
  exposure: Pair,
  poll: Poll,
  settings: Settings,
): EndingEvidence {
  const { harm, excess } = evidence[ending];
  const having: Having = (counts) => counts[ending];
  return {
    harm: grow(harm, harmEvidence(having, evidence, counted, exposure, poll, settings)),
    excess: addExcess(excess, exposure, counted[ending]),
  };
}

/** Fewer expected canary requests in a poll than this say little about the split they came from. */
const few = 20;
/** The planned split is trusted while the evidence against it is below this. */
const quiet = Math.log(10);

/**
 * What failures are compared with: the requests that were counted; or, with few of them, the planned shares of all,
 * which tells more: one failure among 3 requests of the canary is one in 60 of both at 5%. The plan is only right if
 * the mesh splits as planned, so the split test must be quiet. "Few" is expected, not counted: choosing by the canary's
 * own count would load the dice. Where somebody is let in beside the weight there are no planned shares of requests.
 */
function fairExposure({ split }: Evidence, poll: Poll, requests: Pair, rules: Settings["split"]): Pair {
  const { weight } = poll;
  const all = requests.stable + requests.canary;
  const planned = { stable: (all * (100 - weight)) / 100, canary: (all * weight) / 100 };
  if (rules.atLeast || weight === 0 || !isServedAt(split, poll) || planned.canary >= few) return requests;
  const { more, less } = splitEvidence(split, rules);
  if (Math.max(more, less) < quiet) return planned;
  return requests;
}

/** The circuit breaker bears `floor`, or `timesStable` what stable has: over all time, or in this very poll. */
function borneRate(having: Having, { seen }: Evidence, counted: PairedCounts, { breaker }: Settings): number {
  const ofStable = (counts: PairedCounts): number =>
    counts.requests.stable === 0 ? 0 : having(counts).stable / counts.requests.stable;
  return Math.max(breaker.floor, breaker.timesStable * Math.max(ofStable(sumOf(seen, counted)), ofStable(counted)));
}

/** More than an outage that reaches the canary alone, or first, would be taken for. */
const collapsed = 0.3;

/** What good requests of earlier proved does not outweigh what begins now. */
const sinceItSpeaks = (mixture: Mixture): Mixture => (logE(mixture) > 0 ? mixture : noEvidence.collapse);

function breakerEvidence(
  ratesAgainst: (borne: number) => readonly number[],
  having: Having,
  borne: number,
  counted: PairedCounts,
): readonly number[] {
  // Stable is broken itself: nothing can be much worse, and nothing that is as bad is sound.
  if (borne >= highestObjective) return [];
  return rateEvidence(ratesAgainst(borne), borne, counted.requests.canary, having(counted).canary);
}

const rate = (having: Having, counts: PairedCounts): number => {
  const all = counts.requests.stable + counts.requests.canary;
  const { stable, canary } = having(counts);
  if (all === 0) return 0;
  return (stable + canary) / all;
};

const countedIn = ({ stable, canary }: Poll): PairedCounts => ({
  requests: { stable: stable.requests, canary: canary.requests },
  errors: { stable: stable.errors, canary: canary.errors },
  givenUp: { stable: stable.givenUp ?? 0, canary: canary.givenUp ?? 0 },
  cutOff: { stable: stable.cutOff ?? 0, canary: canary.cutOff ?? 0 },
});

const sumOf = (a: PairedCounts, b: PairedCounts): PairedCounts => ({
  requests: add(a.requests, b.requests),
  errors: add(a.errors, b.errors),
  givenUp: add(a.givenUp, b.givenUp),
  cutOff: add(a.cutOff, b.cutOff),
});
const add = (a: Pair, b: Pair): Pair => ({ stable: a.stable + b.stable, canary: a.canary + b.canary });
