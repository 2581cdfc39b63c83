import assert from "node:assert/strict";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import test, { type TestContext } from "node:test";
import fc from "fast-check";
import { ask } from "../../../sandbox/prometheus/evaluate.ts";
import { storage } from "../../../sandbox/prometheus/storage.ts";
import type { Sample } from "../../../src/adapters/prometheus/answered.ts";
import { countersOf } from "../../../src/adapters/prometheus/counters.ts";
import { prometheus } from "../../../src/adapters/prometheus/prometheus.ts";
import type { PrometheusOptions } from "../../../src/adapters/prometheus/prometheus-options.ts";
import { seriesSelectors } from "../../../src/adapters/prometheus/series-selectors.ts";
import type { Counter } from "../../../src/adapters/prometheus/snapshot.ts";
import { istioMetrics } from "../../../src/istio/istio-metrics.ts";
import { listening } from "../../support/listening.ts";
import { planWith } from "../../support/plan-with.ts";
import { prometheusOptions } from "../../support/prometheus-options.ts";
import { shopTarget } from "../../support/shop-target.ts";

const signal = new AbortController().signal;
const at = Date.UTC(2026, 0, 1, 12);

type Asked = {
  readonly path: string;
  readonly query: string;
  readonly time: string;
  readonly headers: IncomingMessage["headers"];
};

/** An address that answers as told, and keeps what it was asked. */
async function serve(
  t: TestContext,
  answer: (response: ServerResponse, asked: Asked) => void,
): Promise<{ readonly url: string; readonly asked: Asked[] }> {
  const asked: Asked[] = [];
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? "/", "http://x");
    const one = {
      path: pathname,
      query: searchParams.get("query") ?? "",
      time: searchParams.get("time") ?? "",
      headers: request.headers,
    };
    asked.push(one);
    answer(response, one);
  });
  return { url: await listening(t, server), asked };
}

const json = (response: ServerResponse, status: number, body: unknown): void =>
  void response.writeHead(status, { "content-type": "application/json", "retry-after": "0" }).end(JSON.stringify(body));
const vector = (result: readonly unknown[], more: object = {}) => ({
  status: "success",
  data: { resultType: "vector", result },
  ...more,
});
/** Tells the time when it is asked for it, and answers everything else as told. */
const timely =
  (answer: (response: ServerResponse, asked: Asked) => void) =>
  (response: ServerResponse, asked: Asked): void => {
    const now = Date.now() / 1_000;
    if (asked.query !== "time()") answer(response, asked);
    else json(response, 200, { status: "success", data: { resultType: "scalar", result: [now, String(now)] } });
  };
const sourceAt = (url: string, more: Partial<PrometheusOptions> = {}) => prometheus(prometheusOptions(url, more));

const failures: readonly {
  readonly what: string;
  readonly answer: (response: ServerResponse) => void;
  readonly because: RegExp;
}[] = [
  {
    what: "503 of Prometheus",
    answer: (response) =>
      json(response, 503, { status: "error", errorType: "timeout", error: "query timed out in expression evaluation" }),
    because: /^Prometheus at http:\/\/127\.0\.0\.1:\d+ answered 503: query timed out in expression evaluation$/,
  },
  {
    what: "502 of a proxy",
    answer: (response) =>
      void response.writeHead(502, { "retry-after": "0" }).end("<html><h1>502 Bad Gateway</h1>\n</html>"),
    because: /answered 502: 502 Bad Gateway$/,
  },
  {
    what: "a login that is missing",
    answer: (response) => void response.writeHead(401).end(),
    because: /answered 401$/,
  },
  {
    what: "an address that is no Prometheus",
    answer: (response) => void response.writeHead(404).end("404 page not found"),
    because: /answered 404: 404 page not found$/,
  },
  {
    what: "a redirect",
    answer: (response) => void response.writeHead(302, { location: "https://login.example.com/?state=S3CRET" }).end(),
    because: /answered 302 and points to https:\/\/login\.example\.com\/$/,
  },
  {
    what: "a page of HTML",
    answer: (response) => void response.writeHead(200).end("<html>Welcome</html>"),
    because: /answered what is no answer of its API: Welcome$/,
  },
  {
    what: "JSON of something else",
    answer: (response) => json(response, 200, { ok: true }),
    because: /answered what is no answer of its API: \{"ok":true\}$/,
  },
  {
    what: "an answer in part",
    answer: (response) => json(response, 200, vector([], { warnings: ["store gateway away"] })),
    because: /answered with warnings: store gateway away$/,
  },
  {
    what: "a query that is refused",
    answer: (response) =>
      json(response, 400, {
        status: "error",
        errorType: "bad_data",
        error: 'invalid parameter "query": 1:1: parse error: no',
      }),
    because: /^Prometheus refuses the query: invalid parameter "query": 1:1: parse error: no$/,
  },
  {
    what: "a connection that is cut",
    answer: (response) => void response.destroy(),
    because: /^Prometheus did not answer: GET http:\/\/127\.0\.0\.1:\d+\/api\/v1\/query: the connection was cut/,
  },
  {
    what: "no answer in time",
    answer: () => {},
    because: /^Prometheus did not answer: GET .*: no answer within 50ms/,
  },
];
for (const { what, answer, because } of failures) {
  test(`${what} is a reason, and no exception`, async (t) => {
    const { url } = await serve(t, answer);
    const source = sourceAt(url, { timeout: what === "no answer in time" ? 50 : 2_000 });
    const { blind, since } = await source.watch().look(at, signal);
    assert.deepEqual([blind.map(({ to }) => to), since], [["requests"], undefined]);
    assert.match(blind[0]?.because ?? "", because);
    const reading = await source.watch().query("x", at, signal);
    assert.equal(reading.value, undefined);
    assert.match(reading.because ?? "", because);
    const traffic = await source.traffic(at, 60_000, signal);
    assert.match("because" in traffic ? traffic.because : "", because);
  });
}

test("a Prometheus that tells the time and nothing else is a reason for each that was asked, and no exception", async (t) => {
  const { url } = await serve(
    t,
    timely((response) => json(response, 422, { status: "error", errorType: "execution", error: "too many samples" })),
  );
  const because = "Prometheus refuses the query: too many samples";
  const source = sourceAt(url, { reporter: "auto" });
  assert.deepEqual((await source.watch().look(at, signal)).blind, [{ to: "requests", because }]);
  assert.deepEqual(await source.watch().query("x", at, signal), { at, because });
  assert.deepEqual(await source.traffic(at, 60_000, signal), { because, fault: "query" });
  assert.equal((await source.dispersion(at, signal)).because, `errors are taken as independent: ${because}`);
  assert.deepEqual(
    (await source.inspect(planWith([]), at, signal)).map(({ what }) => what),
    [because],
  );
});

test("nobody at the address is a reason, and no exception", async (t) => {
  const { url } = await serve(t, () => {});
  const closed = sourceAt(url.replace(/:\d+$/, ":1"));
  assert.match(
    (await closed.watch().query("x", at, signal)).because ?? "",
    /^Prometheus did not answer: GET http:\/\/127\.0\.0\.1:1\/api\/v1\/query: connection refused/,
  );
});

test("an abort rejects with its own reason", async (t) => {
  const cancelled = new AbortController();
  const { url } = await serve(t, () => cancelled.abort("the job was cancelled"));
  await assert.rejects(
    sourceAt(url).watch().query("x", at, cancelled.signal),
    (reason) => reason === "the job was cancelled",
  );
});

test("an abort rejects", async (t) => {
  const controller = new AbortController();
  const { url } = await serve(t, () => controller.abort());
  await assert.rejects(sourceAt(url).watch().look(at, controller.signal), { name: "AbortError" });
  await assert.rejects(sourceAt(url).watch().query("x", at, controller.signal), { name: "AbortError" });
  await assert.rejects(sourceAt(url).inspect(planWith([]), at, controller.signal), { name: "AbortError" });
});

test("a poll asks for the time, then twice about one moment, with the headers and below the path of the configuration", async (t) => {
  const { url, asked } = await serve(
    t,
    timely((response) => json(response, 200, vector([]))),
  );
  const address = `${url.replace("//", "//me:secret@")}/prometheus/`;
  await sourceAt(address, { headers: { "x-scope-orgid": "shop" } })
    .watch()
    .look(at + 123, signal);
  assert.deepEqual(
    asked.map(({ path, time }) => [path, time]),
    ["", String((at + 123) / 1_000), String((at + 123) / 1_000)].map((time) => ["/prometheus/api/v1/query", time]),
  );
  assert.equal(new Set(asked.map(({ query }) => query)).size, 3);
  assert.ok(
    asked.every(
      ({ headers }) =>
        headers["x-scope-orgid"] === "shop" &&
        headers.authorization === `Basic ${Buffer.from("me:secret").toString("base64")}`,
    ),
  );
});

test("of the pods' own counters the newest are asked for, and the failures that reached no pod from the sender", async (t) => {
  const { url, asked } = await serve(
    t,
    timely((response) => json(response, 200, vector([]))),
  );
  const look = await sourceAt(url, { reporter: "destination" }).watch().look(at, signal);
  assert.equal(look.at, at);
  assert.ok(asked.slice(1).every(({ time }) => time === String(at / 1_000)));
  const requests = asked.find(({ query }) => query.includes("unknown"))?.query ?? "";
  assert.deepEqual(
    [...requests.matchAll(/reporter="(\w+)"/g)].map(([, reporter]) => reporter),
    ["destination", "source", "destination", "source"], // the values, and when they were scraped
  );
});

test("a query that fails once is asked again", async (t) => {
  let failures = 1;
  const { url, asked } = await serve(
    t,
    timely((response) =>
      failures-- > 0
        ? json(response, 503, {})
        : json(response, 200, vector([{ metric: {}, value: [at / 1_000, "7"] }])),
    ),
  );
  assert.equal((await sourceAt(url).watch().query("x", at, signal)).value, 7);
  assert.deepEqual(
    asked.map(({ query }) => query),
    ["time()", "x", "x"],
  );
});

test("the reasons hide what is secret in the address", async (t) => {
  const { url } = await serve(t, (response) => void response.writeHead(403).end());
  const { because } = await sourceAt(`${url.replace("//", "//me:secret@")}?token=secret`)
    .watch()
    .query("x", at, signal);
  assert.equal(because, `Prometheus at ${url} answered 403`);
});

/** The counters that an answer of these samples gives. */
function countersIn(...samples: readonly Sample[]): readonly Counter[] {
  const reported = samples.map(({ labels, value }) => ({ labels: { reporter: "source", ...labels }, value }));
  const counters = countersOf({ at, samples: reported, none: [], histograms: [] }, shopTarget, istioMetrics);
  assert.ok(!("because" in counters), "because" in counters ? counters.because : "");
  return counters;
}

test("a native histogram is no number", async (t) => {
  const { url } = await serve(
    t,
    timely((response) =>
      json(response, 200, vector([{ metric: {}, histogram: [1, { count: "1", sum: "1", buckets: [] }] }])),
    ),
  );
  assert.match(
    (await sourceAt(url).watch().query("x", at, signal)).because ?? "",
    /^the query gives a native histogram$/,
  );
});

test("a series has the same name in whichever order its labels come", () => {
  const labels = { destination_workload: "reviews-v1", pod: "p", response_code: "200", a: "1", b: "2" };
  fc.assert(
    fc.property(fc.shuffledSubarray(Object.entries(labels), { minLength: 5 }), (shuffled) => {
      const [one] = countersIn({ labels: Object.fromEntries(shuffled), value: 1 });
      const [other] = countersIn({ labels: { __name__: "istio_requests_total", ...labels }, value: 1 });
      assert.deepEqual(one, other);
    }),
  );
});

const processes: readonly { readonly labels: Readonly<Record<string, string>>; readonly process: string }[] = [
  { labels: { pod: "gateway-1", instance: "10.0.0.1:15090" }, process: "gateway-1" },
  { labels: { instance: "10.0.0.1:15090" }, process: "10.0.0.1:15090" },
  { labels: {}, process: "" },
];
for (const { labels, process } of processes) {
  test(`the process behind ${JSON.stringify(labels)} is ${JSON.stringify(process)}`, () => {
    assert.equal(
      countersIn({ labels: { ...labels, destination_workload: "reviews-v1" }, value: 1 })[0]?.process,
      process,
    );
  });
}

/** Whether a request that found no pod is counted as a failure of reviews in shop, by the names it may carry. */
const hosts: readonly { readonly host: string; readonly from?: string; readonly ours: boolean }[] = [
  { host: "reviews.shop.svc.cluster.local", ours: true },
  { host: "reviews.shop.svc.example.org", ours: true },
  { host: "reviews.shop.svc.cluster.local:9080", ours: true },
  { host: "reviews.shop", ours: true },
  { host: "reviews", from: "shop", ours: true },
  { host: "reviews:9080", from: "shop", ours: true },
  { host: "reviews", from: "elsewhere", ours: false },
  { host: "reviews.elsewhere.svc.cluster.local", ours: false },
  { host: "reviewsXshop.svc.cluster.local", ours: false },
  { host: "old-reviews.shop.svc.cluster.local", ours: false },
  { host: "shop.example.com", ours: false },
];
for (const { host, from, ours } of hosts) {
  test(`a request that found no pod of ${host}${from ? ` called from ${from}` : ""} is ${ours ? "" : "not "}the service's failure`, () => {
    const series = storage();
    const labels = {
      reporter: "source",
      destination_workload: "unknown",
      destination_service: host,
      response_code: "503",
      response_flags: "UH",
      ...(from ? { source_workload_namespace: from } : {}),
    };
    series.append({ __name__: "istio_requests_total", ...labels }, at, 3);
    const value = ask(seriesSelectors(shopTarget, "source", istioMetrics).first(60_000).requests, series, at);
    const counters = value.type === "vector" ? countersIn(...value.samples) : [];
    assert.deepEqual(
      counters.map(({ origin, failed, value }) => [origin, failed, value]),
      ours ? [["unattributed", true, 3]] : [],
    );
  });
}

for (const host of ["reviews", "reviews-one", "reviews-two"]) {
  test(`a request that found no pod of ${host} is the service's failure, where versions are hosts of their own`, () => {
    const { stable, canary } = shopTarget;
    const target = {
      ...shopTarget,
      stable: { ...stable, host: "reviews-one" },
      canary: { ...canary, host: "reviews-two" },
    };
    const series = storage();
    const labels = {
      __name__: "istio_requests_total",
      reporter: "source",
      destination_workload: "unknown",
      destination_service: `${host}.shop.svc.cluster.local`,
      response_code: "503",
      response_flags: "UH",
    };
    series.append(labels, at, 3);
    const value = ask(seriesSelectors(target, "source", istioMetrics).first(60_000).requests, series, at);
    assert.deepEqual(value.type === "vector" && value.samples.map(({ value }) => value), [3]);
  });
}

test("names with special characters are matched literally", () => {
  const odd = {
    ...shopTarget,
    namespace: 'a"b\\c',
    stable: { ...shopTarget.stable, deployment: "v1.0|x" },
    canary: { ...shopTarget.canary, deployment: "v(2" },
  };
  const series = storage();
  for (const workload of ["v1.0|x", "v(2", "v1a0", "x"])
    series.append(
      {
        __name__: "istio_requests_total",
        reporter: "source",
        destination_workload: workload,
        destination_workload_namespace: 'a"b\\c',
        response_code: "200",
      },
      at,
      1,
    );
  const value = ask(seriesSelectors(odd, "source", istioMetrics).first(60_000).requests, series, at);
  assert.deepEqual(value.type === "vector" && value.samples.map(({ labels }) => labels.destination_workload), [
    "v1.0|x",
    "v(2",
  ]);
});

const outcomes: readonly { readonly labels: Readonly<Record<string, string>>; readonly failed: boolean }[] = [
  { labels: { response_code: "200" }, failed: false },
  { labels: { response_code: "499" }, failed: false },
  { labels: { response_code: "500" }, failed: true },
  { labels: { response_code: "599" }, failed: true },
  { labels: { response_code: "200", grpc_response_status: "" }, failed: false },
  { labels: { response_code: "200", grpc_response_status: "0" }, failed: false },
  { labels: { response_code: "200", grpc_response_status: "1" }, failed: true },
  { labels: { response_code: "200", grpc_response_status: "14" }, failed: true },
];
for (const { labels, failed } of outcomes) {
  test(`${JSON.stringify(labels)} is ${failed ? "a failure" : "no failure"}`, () => {
    assert.equal(
      countersIn({ labels: { destination_workload: "reviews-v2", ...labels }, value: 1 })[0]?.failed,
      failed,
    );
  });
}

const unreached: readonly { readonly code: string; readonly flags: string; readonly lost: boolean }[] = [
  { code: "503", flags: "UH", lost: true },
  { code: "503", flags: "-", lost: true },
  { code: "0", flags: "UF", lost: true },
  { code: "0", flags: "UH", lost: true },
  { code: "0", flags: "NC", lost: true },
  { code: "0", flags: "URX,UF", lost: true },
  { code: "0", flags: "DC", lost: false },
  { code: "404", flags: "NR", lost: false },
];
for (const { code, flags, lost } of unreached) {
  test(`a request without a pod, with code ${code} and flags ${flags}, is ${lost ? "" : "not "}lost`, () => {
    const labels = { destination_workload: "unknown", response_code: code, response_flags: flags };
    const counters = countersIn({ labels, value: 1 });
    assert.deepEqual(
      counters.map(({ origin, failed }) => [origin, failed]),
      lost ? [["unattributed", true]] : [],
    );
  });
}
