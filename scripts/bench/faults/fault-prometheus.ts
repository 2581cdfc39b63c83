import { failure, success } from "../../../sandbox/prometheus/answer.ts";
import { ask } from "../../../sandbox/prometheus/evaluate.ts";
import { storage } from "../../../sandbox/prometheus/storage.ts";
import type { Histogram, Labels } from "../../../sandbox/prometheus/value.ts";
import type { Timeline } from "../../../simulator/timeline.ts";
import type { Millis } from "../../../src/lib/duration.ts";
import type { HttpAnswer, HttpRequest } from "../../../src/world/transport.ts";
import { type CallCounter, edges, type FaultMesh } from "./fault-mesh.ts";

export type FaultPrometheus = {
  readonly answer: (request: HttpRequest) => HttpAnswer;
  /** What has gone wrong with it from now on. */
  fail(how: "is away" | "does not scrape" | "forgets the canary"): void;
};

/** Scrapes the callers' proxy every 15 seconds. */
export function startFaultPrometheus(
  timeline: Timeline,
  mesh: FaultMesh,
  canary: string,
  keepsNative = false,
): FaultPrometheus {
  const samples = storage();
  let failed: string | undefined;

  function scrape(): void {
    timeline.after(interval, scrape);
    if (failed === "does not scrape") return;
    const at = timeline.now();
    for (const counter of mesh.counters()) {
      if (failed === "forgets the canary" && counter.deployment === canary) continue;
      samples.append(labelsOf(counter, "istio_requests_total"), at, counter.requests);
      if (keepsNative) {
        samples.append(labelsOf(counter, durations), at, Number.NaN, nativeOf(counter));
        continue;
      }
      for (const [index, edge] of edges.entries())
        samples.append(bucketOf(counter, String(edge)), at, counter.buckets[index] ?? 0);
      samples.append(bucketOf(counter, "+Inf"), at, counter.requests);
      samples.append(labelsOf(counter, `${durations}_sum`), at, counter.milliseconds);
      samples.append(labelsOf(counter, `${durations}_count`), at, counter.requests);
    }
    samples.append({ __name__: "up", job: "istio", instance: "10.0.0.9:15020" }, at, 1);
  }
  timeline.after(phase, scrape);

  return {
    answer({ url }) {
      const headers = { date: new Date(timeline.now()).toUTCString() };
      if (failed === "is away") return { status: 503, headers, text: "no healthy upstream" };
      const [query, time] = [url.searchParams.get("query") ?? "", url.searchParams.get("time")];
      const at = time === null ? timeline.now() : Number(time) * 1_000;
      const { status, body } = evaluated(query, at);
      return { status, headers, text: JSON.stringify(body) };
    },
    fail(how) {
      failed = how;
    },
  };

  function evaluated(query: string, at: number) {
    try {
      return success(ask(query, samples, at), at);
    } catch (error) {
      return failure(error, "query");
    }
  }
}

export const interval: Millis = 15_000;
const phase: Millis = 4_000;
const durations = "istio_request_duration_milliseconds";

const labelsOf = ({ deployment, code, flags, grpc }: CallCounter, name: string): Labels => ({
  __name__: name,
  job: "istio",
  instance: "10.0.0.9:15020",
  pod: "istio-ingressgateway-1",
  reporter: "source",
  source_workload: "istio-ingressgateway",
  source_workload_namespace: "istio-system",
  destination_workload: deployment ?? "unknown",
  destination_workload_namespace: deployment === undefined ? "unknown" : "shop",
  destination_service: "reviews.shop.svc.cluster.local",
  request_protocol: grpc === "" ? "http" : "grpc",
  response_code: code,
  response_flags: flags,
  grpc_response_status: grpc,
});

const nativeOf = ({ requests, milliseconds, native }: CallCounter): Histogram => ({
  count: requests,
  sum: milliseconds,
  buckets: [...native].map(([index, count]) => ({ from: 2 ** ((index - 1) / 8), to: 2 ** (index / 8), count })),
});

const bucketOf = (counter: CallCounter, le: string): Labels => ({ ...labelsOf(counter, `${durations}_bucket`), le });
