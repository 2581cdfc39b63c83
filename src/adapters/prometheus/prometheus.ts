import type { SeriesLabels } from "../../istio/counted-request.ts";
import type { Instant, Millis } from "../../lib/duration.ts";
import { type Blind, type Increments, type MetricSource, sawNothing } from "../../ports/metric-source.ts";
import type { Answerer, Metrics, Uncounted, WindowTally } from "../../ports/metrics.ts";
import { type Finding, refuse } from "../../ports/preflight.ts";
import { unmeasured } from "../../ports/unmeasured.ts";
import type { Reading } from "../../release/observation.ts";
import { isMirrored, type Plan } from "../../release/plan.ts";
import type { Target } from "../../release/target.ts";
import { type Answered, type NoAnswer, samplesOf } from "./answered.ts";
import { countWindow, type WindowView } from "./count-window.ts";
import { chooseProxy, type ProxyChoice } from "./counting-proxy.ts";
import { inspectMetrics, unanswered } from "./inspect-metrics.ts";
import { instantQuery, theirs } from "./instant-query.ts";
import { measureDispersion } from "./measure-dispersion.ts";
import { advance, counted, countedFrom, emptyMeter } from "./meter.ts";
import { keepEdges } from "./native-buckets.ts";
import { followClock } from "./prometheus-clock.ts";
import type { PrometheusOptions } from "./prometheus-options.ts";
import { hasVersions, readCounters, readNewest, settled } from "./read-counters.ts";
import { followRounds, isRound, noRounds, takeRound } from "./rounds.ts";
import { followScrapes, type Scrapes, whyStale } from "./scrapes.ts";
import { seriesSelectors } from "./series-selectors.ts";
import type { Snapshot } from "./snapshot.ts";

/** Istio's standard metrics, read from Prometheus or anything with its API. */
export function prometheus(given: PrometheusOptions): Metrics {
  const options = { nativeEdges: keepEdges(), ...given };
  const { interval, target } = options;
  const choice = chooseProxy(options);
  // Envoy sends copies outside of the filters that count, so that no caller's proxy does: a pod's own one is to.
  const ofPods = chooseProxy({ reporter: "destination" });
  const choiceFor = (plan: Partial<Pick<Plan, "stages">>): ProxyChoice => (isMirrored(plan) ? ofPods : choice);
  const follow = followClock();
  const located = (signal: AbortSignal): Promise<PrometheusOptions | NoAnswer> => follow(options, signal);

  /** Counters become what happened since they were read last. */
  function watch(plan: Partial<Pick<Plan, "stages">> = {}): MetricSource {
    const counting = choiceFor(plan);
    let meter = emptyMeter(interval);
    let scrapes: Scrapes | undefined;
    let rounds = noRounds;
    async function read(moment: Instant, signal: AbortSignal): ReturnType<typeof readNewest> {
      const there = await located(signal);
      if ("because" in there) return there;
      const snapshot = await readNewest(there, counting, moment, signal);
      if ("because" in snapshot) return snapshot;
      scrapes = followScrapes(scrapes, snapshot);
      return whyStale(snapshot, scrapes, options) ?? snapshot;
    }
    return {
      async look(moment, signal): Promise<Increments> {
        const snapshot = await read(moment, signal);
        if ("because" in snapshot) return sawNothing(moment, meter.at, snapshot.because);
        const since = meter.at;
        rounds = followRounds(rounds, snapshot);
        // A caller's proxy, a gateway's or a waypoint counts both versions at the same moment; a pod's own counts one.
        const apart = since !== undefined && snapshot.proxy === "destination";
        if (apart && !isRound(rounds, snapshot.at - since, interval)) return nothingYet(since, snapshot, target);
        rounds = takeRound(rounds);
        const { stable, canary, unattributed } = counted(meter, snapshot);
        const from = countedFrom(meter, snapshot);
        meter = advance(meter, snapshot);
        const blind = blindTo(snapshot, target);
        return { at: snapshot.at, since, from, stable, canary, lost: unattributed.errors, blind };
      },
      async query(query, at, signal) {
        const there = await located(signal);
        return readingOf("because" in there ? there : await instantQuery(there, query, at, signal), at);
      },
    };
  }

  async function traffic(moment: Instant, window: Millis, signal: AbortSignal): Promise<WindowTally | Uncounted> {
    const there = await located(signal);
    if ("because" in there) return there;
    const proxy = await choice.decide(there, moment, signal);
    if (typeof proxy !== "string") return proxy;
    const end = settled(moment, proxy, interval);
    const { newest, first } = seriesSelectors(target, proxy, options);
    const view: WindowView = {
      interval,
      at: (earlier) => readCounters(there, newest, earlier, signal),
      first: () => readCounters(there, first(window), end, signal),
      async last() {
        const snapshot = await readCounters(there, newest, end, signal);
        return "because" in snapshot
          ? snapshot
          : (whyStale(snapshot, followScrapes(undefined, snapshot), options) ?? snapshot);
      },
      async watched(earlier) {
        return samplesOf(await instantQuery(there, "count(up)", earlier, signal)).length > 0;
      },
    };
    return countWindow(view, end, window);
  }

  async function rate(moment: Instant, window: Millis, signal: AbortSignal): Promise<number | undefined> {
    const there = await located(signal);
    if ("because" in there) return undefined;
    const proxy = await choice.decide(there, moment, signal);
    if (typeof proxy !== "string") return undefined;
    const { requests, first } = seriesSelectors(target, proxy, options).got(window);
    const ask = async (query: string): Promise<number | undefined> =>
      samplesOf(await instantQuery(there, query, moment, signal))[0]?.value;
    const [got, since] = await Promise.all([ask(requests), ask(first)]);
    if (got === undefined || since === undefined) return undefined;
    const covered = Math.min(window, theirs(there, moment) - since * 1_000);
    if (covered > 0 && got > 0) return (got * 1_000) / covered;
    return undefined;
  }

  return {
    watch,
    traffic,
    rate,
    async answerers(at, signal) {
      const there = await located(signal);
      if ("because" in there) return there;
      const { answered } = seriesSelectors(target, "source", options);
      const answer = await instantQuery(there, answered, at, signal);
      if ("because" in answer) return answer;
      return samplesOf(answer).map(({ labels }) => answererOf(labels, options));
    },
    async dispersion(at, signal) {
      const there = await located(signal);
      if ("because" in there) return unmeasured(there.because);
      return measureDispersion(there, at, signal);
    },
    async inspect(plan, at, signal) {
      const there = await located(signal);
      if ("because" in there) return [unanswered(there, options, plan)];
      const findings = await inspectMetrics(there, choiceFor(plan), plan, at, signal);
      return [...copiesAreCounted(options, plan), ...findings];
    },
  };
}

/** A reporter that somebody chose counts no copies, unless it is the pods' own. */
const copiesAreCounted = ({ reporter }: PrometheusOptions, plan: Plan): readonly Finding[] =>
  !isMirrored(plan) || reporter === "auto" || reporter === "destination"
    ? []
    : [
        refuse(
          `Copies of requests are counted by the pods' own proxies alone, and metrics.reporter is ${reporter}.`,
          "Leave metrics.reporter out, or take mirror out of the stages.",
        ),
      ];

const answererOf = (found: SeriesLabels, { labels }: PrometheusOptions): Answerer => ({
  workload: found[labels.workload] ?? "",
  namespace: found[labels.namespace] ?? "",
});

/** What happened since the last round comes with the next one. */
const nothingYet = (at: Instant, snapshot: Snapshot, target: Target): Increments => ({
  ...sawNothing(at, at, ""),
  blind: blindTo(snapshot, target),
});

const blindTo = (snapshot: Snapshot, { stable, canary }: Target): readonly Blind[] =>
  hasVersions(snapshot) && snapshot.buckets.length === 0
    ? [{ to: "durations", because: `Prometheus has no response time of ${stable.deployment} or ${canary.deployment}` }]
    : [];

/** A gate needs one number. Several are not added up behind the user's back, and what is no number is not zero. */
function readingOf(answer: Answered | NoAnswer, at: Instant): Reading {
  if ("because" in answer) return { at, because: answer.because };
  const [sample] = answer.samples;
  const [none] = answer.none;
  const series = answer.samples.length + answer.none.length;
  if (series > 1) return { at, because: `the query gives ${series} series; aggregate it with sum()` };
  if (sample) return { at, value: sample.value };
  return {
    at,
    because: none ? `the query gives ${none.said}${whyNone[none.said] ?? ""}` : "the query gives no series",
  };
}

const dividedByZero = ": something was divided by zero";
const whyNone: Readonly<Record<string, string>> = {
  NaN: ", as 0/0 does: probably no requests",
  "+Inf": dividedByZero,
  "-Inf": dividedByZero,
};
