import type { Instant, Millis } from "../../lib/duration.ts";
import { type Blind, type Increments, type MetricSource, sawNothing } from "../../ports/metric-source.ts";
import type { Metrics, Uncounted, WindowTally } from "../../ports/metrics.ts";
import type { Reading } from "../../release/observation.ts";
import type { Target } from "../../release/target.ts";
import { type Answered, type NoAnswer, samplesOf } from "./answered.ts";
import { countWindow, type WindowView } from "./count-window.ts";
import { chooseProxy } from "./counting-proxy.ts";
import { inspectMetrics } from "./inspect-metrics.ts";
import { instantQuery } from "./instant-query.ts";
import { measureDispersion } from "./measure-dispersion.ts";
import { advance, counted, emptyMeter } from "./meter.ts";
import type { PrometheusOptions } from "./prometheus-options.ts";
import { hasVersions, readCounters, readNewest, settled } from "./read-counters.ts";
import { seriesSelectors } from "./series-selectors.ts";
import type { Snapshot } from "./snapshot.ts";

/** Istio's standard metrics, read from Prometheus or anything with its API. */
export function prometheus(options: PrometheusOptions): Metrics {
  const { interval, target } = options;
  const choice = chooseProxy(options);

  /** Counters become what happened since they were read last. */
  function watch(): MetricSource {
    let meter = emptyMeter;
    return {
      async look(moment, signal): Promise<Increments> {
        const snapshot = await readNewest(options, choice, moment, signal);
        if ("because" in snapshot) return sawNothing(moment, meter.at, snapshot.because);
        const { stable, canary, unattributed } = counted(meter, snapshot);
        const since = meter.at;
        meter = advance(meter, snapshot);
        return { at: snapshot.at, since, stable, canary, lost: unattributed.errors, blind: blindTo(snapshot, target) };
      },
      async query(query, at, signal) {
        return readingOf(await instantQuery(options, query, at, signal), at);
      },
    };
  }

  async function traffic(moment: Instant, window: Millis, signal: AbortSignal): Promise<WindowTally | Uncounted> {
    const proxy = await choice.decide(moment, signal);
    if (typeof proxy !== "string") return proxy;
    const end = settled(moment, proxy, interval);
    const { newest, first } = seriesSelectors(target, proxy, options);
    const view: WindowView = {
      at: (earlier) => readCounters(options, newest, earlier, signal),
      first: () => readCounters(options, first(window), end, signal),
      last: () => readNewest(options, choice, moment, signal),
      async watched(earlier) {
        return samplesOf(await instantQuery(options, "count(up)", earlier, signal)).length > 0;
      },
    };
    return countWindow(view, end, window);
  }

  return {
    watch,
    traffic,
    dispersion: (at, signal) => measureDispersion(options, at, signal),
    inspect: (plan, at, signal) => inspectMetrics(options, choice, plan, at, signal),
  };
}

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
