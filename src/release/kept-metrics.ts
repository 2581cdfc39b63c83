import type { Millis } from "../lib/duration.ts";

/** What labels of requests say. */
export const labelMeanings = [
  "workload",
  "namespace",
  "service",
  "reporter",
  "code",
  "flags",
  "grpc",
  "sourceNamespace",
  "pod",
] as const;

/**
 * Where the requests of a release are counted, as the journal keeps it, so that whoever goes on with it need not say it
 * again: addresses and names, and no value that may be secret.
 */
export type KeptMetrics = {
  /** Default: Prometheus counts. */
  readonly source?: "proxies";
  /** Without login and query. Empty where no Prometheus was named. */
  readonly url: string;
  /** The address had one of these, or both, and they are kept nowhere. */
  readonly login: boolean;
  /** The headers that were sent, by name. */
  readonly headers: readonly string[];
  readonly reporter: "auto" | "source" | "destination" | "waypoint";
  readonly interval: Millis;
  readonly timeout: Millis;
  readonly requests: string;
  readonly durations: string;
  /** What labels are called, by what they say. */
  readonly labels: Readonly<Record<(typeof labelMeanings)[number], string>>;
};
