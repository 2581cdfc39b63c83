import type { MetricNames } from "../../istio/istio-metrics.ts";
import type { Finding } from "../../ports/preflight.ts";
import type { Target } from "../../release/target.ts";
import { type CountingProxy, preference } from "./counting-proxy.ts";
import { type Ask, found, type Sample, valuesOf } from "./instant-query.ts";
import { selectors } from "./selectors.ts";

type Options = MetricNames & { readonly reporter: CountingProxy | "auto"; readonly target: Target };

/** Stable's series, counted by everything that is read from them. */
export const surveyQuery = (options: Options): string => {
  const { workload, namespace, pod: _, ...read } = options.labels;
  return `count by (${[workload, namespace, ...Object.values(read)].join(", ")}) (${selectors(options.target, "source", options).ofStable.requests})`;
};

/** How many processes have counted, and whether response times are there. Undefined where Prometheus did not say. */
export type Extent = { readonly proxies: number | undefined; readonly histogram: boolean | undefined };

export async function extentOf(options: Options, reporter: CountingProxy, ask: Ask): Promise<Extent> {
  const { reported, buckets } = selectors(options.target, reporter, options).ofStable;
  const [proxies, histogram] = await Promise.all([
    ask(`count(count by (${options.labels.pod}, instance) (${reported}))`),
    ask(`count(${buckets})`),
  ]);
  return {
    proxies: found(proxies)[0]?.value,
    histogram: "because" in histogram ? undefined : found(histogram).length > 0,
  };
}

/** Whose counters are read and why, and what is in them. */
export function tellSurvey(
  series: readonly Sample[],
  { proxies, histogram }: Extent,
  reporter: CountingProxy,
  options: Options,
): Finding {
  const { labels, target } = options;
  const read = series.filter((sample) => sample.labels[labels.reporter] === reporter);
  const count = read.reduce((sum, { value }) => sum + value, 0);
  const why =
    options.reporter === "auto"
      ? preference.find((each) => each.reporter === reporter)?.because
      : "as metrics.reporter says";
  const parts = [
    `${plural(count, "series", "series")}${proxies === undefined ? "" : ` of ${plural(proxies, "proxy", "proxies")}`}`,
    ...listed("response codes", valuesOf(read, labels.code)),
    ...listed("gRPC statuses", valuesOf(read, labels.grpc)),
    ...(histogram === undefined
      ? []
      : [histogram ? "response times as a histogram" : "no histogram, so that response times are not judged"]),
  ];
  return {
    level: "note",
    what: `Requests of ${target.namespace}/${target.stable.deployment} are read from Prometheus with ${labels.reporter}=${reporter}: ${why}. Found: ${parts.join("; ")}.`,
  };
}

/** Requests in five minutes below which nothing is said about who counts how many. */
const enough = 100;

/** Says when another proxy counts far more than the one that is read: most callers are not seen then. Retries and mirrors alone do not double a count. */
export async function unseenCallers(options: Options, reporter: CountingProxy, ask: Ask): Promise<readonly Finding[]> {
  const { labels, target } = options;
  const { requests } = selectors(target, reporter, options).ofStable;
  const counts = found(await ask(`sum by (${labels.reporter}) (increase(${requests}[5m]))`));
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

const listed = (what: string, values: readonly string[]): readonly string[] =>
  values.length === 0 ? [] : [`${what} ${values.join(", ")}`];

const plural = (count: number, one: string, many: string): string => `${count} ${count === 1 ? one : many}`;
