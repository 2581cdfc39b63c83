import {
  type Attribution,
  type Count,
  emptyTally,
  endings,
  sumOf,
  sumOfBuckets,
  type Tally,
  timedBy,
} from "../../evidence/tally.ts";
import type { Ending } from "../../istio/counted-request.ts";
import type { Instant } from "../../lib/duration.ts";
import type { PodCounter } from "./pod-counters.ts";
import type { Roster } from "./roster.ts";

/** Where the counters of each pod stand, by its uid. */
export type PodMeter = {
  /** Those that were looked for before: who is new among them began after the look before. */
  readonly groups: ReadonlySet<string>;
  readonly pods: ReadonlyMap<string, PodStanding>;
};

type PodStanding = {
  /** By series. Undefined: it has not been read yet. */
  readonly values: ReadonlyMap<string, number> | undefined;
  /** It was there when counting began, so that nobody knows its past. */
  readonly isOld: boolean;
  /** When it was read last. */
  readonly at: Instant | undefined;
};

const unread = { values: undefined, isOld: true, at: undefined };

export const emptyPodMeter: PodMeter = { groups: new Set(), pods: new Map() };

/** Pods that came, and those that are gone: what they counted last is counted already. */
export function enrol({ groups, pods }: PodMeter, roster: Roster): PodMeter {
  return {
    groups: new Set([...groups, ...roster.groups]),
    pods: new Map(
      roster.pods.map(({ uid, group }) => [uid, pods.get(uid) ?? { ...unread, isOld: !groups.has(group) }]),
    ),
  };
}

/** What a pod has counted since it was read last. A counter that falls began again at zero: the process restarted. */
export function readOn(
  meter: PodMeter,
  uid: string,
  counters: readonly PodCounter[],
  at: Instant,
): { readonly meter: PodMeter; readonly tally: Tally } {
  const { values, isOld } = meter.pods.get(uid) ?? unread;
  const begun = values === undefined && isOld ? undefined : 0;
  const grown = counters.map((counter) => ({
    counter,
    by: growth(counter.value, values?.get(keyOf(counter)) ?? begun),
  }));
  const standing = {
    isOld,
    at,
    values: new Map([...(values ?? []), ...counters.map((each) => [keyOf(each), each.value] as const)]),
  };
  return { meter: { ...meter, pods: new Map([...meter.pods, [uid, standing]]) }, tally: tallyOf(grown) };
}

function keyOf(counter: PodCounter): string {
  if ("le" in counter) return `bucket ${counter.series}`;
  return "unit" in counter ? `time ${counter.series}` : counter.series;
}

/** Nothing is known of what was before a base. */
function growth(value: number, before: number | undefined): number {
  if (before === undefined) return 0;
  return value >= before ? value - before : value;
}

type Grown = { readonly counter: PodCounter; readonly by: number };

const tallyOf = (grown: readonly Grown[]): Tally =>
  (["stable", "canary", "unattributed"] as const).reduce<Tally>(
    (tally, origin) => sumOf(tally, { ...emptyTally, [origin]: countOf(grown, origin) }),
    emptyTally,
  );

function countOf(grown: readonly Grown[], origin: Attribution): Count {
  const own = grown.filter(({ counter }) => counter.origin === origin);
  const times = own.filter(({ counter }) => "unit" in counter);
  const histograms = own.filter(({ counter }) => "le" in counter && counter.le === Infinity);
  const ended = (so: (ending: Ending) => boolean | undefined): number =>
    sum(own.filter(({ counter }) => "failed" in counter && so(counter)));
  return {
    requests: ended(() => true),
    errors: ended(({ failed }) => failed),
    ...endings(
      ended(({ givenUp }) => givenUp),
      ended(({ cutOff }) => cutOff),
    ),
    buckets: sumOfBuckets(own.flatMap(({ counter, by }) => ("le" in counter ? [{ le: counter.le, count: by }] : []))),
    ...timedBy(
      times.map(({ by }) => by),
      histograms.length,
    ),
  };
}

const sum = (grown: readonly Grown[]): number => grown.reduce((total, { by }) => total + by, 0);
