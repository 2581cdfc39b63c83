import { prometheus } from "../../../src/adapters/prometheus/prometheus.ts";
import type { Millis } from "../../../src/lib/duration.ts";
import type { MetricsSetUp, MetricsWorld, Outcome, Requests } from "../../contracts/metrics.ts";
import type { SetUp } from "../../support/prometheus-set-up.ts";
import { type Labels, sample, scraped } from "./scraped.ts";

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
      for (const each of requests) for (const series of seriesOf(each, namespace)) count(series, each.times);
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

const outcomes: { readonly [outcome in Outcome]: Labels } = {
  served: {},
  "answered 404": { response_code: "404" },
  "answered 503": { response_code: "503" },
  "answered by gRPC with a failure": { grpc_response_status: "14" },
  "given up": { response_code: "0", response_flags: "DC" },
  "reset by its caller": { response_code: "0", response_flags: "DR" },
  "timed out": { response_code: "504", response_flags: "UT" },
  "cut off": { response_code: "200", response_flags: "UC" },
  "delayed on purpose": { response_flags: "DI" },
  "failed on purpose": { response_code: "503", response_flags: "FI" },
  "no pod": { response_code: "503", response_flags: "UH" },
  "no connection": { response_code: "0", response_flags: "UF" },
  "no route": { response_code: "404", response_flags: "NR" },
};

const edges: readonly Millis[] = [5, 10, 100, 1_000, Number.POSITIVE_INFINITY];

/** The series that a request adds one to, with a value of 0. */
function seriesOf({ by, how, service, took }: Requests, namespace: string): readonly string[] {
  const name = service === "another" ? "ratings" : "reviews";
  const space = service === "a namesake in another namespace" ? `${namespace}-else` : namespace;
  const workload = { stable: `${name}-v1`, canary: `${name}-v2`, nobody: "unknown" }[by];
  const labels = {
    destination_service: `${name}.${space}.svc.cluster.local`,
    ...outcomes[how ?? (by === "nobody" ? "no pod" : "served")],
  };
  const buckets = edges.filter((le) => took !== undefined && took <= le);
  return [
    sample(space, "istio_requests_total", workload, 0, labels),
    ...buckets.map((le) =>
      sample(space, "istio_request_duration_milliseconds_bucket", workload, 0, {
        ...labels,
        le: le === Number.POSITIVE_INFINITY ? "+Inf" : String(le),
      }),
    ),
  ];
}
