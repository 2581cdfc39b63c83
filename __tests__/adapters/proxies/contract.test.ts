import { seriesLabelsOf } from "../../contracts/mesh-series.ts";
import type { MetricsWorld, Requests } from "../../contracts/metrics.ts";
import { metricsContract } from "../../contracts/metrics.ts";
import { gatewayOf, type ProxyCluster, proxyCluster, versionOf } from "./proxies-world.ts";

type Labels = Readonly<Record<string, string>>;

/** The mesh of the contract, as the counters of a gateway and of each version's pod show it. */
metricsContract("the proxies themselves", async () => {
  const cluster = await proxyCluster();
  let worlds = 0;
  return { open: () => worldIn(cluster, `shop-${++worlds}`), close: cluster.close };
}, []);

function worldIn(cluster: ProxyCluster, namespace: string): MetricsWorld {
  cluster.server.apply([
    ...["reviews-v1", "reviews-v2"].map((name) => versionOf(namespace, name)),
    ...gatewayOf(namespace),
  ]);
  const counted = new Map<string, Map<string, number>>();
  const show = (visible: boolean): void => {
    for (const [pod, counters] of counted)
      cluster.shown.set(`${namespace}/${pod}`, visible ? new Map(counters) : undefined);
  };
  const count = (pod: string, series: string, times: number): void => {
    const counters = counted.get(pod) ?? new Map<string, number>();
    counters.set(series, (counters.get(series) ?? 0) + times);
    counted.set(pod, counters);
  };
  const podOf = async (deployment: string): Promise<string> => (await cluster.podsOf(namespace, deployment))[0] ?? "";
  return {
    metrics: cluster.metrics(namespace),
    async happen(...requests) {
      const [stable, canary] = [await podOf("reviews-v1"), await podOf("reviews-v2")];
      for (const pod of [stable, canary, "gateway-0"]) if (!counted.has(pod)) counted.set(pod, new Map());
      for (const each of requests) {
        for (const [series, by] of seriesOf(each, namespace, "source")) count("gateway-0", series, by * each.times);
        if (each.by === "nobody" || each.service || each.how === "failed on purpose") continue;
        const pod = { stable, canary }[each.by];
        for (const [series, by] of seriesOf(each, namespace, "destination")) count(pod, series, by * each.times);
      }
      show(true);
    },
    async restart() {
      for (const counters of counted.values()) counters.clear();
      show(true);
    },
    async hide() {
      show(false);
    },
    queries: { one: "", value: 0, none: ["sum(istio_requests_total)"] },
  };
}

function seriesOf(
  requests: Requests,
  namespace: string,
  reporter: string,
): readonly (readonly [series: string, by: number])[] {
  const { space, workload, labels: ending, edges } = seriesLabelsOf(requests, namespace);
  const labels: Labels = {
    reporter,
    destination_workload: workload,
    destination_workload_namespace: workload === "unknown" ? "unknown" : space,
    source_workload_namespace: namespace,
    response_code: "200",
    response_flags: "-",
    grpc_response_status: "",
    ...ending,
  };
  const sum = line("istio_request_duration_milliseconds_sum", labels);
  return [
    [line("istio_requests_total", labels), 1],
    ...edges.map((le) => [line("istio_request_duration_milliseconds_bucket", { ...labels, le }), 1] as const),
    ...(requests.took === undefined ? [] : [[sum, requests.took] as const]),
  ];
}

const line = (metric: string, labels: Labels): string =>
  `${metric}{${Object.entries(labels)
    .map(([name, text]) => `${name}="${text}"`)
    .join(",")}}`;
