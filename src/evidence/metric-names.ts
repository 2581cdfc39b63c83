/** What labels are called in Prometheus, by what they say. */
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
