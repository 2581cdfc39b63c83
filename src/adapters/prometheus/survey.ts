import type { Instant } from "../../lib/duration.ts";
import { count, percent, plural } from "../../lib/numbers.ts";
import type { Finding } from "../../ports/preflight.ts";
import { type Sample, samplesOf, valuesOf } from "./answered.ts";
import { preference } from "./counting-proxy.ts";
import type { Ask } from "./instant-query.ts";
import type { CountingProxy, PrometheusOptions } from "./prometheus-options.ts";
import { seriesSelectors } from "./series-selectors.ts";

/** Stable's series, counted by everything that is read from them. */
export function surveyQuery(options: PrometheusOptions): string {
  const { workload, namespace, pod: _, ...read } = options.labels;
  const labels = [workload, namespace, ...Object.values(read)].join(", ");
  return `count by (${labels}) (${seriesSelectors(options.target, "source", options).ofStable.requests})`;
}

/**
 * How many processes have counted, whether response times are there, and when the newest scrape was, by Prometheus's
 * clock. Undefined where Prometheus did not say.
 */
export type Extent = {
  readonly proxies: number | undefined;
  readonly histogram: boolean | undefined;
  readonly newest: Instant | undefined;
};

export async function extentOf(options: PrometheusOptions, reporter: CountingProxy, ask: Ask): Promise<Extent> {
  const { reported, buckets } = seriesSelectors(options.target, reporter, options).ofStable;
  const [proxies, histogram, newest] = await Promise.all([
    ask(`count(count by (${options.labels.pod}, instance) (${reported}))`),
    ask(`count(${buckets})`),
    ask(`1000 * max(timestamp(${reported}))`),
  ]);
  return {
    proxies: samplesOf(proxies)[0]?.value,
    histogram: "because" in histogram ? undefined : samplesOf(histogram).length > 0,
    newest: samplesOf(newest)[0]?.value,
  };
}

/** Whose counters are read and why, and what is in them. */
export function tellSurvey(
  series: readonly Sample[],
  extent: Extent,
  reporter: CountingProxy,
  options: PrometheusOptions,
): Finding {
  const { labels, target } = options;
  const read = series.filter((sample) => sample.labels[labels.reporter] === reporter);
  const contents = contentsOf(read, extent, options).join("; ");
  return {
    level: "note",
    what: `Requests of ${target.namespace}/${target.stable.deployment} are read from Prometheus with ${labels.reporter}=${reporter}: ${whyOf(reporter, options)}. Found: ${contents}.`,
  };
}

function whyOf(reporter: CountingProxy, options: PrometheusOptions): string | undefined {
  if (options.reporter !== "auto") return "as metrics.reporter says";
  return preference.find((each) => each.reporter === reporter)?.because;
}

function contentsOf(
  read: readonly Sample[],
  { proxies, histogram }: Extent,
  { labels }: PrometheusOptions,
): readonly string[] {
  let series = `${read.reduce((sum, { value }) => sum + value, 0)} series`;
  if (proxies !== undefined) series += ` of ${proxies} ${plural(proxies, "proxy", "proxies")}`;
  const contents = [series];
  const codes = valuesOf(read, labels.code);
  if (codes.length > 0) contents.push(`response codes ${codes.join(", ")}`);
  const statuses = valuesOf(read, labels.grpc);
  if (statuses.length > 0) contents.push(`gRPC statuses ${statuses.join(", ")}`);
  if (histogram === true) contents.push("response times as a histogram");
  if (histogram === false) contents.push("no histogram, so that response times are not judged");
  return contents;
}

/** Requests in five minutes below which nothing is said about who counts how many. */
const enough = 100;

/**
 * Says when many reach stable by a service of another name, which no weight divides: they are the same version's in every
 * counter. Only who sends knows by which name.
 */
export async function pastTheRoutes(
  options: PrometheusOptions,
  reporter: CountingProxy,
  ask: Ask,
): Promise<readonly Finding[]> {
  const { labels, target } = options;
  const { reported, beside } = seriesSelectors(target, reporter, options).ofStable;
  if (reporter === "destination") return [];
  const [all, past] = await Promise.all([
    ask(`sum(increase(${reported}[5m]))`),
    ask(`sum by (${labels.service}) (increase(${beside}[5m])) > 0`),
  ]);
  const [counted, beyond] = [all, past].map((answer) =>
    Math.round(samplesOf(answer).reduce((sum, { value }) => sum + value, 0)),
  );
  if (!counted || !beyond || counted < enough || beyond < mostBeside * counted) return [];
  const part = percent(Math.ceil((100 * beyond) / counted) / 100);
  return [
    {
      level: "warn",
      what: `In the last five minutes ${count(beyond)} of ${count(counted)} requests of ${target.namespace}/${target.stable.deployment} came by ${valuesOf(samplesOf(past), labels.service).join(" and ")}, which the release does not divide: the canary will seem to get less than planned, and stages be held for it`,
      next: `Let those callers call ${target.service}, or set evidence.splitTolerance to more than ${part}.`,
    },
  ];
}

/** Of stable's requests; twice as many, and the split is no more within its tolerance. */
const mostBeside = 0.1;

/**
 * Says when another proxy counts far more than the one that is read: most callers are not seen then. Retries and
 * mirrors alone do not double a count.
 */
export async function unseenCallers(
  options: PrometheusOptions,
  reporter: CountingProxy,
  ask: Ask,
): Promise<readonly Finding[]> {
  const { labels, target } = options;
  const { requests } = seriesSelectors(target, reporter, options).ofStable;
  const counts = samplesOf(await ask(`sum by (${labels.reporter}) (increase(${requests}[5m]))`));
  const countOf = (name: CountingProxy): number =>
    Math.round(counts.find((sample) => sample.labels[labels.reporter] === name)?.value ?? 0);
  const most = preference.map((each) => each.reporter).reduce((a, b) => (countOf(b) > countOf(a) ? b : a));
  if (countOf(most) < enough || countOf(most) <= 2 * countOf(reporter)) return [];
  return [
    {
      level: "warn",
      what: `In the last five minutes ${labels.reporter}=${most} counted ${countOf(most)} requests of ${target.namespace}/${target.stable.deployment}, and ${labels.reporter}=${reporter}, which is read, only ${countOf(reporter)}: most requests would not be judged`,
      next: `Let Prometheus scrape every proxy that reports as ${reporter}, gateways included, or set metrics.reporter to ${most}.`,
    },
  ];
}
