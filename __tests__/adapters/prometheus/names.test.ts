import assert from "node:assert/strict";
import test, { type TestContext } from "node:test";
import { startPrometheus } from "../../../sandbox/prometheus/server.ts";
import { chooseProxy } from "../../../src/adapters/prometheus/counting-proxy.ts";
import { prometheus } from "../../../src/adapters/prometheus/prometheus.ts";
import type { PrometheusOptions } from "../../../src/adapters/prometheus/prometheus-options.ts";
import { readNewest } from "../../../src/adapters/prometheus/read-counters.ts";
import { istioMetrics, type MetricNames } from "../../../src/istio/istio-metrics.ts";
import type { Millis } from "../../../src/lib/duration.ts";
import { planWith } from "../../support/plan-with.ts";
import { prometheusOptions } from "../../support/prometheus-options.ts";
import { shopTarget } from "../../support/shop-target.ts";

const signal = new AbortController().signal;
const at = Date.UTC(2026, 0, 1, 12);
const minute: Millis = 60_000;

type Labels = Readonly<Record<string, string>>;

const usual: Labels = {
  destination_workload_namespace: "shop",
  destination_service: "reviews.shop.svc.cluster.local",
  source_workload_namespace: "shop",
  response_code: "200",
  response_flags: "-",
  pod: "gateway-1",
};

/** Ten minutes of Istio's metrics, of every kind that is read. */
const metrics: readonly { readonly name: string; readonly labels: Labels; readonly perMinute: number }[] = [
  { name: "istio_requests_total", labels: { reporter: "source", destination_workload: "reviews-v1" }, perMinute: 90 },
  {
    name: "istio_requests_total",
    labels: { reporter: "source", destination_workload: "reviews-v1", response_code: "503" },
    perMinute: 3,
  },
  {
    name: "istio_requests_total",
    labels: { reporter: "source", destination_workload: "reviews-v1", response_flags: "FI", response_code: "500" },
    perMinute: 50,
  },
  {
    name: "istio_requests_total",
    labels: { reporter: "source", destination_workload: "reviews-v2", grpc_response_status: "14" },
    perMinute: 5,
  },
  {
    name: "istio_requests_total",
    labels: { reporter: "source", destination_workload: "reviews-v2", response_code: "0" },
    perMinute: 8,
  },
  {
    name: "istio_requests_total",
    labels: { reporter: "source", destination_workload: "unknown", response_code: "0", response_flags: "UF" },
    perMinute: 2,
  },
  {
    name: "istio_requests_total",
    labels: {
      reporter: "source",
      destination_workload: "unknown",
      destination_service: "reviews",
      source_workload_namespace: "else",
      response_code: "503",
    },
    perMinute: 6,
  },
  {
    name: "istio_request_duration_milliseconds_bucket",
    labels: { reporter: "source", destination_workload: "reviews-v1", le: "100" },
    perMinute: 80,
  },
  {
    name: "istio_request_duration_milliseconds_bucket",
    labels: { reporter: "source", destination_workload: "reviews-v1", le: "+Inf" },
    perMinute: 93,
  },
  {
    name: "istio_requests_total",
    labels: {
      reporter: "source",
      destination_workload: "unknown",
      source_workload_namespace: "else",
      response_code: "503",
      response_flags: "UH",
    },
    perMinute: 1,
  },
  {
    name: "istio_requests_total",
    labels: { reporter: "destination", destination_workload: "reviews-v1", pod: "a", grpc_response_status: "14" },
    perMinute: 4,
  },
  ...["a", "b"].flatMap((pod, index) => [
    {
      name: "istio_requests_total",
      labels: { reporter: "destination", destination_workload: "reviews-v1", pod },
      perMinute: 100,
    },
    {
      name: "istio_requests_total",
      labels: { reporter: "destination", destination_workload: "reviews-v1", pod, response_code: "500" },
      perMinute: 9 * index,
    },
  ]),
];

/** A Prometheus that has these metrics under the names that `written` gives them, and what is read from it as `read` says. */
async function readAs(
  t: TestContext,
  written: (name: string) => string,
  read: MetricNames,
  { target = shopTarget, more = [] as typeof metrics } = {},
) {
  const server = await startPrometheus({ targets: [] });
  t.after(() => server.close());
  for (const { name, labels, perMinute } of [...metrics, ...more])
    for (let ago = 10; ago >= 0; ago--) {
      const own = Object.entries({ ...(more.some((each) => each.labels === labels) ? {} : usual), ...labels }).map(
        ([label, text]) => [written(label), text] as const,
      );
      server.storage.append(
        { __name__: written(name), ...Object.fromEntries(own) },
        at - ago * minute,
        perMinute * (10 - ago),
      );
    }
  const options: PrometheusOptions = prometheusOptions(server.url, {
    ...read,
    reporter: "auto",
    interval: minute,
    target,
  });
  return { ...prometheus(options), counters: () => readNewest(options, chooseProxy(options), at, signal) };
}

/** All that we learn, without the names of labels in it. */
async function everything(source: Awaited<ReturnType<typeof readAs>>) {
  const snapshot = await source.counters();
  assert.ok(!("because" in snapshot));
  const counters = snapshot.requests.map(({ series: _, ...counter }) => counter);
  return {
    counters: counters.sort((a, b) => a.value - b.value || a.process.localeCompare(b.process)),
    buckets: snapshot.buckets.map(({ series: _, ...bucket }) => bucket),
    traffic: await source.traffic(at, 8 * minute, signal),
    dispersion: await source.dispersion(at, signal),
    levels: (await source.inspect(planWith([], minute), at, signal)).map(({ level }) => level),
  };
}

const renamed: MetricNames = {
  labels: {
    workload: "dst_workload",
    namespace: "dst_namespace",
    service: "dst_service",
    reporter: "side",
    code: "status",
    flags: "envoy_flags",
    grpc: "grpc_status",
    sourceNamespace: "src_namespace",
    pod: "kubernetes_pod_name",
  },
  requests: "mesh:requests",
  durations: "mesh_took_bucket",
};

const otherName = new Map<string, string>([
  ...Object.entries(istioMetrics.labels).map(
    ([meaning, name]) => [name, renamed.labels[meaning as keyof MetricNames["labels"]]] as const,
  ),
  [istioMetrics.requests, renamed.requests],
  [istioMetrics.durations, renamed.durations],
]);

test("whatever labels and metrics are called, the same is read from them", async (t) => {
  const istio = await everything(await readAs(t, (name) => name, istioMetrics));
  assert.deepEqual(await everything(await readAs(t, (name) => otherName.get(name) ?? name, renamed)), istio);
  assert.deepEqual(
    istio.counters.map(({ origin, failed, value }) => [origin, failed, value]),
    [
      ["unattributed", true, 10],
      ["unattributed", true, 20],
      ["stable", true, 30],
      ["canary", true, 50],
      ["canary", false, 80],
      ["stable", false, 900],
    ],
  );
  assert.equal(istio.buckets.length, 2);
  assert.ok(istio.dispersion.spread.pods > 1 && istio.dispersion.spread.errors > 0.1);
  assert.deepEqual(istio.levels, ["note"]);
});

const losses: readonly { readonly label: string; readonly finds: readonly RegExp[] }[] = [
  {
    label: "destination_workload",
    finds: [
      /^warn: No series of the service reviews in istio_requests_total has the label destination_workload .*metrics\.labels\.workload/,
    ],
  },
  {
    label: "destination_workload_namespace",
    finds: [
      /^warn: No series of the service reviews in .* has the label destination_workload_namespace .*metrics\.labels\.namespace/,
    ],
  },
  {
    label: "reporter",
    finds: [
      /^warn: No series of shop\/reviews-v1 in istio_requests_total has the label reporter .*count twice.*metrics\.labels\.reporter/,
    ],
  },
  {
    label: "response_code",
    finds: [/^warn: .* has the label response_code .*no failure.*metrics\.labels\.code/, /^note: Requests/],
  },
  {
    label: "response_flags",
    finds: [/^warn: .* has the label response_flags .*injected.*metrics\.labels\.flags/, /^note: Requests/],
  },
  {
    label: "destination_service",
    finds: [/^warn: .* has the label destination_service .*metrics\.labels\.service/, /^note: Requests/],
  },
  {
    label: "source_workload_namespace",
    finds: [/^note: .* has the label source_workload_namespace .*metrics\.labels\.sourceNamespace/, /^note: Requests/],
  },
  { label: "grpc_response_status", finds: [/^note: Requests/] },
  { label: "pod", finds: [/^note: Requests/] },
];
for (const { label, finds } of losses) {
  test(`a Prometheus without the label ${label} is told as such, with the labels that there are`, async (t) => {
    const source = await readAs(t, (name) => (name === label ? "renamed" : name), istioMetrics);
    const findings = await source.inspect(planWith([], minute), at, signal);
    const told = findings.map(({ level, what, next = "" }) => `${level}: ${what}. ${next}`);
    assert.equal(told.length, finds.length, told.join("\n"));
    for (const [index, pattern] of finds.entries()) assert.match(told[index] ?? "", pattern);
    for (const line of told.filter((line) => line.includes("has the label")))
      assert.match(line, /\(labels there: .*renamed.*\)/);
  });
}

test("where neither the Deployment nor the service can be told, every label is named that is missing", async (t) => {
  const source = await readAs(
    t,
    (name) => (name.startsWith("destination_") ? name.replace("destination", "dst") : name),
    istioMetrics,
  );
  const findings = await source.inspect(planWith([], minute), at, signal);
  assert.deepEqual(
    findings.map(({ level, next }) => [level, /metrics\.labels\.\w+/.exec(next ?? "")?.[0]]),
    [
      ["warn", "metrics.labels.workload"],
      ["warn", "metrics.labels.namespace"],
      ["warn", "metrics.labels.service"],
    ],
  );
});

test("a service that nobody calls is no mistake where others' requests have the labels, though not all of them do", async (t) => {
  const quiet = {
    ...shopTarget,
    service: "ratings",
    stable: { deployment: "ratings-v1", host: "ratings" },
    canary: { deployment: "ratings-v2", host: "ratings" },
  };
  const stranger = { name: "istio_requests_total", labels: { job: "somebody's own" }, perMinute: 1_000 };
  const [finding, ...more] = await (
    await readAs(t, (name) => name, istioMetrics, { target: quiet, more: [stranger] })
  ).inspect(planWith([], minute), at, signal);
  assert.deepEqual(
    [finding?.level, finding?.what, more],
    ["warn", "Prometheus has no request of shop/ratings-v1 in istio_requests_total", []],
  );
});
