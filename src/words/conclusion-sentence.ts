import { type Conclusion, isHarmOfOneMinute, type LogE } from "../evidence/conclusion.ts";
import type { RatioInterval } from "../evidence/confidence.ts";
import type { Pair } from "../evidence/error-ratio.ts";
import type { PairedCounts } from "../evidence/evidence.ts";
import { formatDuration } from "../lib/duration.ts";
import { count, number, percent, plural } from "../lib/numbers.ts";

/** What evidence says, in one sentence for somebody on call. */
export function conclusionSentence(conclusion: Conclusion): string {
  const { finding, seen, split, bounds } = conclusion;
  switch (finding) {
    case "harm":
      return harmSentence(conclusion);
    case "broken":
      if (conclusion.by === "givenUp")
        return `${givenUp(seen)}: it does not answer, or takes longer than they wait, ${chance(bounds.breaker.alpha)}`;
      return `${failures(seen)}: more than stops a release at once, ${chance(bounds.breaker.alpha)}`;
    case "too-much-traffic":
      return `${splitSeen(split)}: more than planned, ${chance(bounds.split.alpha)}; callers that stick to one version, or another route, send it more`;
    case "lost":
      return `${splitSeen(split)}, while ${count(split.lost)} requests of the service failed without reaching a pod: those meant for the canary do, ${chance(bounds.split.alpha)}`;
    case "unanswered":
      return unansweredSentence(conclusion);
    case "too-little-traffic":
      return `${splitSeen(split)}: less than planned, ${chance(bounds.split.alpha)}; some callers bypass the route, so what is seen here is not what all users would see`;
    case "safe":
      return safeSentence(conclusion) + untimedWords(conclusion);
    case "sound":
      return soundSentence(conclusion) + untimedWords(conclusion);
    case "nothing":
      return nothingSentence(conclusion);
  }
}

function unansweredSentence({ unanswered, split }: Conclusion): string {
  if (!unanswered) return splitSeen(split);
  const { ended, expected, stable, lasted, total } = unanswered;
  const what = `the canary does not answer: ${count(ended)} of its requests came to an end in ${formatDuration(lasted)}, where about ${count(expected)} were to, and ${count(stable)} of stable did`;
  if (total)
    return `${what}; the others are missing from the service's total as well (${number(total.now)} requests a second, ${number(total.usual)} before the release), so they are still waiting`;
  if (ended > 0) return what;
  return `${what}; unless all callers bypass the route, they are still waiting`;
}

function harmSentence({ by, judged, slower, ratio, bounds }: Conclusion): string {
  const odds = chance(bounds.alpha);
  if (by === "objective")
    return `${failures(judged)}: more than the objective of ${percent(bounds.objective ?? 0)} allows, ${odds}`;
  if (by === "givenUp") return `${givenUp(judged)}: it does not answer, or takes longer than they wait, ${odds}`;
  if (by === "cutOff")
    return `${of(judged.cutOff.canary, judged.requests.canary)} canary requests were ended by a reset or a time-out, ${of(judged.cutOff.stable, judged.requests.stable)} on stable in the same time: more often than on stable, ${odds}`;
  if (by !== "latency") return `${compared(judged)}: ${moreFailures(ratio)}, ${odds}`;
  if (!slower) return `the canary is slower than stable, ${odds}`;
  const { than, slow, requests } = slower;
  return `${of(slow.canary, requests.canary)} canary requests took longer than ${formatDuration(than)}, ${of(slow.stable, requests.stable)} on stable in the same time: slower than stable, ${odds}`;
}

function moreFailures({ low }: RatioInterval): string {
  if (low !== undefined && low >= 1.05) return `at least ${number(low)} times as many`;
  return "more often than on stable";
}

function safeSentence({ judged, ratio, bounds: { safeRatio, minExcess, beta } }: Conclusion): string {
  if (ratio.high !== undefined && ratio.high <= safeRatio)
    return `${compared(judged)}: at most ${number(ratio.high)} times as many, ${chance(beta)}`;
  return `${compared(judged)}: either less than ${number(safeRatio)} times as many or less than ${percent(minExcess)} of all, ${chance(beta)}`;
}

function soundSentence({ seen, judged, warmUpLeft, ratio, bounds: { breaker, beta } }: Conclusion): string {
  const sound = `(${percent(breaker.floor)} failing would be), ${chance(beta)}`;
  if (warmUpLeft > 0 || judged.requests.canary === 0 || judged.requests.stable === 0)
    return `${failures(seen)}: surely not broken ${sound}; too little was seen to compare it with stable`;
  let notBroken = "surely not broken";
  if (judged.requests.canary < seen.requests.canary)
    notBroken += `, by all ${count(seen.requests.canary)} of its requests`;
  return `${compared(judged)}: ${unproven(judged, ratio)}; ${notBroken} ${sound}`;
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

function nothingSentence(conclusion: Conclusion): string {
  const { by, seen, judged, warmUpLeft, ratio } = conclusion;
  if (isHarmOfOneMinute(conclusion)) return `${harmSentence(conclusion)}, but nearly all of it within one minute`;
  if (seen.requests.canary === 0)
    return `no request of the canary was counted, ${count(seen.requests.stable)} of stable in the same time`;
  if (warmUpLeft > 0)
    return `${failures(seen)}; it is warming up for ${formatDuration(warmUpLeft)} more, until then only plain failure is judged`;
  if (judged.requests.canary === 0)
    return `no request of the canary was counted since it warmed up, ${count(judged.requests.stable)} of stable in the same time`;
  if (judged.requests.stable === 0)
    return `no request of stable was counted, so nothing can be compared; ${failures(judged)}`;
  const open = `${compared(judged)}: ${unproven(judged, ratio)} yet`;
  return by === "latency" ? `${open}; too few response times of both were counted to compare them` : open;
}

/** For a table: the figure that decided, or is nearest to deciding, and what it is held against. */
export function conclusionFigures(conclusion: Conclusion): { readonly value: string; readonly limit: string } {
  const { by, seen, split, slower, unanswered, bounds } = conclusion;
  const failing = share(seen.errors.canary, seen.requests.canary);
  switch (by) {
    case "latency":
      if (slower) return slowFigures(slower);
      return errorFigures(conclusion);
    case "split":
    case "lost":
      return {
        value: `${share(split.requests.canary, split.requests.canary + split.requests.stable)} of requests`,
        limit: `as planned: ${percent(split.planned / 100)}`,
      };
    case "unanswered":
      return {
        value: `${count(unanswered?.ended ?? 0)} requests ended`,
        limit: `about ${count(unanswered?.expected ?? 0)}`,
      };
    case "breaker":
      return { value: failing, limit: `≤ ${percent(bounds.breaker.floor)}` };
    case "givenUp":
    case "cutOff":
      return endingFigures(conclusion, by);
    case "objective":
      return { value: failing, limit: `≤ ${percent(bounds.objective ?? 0)}` };
    case "errors":
      return errorFigures(conclusion);
  }
}

const slowFigures = ({ than, slow, requests }: NonNullable<Conclusion["slower"]>) => ({
  value: `${share(slow.canary, requests.canary)} slower than ${formatDuration(than)}`,
  limit: likeStable(slow.stable, requests.stable),
});

function endingFigures({ judged, seen }: Conclusion, ending: "givenUp" | "cutOff") {
  const { requests, ...ended } = judged.requests.canary > 0 ? judged : seen;
  const { canary, stable } = ended[ending];
  const how = { givenUp: "given up by callers", cutOff: "cut off" }[ending];
  return { value: `${share(canary, requests.canary)} ${how}`, limit: likeStable(stable, requests.stable) };
}

function errorFigures({ judged, seen }: Conclusion) {
  const { errors, requests } = judged.requests.canary > 0 ? judged : seen;
  return { value: share(errors.canary, requests.canary), limit: likeStable(errors.stable, requests.stable) };
}

const likeStable = (part: number, whole: number): string =>
  whole === 0 ? "like stable" : `like stable: ${share(part, whole)}`;

/** The numbers behind the sentence, for somebody who doubts it. */
export function conclusionNumbers({ weight, bounds, ratio, judged, seen, split, polls }: Conclusion): string {
  const { alpha, beta, breaker, objective, dispersion } = bounds;
  const metrics = [`errors ${eValue(weight.metrics.errors)}`, `latency ${eValue(weight.metrics.latency)}`];
  if (given(judged.givenUp)) metrics.push(`given up ${eValue(weight.metrics.givenUp)}`);
  if (given(judged.cutOff)) metrics.push(`cut off ${eValue(weight.metrics.cutOff)}`);
  if (objective !== undefined) metrics.push(`objective ${eValue(weight.metrics.objective)}`);
  const numbers = [
    `harm E = ${eValue(weight.harm)} of ${number(1 / alpha)} (${metrics.join(", ")})`,
    `safe E = ${eValue(weight.safe)} of ${number(1 / beta)}`,
    `ratio ${ratio.estimate === undefined ? "—" : number(ratio.estimate)} (${range(ratio)})`,
    `failed ${share(judged.errors.canary, judged.requests.canary)} of canary, ${share(judged.errors.stable, judged.requests.stable)} of stable`,
    `sound E = ${eValue(weight.sound)} of ${number(1 / beta)}`,
    `breaker E = ${eValue(weight.breaker)} of ${number(1 / breaker.alpha)} over ${count(seen.requests.canary)} requests`,
  ];
  if (given(seen.givenUp))
    numbers.push(
      `given up ${share(seen.givenUp.canary, seen.requests.canary)} of canary, ${share(seen.givenUp.stable, seen.requests.stable)} of stable (E = ${eValue(weight.deserted)})`,
    );
  const all = split.requests.canary + split.requests.stable;
  if (all > 0) numbers.push(`split ${share(split.requests.canary, all)}, planned ${percent(split.planned / 100)}`);
  if (dispersion.phi > 1) numbers.push(`φ ${number(dispersion.phi)}`);
  numbers.push(`${count(polls)} ${plural(polls, "poll")}`);
  return numbers.join(" · ");
}

const compared = ({ requests, errors }: PairedCounts): string =>
  `${of(errors.canary, requests.canary)} canary requests failed, ${of(errors.stable, requests.stable)} on stable in the same time`;
const givenUp = (counts: PairedCounts): string =>
  `callers gave up ${of(counts.givenUp.canary, counts.requests.canary)} requests of the canary before they were answered, ${of(counts.givenUp.stable, counts.requests.stable)} of stable in the same time`;
const given = ({ stable, canary }: Pair): boolean => stable + canary > 0;
const failures = ({ requests, errors }: PairedCounts): string =>
  `${of(errors.canary, requests.canary)} canary requests failed`;

function splitSeen({ requests, planned }: Conclusion["split"]): string {
  const all = requests.canary + requests.stable;
  return `the canary got ${share(requests.canary, all)} of ${count(all)} requests instead of ${percent(planned / 100)}`;
}

function range({ low, high }: RatioInterval): string {
  if (low === undefined && high === undefined) return "any number of times as many";
  if (high === undefined) return `at least ${number(low ?? 0)} times as many`;
  if (low === undefined) return `at most ${number(high)} times as many`;
  return `${number(low)} to ${number(high)} times as many`;
}

function unproven({ errors }: PairedCounts, ratio: RatioInterval): string {
  if (errors.canary + errors.stable === 0) return "no failure to compare by";
  return `${range(ratio)}, which proves neither harm nor safety`;
}

const chance = (alpha: number): string => `odds of chance below 1 in ${count(Math.round(1 / alpha))}`;
const of = (part: number, whole: number): string => `${count(part)} of ${count(whole)}`;
const share = (part: number, whole: number): string => (whole === 0 ? "—" : percent(part / whole));

/** An e-value from its logarithm: as a number where people read one, as a power of ten beyond. */
function eValue(logE: LogE): string {
  if (logE === null) return "0";
  if (Math.abs(logE) < Math.log(10_000)) return number(Math.exp(logE));
  return `10^${Math.floor(logE / Math.LN10)}`;
}
