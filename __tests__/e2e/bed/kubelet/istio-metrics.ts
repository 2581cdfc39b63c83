/**
 * Istio's standard metrics, as the istio.stats filter keeps them. A stock Envoy has no such filter, so the kubelet
 * counts what the proxies wrote in their access logs (reporter="source") and what the pods answered (reporter="destination").
 * https://istio.io/latest/docs/reference/config/metrics/
 */
export type Registry = {
  request(labels: Labels, milliseconds: number): void;
  connection(labels: Labels): void;
  /** Prometheus's text format. */
  text(): string;
};

export type Labels = Readonly<Record<string, string>>;

/** Envoy's own default buckets, in milliseconds. */
const limits = [
  0.5, 1, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000, 300_000, 600_000, 1_800_000,
  3_600_000,
];

type Series = { readonly labels: string; count: number; sum: number; readonly buckets: number[] };

/** Counters of one proxy: they begin at zero with their pod. */
export function newRegistry(): Registry {
  const requests = new Map<string, Series>();
  const connections = new Map<string, number>();
  const key = (labels: Labels): string =>
    Object.entries(labels)
      .map(([name, value]) => `${name}=${JSON.stringify(value)}`)
      .join(",");

  return {
    request(labels, milliseconds) {
      const text = key(labels);
      const series = requests.get(text) ?? { labels: text, count: 0, sum: 0, buckets: limits.map(() => 0) };
      requests.set(text, series);
      series.count += 1;
      series.sum += milliseconds;
      const first = limits.findIndex((limit) => milliseconds <= limit);
      for (let index = first; index >= 0 && index < limits.length; index++)
        series.buckets[index] = (series.buckets[index] ?? 0) + 1;
    },
    connection: (labels) => void connections.set(key(labels), (connections.get(key(labels)) ?? 0) + 1),
    text: () =>
      [
        "# TYPE istio_requests_total counter",
        ...[...requests.values()].map(({ labels, count }) => `istio_requests_total{${labels}} ${count}`),
        "# TYPE istio_request_duration_milliseconds histogram",
        ...[...requests.values()].flatMap(({ labels, count, sum, buckets }) => [
          ...limits.map(
            (limit, index) => `istio_request_duration_milliseconds_bucket{${labels},le="${limit}"} ${buckets[index]}`,
          ),
          `istio_request_duration_milliseconds_bucket{${labels},le="+Inf"} ${count}`,
          `istio_request_duration_milliseconds_sum{${labels}} ${sum}`,
          `istio_request_duration_milliseconds_count{${labels}} ${count}`,
        ]),
        "# TYPE istio_tcp_connections_opened_total counter",
        ...[...connections].map(([labels, count]) => `istio_tcp_connections_opened_total{${labels}} ${count}`),
        "",
      ].join("\n"),
  };
}
