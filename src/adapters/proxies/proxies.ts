import { emptyCount, emptyTally, sumOf, type Tally } from "../../evidence/tally.ts";
import { histogramOf } from "../../istio/istio-metrics.ts";
import { formatDuration, type Instant, type Millis } from "../../lib/duration.ts";
import { tell } from "../../lib/errors.ts";
import { type Blind, type Increments, type MetricSource, sawNothing } from "../../ports/metric-source.ts";
import type { Metrics, Uncounted, WindowTally } from "../../ports/metrics.ts";
import { unmeasured } from "../../ports/unmeasured.ts";
import { inspectProxies, noQueries } from "./inspect-proxies.ts";
import { gauges, waitingAt } from "./open-requests.ts";
import { countersOfPod } from "./pod-counters.ts";
import { emptyPodMeter, enrol, type PodMeter, readOn } from "./pod-meter.ts";
import type { ProxiesOptions } from "./proxies-options.ts";
import { type PodReading, podReader } from "./read-pod.ts";
import { mostPods, type ProxyPod, type Roster, seekProxies, wordFor } from "./roster.ts";

/** How long a round waits for pods that do not answer. */
const roundPatience: Millis = 5_000;

/** What of the traffic before a release is looked at, since proxies keep no history. */
const sampleWindow: Millis = 10_000;

type Round = {
  readonly begun: Instant;
  /** Not read yet, by uid. */
  readonly left: readonly string[];
  readonly tally: Tally;
  /** The earliest moment that anything in it may be of. */
  readonly from: Instant;
  readonly durations: boolean;
};

type Standpoint = {
  /** Of the last round that was whole. */
  readonly at: Instant | undefined;
  readonly meter: PodMeter;
  readonly round: Round | undefined;
  /** They did not answer for a whole round, and keep nobody waiting until they do. */
  readonly silent: ReadonlySet<string>;
};

const start: Standpoint = { at: undefined, meter: emptyPodMeter, round: undefined, silent: new Set() };

/** Istio's standard metrics, read from the proxies themselves. */
export function proxies(options: ProxiesOptions): Metrics {
  const { network, target, interval, timeout, requests, durations } = options;
  const seek = seekProxies(options);
  const read = podReader(network, `${requests}|${histogramOf(durations)}|${gauges}`);
  const readAll = (pods: readonly ProxyPod[], signal: AbortSignal): Promise<readonly PodReading[]> =>
    Promise.all(pods.map(async (pod) => ({ pod, answer: await read(pod, timeout, signal) })));

  async function find(signal: AbortSignal): Promise<Roster | Uncounted> {
    try {
      return await seek();
    } catch (error) {
      signal.throwIfAborted();
      return { because: `the proxies could not be looked for: ${tell(error)}` };
    }
  }

  function watch(): MetricSource {
    let stand = start;
    return {
      async look(at, signal): Promise<Increments> {
        signal.throwIfAborted();
        const roster = await find(signal);
        signal.throwIfAborted();
        if ("because" in roster) return sawNothing(at, stand.at, roster.because);
        const meter = enrol(stand.meter, roster);
        const round = stand.round ?? newRound(at, roster, stand.at);
        const asked = roster.pods.filter(({ uid }) => round.left.includes(uid)).slice(0, mostPods);
        const readings = await readAll(asked, signal);
        const because = whyBlind(roster, round, readings, target);
        if (because !== undefined) return sawNothing(at, stand.at, because);
        const { since, increments, next } = goOn({ ...stand, meter, round }, { at, roster, readings, options });
        stand = next;
        return { at: stand.at ?? at, since, ...increments };
      },
      query: async (_query, at) => ({ at, because: noQueries }),
    };
  }

  /** Counts for a moment: what was before nobody knows. */
  async function traffic(_at: Instant, window: Millis, signal: AbortSignal): Promise<WindowTally | Uncounted> {
    const { clock } = network;
    const source = watch();
    const begun = clock.now();
    let tally = emptyTally;
    let since: Instant | undefined;
    for (;;) {
      const seen = await source.look(clock.now(), signal);
      const blind = seen.blind.find(({ to }) => to === "requests");
      if (blind) return { because: blind.because };
      since ??= seen.since;
      tally = sumOf(tally, tallyOf(seen));
      const covered = seen.at - (since ?? seen.at);
      if (clock.now() - begun >= Math.min(window, sampleWindow) && covered > 0) return sampled(tally, covered);
      await clock.sleepUntil(clock.now() + interval, signal);
    }
  }

  function sampled(tally: Tally, covered: Millis): WindowTally | Uncounted {
    if (tally.stable.requests + tally.canary.requests > 0) return { ...tally, covered };
    const { stable, canary } = target;
    return {
      because: `the proxies counted no request of ${stable.deployment} or ${canary.deployment} in ${formatDuration(covered)}`,
    };
  }

  return {
    watch,
    traffic,
    rate: async () => undefined,
    answerers: async () => ({ because: `${noHistory} of who answered` }),
    dispersion: async () => unmeasured(noHistory),
    async inspect(plan, _at, signal) {
      const roster = await find(signal);
      if ("because" in roster) return inspectProxies({ options, plan, roster, readings: [] });
      return inspectProxies({ options, plan, roster, readings: await readAll(roster.pods.slice(0, mostPods), signal) });
    },
  };
}

const noHistory = "the proxies keep no history";

const newRound = (begun: Instant, roster: Roster, before: Instant | undefined): Round => ({
  begun,
  from: before ?? begun,
  left: roster.pods.map(({ uid }) => uid),
  tally: emptyTally,
  durations: false,
});

type Seen = {
  readonly at: Instant;
  readonly roster: Roster;
  readonly readings: readonly PodReading[];
  readonly options: ProxiesOptions;
};

type Gone = {
  readonly since: Instant | undefined;
  readonly increments: Omit<Increments, "at" | "since">;
  readonly next: Standpoint;
};

/** What was read goes into the round; a round that is whole is told, and the next one begins. */
function goOn(stand: Standpoint & { readonly round: Round }, seen: Seen): Gone {
  const { at, roster } = seen;
  const { meter, round, silent } = fold(stand, seen);
  const there = new Set(
    roster.pods.filter((pod) => isAwaited(pod, roster) && !silent.has(pod.uid)).map(({ uid }) => uid),
  );
  const awaited = round.left.filter((uid) => there.has(uid));
  if (awaited.length > 0 && at - round.begun < patienceWith(roster, seen.options)) {
    return { since: stand.at, increments: nothingUntil(stand.at ?? at), next: { ...stand, meter, silent, round } };
  }
  const next = { at, meter, round: undefined, silent: new Set([...silent, ...awaited]) };
  // The first round only finds where to count from.
  const { stable, canary, unattributed } = stand.at === undefined ? emptyTally : round.tally;
  const waiting = waitingAt(seen.readings);
  const blind = blindTo(round, seen);
  const increments = { from: round.from, stable, canary, lost: unattributed.errors, waiting, blind };
  return { since: stand.at, increments, next };
}

const nothingUntil = (from: Instant): Gone["increments"] => ({
  from,
  stable: emptyCount,
  canary: emptyCount,
  lost: 0,
  blind: [],
});

function fold({ meter, round, silent }: Standpoint & { readonly round: Round }, seen: Seen) {
  let [next, { tally, from, durations }] = [meter, round];
  const read = new Set<string>();
  for (const { pod, answer } of seen.readings) {
    if (!("text" in answer)) continue;
    const counters = countersOfPod(answer.text, pod, seen.roster.reporter, seen.options);
    const counted = readOn(next, pod.uid, counters, seen.at);
    from = Math.min(from, next.pods.get(pod.uid)?.at ?? from);
    next = counted.meter;
    tally = sumOf(tally, counted.tally);
    durations ||= counters.some((counter) => "le" in counter);
    read.add(pod.uid);
  }
  const left = round.left.filter((uid) => !read.has(uid));
  return {
    meter: next,
    round: { ...round, left, tally, from, durations },
    silent: new Set([...silent].filter((uid) => !read.has(uid))),
  };
}

/** What only a version's own proxies know is waited for; a gateway beside them may be out of reach for good. */
const isAwaited = ({ of }: ProxyPod, { reporter }: Roster): boolean => reporter !== "destination" || of !== "gateway";

const patienceWith = ({ pods }: Roster, { interval }: ProxiesOptions): Millis =>
  roundPatience + Math.ceil(pods.length / mostPods) * 2 * interval;

/** Why nothing is known of a version, or of anybody. */
function whyBlind(
  roster: Roster,
  { left }: Round,
  readings: readonly PodReading[],
  target: ProxiesOptions["target"],
): string | undefined {
  const awaited = readings.filter(({ pod }) => isAwaited(pod, roster));
  if (!roster.pods.some((pod) => isAwaited(pod, roster)))
    return roster.reporter === "destination"
      ? `no pod of ${target.stable.deployment} or ${target.canary.deployment} that runs has a proxy`
      : `no pod of a ${roster.reporter === "source" ? "gateway" : "waypoint"} was found that counts`;
  for (const of of new Set(awaited.map(({ pod }) => pod.of))) {
    const own = awaited.filter(({ pod }) => pod.of === of);
    const [first] = own.flatMap(({ answer }) => ("because" in answer ? [answer] : []));
    const isRead = roster.pods.some((pod) => pod.of === of && !left.includes(pod.uid));
    if (first && !isRead && own.every(({ answer }) => "because" in answer))
      return `no proxy of ${wordFor(of, target)} answered: ${first.because}`;
  }
  return undefined;
}

const blindTo = ({ tally, durations }: Round, { options: { target } }: Seen): readonly Blind[] =>
  tally.stable.requests + tally.canary.requests > 0 && !durations
    ? [
        {
          to: "durations",
          because: `the proxies of ${target.stable.deployment} and ${target.canary.deployment} show no response times`,
        },
      ]
    : [];

const tallyOf = ({ stable, canary, lost }: Increments): Tally => ({
  stable,
  canary,
  unattributed: { ...emptyCount, requests: lost, errors: lost },
});
