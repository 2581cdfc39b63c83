import type { Conclusion } from "../evidence/conclusion.ts";
import { quantileOf } from "../evidence/quantile.ts";
import type { Buckets, Count, Tally } from "../evidence/tally.ts";
import type { OwnFigures, ResponseTime, ResponseTimes } from "./verdict.ts";

/** What one stage counted itself, for whoever tells of it: what is proven rests on all stages together. */
export function ownFigures({ stable, canary }: Tally, { slower }: Conclusion): OwnFigures {
  const ofBoth = (of: (count: Count) => number) => ({ stable: of(stable), canary: of(canary) });
  return {
    requests: ofBoth(({ requests }) => requests),
    errors: ofBoth(({ errors }) => errors),
    givenUp: ofBoth(({ givenUp = 0 }) => givenUp),
    cutOff: ofBoth(({ cutOff = 0 }) => cutOff),
    times: timesOfBoth(stable.buckets, canary.buckets),
    slow: slower && {
      slow: ofBoth(({ buckets }) => slowerThan(buckets, slower.than)),
      requests: ofBoth(({ buckets }) => allOf(buckets)),
    },
  };
}

function timesOfBoth(stable: Buckets, canary: Buckets): OwnFigures["times"] {
  const times = { stable: timesOf(stable), canary: timesOf(canary) };
  return times.stable && times.canary && { stable: times.stable, canary: times.canary };
}

function timesOf(buckets: Buckets): ResponseTimes | undefined {
  const p50 = responseTime(buckets, 0.5);
  const p99 = responseTime(buckets, 0.99);
  return p50 && p99 && { p50, p99 };
}

/** Within a bucket nothing is known. */
export function responseTime(buckets: Buckets, quantile: number): ResponseTime | undefined {
  const edge = quantileOf(buckets, quantile);
  if (edge === undefined) return undefined;
  return edge === Infinity ? { above: buckets.at(-2)?.le ?? 0 } : { atMost: edge };
}

const allOf = (buckets: Buckets): number => buckets.at(-1)?.count ?? 0;

/** Never negative: a histogram can be read in the middle of an update. */
const slowerThan = (buckets: Buckets, edge: number): number =>
  Math.max(0, allOf(buckets) - (buckets.find(({ le }) => le === edge)?.count ?? allOf(buckets)));
