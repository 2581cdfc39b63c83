import { type Conclusion, isHarmOfOneMinute } from "../evidence/conclusion.ts";
import type { PairedCounts } from "../evidence/evidence.ts";
import { alphaOfCollapse } from "../evidence/weigh.ts";
import { formatDuration } from "../lib/duration.ts";
import { count, number, percent, plural } from "../lib/numbers.ts";
import type { OwnFigures } from "../release/verdict.ts";
import {
  about,
  atLeast,
  type BadEnd,
  canaryInWords,
  chanceInWords,
  comparedInWords,
  isWorse,
  part,
  share,
  shownSplit,
  timesAsOften,
} from "./counts-in-words.ts";
import { timesInWords } from "./times-in-words.ts";

/**
 * What evidence says, in one sentence for somebody on call: what was counted, then how sure it is. `own`: what the stage
 * counted itself; without it the counts are of all stages, and said to be.
 */
export function conclusionSentence(conclusion: Conclusion, own?: OwnFigures): string {
  const { finding, split, bounds } = conclusion;
  switch (finding) {
    case "harm":
      return harmSentence(conclusion, own);
    case "broken":
      return brokenSentence(conclusion, own);
    case "too-much-traffic":
      return `${splitSeen(split, own)}: too much; ${chance(bounds.split.alpha)}. Callers that stick to one version, or another route, send it more`;
    case "lost":
      return `${splitSeen(split, undefined)}, while ${count(split.lost)} requests of the service failed without reaching a pod: those meant for the canary; ${chance(bounds.split.alpha)}`;
    case "unanswered":
      return unansweredSentence(conclusion);
    case "too-little-traffic":
      return `${splitSeen(split, own)}: too little; ${chance(bounds.split.alpha)}. ${whereInWords(conclusion)}`;
    case "safe":
      return safeSentence(conclusion, own) + untimedWords(conclusion);
    case "sound":
      return soundSentence(conclusion, own) + untimedWords(conclusion);
    case "nothing":
      return nothingSentence(conclusion, own);
  }
}

const chance = (alpha: number): string => chanceInWords(Math.log(1 / alpha));

/** What to tell of, and what to say before it. */
type Told = { readonly counts: PairedCounts; readonly where: string };

const ofAllStages = "over all stages, ";

/** The stage's own counts where it has any of both versions. */
function toldOf({ judged }: Conclusion, own: OwnFigures | undefined): Told {
  if (own && own.requests.canary > 0 && own.requests.stable > 0) return { counts: own, where: "" };
  return { counts: judged, where: ofAllStages };
}

function unansweredSentence({ unanswered, split }: Conclusion): string {
  if (!unanswered) return splitSeen(split, undefined);
  const { ended, expected, stable, lasted, total, waiting } = unanswered;
  const what = `the canary does not answer: ${count(ended)} of its requests came to an end in ${formatDuration(lasted)}, where about ${count(expected)} were to, and ${count(stable)} of stable's did`;
  if (waiting) return `${what}; ${count(waiting)} more are open at its pods than at as many of stable's, so they wait`;
  if (total)
    return `${what}; the others are missing from the service's total as well (${number(total.now)} requests a second, ${number(total.usual)} before the release), so they are still waiting`;
  if (ended > 0) return what;
  return `${what}; unless all callers bypass the route, they are still waiting`;
}

function whereInWords({ elsewhere }: Conclusion): string {
  if (!elsewhere)
    return "Some callers bypass the route, or requests wait for the canary without an end: the service's total does not tell";
  const { now, usual } = elsewhere;
  return `Some callers bypass the route, as the service's total is what it was (${number(now)} requests a second, ${number(usual)} before), so what is seen here is not what all users would see`;
}

const how: Readonly<Record<BadEnd, string>> = {
  errors: "failed",
  givenUp: "were given up by their callers",
  cutOff: "were ended by a reset or a time-out",
};

const meaning: Readonly<Record<BadEnd, string>> = {
  errors: "",
  givenUp: ", so it does not answer, or takes longer than they wait",
  cutOff: "",
};

function harmSentence(conclusion: Conclusion, own: OwnFigures | undefined): string {
  const { by, judged, weight, bounds } = conclusion;
  const odds = chanceInWords(weight.harm ?? 0);
  switch (by) {
    case "latency":
      return `${slowerWords(conclusion, own)}; ${odds}`;
    case "objective":
      return `${ofAllStages}${canaryInWords(judged.errors, judged.requests)}: more than the objective of ${percent(bounds.objective ?? 0)} allows; ${odds}`;
    case "givenUp":
    case "cutOff":
      return `${moreOften(conclusion, by, own)}${meaning[by]}; ${odds}`;
    default:
      return `${moreOften(conclusion, "errors", own)}; ${odds}`;
  }
}

/** Of a stage that does not show it itself, what all stages together do. */
function moreOften({ judged, ratio }: Conclusion, ending: BadEnd, own: OwnFigures | undefined): string {
  const low = ending === "errors" ? ratio.low : undefined;
  const shows = (counts: PairedCounts): boolean =>
    isWorse(counts, ending) && !((timesAsOften(counts[ending], counts.requests) ?? Infinity) < (low ?? 0));
  const { counts, where } = own && shows(own) ? { counts: own, where: "" } : { counts: judged, where: ofAllStages };
  const bad = counts[ending];
  return where + comparedInWords(bad, counts.requests, how[ending]) + asOften(timesAsOften(bad, counts.requests), low);
}

/** A bound below one would be no harm, and an estimate below the bound is of other moments than the proof. */
function asOften(times: number | undefined, low: number | undefined): string {
  if (times === undefined) return "";
  if (times < Math.max(1.05, low ?? 0)) return ": more often than stable's at the same moments";
  const least = low !== undefined && low >= 1.05 ? `, at least ${atLeast(low)}` : "";
  return `: about ${about(times)} times as often${least}`;
}

function slowerWords({ slower, average }: Conclusion, own: OwnFigures | undefined): string {
  if (average) return `the canary is slower: ${averageInWords(average)}${timesInWords(own?.times)}`;
  if (!slower) return "the canary is slower than stable";
  const ownSlow = own?.slow && own.slow.requests.canary > 0 ? own.slow : undefined;
  const { slow, requests } = ownSlow ?? slower;
  const where = ownSlow ? "" : ofAllStages;
  const words = comparedInWords(slow, requests, `took longer than ${formatDuration(slower.than)}`);
  return `the canary is slower: ${where}${words}${timesInWords(own?.times)}`;
}

/** Averages are of all stages: what one stage has is no proof. */
function averageInWords({ requests, means }: NonNullable<Conclusion["average"]>): string {
  const [canary, stable] = [means.canary, means.stable].map((time) => formatDuration(Math.round(time)));
  const of = `${count(requests.canary)} ${plural(requests.canary, "request")}`;
  return `${ofAllStages}its ${of} took ${canary} on average, and stable's ${stable}`;
}

function brokenSentence(conclusion: Conclusion, own: OwnFigures | undefined): string {
  const { by, seen, weight, bounds } = conclusion;
  const ending = by === "givenUp" ? "givenUp" : "errors";
  const counts = own && own[ending].canary > 0 ? own : seen;
  const where = counts === seen ? ofAllStages : "";
  const words = where + comparedInWords(counts[ending], counts.requests, how[ending]);
  const proof = Math.max(weight.breaker ?? 0, weight.deserted ?? 0);
  if (proof >= Math.log(1 / bounds.breaker.alpha))
    return `${words}${meaning[ending]}: plainly broken (more than ${percent(bounds.breaker.floor)}); ${chanceInWords(proof)}`;
  return `${words}, and most of its newest: broken from then on; ${chance(alphaOfCollapse)}`;
}

function safeSentence(conclusion: Conclusion, own: OwnFigures | undefined): string {
  const { ratio, bounds } = conclusion;
  const { counts, where } = toldOf(conclusion, own);
  const proven =
    ratio.high !== undefined && ratio.high <= bounds.safeRatio
      ? `at most ${number(ratio.high)} times as often as stable`
      : `less than ${number(bounds.safeRatio)} times as often as stable, or below ${percent(bounds.minExcess)}`;
  return `${where}${comparedInWords(counts.errors, counts.requests)}: proven safe, ${proven}`;
}

function soundSentence(conclusion: Conclusion, own: OwnFigures | undefined): string {
  const { kind, judged, warmUpLeft, bounds } = conclusion;
  const { counts, where } = toldOf(conclusion, own);
  const ruledOut = `a broken version (${percent(bounds.breaker.floor)} failing) is ruled out`;
  const asked = kind === "inconclusive" ? "; the plan asks for a proof of safety" : "";
  if (warmUpLeft > 0 || judged.requests.canary === 0 || judged.requests.stable === 0)
    return `${seenAlone(conclusion, own)}: ${ruledOut}, and too little was counted to compare it with stable${asked}`;
  const words = comparedInWords(counts.errors, counts.requests);
  return `${where}${words}: ${signOfHarm(conclusion)}; ${ruledOut}, ${smallDifferences(conclusion)}${asked}`;
}

const signOfHarm = ({ weight }: Conclusion): string =>
  (weight.harm ?? 0) > 0 ? "nothing that chance would not do" : "no sign of harm";

function smallDifferences({ ratio: { high } }: Conclusion): string {
  if (high === undefined || high > 10) return "small differences are not";
  return `up to ${about(high)} times stable's failures are not`;
}

/** Nobody may take a verdict for more than it is. */
function untimedWords({ untimed }: Conclusion): string {
  if (untimed === undefined) return "";
  const because = {
    "not-counted": "none were counted",
    "beyond-the-last-edge": "most of stable's are beyond the last edge of the histogram",
  }[untimed];
  return `; response times were not judged: ${because}`;
}

/** Of the canary alone. */
function seenAlone({ seen }: Conclusion, own: OwnFigures | undefined): string {
  if (own && own.requests.canary > 0) return canaryInWords(own.errors, own.requests);
  return ofAllStages + canaryInWords(seen.errors, seen.requests);
}

function nothingSentence(conclusion: Conclusion, own: OwnFigures | undefined): string {
  const { seen, judged, warmUpLeft } = conclusion;
  if (isHarmOfOneMinute(conclusion)) return `${harmSentence(conclusion, own)}, but nearly all of it within one minute`;
  if (seen.requests.canary === 0)
    return `no request of the canary counted yet (stable: ${count(seen.requests.stable)})`;
  if (warmUpLeft > 0)
    return `warming up for ${formatDuration(warmUpLeft)} more, until then only plain failure counts: ${seenAlone(conclusion, own)}`;
  if (judged.requests.canary === 0)
    return `no request of the canary counted since it warmed up (stable: ${count(judged.requests.stable)})`;
  if (judged.requests.stable === 0)
    return `no request of stable counted, so nothing can be compared; ${seenAlone(conclusion, own)}`;
  const { counts, where } = toldOf(conclusion, own);
  return `${where}${comparedInWords(counts.errors, counts.requests)}: ${missingWords(conclusion, own)}`;
}

/** As counts where there are any: what is a few requests away needs no patience, what is thousands away a decision. */
function missingWords(
  { seen, missing: { requests, times } = {}, weight }: Conclusion,
  own: OwnFigures | undefined,
): string {
  const lacks: string[] = [];
  if (requests !== undefined) lacks.push(requestsMissing(requests, seen, own));
  if (times) lacks.push(timesMissing[times.of](part(times.counted, times.needed)));
  if (lacks.length > 0) return lacks.join(", and ");
  if ((weight.harm ?? 0) > 0) return "a suspicion, and no proof yet";
  return "undecided";
}

/** Of how many, only where the line has the same ones. */
function requestsMissing(missing: number, { requests: { canary }, errors, givenUp }: PairedCounts, own?: OwnFigures) {
  const isWhole = (own?.requests.canary ?? canary) === canary && errors.canary + givenUp.canary === 0;
  return isWhole
    ? `too few to judge, ${count(canary)} of about ${count(canary + missing)} requests`
    : `too few to judge, about ${count(missing)} more without a failure would do`;
}

const timesMissing = {
  stable: (counted: string) => `too few response times of stable to compare with (${counted})`,
  canary: (counted: string) => `too few response times to compare (${counted})`,
} as const;

function splitSeen(split: Conclusion["split"], own: OwnFigures | undefined): string {
  const { planned } = split;
  const requests = shownSplit(split, own);
  const all = requests.canary + requests.stable;
  return `the canary got ${share(requests.canary, all)} of the requests (${part(requests.canary, all)}) where ${percent(planned / 100)} was planned`;
}
