/** What labels are called, by what they say. */
export type LabelNames = {
  /** The Deployment that answered; "unknown" when a request reached no pod. */
  readonly workload: string;
  /** The Deployment's namespace. */
  readonly namespace: string;
  /** The host that was called. */
  readonly service: string;
  /** Which proxy counted. */
  readonly reporter: string;
  /** The HTTP status; "0" when no answer was sent. */
  readonly code: string;
  /** Envoy's response flags, a list: "DI,UF". */
  readonly flags: string;
  /** The gRPC status; empty for other requests. */
  readonly grpc: string;
  /** The caller's namespace. */
  readonly sourceNamespace: string;
  /** The process that counts; where a series has no such label, `instance` tells it. */
  readonly pod: string;
};

export type MetricNames = {
  readonly labels: LabelNames;
  /** The counter of requests. */
  readonly requests: string;
  /** The buckets of the histogram of response times, in milliseconds. */
  readonly durations: string;
};

/** The histogram's own name: a native one has it alone, and its sum begins with it. */
export const histogramOf = (durations: string): string => durations.replace(/_bucket$/, "");

/** How many milliseconds requests took altogether: one series beside the buckets, without an edge. */
export const sumOfDurations = (durations: string): string => `${histogramOf(durations)}_sum`;

/**
 * What Istio calls what it counts: https://istio.io/latest/docs/reference/config/metrics/. `pod` comes from
 * Prometheus's service discovery.
 */
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
