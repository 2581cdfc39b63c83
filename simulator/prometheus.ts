import { failure, success } from "../sandbox/prometheus/answer.ts";
import { ask } from "../sandbox/prometheus/evaluate.ts";
import { type Matcher, matcherOf, type Storage } from "../sandbox/prometheus/storage.ts";
import type { Labels, Point } from "../sandbox/prometheus/value.ts";
import type { Instant, Millis } from "../src/lib/duration.ts";
import type { HttpAnswer, HttpRequest } from "../src/world/transport.ts";
import { edges, type RequestCounter, type SimulatedMesh } from "./mesh.ts";
import type { Timeline } from "./timeline.ts";

type Series = { readonly labels: Labels; readonly points: Point[] };

/** The samples of one Prometheus, which are few: a simulation lasts minutes. */
class Samples implements Storage {
  readonly #series = new Map<string, Series>();
  /** Which series a selector takes, by the selector, which queries that are asked again have in common. */
  #selected = new Map<readonly Matcher[], readonly Series[]>();

  add(key: string, labels: () => Labels, at: Instant, value: number): void {
    let series = this.#series.get(key);
    if (series === undefined) {
      series = { labels: labels(), points: [] };
      this.#series.set(key, series);
      this.#selected = new Map();
    }
    series.points.push({ at, value });
  }

  append(): void {
    throw new Error("a simulation adds its samples by their keys");
  }

  instant(matchers: readonly Matcher[], at: Instant) {
    return this.#select(matchers).flatMap(({ labels, points }) => {
      const newest = points.findLast((point) => point.at <= at);
      return newest === undefined || newest.at <= at - lookback ? [] : [{ labels, value: newest.value }];
    });
  }

  range(matchers: readonly Matcher[], start: Instant, end: Instant) {
    return this.#select(matchers).flatMap(({ labels, points }) => {
      const within = points.filter(({ at }) => at > start && at <= end);
      return within.length === 0 ? [] : [{ labels, points: within }];
    });
  }

  #select(matchers: readonly Matcher[]): readonly Series[] {
    let selected = this.#selected.get(matchers);
    if (selected === undefined) {
      const takes = matchers.map(matcherOf);
      selected = [...this.#series.values()].filter(({ labels }) => takes.every((take) => take(labels)));
      this.#selected.set(matchers, selected);
    }
    return selected;
  }
}

const lookback: Millis = 300_000;

/** What may be wrong with what a Prometheus answers. */
export type Lie = (value: number, labels: Labels, at: Instant) => number | undefined;

export interface SimulatedPrometheus {
  answer(request: HttpRequest): HttpAnswer;
  /** What it answers is not what it scraped; undefined lifts it. */
  lie(lie: Lie | undefined): void;
  /** While it does not scrape, its newest samples stay what they are. */
  pause(paused: boolean): void;
}

/** Scrapes the callers' proxy, and evaluates whatever it is asked. */
export function startPrometheus(
  timeline: Timeline,
  mesh: SimulatedMesh,
  interval: Millis,
  phase: Millis,
): SimulatedPrometheus {
  const samples = new Samples();
  let paused = false;
  let lying: Lie | undefined;

  function scrape(): void {
    timeline.after(interval, scrape);
    if (paused) return;
    const at = timeline.now();
    for (const counter of mesh.counters()) {
      const key = `${counter.deployment} ${counter.service} ${counter.code} ${counter.flag}`;
      samples.add(key, () => labelsOf(counter, "istio_requests_total"), at, Math.floor(counter.requests));
      for (const [index, edge] of edges.entries())
        samples.add(`${key} ${edge}`, () => bucketLabels(counter, edge), at, Math.floor(counter.buckets[index] ?? 0));
    }
    samples.add("up", () => ({ __name__: "up", job: "istio" }), at, 1);
  }
  timeline.after(phase, scrape);

  return {
    answer({ url }) {
      const [query, time] = [url.searchParams.get("query") ?? "", url.searchParams.get("time")];
      const { status, body } = evaluated(query, time === null ? timeline.now() : Number(time) * 1_000);
      return { status, headers: { date: new Date(timeline.now()).toUTCString() }, text: JSON.stringify(body) };
    },
    lie(lie) {
      lying = lie;
    },
    pause(now) {
      paused = now;
    },
  };

  function evaluated(query: string, at: Instant) {
    try {
      const value = ask(query, samples, at);
      if (value.type !== "vector" || lying === undefined) return success(value, at);
      const told = value.samples.flatMap(({ labels, value }) => {
        const lie = lying?.(value, labels, timeline.now());
        return lie === undefined ? [] : [{ labels, value: lie }];
      });
      return success({ type: "vector", samples: told }, at);
    } catch (error) {
      return failure(error, "query");
    }
  }
}

const labelsOf = ({ deployment, service, code, flag }: RequestCounter, name: string): Labels => ({
  __name__: name,
  job: "istio",
  instance: "10.0.0.9:15020",
  pod: "istio-ingressgateway-1",
  reporter: "source",
  source_workload: "istio-ingressgateway",
  source_workload_namespace: "istio-system",
  destination_workload: deployment ?? "unknown",
  destination_workload_namespace: deployment === undefined ? "unknown" : "shop",
  destination_service: `${service}.shop.svc.cluster.local`,
  request_protocol: "http",
  response_code: code,
  response_flags: flag,
  grpc_response_status: "",
});

const bucketLabels = (counter: RequestCounter, edge: number): Labels => ({
  ...labelsOf(counter, "istio_request_duration_milliseconds_bucket"),
  le: edge === Infinity ? "+Inf" : String(edge),
});
