import type { Snapshot } from "../evidence/snapshot.ts";
import { advance, emptyLedger, type Tally } from "../evidence/tally.ts";
import type { Instant, Millis } from "../lib/duration.ts";
import type { MetricSource } from "../ports/metric-source.ts";
import type { Finding } from "../ports/preflight.ts";
import type { Reading } from "../release/judge.ts";
import type { Plan } from "../release/plan.ts";
import type { Target } from "../release/target.ts";
import { bucketsOf, countersOf } from "./counters.ts";
import { inspect } from "./inspect.ts";
import { type Answered, instantQuery, type NoAnswer, type PrometheusAddress } from "./instant-query.ts";
import { type Reporter, selectors } from "./selectors.ts";

export type PrometheusOptions = PrometheusAddress & {
  /** Whose counters are read; one only, or everything counts twice. */
  readonly reporter: Reporter;
  /** The scrape interval of Prometheus. */
  readonly interval: Millis;
  readonly target: Target;
};

/** Every method rejects only when aborted. */
export type PrometheusSource = MetricSource & {
  /** The requests of both versions in the time before a moment, whether or not a release runs. */
  traffic(at: Instant, window: Millis, signal: AbortSignal): Promise<Tally | { readonly because: string }>;
  /** Whether the gates of a plan will have something to judge by. */
  inspect(plan: Plan, at: Instant, signal: AbortSignal): Promise<readonly Finding[]>;
};

/** Istio's standard metrics, read from Prometheus or anything with its API. */
export function prometheus(options: PrometheusOptions): PrometheusSource {
  const { reporter, interval, target } = options;
  const wanted = selectors(target, reporter);
  // Both versions' own proxies have to have been scraped; one proxy that counts both is newest at once.
  const settled = (at: Instant): Instant => (reporter === "destination" ? at - interval : at);

  async function counters(moment: Instant, signal: AbortSignal): Promise<Snapshot | { readonly because: string }> {
    const at = settled(moment);
    const ask = (query: string): Promise<Answered | NoAnswer> => instantQuery(options, query, at, signal);
    const [requests, buckets, alive] = await Promise.all([ask(wanted.requests), ask(wanted.buckets), ask(wanted.alive)]);
    if ("because" in requests) return requests;
    if ("because" in buckets) return buckets;
    if ("because" in alive) return alive;
    const snapshot = { at, requests: countersOf(samplesOf(requests), target), buckets: bucketsOf(samplesOf(buckets), target) };
    // Counters that stand still because nobody reads them would let a gate pass on old evidence.
    const seen = snapshot.requests.some(({ origin }) => origin !== "unattributed");
    return seen && samplesOf(alive).length === 0 ? { because: lost(target) } : snapshot;
  }

  return {
    counters,
    async query(query, at, signal) {
      return readingOf(await instantQuery(options, query, at, signal), at);
    },
    async traffic(at, window, signal) {
      const [then, now] = await Promise.all([counters(at - window, signal), counters(at, signal)]);
      if ("because" in then) return then;
      if ("because" in now) return now;
      const base = advance(emptyLedger, then);
      // Whoever was not there then began in between, at zero.
      const processes = new Set([...base.processes, ...[...now.requests, ...now.buckets].map(({ process }) => process)]);
      return advance({ ...base, processes }, now).tally;
    },
    inspect: (plan, at, signal) => inspect(options, plan, settled(at), signal),
  };
}

const lost = ({ stable, canary }: Target): string =>
  `Prometheus has no counter of ${stable.deployment} or ${canary.deployment} any more: the proxies that counted are gone, or could not be scraped`;

const samplesOf = (answer: Answered) => (answer.kind === "vector" ? answer.samples : []);

/** A gate needs one number. Several are not added up behind the user's back, and what is no number is not zero. */
function readingOf(answer: Answered | NoAnswer, at: Instant): Reading {
  if ("because" in answer) return { at, because: answer.because };
  const values = answer.kind === "scalar" ? [answer.value] : answer.samples.map(({ value }) => value);
  const [value, ...others] = values;
  if (value === undefined) return { at, because: "the query gives no series" };
  if (others.length > 0) return { at, because: `the query gives ${values.length} series; aggregate it with sum()` };
  if (Number.isNaN(value)) return { at, because: "the query gives NaN, as 0/0 does: probably no requests" };
  if (!Number.isFinite(value)) return { at, because: `the query gives ${value > 0 ? "+Inf" : "-Inf"}: something was divided by zero` };
  return { at, value };
}
