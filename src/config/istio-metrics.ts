import type { MetricNames } from "../evidence/metric-names.ts";

/** What Istio calls what it counts: https://istio.io/latest/docs/reference/config/metrics/. `pod` comes from Prometheus's service discovery. */
export const istioMetrics: MetricNames = {
  labels: {
    workload: "destination_workload",
    namespace: "destination_workload_namespace",
    service: "destination_service",
    reporter: "reporter",
    code: "response_code",
    flags: "response_flags",
    grpc: "grpc_response_status",
    sourceNamespace: "source_workload_namespace",
    pod: "pod",
  },
  requests: "istio_requests_total",
  durations: "istio_request_duration_milliseconds_bucket",
};
