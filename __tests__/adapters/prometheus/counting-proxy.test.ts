import assert from "node:assert/strict";
import { createServer } from "node:http";
import test, { type TestContext } from "node:test";
import { success } from "../../../sandbox/prometheus/answer.ts";
import { ask } from "../../../sandbox/prometheus/evaluate.ts";
import { storage } from "../../../sandbox/prometheus/storage.ts";
import { chooseProxy } from "../../../src/adapters/prometheus/counting-proxy.ts";
import { inspectMetrics } from "../../../src/adapters/prometheus/inspect-metrics.ts";
import { prometheus } from "../../../src/adapters/prometheus/prometheus.ts";
import type { PrometheusOptions } from "../../../src/adapters/prometheus/prometheus-options.ts";
import { readNewest } from "../../../src/adapters/prometheus/read-counters.ts";
import { listening } from "../../support/listening.ts";
import { planWith } from "../../support/plan-with.ts";
import { prometheusOptions } from "../../support/prometheus-options.ts";
import { stageOf } from "../../support/world.ts";

const signal = new AbortController().signal;
const at = Date.UTC(2026, 0, 1, 12);
const interval = 15_000;

/** A Prometheus that keeps what it is asked, and in which one request of a version is counted by whichever proxies. */
async function counting(t: TestContext, more: Partial<PrometheusOptions> = {}) {
  const series = storage();
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const { searchParams } = new URL(request.url ?? "/", "http://x");
    const query = searchParams.get("query") ?? "";
    const time = Number(searchParams.get("time") ?? Date.now() / 1_000) * 1_000;
    asked.push(query);
    const { status, body } = success(ask(query, series, time), time);
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
  });
  const url = await listening(t, server);
  const options: PrometheusOptions = prometheusOptions(url, { reporter: "auto", interval, ...more });
  const choice = chooseProxy(options);
  return {
    options,
    inspect: (moment: number) => inspectMetrics(options, choice, planWith([]), moment, signal),
    asked,
    count(reporter: string, moment: number, value = 1, workload = "reviews-v1") {
      series.append(
        {
          __name__: "istio_requests_total",
          reporter,
          destination_workload: workload,
          destination_workload_namespace: "shop",
          destination_service: "reviews.shop.svc.cluster.local",
          source_workload_namespace: "shop",
          response_code: "200",
          response_flags: "-",
          pod: `${reporter}-1`,
        },
        moment,
        value,
      );
    },
    /** The values that a poll reads, and how many queries it took. */
    async poll(moment: number) {
      const before = asked.length;
      const snapshot = await readNewest(options, choice, moment, signal);
      assert.ok(!("because" in snapshot), "because" in snapshot ? snapshot.because : "");
      return { read: snapshot.requests.map(({ process }) => process), queries: asked.length - before };
    },
  };
}

const choices: readonly { readonly counted: readonly string[]; readonly read: readonly string[] }[] = [
  { counted: ["destination", "source", "waypoint"], read: ["source-1"] },
  { counted: ["destination", "waypoint"], read: ["waypoint-1"] },
  { counted: ["destination"], read: ["destination-1"] },
  { counted: ["elsewhere"], read: [] },
];
for (const { counted, read } of choices) {
  test(`where ${counted.join(" and ")} counted, ${read[0] ?? "nobody"} is read`, async (t) => {
    const { poll, count } = await counting(t);
    for (const reporter of counted) count(reporter, at - interval);
    assert.deepEqual((await poll(at)).read, read);
  });
}

test("the reporter is asked for once, and kept when a better one turns up", async (t) => {
  const { poll, count, inspect } = await counting(t);
  count("destination", at - interval);
  assert.deepEqual(await poll(at), { read: ["destination-1"], queries: 3 });
  count("source", at);
  count("destination", at);
  assert.deepEqual(await poll(at + interval), { read: ["destination-1"], queries: 2 });
  const [note] = await inspect(at + interval);
  assert.match(note?.what ?? "", /with reporter=destination: /);
});

test("what an inspection has found is not asked again", async (t) => {
  const { poll, count, inspect } = await counting(t);
  count("waypoint", at);
  await inspect(at);
  assert.deepEqual(await poll(at), { read: ["waypoint-1"], queries: 2 });
});

test("a release reads what its inspection has announced, without asking again", async (t) => {
  const { options, asked, count } = await counting(t);
  count("waypoint", at);
  const metrics = prometheus(options);
  await metrics.inspect(planWith([]), at, signal);
  count("source", at + interval);
  count("waypoint", at + interval, 8);
  const source = metrics.watch();
  const before = asked.length;
  await source.look(at, signal);
  assert.equal(asked.length - before, 3);
  assert.equal((await source.look(at + interval, signal)).stable.requests, 7);
});

test("a plan with copies is counted by the pods' own proxies, whoever else has counted, unless somebody chose another", async (t) => {
  const { options, count } = await counting(t);
  const plan = { ...planWith([]), stages: [stageOf(0, { mirror: 50 })] };
  for (const reporter of ["source", "destination"]) count(reporter, at);
  const metrics = prometheus(options);
  await metrics.inspect(planWith([]), at, signal);
  const source = metrics.watch(plan);
  await source.look(at, signal);
  count("source", at + interval, 5);
  count("destination", at + interval, 3);
  assert.equal((await source.look(at + interval, signal)).stable.requests, 2);
  const chosen = await prometheus({ ...options, reporter: "source" }).inspect(plan, at, signal);
  assert.match(chosen[0]?.what ?? "", /^Copies of requests are counted by the pods' own proxies alone/);
});

test("as long as nobody has counted stable it is source, and every poll asks again", async (t) => {
  const { poll, count } = await counting(t);
  count("waypoint", at, 1, "reviews-v2"); // the canary alone decides nothing
  assert.deepEqual(await poll(at), { read: [], queries: 3 });
  assert.deepEqual(await poll(at + interval), { read: [], queries: 3 });
  count("waypoint", at + 2 * interval);
  const { read, queries } = await poll(at + 2 * interval);
  assert.deepEqual([[...read].sort(), queries], [["waypoint-1", "waypoint-1"], 3]);
  assert.equal((await poll(at + 3 * interval)).queries, 2);
});

test("a reporter that was named is read without asking, though others have counted", async (t) => {
  const { poll, count } = await counting(t, { reporter: "destination" });
  for (const reporter of ["source", "destination"]) count(reporter, at - interval);
  assert.deepEqual(await poll(at), { read: ["destination-1"], queries: 2 });
});
