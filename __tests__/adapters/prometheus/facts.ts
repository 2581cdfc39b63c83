import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { nodeWorld } from "../../../src/adapters/node/node-world.ts";
import { chooseProxy } from "../../../src/adapters/prometheus/counting-proxy.ts";
import { prometheus } from "../../../src/adapters/prometheus/prometheus.ts";
import type { PrometheusOptions } from "../../../src/adapters/prometheus/prometheus-options.ts";
import { readNewest } from "../../../src/adapters/prometheus/read-counters.ts";
import type { Snapshot } from "../../../src/adapters/prometheus/snapshot.ts";
import { dispersionOf } from "../../../src/evidence/dispersion.ts";
import { lastingDifference } from "../../../src/evidence/pod-spread.ts";
import type { Tally } from "../../../src/evidence/tally.ts";
import type { Millis } from "../../../src/lib/duration.ts";
import type { Metrics } from "../../../src/ports/metrics.ts";
import type { Gate } from "../../../src/release/gate.ts";
import type { Reading } from "../../../src/release/observation.ts";
import { requestJson } from "../../../src/world/request-json.ts";
import { planWith } from "../../support/plan-with.ts";
import type { SetUp } from "../../support/prometheus-set-up.ts";
import { type Labels, optionsOf, sample, scraped } from "./scraped.ts";

type Line = (workload: string, value: number, labels?: Labels) => string;

/** A place in the Prometheus of the suite that no other test sees. */
type Place = {
  readonly url: string;
  readonly namespace: string;
  /** Reads by whichever reporter it finds. */
  readonly metrics: Metrics;
  readonly metricsWith: (options: Partial<PrometheusOptions>) => Metrics;
  readonly counters: () => Promise<Snapshot>;
  readonly query: (query: string) => Promise<Reading>;
  /** One counter of requests as Istio's gateway shows it. */
  readonly counted: Line;
  readonly bucket: (workload: string, le: string, value: number) => string;
} & Pick<Awaited<ReturnType<typeof scraped>>, "expose" | "vanish">;

const minute: Millis = 60_000;

/** Minutes ago, from the first to the last. */
const ago = (first: number, last: number): readonly number[] =>
  Array.from({ length: first - last + 1 }, (_, index) => first - index);
const signal = new AbortController().signal;

/**
 * What the adapter, and the gates of users, rely on in a Prometheus, beyond the contract of metrics. Run over the
 * sandbox's stand-in and over the real one.
 */
export function prometheusFacts(name: string, setUp: SetUp): void {
  let target: Awaited<ReturnType<typeof scraped>>;
  before(async () => {
    target = await scraped(setUp);
  });
  after(() => target.close());
  let tests = 0;
  const fact = (what: string, body: (place: Place) => Promise<void>): void =>
    void test(`${name}: ${what}`, () => body(placeIn(target, `shop-${++tests}`)));

  fact(
    "counters are told apart by version and outcome, and what nobody is to blame for is left out",
    async ({ namespace, counters, counted, expose }) => {
      await expose(
        counted("reviews-v1", 900),
        counted("reviews-v1", 4, { response_code: "503" }),
        counted("reviews-v1", 7, { response_code: "404" }),
        counted("reviews-v2", 90),
        counted("reviews-v2", 3, { grpc_response_status: "14" }),
        counted("reviews-v2", 2, { grpc_response_status: "0" }),
        counted("reviews-v2", 55, { response_code: "0", response_flags: "DC" }),
        counted("reviews-v2", 66, { response_code: "200", response_flags: "DI" }),
        counted("reviews-v2", 66, { response_code: "503", response_flags: "FI" }),
        counted("reviews-v2", 77, { reporter: "destination" }),
        counted("reviews-v2", 88, { destination_workload_namespace: "elsewhere" }),
        counted("unknown", 5, { response_code: "503", response_flags: "UH" }),
        counted("unknown", 6, { response_code: "0", response_flags: "UF" }),
        counted("unknown", 9, { response_code: "404", response_flags: "NR" }),
        counted("unknown", 9, {
          response_code: "503",
          response_flags: "UH",
          destination_service: `ratings.${namespace}.svc.cluster.local`,
        }),
        counted("unknown", 9, { response_code: "503", response_flags: "FI" }),
        counted("ratings-v1", 1_000),
      );
      const { requests } = await counters();
      const values = requests
        .map(({ origin, failed, value, process }) => `${origin} ${failed ? "failed" : "served"} ${value} ${process}`)
        .sort();
      assert.deepEqual(values, [
        "canary failed 3 gateway-1",
        "canary served 2 gateway-1",
        "canary served 55 gateway-1",
        "canary served 90 gateway-1",
        "stable failed 4 gateway-1",
        "stable served 7 gateway-1",
        "stable served 900 gateway-1",
        "unattributed failed 5 gateway-1",
        "unattributed failed 6 gateway-1",
      ]);
      assert.equal(new Set(requests.map(({ series }) => series)).size, requests.length);
    },
  );

  fact("buckets come with their edges in ms, the last one infinite", async ({ counters, bucket, expose }) => {
    await expose(bucket("reviews-v2", "0.5", 1), bucket("reviews-v2", "1000", 9), bucket("reviews-v2", "+Inf", 10));
    const { buckets } = await counters();
    assert.deepEqual(
      buckets.map(({ le, value, origin }) => [origin, le, value]).sort((a, b) => Number(a[1]) - Number(b[1])),
      [
        ["canary", 0.5, 1],
        ["canary", 1_000, 9],
        ["canary", Infinity, 10],
      ],
    );
  });

  fact(
    "a proxy that cannot be scraped when counting begins keeps its counters: nothing is counted twice when it is back",
    async ({ metrics, expose, counted }) => {
      const watch = metrics.watch();
      const other = counted("reviews-v1", 1, { pod: "gateway-2" });
      await expose(counted("reviews-v1", 1_000), counted("reviews-v2", 100), other);
      await expose(other);
      await watch.look(Date.now(), signal);
      await expose(counted("reviews-v1", 1_005), counted("reviews-v2", 102), other);
      const { stable, canary } = await watch.look(Date.now(), signal);
      assert.deepEqual([stable.requests, canary.requests], [5, 2]);
    },
  );

  fact(
    "when no proxy can be scraped any more that is said, and old counters are not taken for new ones",
    async ({ metrics, counters, expose, vanish, counted }) => {
      await expose(counted("reviews-v1", 1_000), counted("reviews-v2", 100));
      await vanish();
      const { blind } = await metrics.watch().look(Date.now(), signal);
      assert.deepEqual(
        blind.map(({ because }) => because),
        [
          "Prometheus has no counter of reviews-v1 or reviews-v2 any more: the proxies that counted are gone, or could not be scraped",
        ],
      );
      await expose(counted("reviews-v1", 1_000), counted("reviews-v2", 100));
      assert.equal((await counters()).requests.length, 2);
    },
  );

  fact(
    "an address that vanished has no series any more for a plain query",
    async ({ query, counted, expose, vanish }) => {
      await expose(counted("reviews-v1", 1_000));
      assert.equal((await query("sum(istio_requests_total)")).value, 1_000);
      await vanish();
      assert.equal((await query("sum(istio_requests_total)")).because, "the query gives no series");
    },
  );

  fact(
    "an instant query may give a matrix: every step of a subquery with its time",
    async ({ url, namespace, counted, expose }) => {
      await expose(counted("reviews-v1", 5), counted("reviews-v2", 7));
      const at = Date.now() + 200;
      await sleep(200);
      const query = `sum by (pod) (istio_requests_total{destination_workload_namespace="${namespace}"})[2s:100ms]`;
      const { status, body } = await requestJson(nodeWorld(), {
        method: "GET",
        url: `${url}/api/v1/query?${new URLSearchParams({ query, time: String(at / 1_000) })}`,
      });
      assert.equal(status, 200, JSON.stringify(body));
      const { data } = body as {
        data: { resultType: string; result: { metric: Labels; values: [number, string][] }[] };
      };
      assert.equal(data.resultType, "matrix");
      assert.deepEqual(
        data.result.map(({ metric }) => metric),
        [{ pod: "gateway-1" }],
      );
      const steps = data.result[0]?.values ?? [];
      assert.equal(steps.at(-1)?.[1], "12");
      assert.equal(steps.at(-1)?.[0], Math.floor(at / 100) / 10);
      assert.ok(steps.every(([seconds]) => Math.round(seconds * 1_000) % 100 === 0 && seconds * 1_000 > at - 2_001));
    },
  );

  const readings: readonly { readonly query: string; readonly value?: number; readonly because?: string | RegExp }[] = [
    { query: "sum(istio_requests_total)", value: 110 },
    { query: 'istio_requests_total{destination_workload="reviews-v2"}', value: 10 },
    { query: "scalar(sum(istio_requests_total))", value: 110 },
    { query: "42", value: 42 },
    { query: 'sum(istio_requests_total{response_code="404"}) or vector(0)', value: 0 },
    { query: "histogram_quantile(0.5, sum by (le) (istio_request_duration_milliseconds_bucket))", value: 50 },
    { query: "istio_requests_total", because: "the query gives 2 series; aggregate it with sum()" },
    { query: "nothing_at_all", because: "the query gives no series" },
    { query: "vector(0) / vector(0)", because: "the query gives NaN, as 0/0 does: probably no requests" },
    { query: "vector(1) / 0", because: "the query gives +Inf: something was divided by zero" },
    { query: "-1 / 0", because: "the query gives -Inf: something was divided by zero" },
    {
      query: "istio_requests_total[5m]",
      because: "the query gives a range vector; wrap it in a function such as increase()",
    },
    {
      query: "sum(istio_requests_total)[5m:1m]",
      because: "the query gives a range vector; wrap it in a function such as increase()",
    },
    { query: '"text"', because: "the query gives a text" },
    {
      query: "sum(istio_requests_total",
      because: /^Prometheus refuses the query: invalid parameter "query": 1:25: parse error: /,
    },
    {
      query: "averg(istio_requests_total)",
      because:
        'Prometheus refuses the query: invalid parameter "query": 1:1: parse error: unknown function with name "averg"',
    },
    {
      query: "istio_requests_total / on (pod) istio_requests_total",
      because:
        /^Prometheus refuses the query: found duplicate series for the match group \{pod="gateway-1"\} on the right hand-side/,
    },
  ];
  fact("a query gives one number, or says why there is none", async ({ query: ask, counted, bucket, expose }) => {
    await expose(
      counted("reviews-v1", 100),
      counted("reviews-v2", 10),
      bucket("reviews-v1", "100", 8),
      bucket("reviews-v1", "+Inf", 8),
    );
    for (const { query, value, because } of readings) {
      const reading = await ask(query);
      assert.equal(reading.value, value, `${query}: ${reading.because}`);
      if (because instanceof RegExp) assert.match(reading.because ?? "", because);
      else assert.equal(reading.because, because, query);
    }
  });

  fact("rates of what grows are seen", async ({ namespace, query, counted, expose }) => {
    for (const value of [0, 10, 20, 30]) await expose(counted("reviews-v1", value));
    const series = `istio_requests_total{destination_workload_namespace="${namespace}"}[1m]`;
    const grown = (await query(`sum(increase(${series}))`)).value ?? 0;
    assert.ok(grown >= 20 && grown <= 40, `${grown}`); // extrapolated, so not to the request
    assert.ok(((await query(`sum(rate(${series}))`)).value ?? 0) > 0);
    assert.equal((await query(`resets(${series})`)).value, 0);
  });

  fact(
    "the API takes queries by GET and POST, and says errors by status, type and text",
    async ({ url, counted, expose }) => {
      await expose(counted("reviews-v1", 5));
      const query = "sum by (pod) (istio_requests_total)";
      const got = await requestJson(nodeWorld(), {
        method: "GET",
        url: `${url}/api/v1/query?${new URLSearchParams({ query, time: "2100-01-01T00:00:00Z" })}`,
      });
      assert.deepEqual(got.body, { status: "success", data: { resultType: "vector", result: [] } });
      const posted = await fetch(`${url}/api/v1/query`, { method: "POST", body: new URLSearchParams({ query }) });
      const { data } = (await posted.json()) as { data: { result: { metric: Labels; value: [number, string] }[] } };
      assert.deepEqual(
        data.result.map(({ metric, value }) => [metric, value[1]]),
        [[{ pod: "gateway-1" }, "5"]],
      );
      assert.ok(Math.abs((data.result[0]?.value[0] ?? 0) * 1_000 - Date.now()) < 60_000);

      const failures = [
        { parameters: { query: "rate(x)" }, status: 400, type: "bad_data" },
        { parameters: { query: "x", time: "noon" }, status: 400, type: "bad_data" },
        { parameters: {}, status: 400, type: "bad_data" },
        {
          parameters: { query: "up + on (x) group_left () (up or istio_requests_total)" },
          status: 422,
          type: "execution",
        },
      ];
      for (const { parameters, status, type } of failures) {
        const { status: answered, body } = await requestJson(nodeWorld(), {
          method: "GET",
          url: `${url}/api/v1/query?${new URLSearchParams(parameters as Labels)}`,
        });
        assert.equal(answered, status, JSON.stringify(body));
        assert.equal((body as { errorType: string }).errorType, type);
      }
      assert.equal((await fetch(`${url}/-/ready`)).status, 200);
      assert.equal((await fetch(`${url}/api/v1/nothing`)).status, 404);
      const build = await requestJson(nodeWorld(), { method: "GET", url: `${url}/api/v1/status/buildinfo` });
      assert.equal(typeof (build.body as { data: { version: string } }).data.version, "string");
    },
  );

  const latency: Gate = {
    kind: "latency",
    name: "latency",
    quantile: 0.99,
    atMost: 100,
    minRequests: 1,
    noData: "wait",
  };
  const found = (why: string, what: string): RegExp => new RegExp(`${why}.*Found: ${what}`);
  const queryGate = (promql: string): Gate => ({
    kind: "query",
    name: "mine",
    query: promql,
    atMost: 1,
    tolerate: 0,
    noData: "wait",
  });
  fact(
    "an inspection finds what the gates would miss, and says what there is",
    async ({ metricsWith, counted, bucket, expose }) => {
      const inspections: readonly {
        readonly what: string;
        readonly lines: readonly string[];
        readonly gates: readonly Gate[];
        readonly reporter?: "source";
        readonly finds: readonly (readonly [level: string, what: RegExp])[];
      }[] = [
        {
          what: "all is there",
          lines: [counted("reviews-v1", 1), bucket("reviews-v1", "+Inf", 1)],
          gates: [latency, queryGate("sum(istio_requests_total)")],
          finds: [
            [
              "note",
              found(
                "reporter=source: callers alone see",
                "1 series of 1 proxy; response codes 200; response times as a histogram",
              ),
            ],
          ],
        },
        {
          what: "several of everything",
          lines: [
            counted("reviews-v1", 1, { reporter: "destination" }),
            counted("reviews-v1", 1, { reporter: "waypoint" }),
            counted("reviews-v1", 1, { reporter: "waypoint", response_code: "503" }),
            counted("reviews-v1", 1, { reporter: "waypoint", grpc_response_status: "0", pod: "waypoint-2" }),
            counted("reviews-v1", 1, { reporter: "waypoint", grpc_response_status: "14" }),
            counted("reviews-v2", 1, { response_code: "404" }),
          ],
          gates: [],
          finds: [
            [
              "note",
              found(
                "reporter=waypoint: no caller's proxy has counted any",
                "4 series of 2 proxies; response codes 200, 503; gRPC statuses 0, 14; no histogram, so that response times are not judged",
              ),
            ],
          ],
        },
        {
          what: "the pods' own proxies alone",
          lines: [counted("reviews-v1", 1, { reporter: "destination" })],
          gates: [],
          finds: [["note", found("reporter=destination: neither", "1 series")]],
        },
        {
          what: "another reporter than the one that was named",
          lines: [counted("reviews-v1", 1, { reporter: "destination" })],
          gates: [latency],
          reporter: "source",
          finds: [["refuse", /shop-\d+\/reviews-v1 with reporter=destination only, and none with reporter=source/]],
        },
        {
          what: "another workload",
          lines: [counted("unknown", 1)],
          gates: [latency],
          finds: [["refuse", /service reviews, but none with destination_workload=reviews-v1 \(found: unknown\)/]],
        },
        {
          what: "failures from before the first pod was there",
          lines: [counted("unknown", 3, { response_code: "503", response_flags: "UH" })],
          gates: [latency],
          finds: [["warn", /no request of shop-\d+\/reviews-v1/]],
        },
        {
          what: "no request at all",
          lines: [],
          gates: [latency],
          finds: [["warn", /no request of shop-\d+\/reviews-v1/]],
        },
        {
          what: "no histogram",
          lines: [counted("reviews-v1", 1)],
          gates: [latency],
          finds: [
            ["refuse", /no istio_request_duration_milliseconds_bucket/],
            ["note", found("reporter=source", "1 series of 1 proxy; response codes 200; no histogram")],
          ],
        },
        {
          what: "another namespace",
          lines: [counted("reviews-v1", 1, { destination_workload_namespace: "shop-of-others" })],
          gates: [latency],
          finds: [
            [
              "refuse",
              /requests of Deployment reviews-v1, but none with destination_workload_namespace=shop-\d+ \(found: shop-of-others\)/,
            ],
          ],
        },
        {
          what: "a label that nobody writes",
          lines: [counted("reviews-v1", 1, { response_code: "" })],
          gates: [latency],
          finds: [
            [
              "refuse",
              /No series of shop-\d+\/reviews-v1 in istio_requests_total has the label response_code \(labels there: destination_service, .*: no failure would be seen/,
            ],
            ["refuse", /no istio_request_duration_milliseconds_bucket/],
            ["note", found("reporter=source", "1 series of 1 proxy; no histogram")],
          ],
        },
        {
          what: "a query that is wrong",
          lines: [counted("reviews-v1", 1)],
          gates: [queryGate("sum(")],
          finds: [
            ["note", found("reporter=source", "1 series")],
            ["refuse", /gate "mine": Prometheus refuses the query: .*parse error/],
          ],
        },
        {
          what: "a query with several answers",
          lines: [counted("reviews-v1", 1), counted("reviews-v2", 1)],
          gates: [queryGate("istio_requests_total")],
          finds: [
            ["note", found("reporter=source", "1 series")],
            ["refuse", /gate "mine": the query gives 2 series/],
          ],
        },
        {
          what: "a query about what is not there yet",
          lines: [counted("reviews-v1", 1)],
          gates: [queryGate('istio_requests_total{destination_workload="reviews-v2"}')],
          finds: [
            ["note", found("reporter=source", "1 series")],
            ["note", /gate "mine": the query gives no series now/],
          ],
        },
      ];
      for (const { what, lines, gates, finds, reporter = "auto" } of inspections) {
        await expose(...lines);
        const findings = await metricsWith({ reporter }).inspect(planWith(gates), Date.now(), signal);
        assert.deepEqual(
          findings.map(({ level }) => level),
          finds.map(([level]) => level),
          `${what}: ${JSON.stringify(findings)}`,
        );
        for (const [index, [, pattern]] of finds.entries()) assert.match(findings[index]?.what ?? "", pattern);
      }
    },
  );

  // These last: who says when a value was true is not forgotten for five minutes, and the facts above ask about everything.

  fact(
    "traffic of a long window is counted through those who came, went, restarted or failed for the first time within it",
    async (world) => {
      const at = Date.now();
      const counted = (minutesAgo: number, ...line: Parameters<Line>): string =>
        `${world.counted(...line)} ${at - minutesAgo * minute - 500}`;
      await world.expose(
        ...ago(50, 0).flatMap((ago) => [
          counted(ago, "reviews-v1", 1_000_000 + 10 * (50 - ago)),
          counted(ago, "reviews-v2", 70 + (50 - ago)),
        ]),
        ...ago(22, 0).map((ago) => counted(ago, "reviews-v1", 3, { response_code: "503" })),
        ...ago(38, 31).map((ago) => counted(ago, "reviews-v1", 5 * (39 - ago), { pod: "gateway-2" })),
        ...ago(50, 15).map((ago) => counted(ago, "reviews-v2", 5_000 + (50 - ago), { pod: "gateway-3" })),
        ...ago(14, 0).map((ago) => counted(ago, "reviews-v2", 14 - ago, { pod: "gateway-3" })),
      );
      const tally = await world.metrics.traffic(at, 45 * minute, signal);
      assert.ok(!("because" in tally), "because" in tally ? tally.because : "");
      assert.deepEqual(requestsIn(tally), {
        stable: [45 * 10 + 3 + 40, 3],
        canary: [45 + 30 + 14, 0],
        unattributed: [0, 0],
      });
      assert.equal(tally.covered, 45 * minute);
    },
  );

  fact("a Prometheus that is younger than the window takes no counter's past for traffic", async (world) => {
    const at = Date.now();
    await world.expose(
      ...ago(3, 0).map(
        (ago) => `${world.counted("reviews-v1", 1_000_000 + 10 * (3 - ago))} ${at - ago * minute - 500}`,
      ),
    );
    const tally = await world.metrics.traffic(at, 180 * minute, signal);
    assert.ok(!("because" in tally), "because" in tally ? tally.because : "");
    assert.deepEqual(requestsIn(tally).stable, [30, 0]);
    assert.ok(tally.covered <= 10 * minute, `${tally.covered}`); // so that a rate is not spread over hours that nobody saw
  });

  fact(
    "the rate is what the service got since it was first seen, whoever answered it, and nothing else",
    async (world) => {
      const at = Date.now();
      const counted = (minutesAgo: number, ...line: Parameters<Line>): string =>
        `${world.counted(...line)} ${at - minutesAgo * minute - 500}`;
      const service = "ratings.shop.svc.cluster.local";
      await world.expose(
        ...ago(30, 0).flatMap((ago) => [
          counted(ago, "reviews-v1", 60 * (30 - ago)),
          counted(ago, "reviews-v1", 6_000 * (30 - ago), { destination_service: service, pod: "gateway-2" }),
        ]),
        ...ago(30, 10).map((ago) => counted(ago, "reviews-v0", 180 * (30 - ago))),
      );
      const rate = (await world.metrics.rate(at, 60 * minute, signal)) ?? assert.fail("nobody knows");
      assert.ok(rate > 2.7 && rate < 3.3, `${rate}`); // (30 · 60 + 20 · 180) / 30 min, and not of an hour
    },
  );

  fact(
    "how much stable's errors vary is measured pod by pod, whoever counts for the gates",
    async ({ metrics, expose, ...world }) => {
      const at = Date.now();
      const last = Math.floor(at / minute) * minute;
      const counted = (ago: number, pod: string, value: number, labels: Labels = {}): string =>
        `${world.counted("reviews-v1", value, { reporter: "destination", pod, ...labels })} ${last - ago * minute - 500}`;
      const failed = (ago: number, pod: string, value: number): string =>
        counted(ago, pod, value, { response_code: "500" });
      await expose(
        world.counted("reviews-v1", 5),
        ...ago(40, 0).flatMap((ago) => [
          counted(ago, "pod-a", 900 + 90 * (40 - ago)),
          failed(ago, "pod-a", 8 * Math.floor((40 - ago) / 2)),
          failed(ago, "pod-b", 8 * Math.floor((41 - ago) / 2)),
        ]),
        // The first failure of pod-b is its series' first sample, and its status is gRPC's.
        ...ago(40, 0).map((ago) => counted(ago, "pod-b", 100 * (40 - ago))),
        ...ago(9, 0).map((ago) => counted(ago, "pod-b", 2, { grpc_response_status: "14" })),
        // Comes late, and restarts: two windows of which nobody knows what it counted.
        ...ago(20, 10).map((ago) => counted(ago, "pod-c", 50 * (21 - ago))),
        ...ago(9, 0).map((ago) => counted(ago, "pod-c", 50 * (9 - ago))),
        // Made by a VirtualService's fault.
        ...ago(40, 0).map((ago) =>
          counted(ago, "pod-b", 77 * (40 - ago), { response_code: "500", response_flags: "FI" }),
        ),
      );
      const windows = ago(39, 0).map((ago) => {
        const [ofA, ofB] = ago % 2 === 0 ? [8, 0] : [0, 8];
        const grpc = ago === 9 ? 2 : 0;
        return [
          { requests: 90 + ofA, errors: ofA },
          { requests: 100 + ofB + grpc, errors: ofB + grpc },
          { requests: ago < 20 && ago !== 9 ? 50 : 0, errors: 0 },
        ];
      });
      const wanted = dispersionOf(windows, lastingDifference(windows).rates);
      assert.ok(wanted > 2 && wanted < 10);
      const { phi, because } = await metrics.dispersion(at, signal);
      assert.ok(Math.abs(phi - wanted) < 1e-9 * wanted, `${phi} instead of ${wanted}`);
      assert.equal(
        because,
        `322 errors of 3 pods of reviews-v1 in 40 windows of 1m varied ${wanted.toFixed(1)} times as much as independent ones do`,
      );
    },
  );

  fact(
    "a value that came with its time is not taken to have ended when it is no longer shown",
    async ({ namespace, query, counted, expose }) => {
      await expose(`${counted("reviews-v1", 7)} ${Date.now()}`, counted("reviews-v2", 8));
      await expose();
      const series = `{destination_workload_namespace="${namespace}"}`;
      assert.equal((await query(`sum(istio_requests_total${series})`)).value, 7);
    },
  );
}

function placeIn({ url, expose, vanish }: Awaited<ReturnType<typeof scraped>>, namespace: string): Place {
  const options = optionsOf(url, namespace);
  const choice = chooseProxy(options);
  const metrics = prometheus(options);
  return {
    url,
    namespace,
    metrics,
    metricsWith: (more) => prometheus({ ...options, ...more }),
    async counters() {
      const snapshot = await readNewest(options, choice, Date.now(), signal);
      if ("because" in snapshot) throw new Error(snapshot.because);
      return snapshot;
    },
    query: (promql) => metrics.watch().query(promql, Date.now(), signal),
    counted: (workload, value, labels = {}) => sample(namespace, "istio_requests_total", workload, value, labels),
    bucket: (workload, le, value) =>
      sample(namespace, "istio_request_duration_milliseconds_bucket", workload, value, { le }),
    expose,
    vanish,
  };
}

const requestsIn = ({ stable, canary, unattributed }: Tally) => ({
  stable: [stable.requests, stable.errors],
  canary: [canary.requests, canary.errors],
  unattributed: [unattributed.requests, unattributed.errors],
});
