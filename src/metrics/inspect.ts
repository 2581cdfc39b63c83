import { formatDuration, type Instant, type Millis } from "../lib/duration.ts";
import type { Finding } from "../ports/preflight.ts";
import type { QueryGate } from "../release/gate.ts";
import type { Plan } from "../release/plan.ts";
import type { Target } from "../release/target.ts";
import { type Answered, instantQuery, type Labels, type NoAnswer, type PrometheusAddress, placeOf } from "./instant-query.ts";
import { type Reporter, selectors } from "./selectors.ts";

type Options = PrometheusAddress & { readonly reporter: Reporter; readonly interval: Millis; readonly target: Target };

/** Looks for what the gates of a plan need. Rejects only when aborted. */
export async function inspect(options: Options, plan: Plan, at: Instant, signal: AbortSignal): Promise<readonly Finding[]> {
  const wanted = selectors(options.target, options.reporter);
  const ask = (query: string): Promise<Answered | NoAnswer> => instantQuery(options, query, at, signal);
  const gates = plan.stages.flatMap((stage) => stage.gates);
  const counted = gates.some(({ kind }) => kind === "errors" || kind === "latency");
  const needed = counted || gates.some(({ kind }) => kind === "query");

  const reporters = await ask(`count by (reporter) (${wanted.ofStable.requests})`);
  if ("because" in reporters) return [unanswered(reporters, options, needed)];
  const found = labelsOf(reporters, "reporter");
  const findings = await Promise.all([
    ...(found.includes(options.reporter) ? [] : [noSeries(options, found, counted, ask)]),
    ...(found.includes(options.reporter) && gates.some(({ kind }) => kind === "latency") ? [histogram(options, ask)] : []),
    scrapeInterval(options, plan, ask),
    ...queryGates(plan).map((gate) => queryGate(gate, ask)),
  ]);
  return findings.filter((finding) => finding !== undefined);
}

type Ask = (query: string) => Promise<Answered | NoAnswer>;

const unanswered = ({ because }: NoAnswer, { url }: Options, needed: boolean): Finding => ({
  level: needed ? "refuse" : "warn",
  what: because,
  next: `Check metrics.prometheus (${placeOf(url)}) from where this job runs, and metrics.headers if it asks for a login.`,
});

async function noSeries({ target, reporter }: Options, found: readonly string[], counted: boolean, ask: Ask): Promise<Finding> {
  const level = counted ? "refuse" : "warn";
  const workload = `${target.namespace}/${target.stable.deployment}`;
  if (found.length > 0) {
    return {
      level,
      what: `Prometheus has requests of ${workload} with reporter=${found.join(" and reporter=")} only, and none with reporter=${reporter}`,
      next: `Set metrics.reporter to ${found.join(" or ")}, or let Prometheus scrape the proxies that report as ${reporter}.`,
    };
  }
  const others = await ask(`count by (destination_workload) (${selectors(target, reporter).ofService})`);
  const workloads = "because" in others ? [] : labelsOf(others, "destination_workload");
  if (workloads.length > 0) {
    return {
      level,
      what: `Prometheus has requests of the service ${target.service}, but none with destination_workload=${target.stable.deployment} (found: ${workloads.join(", ")})`,
      next: "Check the name of stable's Deployment, and that no Telemetry resource or relabelling takes the label away.",
    };
  }
  // A service that nobody calls at the moment is no mistake, but gates on its requests will have nothing to say.
  return {
    level: "warn",
    what: `Prometheus has no request of ${workload} in istio_requests_total`,
    next: "Without requests the gates on errors and latency have no data. Check that requests pass a proxy that Prometheus scrapes.",
  };
}

async function histogram({ target, reporter }: Options, ask: Ask): Promise<Finding | undefined> {
  const answer = await ask(`count(${selectors(target, reporter).ofStable.buckets})`);
  if ("because" in answer || answer.kind === "scalar" || answer.samples.length > 0) return undefined;
  return {
    level: "refuse",
    what: `Prometheus has requests of ${target.namespace}/${target.stable.deployment}, but no istio_request_duration_milliseconds_bucket, which the latency gates read`,
    next: "Check that no Telemetry resource or relabelling drops Istio's histograms, or take the latency gates out.",
  };
}

const lookBack: Millis = 300_000;

/** By the samples of series that were there all the time. Nothing is said while there are none. */
async function scrapeInterval({ target, reporter, interval }: Options, { pollEvery }: Plan, ask: Ask): Promise<Finding | undefined> {
  const { reported } = selectors(target, reporter).ofStable;
  const answer = await ask(`max(count_over_time(${reported}[5m]) and ${reported} offset 5m)`);
  const samples = "because" in answer || answer.kind === "scalar" ? 0 : (answer.samples[0]?.value ?? 0);
  if (samples < 2) return undefined;
  const scraped = lookBack / samples;
  const believed = Math.min(interval, pollEvery);
  if (scraped <= believed * 1.3) return undefined;
  return {
    level: "warn",
    what: `Prometheus scrapes about every ${formatDuration(scraped)}, and the release counts on ${formatDuration(believed)}: polls in between find nothing new`,
    next: `Set metrics.interval to the scrape interval, about ${formatDuration(scraped)}.`,
  };
}

function queryGates({ stages }: Plan): readonly QueryGate[] {
  const all = stages.flatMap(({ gates }) => gates).filter((gate) => gate.kind === "query");
  return all.filter(({ name, query }, index) => all.findIndex((other) => other.name === name && other.query === query) === index);
}

async function queryGate({ name, query }: QueryGate, ask: Ask): Promise<Finding | undefined> {
  const answer = await ask(query);
  if ("because" in answer) return { level: "refuse", what: `gate "${name}": ${answer.because}`, next: `Try the query in Prometheus: ${query}` };
  if (answer.kind === "vector" && answer.samples.length > 1) {
    return {
      level: "refuse",
      what: `gate "${name}": the query gives ${answer.samples.length} series, and a gate needs one number`,
      next: "Aggregate it with sum(), avg() or max().",
    };
  }
  // Many queries ask about the canary, which does not run yet.
  const missing = answer.kind === "vector" && answer.samples.length === 0;
  return missing
    ? {
        level: "note",
        what: `gate "${name}": the query gives no series now`,
        next: "That is right where it asks about the canary; otherwise check its labels.",
      }
    : undefined;
}

const labelsOf = (answer: Answered, label: string): readonly string[] =>
  answer.kind === "vector"
    ? answer.samples
        .map(({ labels }: { readonly labels: Labels }) => labels[label] ?? "")
        .filter((value) => value !== "")
        .sort()
    : [];
