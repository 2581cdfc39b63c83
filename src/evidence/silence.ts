import type { Millis } from "../lib/duration.ts";
import type { Settings } from "./defaults.ts";
import type { Poll } from "./poll.ts";
import { quantileOf } from "./quantile.ts";
import { isServedAt, type SplitCount } from "./split-test.ts";

/**
 * What ended since the canary ended a request. Where no caller has a time-out, a request that hangs is counted nowhere,
 * and all that can be seen of it is what is missing.
 */
export type Silence = {
  /** Requests of stable. */
  readonly stable: number;
  /** How old the canary was when it fell silent. Undefined: it has not, or nothing was counted at this weight yet. */
  readonly from?: Millis;
  /** What stable's requests take, by most of them: so much later the canary's first ones end. */
  readonly takes: Millis;
};

/** What was counted at the weight of now, and since when of the canary nothing. */
type Heard = { readonly split: SplitCount; readonly silence: Silence; readonly age: Millis };

export const noSilence: Silence = { stable: 0, takes: 0 };

export function listen(silence: Silence, split: SplitCount, poll: Poll): Silence {
  const usually = quantileOf(poll.stable.buckets, 0.95) ?? 0;
  const takes = Math.max(silence.takes, Number.isFinite(usually) ? usually : (poll.stable.buckets.at(-2)?.le ?? 0));
  if (!isServedAt(split, poll) || poll.canary.requests > 0) return { stable: 0, takes };
  return { stable: silence.stable + poll.stable.requests, from: silence.from ?? poll.from, takes };
}

/** So rarely are so many requests of stable in a row chance, wherever in a release. */
const mostlyChance = 1e-9;

/** Nothing of the canary's ends, over two polls and the time that a request takes. */
export function isSilent({ silence, split, age }: Heard, { scrape, split: { tolerance } }: Settings): boolean {
  const { stable, from, takes } = silence;
  const planned = ((split.weight ?? 0) / 100) * (1 - tolerance);
  if (from === undefined || planned <= 0 || split.weight === 100 || age - from < Math.max(2 * scrape, scrape + takes))
    return false;
  return stable * Math.log1p(-planned) <= Math.log(mostlyChance);
}

/** Requests a second: of both versions at this weight, and of the service before the release. */
export type TotalRate = { readonly now: number; readonly usual: number };

/** Where the requests are that the canary lacks, and what tells it. */
export type Whereabouts =
  | { readonly are: "missing" | "elsewhere"; readonly rate: TotalRate }
  | { readonly are: "missing"; readonly waiting: number };

/**
 * Undefined where nothing tells. Requests that are open at the canary's pods, and were not to be, are about as many as it
 * lacks.
 */
export function whereabouts(heard: Omit<Heard, "silence">, settings: Settings): Whereabouts | undefined {
  const { weight = 0, requests, waiting = 0 } = heard.split;
  const lacks = (requests.stable * weight) / (100 - weight) - requests.canary;
  if (waiting > 0 && waiting >= lacks / 2) return { are: "missing", waiting };
  return byTotal(heard, settings);
}

/**
 * Callers that bypass the route leave the service's total as it was; those that wait for the canary are missing from it.
 * Little is needed for "missing": a canary that lacks requests surely ends in a hold at best, and whoever is held wrongly
 * loses requests all the while. That they went elsewhere takes more, since it keeps a canary of which nothing ends.
 */
function byTotal(
  { split: { weight = 0, from, requests }, age }: Omit<Heard, "silence">,
  { usual, usualOf = Infinity }: Settings,
): Whereabouts | undefined {
  const all = requests.stable + requests.canary;
  if (usual === undefined || from === undefined || requests.stable === 0 || age <= from) return undefined;
  const now = (all * 1_000) / (age - from);
  const ifMissing = Math.log(all / (requests.stable / (1 - weight / 100)));
  const seen = Math.log(now / usual);
  const half = -ifMissing / 2;
  const chance = Math.sqrt(1 / all + 1 / usualOf);
  if (half <= oneInTwenty * chance || seen > half || seen < 3 * -half) return undefined;
  if (seen < -half) return { are: "missing", rate: { now, usual } };
  if (half > 3 / Math.sqrt(Math.min(all, usualOf)) + 0.02) return { are: "elsewhere", rate: { now, usual } };
  return undefined;
}

/** Standard deviations that chance is beyond on one side. */
const oneInTwenty = 1.645;
