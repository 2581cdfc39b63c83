import type { Settings } from "../evidence/defaults.ts";
import { emptyMixture, grow, logE } from "../evidence/mixture.ts";
import { betterRates, highestObjective, rateEvidence } from "../evidence/one-sample.ts";
import type { Millis } from "../lib/duration.ts";
import type { Traffic } from "./detection.ts";

/** A stage at whose end a release would be held, since it has too few requests to show that a good canary is sound. */
export type ThinStage = {
  readonly weight: number;
  /** How long it may last, and how long it would have to. Missing: no length is enough. */
  readonly deadline: Millis;
  readonly takes?: Millis | undefined;
  /** The canary's requests that are needed. */
  readonly requests?: number | undefined;
  /** A weight that has them within `deadline`, where there is one. */
  readonly enough?: number | undefined;
};

export type LimitedStep = { readonly weight: number; readonly deadline: Millis };

/** In 19 of 20 releases no fewer requests come, and no more of them fail. */
const nearlyAlways = 1.645;

/** More than any stage has that somebody waits for. */
const mostRequests = 1_000_000;

/** How many of its requests show that a canary as good as stable is surely not broken. Undefined where none do. */
export function requestsToBeSound(baseline: number, { breaker, beta }: Settings): number | undefined {
  const borne = Math.max(breaker.floor, breaker.timesStable * baseline);
  if (borne >= highestObjective) return undefined;
  const isEnough = (requests: number): boolean => {
    const failed = Math.min(requests, requests * baseline + nearlyAlways * Math.sqrt(requests * baseline));
    const proven = grow(emptyMixture(40), rateEvidence(betterRates(borne), borne, requests, failed));
    return logE(proven) >= Math.log(1 / beta);
  };
  if (!isEnough(mostRequests)) return undefined;
  let [few, many] = [0, mostRequests];
  while (many - few > 1) {
    const middle = Math.floor((few + many) / 2);
    if (isEnough(middle)) many = middle;
    else few = middle;
  }
  return many;
}

/** The first stage in which requests are too few, also with those of the stages before. */
export function firstThinStage(
  steps: readonly LimitedStep[],
  { rate, baseline }: Traffic,
  settings: Settings,
): ThinStage | undefined {
  if (settings.requires !== "sound") return undefined;
  const needed = requestsToBeSound(baseline, settings);
  const [first] = steps;
  if (needed === undefined) return first && { weight: first.weight, deadline: first.deadline };
  const requests = Math.ceil(needed + nearlyAlways * Math.sqrt(needed));
  const perSecond = (weight: number): number => (rate * weight) / 100;
  let seen = 0;
  for (const { weight, deadline } of steps) {
    const left = requests - seen;
    const enough = Math.ceil((100 * left * 1_000) / (rate * deadline));
    seen += (perSecond(weight) * deadline) / 1_000;
    if (seen >= requests) continue;
    const takes = (left * 1_000) / perSecond(weight);
    return { weight, deadline: deadline, takes, requests, enough: enough < 100 ? enough : undefined };
  }
  return undefined;
}
