import type { Millis } from "../../src/lib/duration.ts";
import type { Pod, Service } from "./objects.ts";
import type { Flag } from "./route.ts";

/** One finished request, as the proxy that sent it knows it. */
export type Finished = {
  /** The Host header, which names the destination where no cluster was found. */
  readonly host: string;
  readonly service?: Service;
  /** The pod that answered. */
  readonly pod?: Pod;
  /** 0 when no answer was sent. */
  readonly status: number;
  readonly flag: Flag;
  readonly took: Millis;
};

/** Envoy's default edges: https://www.envoyproxy.io/docs/envoy/latest/api-v3/config/metrics/v3/stats.proto */
export const envoyEdges: readonly Millis[] = [
  0.5,
  1,
  5,
  10,
  25,
  50,
  100,
  250,
  500,
  1_000,
  2_500,
  5_000,
  10_000,
  30_000,
  60_000,
  300_000,
  600_000,
  1_800_000,
  3_600_000,
  Infinity,
];

type Labels = Readonly<Record<string, string>>;
type Series = { readonly labels: Labels; requests: number; sum: number; readonly buckets: number[] };

/** Istio's standard metrics of one proxy: https://istio.io/latest/docs/reference/config/metrics/ */
export interface IstioMetrics {
  count(finished: Finished): void;
  /** In Prometheus's text format. */
  text(): string;
}

/** @param source the workload that the proxy belongs to */
export function istioMetrics(
  source: { readonly workload: string; readonly namespace: string },
  reporter: "source" | "destination" = "source",
): IstioMetrics {
  const all = new Map<string, Series>();
  return {
    count(finished) {
      const labels = {
        reporter,
        source_workload: source.workload,
        source_workload_namespace: source.namespace,
        ...labelsOf(finished),
      };
      const key = JSON.stringify(labels);
      const series = all.get(key) ?? { labels, requests: 0, sum: 0, buckets: envoyEdges.map(() => 0) };
      all.set(key, series);
      series.requests += 1;
      series.sum += finished.took;
      for (const [index, edge] of envoyEdges.entries())
        if (finished.took <= edge) series.buckets[index] = (series.buckets[index] ?? 0) + 1;
    },
    text: () => exposition([...all.values()]),
  };
}

/** istio/proxy, source/extensions/filters/http/istio_stats/istio_stats.cc */
function labelsOf({ host, service, pod, status, flag }: Finished): Labels {
  return {
    destination_workload: pod ? workloadOf(pod) : "unknown",
    destination_workload_namespace: pod?.metadata.namespace ?? "unknown",
    destination_app: (pod && sidecarLabel(pod, "app")) ?? "unknown",
    // Without a sidecar only the endpoint's own metadata is known, and that has no version.
    destination_version: (pod && sidecarLabel(pod, "version")) ?? "unknown",
    destination_canonical_service:
      pod?.metadata.labels["service.istio.io/canonical-name"] ??
      pod?.metadata.labels["app.kubernetes.io/name"] ??
      pod?.metadata.labels.app ??
      (pod ? workloadOf(pod) : "unknown"),
    destination_canonical_revision:
      pod?.metadata.labels["service.istio.io/canonical-revision"] ??
      pod?.metadata.labels["app.kubernetes.io/version"] ??
      pod?.metadata.labels.version ??
      "latest",
    destination_service: service ? `${service.metadata.name}.${service.metadata.namespace}.svc.cluster.local` : host,
    destination_service_name: service?.metadata.name ?? host,
    destination_service_namespace: service?.metadata.namespace ?? "unknown",
    request_protocol: "http",
    response_code: String(status),
    grpc_response_status: "",
    response_flags: flag,
    connection_security_policy: "unknown",
  };
}

const sidecarLabel = (pod: Pod, label: string): string | undefined =>
  [...pod.spec.containers, ...pod.spec.initContainers].some(({ name }) => name === "istio-proxy")
    ? pod.metadata.labels[label]
    : undefined;

/** The Deployment's name: its ReplicaSet's without the hash of the template. */
function workloadOf({ metadata }: Pod): string {
  const owner = metadata.ownerReferences.find(({ controller }) => controller) ?? metadata.ownerReferences[0];
  const hash = metadata.labels["pod-template-hash"];
  return (hash === undefined ? owner?.name : owner?.name.replace(new RegExp(`-${hash}$`), "")) ?? metadata.name;
}

function exposition(all: readonly Series[]): string {
  const requests = all.map(({ labels, requests }) => sample("istio_requests_total", labels, requests));
  const durations = all.flatMap(({ labels, requests, sum, buckets }) => [
    ...envoyEdges.map((edge, index) =>
      sample(
        "istio_request_duration_milliseconds_bucket",
        { ...labels, le: edge === Infinity ? "+Inf" : String(edge) },
        buckets[index] ?? 0,
      ),
    ),
    sample("istio_request_duration_milliseconds_sum", labels, sum),
    sample("istio_request_duration_milliseconds_count", labels, requests),
  ]);
  return [
    "# TYPE istio_requests_total counter",
    ...requests,
    "# TYPE istio_request_duration_milliseconds histogram",
    ...durations,
    "",
  ].join("\n");
}

const sample = (name: string, labels: Labels, value: number): string =>
  `${name}{${Object.entries(labels)
    .map(
      ([label, text]) =>
        `${label}="${text.replace(/[\\"\n]/g, (character) => (character === "\n" ? "\\n" : `\\${character}`))}"`,
    )
    .join(",")}} ${value}`;
