import { placeOf } from "../../lib/credentials.ts";
import { formatDuration, type Instant, type Millis } from "../../lib/duration.ts";
import type { Finding } from "../../ports/preflight.ts";
import { type Gate, isCounting, type QueryGate } from "../../release/gate.ts";
import type { Plan } from "../../release/plan.ts";
import type { Target } from "../../release/target.ts";
import { type NoAnswer, type Sample, samplesOf, valuesOf } from "./answered.ts";
import { type ProxyChoice, preference } from "./counting-proxy.ts";
import { inspectClock } from "./inspect-clock.ts";
import { type Ask, instantQuery, theirs } from "./instant-query.ts";
import { missingFrom, tellMissing } from "./missing-labels.ts";
import { nothingCounted } from "./nothing-counted.ts";
import type { CountingProxy, PrometheusOptions } from "./prometheus-options.ts";
import { mostSilent, notScraped } from "./scrapes.ts";
import { seriesSelectors } from "./series-selectors.ts";
import { type Extent, extentOf, pastTheRoutes, surveyQuery, tellSurvey, unseenCallers } from "./survey.ts";

/** Looks for what the gates of a plan need, and says what there is. Rejects only when aborted. */
export async function inspectMetrics(
  options: PrometheusOptions,
  choice: ProxyChoice,
  plan: Plan,
  at: Instant,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  const ask: Ask = (query) => instantQuery(options, query, at, signal);
  const gates = gatesOf(plan);
  const counting = gates.some(isCounting);

  // An answer without series does not say which moment it is about, and this one does.
  const [answer, then] = await Promise.all([ask(surveyQuery(options)), ask("time()")]);
  if ("because" in answer) return [unanswered(answer, options, plan)];
  if ("because" in then) return [unanswered(then, options, plan)];
  const series = samplesOf(answer);
  const reporter = choice.learn(valuesOf(series, options.labels.reporter));
  const need: Need = { ...options, gates, at, level: counting ? "refuse" : "warn" };
  const findings = await Promise.all([
    inspectClock(options, need.level, signal),
    series.length === 0 ? nothingCounted(options, need.level, ask) : inspectSeries(series, reporter, need, ask),
    inspectInterval(options, reporter, plan, ask),
    ...queryGates(gates).map((gate) => inspectQuery(gate, ask)),
  ]);
  return findings.flat();
}

const gatesOf = (plan: Plan): readonly Gate[] => plan.stages.flatMap(({ gates }) => gates);

/** A Prometheus that says nothing, which matters where a gate needs it. */
export const unanswered = ({ because, next }: NoAnswer, { url }: PrometheusOptions, plan: Plan): Finding => ({
  level: gatesOf(plan).some((gate) => isCounting(gate) || gate.kind === "query") ? "refuse" : "warn",
  what: because,
  next:
    next ??
    `Check metrics.prometheus (${placeOf(url)}) from where this job runs, and metrics.headers if it asks for a login.`,
});

/** `level`: how much it matters that requests can be counted. */
type Need = PrometheusOptions & {
  readonly level: Finding["level"];
  readonly gates: readonly Gate[];
  readonly at: Instant;
};

/** What is to be said of stable's series, which there are. */
async function inspectSeries(
  series: readonly Sample[],
  reporter: CountingProxy,
  need: Need,
  ask: Ask,
): Promise<readonly Finding[]> {
  const { labels, requests, target, level } = need;
  const place = {
    where: `of ${nameOf(target)} in ${requests}`,
    selector: seriesSelectors(target, reporter, need).ofStable.requests,
    labels,
    level,
  };
  const findings: Finding[] = [];
  findings.push(...(await tellMissing(missingFrom(series, labels), place, ask)));
  const reporters = valuesOf(series, labels.reporter);
  if (reporters.length === 0) return findings;
  if (!reporters.includes(reporter)) return [...findings, otherReporter(reporters, reporter, need)];

  const [extent, unseen, past] = await Promise.all([
    extentOf(need, reporter, ask),
    unseenCallers(need, reporter, ask),
    pastTheRoutes(need, reporter, ask),
  ]);
  findings.push(...unseen, ...past, ...inspectScrapes(extent, need));
  if (extent.histogram === false && need.gates.some(({ kind }) => kind === "latency")) findings.push(noDurations(need));
  if (extent.histogram === false && need.gates.some(({ kind }) => kind === "evidence")) findings.push(untimed(need));
  findings.push(tellSurvey(series, extent, reporter, need));
  return findings;
}

const nameOf = ({ namespace, stable }: Target): string => `${namespace}/${stable.deployment}`;

function otherReporter(reporters: readonly string[], reporter: CountingProxy, need: Need): Finding {
  const { labels, target, level } = need;
  const known = reporters.filter((name) => preference.some((each) => each.reporter === name));
  const found = reporters.map((name) => `${labels.reporter}=${name}`).join(" and ");
  const choose = `Set metrics.reporter to auto or ${known.join(" or ")}, or let Prometheus scrape the proxies that report as ${reporter}.`;
  return {
    level,
    what: `Prometheus has requests of ${nameOf(target)} with ${found} only, and none with ${labels.reporter}=${reporter}`,
    next:
      known.length > 0 ? choose : "Set metrics.labels.reporter to the label that says source, destination or waypoint.",
  };
}

function inspectScrapes({ newest }: Extent, need: Need): readonly Finding[] {
  const silent = newest === undefined ? 0 : theirs(need, need.at) - newest;
  if (newest === undefined || silent <= mostSilent(need.interval)) return [];
  return [
    {
      level: need.level,
      what: notScraped(nameOf(need.target), newest, silent),
      next: "See under Status, Targets in Prometheus why its scrapes have stopped.",
    },
  ];
}

const noDurations = ({ target, durations }: Need): Finding => ({
  level: "refuse",
  what: `Prometheus has requests of ${nameOf(target)}, but no ${durations}, which the latency gates read`,
  next: "Check metrics.durations and that no Telemetry resource or relabelling drops Istio's histograms, or take the latency gates out.",
});

/** A verdict that says "as good as stable" says less then than people read in it. */
const untimed = ({ target, durations }: Need): Finding => ({
  level: "warn",
  what: `Response times will not be judged: Prometheus has requests of ${nameOf(target)}, but no ${durations}`,
  next: "Set metrics.durations to the histogram's name (its buckets), or judge them by a gate on a query of your own.",
});

const lookBack: Millis = 300_000;

/** By the samples of series that were there all the time. Nothing is said while there are none. */
async function inspectInterval(
  options: PrometheusOptions,
  reporter: CountingProxy,
  { pollEvery }: Plan,
  ask: Ask,
): Promise<readonly Finding[]> {
  const { reported } = seriesSelectors(options.target, reporter, options).ofStable;
  const [longest] = samplesOf(await ask(`max(count_over_time(${reported}[5m]) and ${reported} offset 5m)`));
  const samples = longest?.value ?? 0;
  const scraped = lookBack / samples;
  const believed = Math.min(options.interval, pollEvery);
  if (samples < 2 || scraped <= believed * 1.3) return [];
  return [
    {
      level: "warn",
      what: `Prometheus scrapes about every ${formatDuration(scraped)}, and the release counts on ${formatDuration(believed)}: polls in between find nothing new`,
      next: `Set metrics.interval to the scrape interval, about ${formatDuration(scraped)}.`,
    },
  ];
}

/** Each once, also where several stages ask it. */
function queryGates(gates: readonly Gate[]): readonly QueryGate[] {
  const all = gates.filter((gate) => gate.kind === "query");
  return all.filter(
    ({ name, query }, index) => all.findIndex((other) => other.name === name && other.query === query) === index,
  );
}

async function inspectQuery({ name, query }: QueryGate, ask: Ask): Promise<readonly Finding[]> {
  const answer = await ask(query);
  if ("because" in answer)
    return [
      { level: "refuse", what: `gate "${name}": ${answer.because}`, next: `Try the query in Prometheus: ${query}` },
    ];
  const series = answer.samples.length + answer.none.length;
  if (series > 1)
    return [
      {
        level: "refuse",
        what: `gate "${name}": the query gives ${series} series, and a gate needs one number`,
        next: "Aggregate it with sum(), avg() or max().",
      },
    ];
  if (answer.samples.length === 1) return [];
  // Many queries ask about the canary, which does not run yet.
  return [
    {
      level: "note",
      what: `gate "${name}": the query gives ${answer.none[0]?.said ?? "no series"} now`,
      next: "That is right where it asks about the canary; otherwise check its labels.",
    },
  ];
}
