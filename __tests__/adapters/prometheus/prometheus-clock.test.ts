import assert from "node:assert/strict";
import { createServer } from "node:http";
import test, { type TestContext } from "node:test";
import { type Prometheus, startPrometheus } from "../../../sandbox/prometheus/server.ts";
import { nodeWorld } from "../../../src/adapters/node/node-world.ts";
import { inspectClock } from "../../../src/adapters/prometheus/inspect-clock.ts";
import type { PrometheusAddress } from "../../../src/adapters/prometheus/instant-query.ts";
import { prometheus } from "../../../src/adapters/prometheus/prometheus.ts";
import { followClock } from "../../../src/adapters/prometheus/prometheus-clock.ts";
import { formatDuration, type Instant, type Millis } from "../../../src/lib/duration.ts";
import type { Metrics } from "../../../src/ports/metrics.ts";
import type { Gate } from "../../../src/release/gate.ts";
import type { Network } from "../../../src/world/world.ts";
import { handClock } from "../../support/clock.ts";
import { listening } from "../../support/listening.ts";
import { planWith } from "../../support/plan-with.ts";
import { prometheusOptions } from "../../support/prometheus-options.ts";

const signal = new AbortController().signal;
const second: Millis = 1_000;
const minute = 60 * second;
const interval = 15 * second;

const metricsAt = (url: string): Metrics => prometheus(prometheusOptions(url, { interval }));

const labels = {
  __name__: "istio_requests_total",
  reporter: "source",
  destination_workload: "reviews-v1",
  destination_workload_namespace: "shop",
  destination_service: "reviews.shop.svc.cluster.local",
  source_workload_namespace: "shop",
  response_code: "200",
  response_flags: "-",
  pod: "gateway-1",
};

/** Stable's counter: one more request every second until ten seconds before now, which is Prometheus's. */
const count = ({ storage }: Prometheus, now: Instant): void => {
  for (let ago = 600; ago >= 10; ago--) storage.append(labels, now - ago * second, 10_000 - ago);
};

const errors: Gate = { kind: "errors", name: "errors", atMost: 0.01, minRequests: 1, noData: "wait" };
const inspected = async (metrics: Metrics): Promise<readonly string[]> =>
  (await metrics.inspect(planWith([errors], interval), Date.now(), signal)).map(
    ({ level, what }) => `${level}: ${what}`,
  );

async function prometheusAhead(t: TestContext, ahead: () => Millis): Promise<Prometheus> {
  const server = await startPrometheus({ targets: [], ahead });
  t.after(() => server.close());
  return server;
}

for (const ahead of [10 * minute, -10 * minute, -20 * second, minute, 0]) {
  test(`a clock of Prometheus that is ${ahead / second}s ahead is measured, told, and corrected for`, async (t) => {
    const server = await prometheusAhead(t, () => ahead);
    count(server, Date.now() + ahead);
    const metrics = metricsAt(server.url);
    const watch = metrics.watch();
    const begun = Date.now();
    const first = await watch.look(begun, signal);
    assert.deepEqual([first.blind.map(({ to }) => to), first.at], [["durations"], begun]);
    server.storage.append(labels, Date.now() + ahead - 5 * second, 9_997);
    assert.equal((await watch.look(Date.now(), signal)).stable.requests, 7);

    const { value = 0 } = await watch.query("time()", begun, signal);
    assert.ok(Math.abs(value * second - begun - ahead) < second, `${value}`);
    const traffic = await metrics.traffic(Date.now(), 5 * minute, signal);
    const requests = "because" in traffic ? 0 : traffic.stable.requests;
    assert.ok(requests >= 280 && requests <= 300, `${requests} requests in five minutes`);

    const told = (await inspected(metrics)).filter((finding) => !finding.includes("are read from Prometheus"));
    const beside = ahead > 0 ? "ahead of" : "behind";
    assert.deepEqual(
      told,
      ahead === 0
        ? []
        : [
            `warn: Prometheus's clock is ${formatDuration(Math.abs(ahead))} ${beside} this job's; it is asked in its own time`,
          ],
    );
  });
}

test("a clock that jumps is noticed at the next look", async (t) => {
  let ahead = 0;
  const server = await prometheusAhead(t, () => ahead);
  count(server, Date.now());
  const watch = metricsAt(server.url).watch();
  await watch.look(Date.now(), signal);
  ahead = 3 * minute;
  server.storage.append(labels, Date.now() + ahead - 5 * second, 9_995);
  assert.equal((await watch.look(Date.now(), signal)).stable.requests, 5);
  const { value = 0 } = await watch.query("time()", Date.now(), signal);
  assert.ok(Math.abs(value * second - Date.now() - ahead) < second);
});

for (const { apart, level } of [
  { apart: 20 * second, level: "warn" },
  { apart: 2 * minute, level: "refuse" },
])
  test(`replicas whose clocks are ${apart / second}s apart are a reason to ${level}`, async (t) => {
    let asked = 0;
    const server = await prometheusAhead(t, () => (asked++ % 2) * apart);
    count(server, Date.now());
    const [finding] = (await inspected(metricsAt(server.url))).filter((finding) => finding.includes("clock"));
    assert.match(
      finding ?? "",
      new RegExp(`^${level}: Prometheus answers with clocks that are [\\d.ms ]+ apart: there are several`),
    );
  });

test("replicas are told apart also where one of the answers did not come", async (t) => {
  let asked = 0;
  const server = await prometheusAhead(t, () => (asked % 2) * 2 * minute);
  const url = await between(t, server.url, (parameters) => {
    if (!parameters.has("time") && ++asked === 3) parameters.set("query", "time(");
  });
  const address: PrometheusAddress = { network: nodeWorld(), url, headers: {}, timeout: 2_000 };
  assert.deepEqual(
    (await inspectClock(address, "refuse", signal)).map(({ level }) => level),
    ["refuse"],
  );
});

/** In front of a Prometheus, and does something to what it is asked. */
async function between(t: TestContext, url: string, change: (asked: URLSearchParams) => void): Promise<string> {
  const server = createServer((request, response) => {
    void (async () => {
      const { pathname, searchParams } = new URL(request.url ?? "/", "http://x");
      change(searchParams);
      const answer = await fetch(`${url}${pathname}?${searchParams}`);
      response.writeHead(answer.status, { "content-type": "application/json" }).end(await answer.text());
    })();
  });
  return listening(t, server);
}

for (const late of [10 * minute, -10 * minute, -20 * second, minute]) {
  test(`an answer about a moment ${late / second}s beside the one that was asked about is none, and refused before a release`, async (t) => {
    const server = await prometheusAhead(t, () => 0);
    count(server, Date.now());
    const url = await between(t, server.url, (asked) => {
      const time = asked.get("time");
      if (time !== null) asked.set("time", String(Number(time) + late / second));
    });
    const metrics = metricsAt(url);
    const why = /^Prometheus at http:\/\/127\.0\.0\.1:\d+ was asked about \S+Z and answers about \S+Z$/;
    assert.match((await metrics.watch().query("vector(1)", Date.now(), signal)).because ?? "", why);
    const findings = await metrics.inspect(planWith([errors], interval), Date.now(), signal);
    assert.deepEqual(
      findings.map(({ level }) => level),
      ["refuse"],
    );
    assert.match(findings[0]?.what ?? "", why);
  });
}

test("a Prometheus that does not say what time it is cannot be asked, and that is said", async (t) => {
  const server = createServer((_, response) =>
    response.end(JSON.stringify({ status: "success", data: { resultType: "vector", result: [] } })),
  );
  const metrics = metricsAt(await listening(t, server));
  const because = "Prometheus does not say what time it is";
  assert.deepEqual((await metrics.watch().look(Date.now(), signal)).blind, [{ to: "requests", because }]);
  assert.equal((await metrics.watch().query("x", Date.now(), signal)).because, because);
  assert.deepEqual(await metrics.traffic(Date.now(), minute, signal), { because, fault: "prometheus" });
  assert.equal((await metrics.dispersion(Date.now(), signal)).because, `errors are taken as independent: ${because}`);
  assert.deepEqual(await inspected(metrics), [`refuse: ${because}`]);
});

/** An address where each answer takes as long as it is told, half of it before Prometheus looks at its clock. */
function slowly(ahead: () => Millis) {
  const clock = handClock(1_000_000);
  const takes: Millis[] = [];
  const network: Network = {
    clock,
    transport: {
      async send() {
        const half = (takes.shift() ?? 0) / 2;
        await clock.advance(half);
        const now = (clock.now() + ahead()) / second;
        await clock.advance(half);
        const text = JSON.stringify({ status: "success", data: { resultType: "scalar", result: [now, String(now)] } });
        return { status: 200, headers: {}, text };
      },
    },
  };
  const address: PrometheusAddress = { network, url: "http://prometheus", headers: {}, timeout: 60_000 };
  const follow = followClock();
  return async (took: Millis) => {
    takes.push(took);
    const there = await follow(address, signal);
    assert.ok(!("because" in there));
    return there.ahead;
  };
}

test("the smallest difference is taken that agrees with all that was measured", async () => {
  const measure = slowly(() => 5_000);
  assert.equal(await measure(12_000), 0);
  assert.equal(await measure(4_000), 2_999);
  assert.equal(await measure(100), 4_949);
  assert.equal(await measure(8_000), 4_949);
});

test("a difference that contradicts what was known takes its place", async () => {
  let ahead = -30_000;
  const measure = slowly(() => ahead);
  assert.equal(await measure(0), -29_999);
  ahead = 30_000;
  assert.equal(await measure(2_000), 28_999);
  assert.equal(await measure(0), 29_999);
});

for (const seconds of [1e300, 1e11, -5]) {
  test(`an answer of the moment ${seconds} is none: nobody's clock is measured by it`, async (t) => {
    const answer = {
      status: "success",
      data: { resultType: "scalar", result: [seconds, String(seconds)] },
    };
    const url = await listening(
      t,
      createServer((_, response) =>
        response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(answer)),
      ),
    );
    const metrics = metricsAt(url);
    const told = await inspected(metrics);
    assert.ok(
      told.some((finding) => /what is no answer of its API/.test(finding)),
      told.join("\n"),
    );
    assert.ok(!told.some((finding) => /clock/.test(finding)), told.join("\n"));
    const { blind } = await metrics.watch().look(Date.now(), signal);
    assert.match(JSON.stringify(blind), /what is no answer of its API/);
  });
}
