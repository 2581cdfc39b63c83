import assert from "node:assert/strict";
import { createServer } from "node:http";
import test, { type TestContext } from "node:test";
import { written } from "../../../sandbox/prometheus/answer.ts";
import { startPrometheus } from "../../../sandbox/prometheus/server.ts";
import { prometheus } from "../../../src/adapters/prometheus/prometheus.ts";
import type { Gate } from "../../../src/release/gate.ts";
import { listening } from "../../support/listening.ts";
import { planWith } from "../../support/plan-with.ts";
import { prometheusOptions } from "../../support/prometheus-options.ts";

const signal = new AbortController().signal;

type Labels = Readonly<Record<string, string>>;

const counterOf = (workload: string, labels: Labels = {}): Labels => ({
  __name__: "istio_requests_total",
  reporter: "source",
  destination_workload: workload,
  destination_workload_namespace: workload === "unknown" ? "unknown" : "shop",
  destination_service: "reviews.shop.svc.cluster.local",
  source_workload_namespace: "shop",
  response_code: "200",
  response_flags: "-",
  pod: "gateway-1",
  ...labels,
});
const bucketOf = (workload: string, le: string): Labels =>
  counterOf(workload, { __name__: "istio_request_duration_milliseconds_bucket", le });

const metricsAt = (url: string) => prometheus(prometheusOptions(url, { interval: 60_000 }));

/** A Prometheus that has what a test writes into it, a scrape a minute. */
async function prometheusWith(t: TestContext) {
  const { url, storage, close } = await startPrometheus({ targets: [] });
  t.after(close);
  const begun = Date.now() - 4 * 60_000;
  let scrapes = 0;
  return {
    metrics: metricsAt(url),
    /** The moment of what was written last. */
    at: () => begun + scrapes * 60_000,
    scrape(...values: readonly (readonly [labels: Labels, value: number])[]): void {
      scrapes++;
      for (const [labels, value] of values) storage.append(labels, begun + scrapes * 60_000, value);
    },
  };
}

const good = [
  [counterOf("reviews-v1"), 1_000],
  [counterOf("reviews-v2"), 50],
  [bucketOf("reviews-v2", "+Inf"), 50],
] as const;
const failures = counterOf("reviews-v2", { response_code: "503" });

const telling = 'reporter="source",destination_workload="reviews-v2",response_code="503",pod="gateway-1"';
for (const value of [Number.NaN, Infinity, -Infinity, -6, 1.5, 2 ** 60]) {
  test(`a counter of ${value} is no data: the look is blind, names the series, and the next good one counts`, async (t) => {
    const { metrics, scrape, at } = await prometheusWith(t);
    const watch = metrics.watch();
    scrape(...good, [failures, 2]);
    await watch.look(at(), signal);
    scrape(...good, [failures, value]);
    const blind = await watch.look(at(), signal);
    assert.deepEqual(blind.blind, [
      {
        to: "requests",
        because: `Prometheus says ${saidOf(value)} for istio_requests_total{${telling}}, which is no count`,
      },
    ]);
    assert.deepEqual([blind.stable.requests, blind.canary.requests, blind.canary.errors], [0, 0, 0]);
    scrape(...good, [failures, 9]);
    const { blind: nothing, canary } = await watch.look(at(), signal);
    assert.deepEqual([nothing.length, canary.requests, canary.errors], [0, 7, 7]);
  });
}

/** As Prometheus writes it, where that is a number for JavaScript as well. */
const saidOf = (value: number): string => (Number.isFinite(value) ? String(value) : written(value));

test("a bucket that is no count is named with its edge", async (t) => {
  const { metrics, scrape, at } = await prometheusWith(t);
  scrape(...good, [bucketOf("reviews-v2", "250"), Number.NaN], [bucketOf("reviews-v1", "250"), -1]);
  const { blind } = await metrics.watch().look(at(), signal);
  assert.match(
    blind[0]?.because ?? "",
    /^Prometheus says NaN for istio_request_duration_milliseconds_bucket\{reporter="source",destination_workload="reviews-v2",response_code="200",pod="gateway-1",le="250"\}, which is no count, nor is 1 more$/,
  );
});

test("what counts for nobody may be anything", async (t) => {
  const { metrics, scrape, at } = await prometheusWith(t);
  scrape(...good, [counterOf("unknown", { response_code: "404", response_flags: "NR" }), Number.NaN]);
  assert.deepEqual((await metrics.watch().look(at(), signal)).blind, []);
  scrape([counterOf("unknown", { response_code: "503", response_flags: "UH" }), Number.NaN]);
  assert.match((await metrics.watch().look(at(), signal)).blind[0]?.because ?? "", /destination_workload="unknown"/);
});

test("traffic with a counter that is none is not counted, and it is said why", async (t) => {
  const { metrics, scrape, at } = await prometheusWith(t);
  scrape(...good);
  scrape(...good, [failures, Number.NaN]);
  const traffic = await metrics.traffic(at(), 60_000, signal);
  assert.match("because" in traffic ? traffic.because : "", /NaN for istio_requests_total/);
});

test("errors are taken as independent where what pods counted is no count", async (t) => {
  const { metrics, scrape, at } = await prometheusWith(t);
  const pod = (name: string, more: Labels = {}) =>
    counterOf("reviews-v1", { reporter: "destination", pod: name, ...more });
  for (let minute = 0; minute < 4; minute++)
    scrape(
      [pod("a"), -100 * (4 - minute)],
      [pod("b"), 0.5 + 100 * minute],
      [pod("b", { response_code: "500" }), minute],
    );
  const { phi, because } = await metrics.dispersion(at(), signal);
  assert.equal(phi, 1);
  assert.match(because, /no two pods of reviews-v1/);
});

const mine: Gate = { kind: "query", name: "mine", query: "x", atMost: 1, tolerate: 0, noData: "wait" };
const answers: readonly { readonly what: string; readonly result: object; readonly because: RegExp }[] = [
  {
    what: "NaN",
    result: { value: [Date.now() / 1_000, "NaN"] },
    because: /^the query gives NaN, as 0\/0 does: probably no requests$/,
  },
  {
    what: "+Inf",
    result: { value: [Date.now() / 1_000, "+Inf"] },
    because: /^the query gives \+Inf: something was divided by zero$/,
  },
  { what: "an empty text", result: { value: [Date.now() / 1_000, ""] }, because: /^the query gives an empty text$/ },
  { what: "a word", result: { value: [Date.now() / 1_000, "many"] }, because: /^the query gives many$/ },
  {
    what: "a native histogram",
    result: { histogram: [1, { count: "1", sum: "1", buckets: [] }] },
    because: /^the query gives a native histogram$/,
  },
];
for (const { what, result, because } of answers) {
  test(`${what} is no reading of a query, and an inspection notes it`, async (t) => {
    const server = createServer((request, response) => {
      const isClock = new URL(request.url ?? "/", "http://x").searchParams.get("query") === "time()";
      const now = { resultType: "scalar", result: [Date.now() / 1_000, "0"] };
      const data = { resultType: "vector", result: [{ metric: {}, ...result }] };
      response.end(JSON.stringify({ status: "success", data: isClock ? now : data }));
    });
    const asked = metricsAt(await listening(t, server));
    const reading = await asked.watch().query("x", Date.now(), signal);
    assert.equal(reading.value, undefined);
    assert.match(reading.because ?? "", because);
    const findings = await asked.inspect(planWith([mine]), Date.now(), signal);
    assert.ok(
      findings.some(({ what }) => /^gate "mine": the query gives .* now$/.test(what)),
      JSON.stringify(findings),
    );
  });
}
