import { isRound } from "../../../src/adapters/prometheus/rounds.ts";
import type { PodCount } from "../../../src/evidence/dispersion.ts";
import type { PodWindows } from "../../../src/evidence/pod-spread.ts";
import { emptyCount, sumOfBuckets } from "../../../src/evidence/tally.ts";
import type { Millis } from "../../../src/lib/duration.ts";
import { type Chance, chance, poisson } from "../../../src/rehearsal/chance.ts";
import type { RandomMesh } from "../../../src/rehearsal/random-mesh.ts";
import { edges, normal, type ResponseTimes } from "./world.ts";

/** A service as services are: pods that differ, that are scraped each at its own moment, that come and are cold. */
export type UnevenService = {
  /** Requests per second of both versions together. */
  readonly rate: number;
  readonly baseline: number;
  /** How many times as often the canary fails, and how many times as long it takes. */
  readonly worse: number;
  readonly slower: number;
  readonly stablePods: number;
  /** By the canary's weight. */
  readonly canaryPods: (weight: number) => number;
  /** Each pod's rate of failures times a gamma variable with this coefficient of variation. */
  readonly cv: number;
  /** Each pod's times times a log-normal variable with this σ. */
  readonly sigma: number;
  /** Response times; none are counted where it is missing, which is quicker to play. */
  readonly times?: ResponseTimes | undefined;
  /** Who counts: each pod for itself, or one proxy of the callers. */
  readonly counter: "pods" | "callers";
  /** The part of scrapes that fail. */
  readonly lost: number;
  /** New canary pods fail so often, and take so many times as long, in their first time. */
  readonly cold?: { readonly lasts: Millis; readonly failing: number; readonly slower: number } | undefined;
  /** For 20 to 60 seconds of the release; the canary meets it earlier by `lag`. `zone`: only every third pod, the canary's first. */
  readonly outage?: { readonly failing: number; readonly lag: Millis; readonly zone: boolean } | undefined;
  /** 10 callers make 80% of the requests, over so many connections each, which stick to a version for a minute. */
  readonly connections?: number | undefined;
  /** A failing request is tried three times, on one pod after another. */
  readonly retried: boolean;
  /** Requests per second that go to stable beside the route. */
  readonly direct: number;
  /** What rate and failures are times after a time since the beginning. */
  readonly drift: (time: Millis) => { readonly rate: number; readonly failing: number };
};

export const even: UnevenService = {
  rate: 50,
  baseline: 0.005,
  worse: 1,
  slower: 1,
  stablePods: 10,
  canaryPods: () => 1,
  cv: 0,
  sigma: 0,
  counter: "pods",
  lost: 0,
  retried: false,
  direct: 0,
  drift: () => ({ rate: 1, failing: 1 }),
};

type Served = { requests: number; errors: number; cold: number };
type Pod = {
  readonly version: "stable" | "canary";
  readonly index: number;
  readonly failing: number;
  readonly takes: number;
  readonly born: Millis;
  readonly phase: Millis;
  /** Expected since the scrape before, and counted by scrapes since the round before. */
  open: Served;
  tried: number;
  errors: number;
  buckets: number[];
  took: number;
  /** Moments of scrapes. */
  newest: Millis;
  taken: Millis;
};

const nothing = (): Served => ({ requests: 0, errors: 0, cold: 0 });
const interval: Millis = 15_000;
const second: Millis = 1_000;

export type UnevenMesh = RandomMesh & {
  /** What stable's pods counted in each minute of the hour before. */
  readonly before: readonly (readonly PodCount[])[];
  /** The same of those slower than each edge, in each ten minutes of it. */
  readonly slowBefore: readonly { readonly le: number; readonly windows: PodWindows }[];
  /** Takes the canary's pods away, and its traffic; the next weight brings new ones. */
  readonly replace: () => void;
};

export function unevenMesh(service: UnevenService, seed: number): UnevenMesh {
  const next = chance(seed);
  const pods: Pod[] = [];
  let [now, weight, failed, round, newest] = [0, 0, 0, 0, 0];
  let sticky: readonly { readonly canary: boolean; readonly share: number; readonly failing: number }[] = [];
  const begins = (130 + next() * 1_000) * second;
  const ends = begins + (20 + next() * 40) * second;

  function addPod(version: Pod["version"]): void {
    const ofCanary = version === "canary";
    pods.push({
      version,
      index: pods.filter((pod) => pod.version === version).length,
      failing: service.baseline * (ofCanary ? service.worse : 1) * gamma(service.cv, next),
      takes: (ofCanary ? service.slower : 1) * Math.exp(service.sigma * gauss(next)),
      born: ofCanary ? now : -Infinity,
      phase: service.counter === "pods" ? Math.floor(next() * 15) * second : 0,
      open: nothing(),
      tried: 0,
      errors: 0,
      buckets: edges.map(() => 0),
      took: 0,
      newest: now - interval,
      taken: now - interval,
    });
  }
  for (let pod = 0; pod < service.stablePods; pod++) addPod("stable");

  function rateOf(pod: Pod, cold: boolean, drift: number): number {
    const { outage } = service;
    let rate = pod.failing * drift;
    if (cold) rate = Math.max(rate, service.cold?.failing ?? 0);
    if (outage) {
      const early = pod.version === "canary" ? outage.lag : 0;
      const meets = !outage.zone || pod.index % 3 === 0;
      if (meets && now >= begins - early && now < ends - early) rate += outage.failing;
    }
    return Math.min(1, rate);
  }

  /** Who sticks chooses anew each minute. */
  function shares(): { readonly canary: number; readonly failing?: readonly [stable: number, canary: number] } {
    if (service.connections === undefined) return { canary: weight / 100 };
    if (now % (60 * second) === 0 || sticky.length === 0)
      sticky = Array.from({ length: 10 * service.connections }, (_, index) => ({
        canary: next() < weight / 100,
        share: 0.08 / (service.connections ?? 1),
        failing: (Math.floor(index / (service.connections ?? 1)) / 9) * 0.05,
      }));
    const part = (canary: boolean, of: (one: (typeof sticky)[number]) => number): number =>
      sticky.filter((one) => one.canary === canary).reduce((sum, one) => sum + of(one), 0);
    const share = (0.2 * weight) / 100 + part(true, ({ share }) => share);
    const failing = (canary: boolean): number =>
      part(canary, (one) => one.share * one.failing) / Math.max(1e-9, canary ? share : 1 - share);
    return { canary: share, failing: [failing(false), failing(true)] };
  }

  function serve(time: Millis): void {
    const { rate, failing } = service.drift(now);
    const all = (service.rate * rate * time) / second;
    const { canary, failing: ofCallers } = shares();
    for (const version of ["stable", "canary"] as const) {
      const own = pods.filter((pod) => pod.version === version);
      const requests =
        (version === "canary" ? all * canary : all * (1 - canary) + (service.direct * time) / second) / own.length;
      for (const [index, pod] of own.entries()) {
        const cold = service.cold !== undefined && now - pod.born < service.cold.lasts;
        const errors = requests * (rateOf(pod, cold, failing) + (ofCallers?.[version === "canary" ? 1 : 0] ?? 0));
        pod.open.requests += requests;
        if (cold) pod.open.cold += requests;
        if (!service.retried) pod.open.errors += errors;
        else
          for (let left = poisson(errors, next); left > 0; left--)
            for (let one = 0; one < 3; one++) {
              const tried = own[(index + one) % own.length];
              if (tried) tried.tried++;
            }
      }
    }
  }

  function scrape(pod: Pod): void {
    const { open } = pod;
    const errors = poisson(open.errors, next) + pod.tried;
    if (pod.version === "canary") failed += errors;
    pod.errors += errors;
    if (service.times) {
      for (const [requests, takes] of [
        [open.requests - open.cold, pod.takes],
        [open.cold, pod.takes * (service.cold?.slower ?? 1)],
      ] as const)
        if (requests > 0) pod.took += draw(service.times, requests, takes, pod.buckets, next);
    } else {
      const last = pod.buckets.length - 1;
      pod.buckets[last] = (pod.buckets[last] ?? 0) + poisson(Math.max(0, open.requests - open.errors), next) + errors;
    }
    [pod.open, pod.tried, pod.newest] = [nothing(), 0, now];
  }

  /** A proxy of the callers counts both versions, so that any scrape of it is a round. */
  function mayTake(): boolean {
    if (service.counter === "callers") return pods.some(({ newest, taken }) => newest !== taken);
    const members = pods.map((pod, index) => [String(index), { ...pod, origin: pod.version }] as const);
    return isRound({ members: new Map(members), pace: interval }, now - round, interval);
  }

  function read(): ReturnType<RandomMesh["read"]> {
    const nothingYet = { stable: emptyCount, canary: emptyCount, unattributed: emptyCount };
    if (!mayTake()) return { ...nothingYet, ago: now - round };
    const fresh = pods.filter(({ newest, taken }) => newest > taken);
    const from = Math.min(now, ...fresh.map(({ taken }) => taken));
    round = now;
    const of = (version: Pod["version"]) => {
      const own = fresh.filter((pod) => pod.version === version);
      const buckets = sumOfBuckets(
        own.flatMap((pod) => {
          let count = 0;
          return edges.map((le, index) => {
            count += pod.buckets[index] ?? 0;
            return { le, count };
          });
        }),
      );
      const requests = buckets.at(-1)?.count ?? 0;
      const errors = Math.min(
        requests,
        own.reduce((sum, pod) => sum + pod.errors, 0),
      );
      const took = Math.round(own.reduce((sum, pod) => sum + pod.took, 0));
      return service.times ? { requests, errors, buckets, took } : { requests, errors, buckets: [] };
    };
    const counted = { stable: of("stable"), canary: of("canary"), unattributed: emptyCount, ago: now - from };
    for (const pod of fresh) [pod.errors, pod.buckets, pod.took, pod.taken] = [0, edges.map(() => 0), 0, pod.newest];
    return counted;
  }

  return {
    ...hourBefore(service, pods, next),
    route(to) {
      weight = to;
      const before = pods.length;
      while (pods.filter(({ version }) => version === "canary").length < service.canaryPods(to)) addPod("canary");
      if (before > service.stablePods && pods.length > before) newest = now;
    },
    replace() {
      weight = 0;
      for (const pod of pods.splice(service.stablePods)) failed += pod.open.errors;
    },
    weight: () => weight,
    pods: () => pods.filter(({ version }) => version === "canary").length,
    joined: () => (newest > 0 ? now - newest : undefined),
    pass(time) {
      for (let left = time; left > 0; ) {
        const step = Math.min(left, second - (now % second));
        serve(step);
        now += step;
        left -= step;
        if (now % second !== 0) continue;
        for (const pod of pods) if (now % interval === pod.phase && next() >= service.lost) scrape(pod);
      }
    },
    read,
    failed: () => failed + pods.reduce((sum, pod) => sum + (pod.version === "canary" ? pod.open.errors : 0), 0),
  };
}

function hourBefore(service: UnevenService, pods: readonly Pod[], next: Chance) {
  const perPod = (service.rate * 60) / service.stablePods;
  const before = Array.from({ length: 60 }, () =>
    pods.map(({ failing }): PodCount => {
      const errors = poisson(perPod * failing, next) * (service.retried ? 3 : 1);
      return { requests: errors + poisson(perPod * (1 - failing), next), errors };
    }),
  );
  const drawn = Array.from({ length: service.times ? 6 : 0 }, () =>
    pods.map(({ takes }) => {
      const buckets = edges.map(() => 0);
      if (service.times) draw(service.times, perPod * 10, takes, buckets, next);
      return buckets;
    }),
  );
  const sum = (counts: readonly number[]): number => counts.reduce((a, b) => a + b, 0);
  const slowBefore = edges.slice(0, -1).map((le, index) => ({
    le,
    windows: drawn.map((window) =>
      window.map((buckets): PodCount => ({ requests: sum(buckets), errors: sum(buckets.slice(index + 1)) })),
    ),
  }));
  return { before, slowBefore };
}

/** Adds requests to buckets that are not cumulated, and says how many milliseconds they took. */
function draw(
  { median, spread }: ResponseTimes,
  requests: number,
  takes: number,
  buckets: number[],
  next: Chance,
): number {
  const usual = median * takes;
  const whole = usual * Math.exp(spread ** 2 / 2);
  let [below, belowTime, took] = [0, 0, 0];
  for (const [index, le] of edges.entries()) {
    const z = Math.log(le / usual) / spread;
    const share = le === Infinity ? 1 : normal(z);
    const shareOfTime = le === Infinity ? 1 : normal(z - spread);
    const drawn = poisson(requests * (share - below), next);
    buckets[index] = (buckets[index] ?? 0) + drawn;
    // Within a bucket they are what they are on average.
    if (drawn > 0) took += drawn * ((whole * (shareOfTime - belowTime)) / Math.max(1e-12, share - below));
    [below, belowTime] = [share, shareOfTime];
  }
  return took;
}

function gauss(next: Chance): number {
  return Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
}

/** With mean 1, by Marsaglia and Tsang (https://doi.org/10.1145/358407.358414). */
function gamma(cv: number, next: Chance): number {
  if (cv === 0) return 1;
  const shape = 1 / cv ** 2;
  const boosted = shape < 1 ? shape + 1 : shape;
  const d = boosted - 1 / 3;
  for (;;) {
    const x = gauss(next);
    const v = (1 + x / Math.sqrt(9 * d)) ** 3;
    if (v <= 0 || Math.log(1 - next()) >= x ** 2 / 2 + d - d * v + d * Math.log(v)) continue;
    return ((d * v) / shape) * (shape < 1 ? (1 - next()) ** (1 / shape) : 1);
  }
}
