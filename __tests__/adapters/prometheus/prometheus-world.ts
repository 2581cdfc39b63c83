import { prometheus } from "../../../src/adapters/prometheus/prometheus.ts";
import { seriesLabelsOf } from "../../contracts/mesh-series.ts";
import type { MetricsSetUp, MetricsWorld, Requests } from "../../contracts/metrics.ts";
import type { SetUp } from "../../support/prometheus-set-up.ts";
import { sample, scraped } from "./scraped.ts";

/** The mesh of the contract of metrics, as the counters of Istio's gateway, which a Prometheus scrapes. */
export const prometheusWorld =
  (setUp: SetUp): MetricsSetUp =>
  async () => {
    const target = await scraped(setUp);
    let worlds = 0;
    return { open: () => worldIn(target, `shop-${++worlds}`), close: target.close };
  };

function worldIn(target: Awaited<ReturnType<typeof scraped>>, namespace: string): MetricsWorld {
  const counters = new Map<string, number>();
  const count = (series: string, times: number) => counters.set(series, (counters.get(series) ?? 0) + times);
  const show = () => target.expose(...[...counters].map(([series, value]) => series.replace(/ 0$/, ` ${value}`)));
  return {
    metrics: prometheus(target.options(namespace)),
    async happen(...requests) {
      for (const each of requests) for (const [series, by] of seriesOf(each, namespace)) count(series, by * each.times);
      await show();
    },
    async restart() {
      counters.clear();
      await show();
    },
    hide: target.vanish,
    queries: {
      one: `sum(istio_requests_total{destination_workload_namespace="${namespace}"})`,
      value: 9,
      none: ["sum(", "nothing_at_all", "1 / 0", "istio_requests_total[5m]"],
    },
  };
}

/** The series that a request adds to, with a value of 0, and how much. */
function seriesOf(requests: Requests, namespace: string): readonly (readonly [series: string, by: number])[] {
  const { space, workload, labels, edges } = seriesLabelsOf(requests, namespace);
  const of = (metric: string, more: object = {}): string => sample(space, metric, workload, 0, { ...labels, ...more });
  const sums =
    requests.took === undefined ? [] : [[of("istio_request_duration_milliseconds_sum"), requests.took] as const];
  return [
    [of("istio_requests_total"), 1],
    ...edges.map((le) => [of("istio_request_duration_milliseconds_bucket", { le }), 1] as const),
    ...sums,
  ];
}
