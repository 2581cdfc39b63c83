import type { Conclusion, LogE } from "../evidence/conclusion.ts";
import type { RatioInterval } from "../evidence/confidence.ts";
import type { Pair } from "../evidence/error-ratio.ts";
import { count, number, percent, plural } from "../lib/numbers.ts";
import { part, share } from "./counts-in-words.ts";

/** The numbers behind the sentence, for somebody who doubts it: of all stages together, which is what is weighed. */
export function conclusionNumbers({ weight, bounds, ratio, judged, seen, split, polls }: Conclusion): string {
  const { alpha, beta, breaker, objective, dispersion } = bounds;
  const metrics = [`errors ${eValue(weight.metrics.errors)}`, `latency ${eValue(weight.metrics.latency)}`];
  if (given(judged.givenUp)) metrics.push(`given up ${eValue(weight.metrics.givenUp)}`);
  if (given(judged.cutOff)) metrics.push(`cut off ${eValue(weight.metrics.cutOff)}`);
  if (objective !== undefined) metrics.push(`objective ${eValue(weight.metrics.objective)}`);
  const numbers = [
    `all stages, after the warm-up: failed ${shares(judged.errors, judged.requests)}`,
    `ratio ${range(ratio)}`,
    `harm E = ${eValue(weight.harm)} of ${number(1 / alpha)} (${metrics.join(", ")})`,
    `safe E = ${eValue(weight.safe)} of ${number(1 / beta)}`,
    `sound E = ${eValue(weight.sound)} of ${number(1 / beta)}`,
    `breaker E = ${eValue(weight.breaker)} of ${number(1 / breaker.alpha)} over ${count(seen.requests.canary)} ${plural(seen.requests.canary, "request")}`,
  ];
  if (given(seen.givenUp))
    numbers.push(`given up ${shares(seen.givenUp, seen.requests)} (E = ${eValue(weight.deserted)})`);
  const all = split.requests.canary + split.requests.stable;
  if (all > 0) numbers.push(`split ${share(split.requests.canary, all)}, planned ${percent(split.planned / 100)}`);
  if (dispersion.phi > 1) numbers.push(`φ ${number(dispersion.phi)}`);
  numbers.push(`${count(polls)} ${plural(polls, "poll")}`);
  return numbers.join(" · ");
}

const given = ({ stable, canary }: Pair): boolean => stable + canary > 0;

const shares = (bad: Pair, requests: Pair): string =>
  `${part(bad.canary, requests.canary)} of canary (${share(bad.canary, requests.canary)}), ${part(bad.stable, requests.stable)} of stable (${share(bad.stable, requests.stable)})`;

function range({ low, high, estimate }: RatioInterval): string {
  const bounds = boundsInWords(low, high);
  if (estimate === undefined) return bounds;
  return `${number(estimate)} (${bounds})`;
}

function boundsInWords(low: number | undefined, high: number | undefined): string {
  if (low === undefined && high === undefined) return "unknown";
  if (high === undefined) return `at least ${number(low ?? 0)}`;
  if (low === undefined) return `at most ${number(high)}`;
  return `${number(low)} to ${number(high)}`;
}

/** An e-value from its logarithm, as far as anybody needs it: nobody decides otherwise at 10^22 than at a million. */
export function eValue(logE: LogE): string {
  if (logE === null) return "0";
  if (logE > Math.log(1_000_000)) return "over 1,000,000";
  if (logE < Math.log(0.001)) return "below 0.001";
  return number(Math.exp(logE));
}
