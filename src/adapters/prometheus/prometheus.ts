import type { MetricNames } from "../../evidence/metric-names.ts";
import type { Snapshot } from "../../evidence/snapshot.ts";
import type { Instant, Millis } from "../../lib/duration.ts";
import type { MetricSource } from "../../ports/metric-source.ts";
import type { Finding } from "../../ports/preflight.ts";
import type { Reading } from "../../release/judge.ts";
import type { Plan } from "../../release/plan.ts";
import type { Target } from "../../release/target.ts";
import { bucketsOf, countersOf } from "./counters.ts";
import { type MeasuredDispersion, measureDispersion } from "./dispersion.ts";
import { inspect } from "./inspect.ts";
import { type Answered, instantQuery, type NoAnswer, type PrometheusAddress, samplesOf } from "./instant-query.ts";
import { type Reporter, reporterChoice, reportersOf } from "./reporter.ts";
import { selectors } from "./selectors.ts";
import { type CountedTraffic, countTraffic } from "./traffic.ts";

export type PrometheusOptions = PrometheusAddress &
  MetricNames & {
    /** Whose counters are read; one only, or everything counts twice. `auto` chooses once, by what stable's series say. */
    readonly reporter: Reporter | "auto";
    /** The scrape interval of Prometheus. */
    readonly interval: Millis;
    readonly target: Target;
  };

/** Every method rejects only when aborted. */
export type PrometheusSource = MetricSource & {
  /** The requests of both versions in the time before a moment, whether or not a release runs. */
  traffic(at: Instant, window: Millis, signal: AbortSignal): Promise<CountedTraffic | { readonly because: string }>;
  /** How much more than independent ones stable's errors varied in the hour before a moment. */
  dispersion(at: Instant, signal: AbortSignal): Promise<MeasuredDispersion>;
  /** Whether the gates of a plan will have something to judge by. */
  inspect(plan: Plan, at: Instant, signal: AbortSignal): Promise<readonly Finding[]>;
};

type Counted = Snapshot | { readonly because: string };

/** Istio's standard metrics, read from Prometheus or anything with its API. */
export function prometheus(options: PrometheusOptions): PrometheusSource {
  const { interval, target, labels } = options;
  const choice = reporterChoice(options);
  const asking = (at: Instant, signal: AbortSignal) => (query: string) => instantQuery(options, query, at, signal);
  // Both versions' own proxies have to have been scraped; one proxy that counts both is newest at once.
  const settled = (at: Instant, reporter: Reporter): Instant => (reporter === "destination" ? at - interval : at);

  /** The counters that two queries give. */
  async function read(
    at: Instant,
    { requests, buckets }: { readonly requests: string; readonly buckets: string },
    signal: AbortSignal,
  ): Promise<Counted> {
    const answers = await Promise.all([requests, buckets].map(asking(at, signal)));
    const failed = answers.find((answer) => "because" in answer);
    if (failed) return failed;
    const [counters = [], histograms = []] = answers.map((answer) => ("because" in answer ? [] : samplesOf(answer)));
    return { at, requests: countersOf(counters, target, labels), buckets: bucketsOf(histograms, target, labels) };
  }

  async function counters(moment: Instant, signal: AbortSignal): Promise<Counted> {
    const reporter = await choice.decide(moment, signal);
    if (typeof reporter !== "string") return reporter;
    const at = settled(moment, reporter);
    const wanted = selectors(target, reporter, options);
    const [snapshot, present] = await Promise.all([
      read(at, wanted.newest, signal),
      asking(at, signal)(wanted.present),
    ]);
    if ("because" in snapshot) return snapshot;
    if ("because" in present) return present;
    choice.learn(reportersOf(present, options));
    // Counters that stand still because nobody reads them would let a gate pass on old evidence.
    const seen = snapshot.requests.some(({ origin }) => origin !== "unattributed");
    const alive = samplesOf(present).some((sample) => sample.labels[labels.reporter] === reporter);
    return seen && !alive ? { because: lost(target) } : snapshot;
  }

  async function traffic(
    moment: Instant,
    window: Millis,
    signal: AbortSignal,
  ): Promise<CountedTraffic | { readonly because: string }> {
    const reporter = await choice.decide(moment, signal);
    if (typeof reporter !== "string") return reporter;
    const at = settled(moment, reporter);
    const wanted = selectors(target, reporter, options);
    return countTraffic(
      {
        at: (earlier) => read(earlier, wanted.newest, signal),
        first: () => read(at, wanted.first(window), signal),
        last: () => counters(moment, signal),
        async watched(earlier) {
          const answer = await asking(earlier, signal)("count(up)");
          return "kind" in answer && samplesOf(answer).length > 0;
        },
      },
      at,
      window,
    );
  }

  return {
    counters,
    traffic,
    async query(query, at, signal) {
      return readingOf(await instantQuery(options, query, at, signal), at);
    },
    dispersion: (at, signal) => measureDispersion(options, at, signal),
    inspect: (plan, at, signal) => inspect({ ...options, choice }, plan, at, signal),
  };
}

const lost = ({ stable, canary }: Target): string =>
  `Prometheus has no counter of ${stable.deployment} or ${canary.deployment} any more: the proxies that counted are gone, or could not be scraped`;

/** A gate needs one number. Several are not added up behind the user's back, and what is no number is not zero. */
function readingOf(answer: Answered | NoAnswer, at: Instant): Reading {
  if ("because" in answer) return { at, because: answer.because };
  const values = answer.kind === "scalar" ? [answer.value] : answer.samples.map(({ value }) => value);
  const [value, ...others] = values;
  if (value === undefined) return { at, because: "the query gives no series" };
  if (others.length > 0) return { at, because: `the query gives ${values.length} series; aggregate it with sum()` };
  if (Number.isNaN(value)) return { at, because: "the query gives NaN, as 0/0 does: probably no requests" };
  if (!Number.isFinite(value))
    return { at, because: `the query gives ${value > 0 ? "+Inf" : "-Inf"}: something was divided by zero` };
  return { at, value };
}
