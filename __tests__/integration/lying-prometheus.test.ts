import assert from "node:assert/strict";
import { createServer } from "node:http";
import test, { describe, type TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { type Prometheus, type PrometheusOptions, startPrometheus } from "../../sandbox/prometheus/server.ts";
import type { Sandbox } from "../../sandbox/sandbox.ts";
import { releaseOfTwo } from "../../sandbox/shop.ts";
import type { Millis } from "../../src/lib/duration.ts";
import { listening } from "../support/listening.ts";
import { reached } from "./facts.ts";
import { scene } from "./scene.ts";

const second = 1_000;

/** One more Prometheus that scrapes the gateway, until the test is over. */
async function another(
  t: TestContext,
  { gateway }: Sandbox,
  options: Omit<PrometheusOptions, "targets"> = {},
): Promise<Prometheus> {
  const targets = [{ url: gateway.metricsUrl, labels: { pod: "istio-ingressgateway-1" } }];
  const server = await startPrometheus({ targets, ...options });
  t.after(() => server.close());
  return server;
}

type Lie = {
  /** How long ago it scraped last, beside what is there now. */
  readonly lag?: (asked: number) => Millis;
  /** What a counter says, which alone names a reporter. */
  readonly count?: (workload: string, value: string) => string;
};

/** An address that answers as a Prometheus does, but for its lies. */
function inFrontOf(
  t: TestContext,
  { url }: Pick<Prometheus, "url">,
  { lag = () => 0, count = (_, value) => value }: Lie,
): Promise<string> {
  let asked = 0;
  async function answer(address: string): Promise<string> {
    const { pathname, searchParams } = new URL(address, url);
    const time = Number(searchParams.get("time") ?? Number.NaN);
    if (time > 0) searchParams.set("time", String(time - lag(asked++) / second));
    const body = await (await fetch(`${url}${pathname}?${searchParams}`)).json();
    const { data } = body as Vector;
    if (data?.resultType === "vector")
      for (const { metric, value } of data.result) {
        if (time > 0) value[0] = time;
        if (metric.reporter !== undefined) value[1] = count(metric.destination_workload ?? "", value[1]);
      }
    return JSON.stringify(body);
  }
  const server = createServer((request, response) => {
    void answer(request.url ?? "").then(
      (text) => response.writeHead(200, { "content-type": "application/json" }).end(text),
      () => response.destroy(),
    );
  });
  return listening(t, server);
}

type Vector = {
  readonly data?: {
    readonly resultType: string;
    readonly result: readonly {
      readonly metric: { readonly reporter?: string; readonly destination_workload?: string };
      readonly value: [number, string];
    }[];
  };
};

/** Two replicas in turn, of which one scraped one and a half seconds before the other; stable has served for long. */
const twoReplicas: Lie = {
  lag: (asked) => (asked % 2) * 1_500,
  count: (workload, value) => (workload === "reviews-v1" ? String(Number(value) + 10_000) : value),
};

const canaryCounts = (said: string): Lie => ({
  count: (workload, value) => (workload === "reviews-v2" ? said : value),
});

const errors = "- errors: { atMost: 10%, minRequests: 5 }";

/** A Prometheus that says what is not so, or several that disagree. */
describe("a Prometheus that lies", { concurrency: 3 }, () => {
  test("two replicas of Prometheus in turn hold no good release, and hide no bad one", async (t) => {
    const world = await scene(t, { shop: "two", rate: 40 });
    const release = { prometheus: await inFrontOf(t, world.sandbox.prometheus, twoReplicas), gates: "auto" };
    const good = await world.run({
      ...releaseOfTwo("v2"),
      ...release,
      stages: "- { weight: 50, wait: 6s, deadline: 60s }\n- 100",
    });
    assert.equal(good.exit, 0, good.said);
    const bad = await world.run({ ...releaseOfTwo("v3-err60"), ...release, stages: "50:60s, 100" });
    assert.deepEqual([bad.exit, bad.outputs.outcome], [1, "rolled-back"], bad.said);
    assert.match(bad.outputs.because ?? "", /requests failed/);
  });

  for (const number of ["NaN", "-6"])
    test(`a bad canary whose counters are ${number} passes no gate, and the release goes back and names them`, async (t) => {
      const world = await scene(t, { shop: "two" });
      const { exit, outputs, said } = await world.run({
        ...releaseOfTwo("v2-err30"),
        prometheus: await inFrontOf(t, world.sandbox.prometheus, canaryCounts(number)),
        stages: "- { weight: 50, wait: 1s, deadline: 4s }\n- 100",
        gates: errors,
      });
      assert.deepEqual([exit, outputs.outcome], [1, "rolled-back"], said);
      assert.match(
        outputs.because ?? "",
        new RegExp(
          `^stage 50% could not be judged within 4s: errors has no data: Prometheus says ${number} for istio_requests_total\\{.*destination_workload="reviews-v2".*\\}, which is no count`,
        ),
      );
    });

  for (const ahead of [600, -20])
    test(`a Prometheus whose clock is ${ahead}s ahead lets a good canary pass and a bad one not`, async (t) => {
      const world = await scene(t, { shop: "two", rate: 40 });
      const { url } = await another(t, world.sandbox, { interval: 400, ahead: () => ahead * second });
      const good = await world.run({
        ...releaseOfTwo("v2"),
        prometheus: url,
        stages: "- { weight: 50, wait: 3s, deadline: 60s }\n- 100",
        gates: errors,
      });
      assert.equal(good.exit, 0, good.said);
      assert.match(good.said, /Prometheus's clock is (10m ahead of|20s behind) this job's/);
      const failing = "sum(increase(istio_requests_total{response_code=~'5..'}[10s])) or vector(0)";
      const bad = await world.run({
        ...releaseOfTwo("v3-err60"),
        prometheus: url,
        stages: "50:60s, 100",
        gates: `- name: failing\n  query: "${failing}"\n  atMost: 3`,
      });
      assert.deepEqual([bad.exit, bad.outputs.outcome], [1, "rolled-back"], bad.said);
    });

  test("a Prometheus that has stopped to scrape is told of, and lets no gate pass on what it knew", async (t) => {
    const world = await scene(t, { shop: "two", rate: 40 });
    const stopped = await another(t, world.sandbox, { interval: 3_600 * second });
    const scrapes = setInterval(() => void stopped.scrape(), 400);
    t.after(() => clearInterval(scrapes));
    const program = world.start({
      ...releaseOfTwo("v2"),
      prometheus: stopped.url,
      stages: "- { weight: 50, wait: 25s, deadline: 26s }\n- 100",
      gates: errors,
    });
    await reached(world.sandbox, "baking", program.ended);
    await sleep(3 * second);
    clearInterval(scrapes);
    const { exit, outputs, said } = await program.ended;
    assert.deepEqual([exit, outputs.outcome], [1, "rolled-back"], said);
    assert.match(
      outputs.because ?? "",
      /^stage 50% could not be judged within 26s: errors has no data: Prometheus has scraped nobody who counts reviews-v1 or reviews-v2 since \S+Z, for [\d.]+s$/,
    );
  });
});
