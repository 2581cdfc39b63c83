import assert from "node:assert/strict";
import test, { type TestContext } from "node:test";
import { startPrometheus } from "../../../sandbox/prometheus/server.ts";
import { prometheus } from "../../../src/adapters/prometheus/prometheus.ts";
import { seriesSelectors } from "../../../src/adapters/prometheus/series-selectors.ts";
import { dispersionOf } from "../../../src/evidence/dispersion.ts";
import { lastingDifference, usualSpread } from "../../../src/evidence/pod-spread.ts";
import { istioMetrics } from "../../../src/istio/istio-metrics.ts";
import type { Millis } from "../../../src/lib/duration.ts";
import { noMetrics } from "../../../src/ports/no-metrics.ts";
import { chance, poisson } from "../../../src/rehearsal/chance.ts";
import { prometheusOptions } from "../../support/prometheus-options.ts";
import { shopTarget } from "../../support/shop-target.ts";

const signal = new AbortController().signal;
const at = Date.UTC(2026, 0, 1, 12);
const minute: Millis = 60_000;
const hour = Array.from({ length: 61 }, (_, index) => index);

/** What each of stable's pods counted in each minute of the hour before: requests that were served, and errors. */
type Pod = (minute: number) => { readonly served: number; readonly errors: number; readonly restarted?: boolean };

/** A Prometheus that scraped these pods every 15s, at a moment of its own for each. */
async function withPods(
  t: TestContext,
  pods: readonly Pod[],
  interval: Millis = 15_000,
  within?: (pod: number, le: number) => number,
) {
  const server = await startPrometheus({ targets: [] });
  t.after(() => server.close());
  const labels = {
    __name__: "istio_requests_total",
    reporter: "destination",
    destination_workload: "reviews-v1",
    destination_workload_namespace: "shop",
    response_flags: "-",
  };
  for (const [index, pod] of pods.entries()) {
    const total = { served: 0, errors: 0 };
    for (const now of hour) {
      const { served, errors, restarted } = pod(now);
      total.served = served + (restarted ? 0 : total.served);
      total.errors = errors + (restarted ? 0 : total.errors);
      const moment = at - (60 - now) * minute - (index % 15) * 1_000;
      server.storage.append({ ...labels, pod: `reviews-${index}`, response_code: "200" }, moment, total.served);
      server.storage.append({ ...labels, pod: `reviews-${index}`, response_code: "500" }, moment, total.errors);
      for (const le of within ? [50, 100, Infinity] : []) {
        const buckets = { ...labels, __name__: istioMetrics.durations, pod: `reviews-${index}`, response_code: "200" };
        const edge = { le: le === Infinity ? "+Inf" : String(le) };
        server.storage.append({ ...buckets, ...edge }, moment, Math.round(total.served * (within?.(index, le) ?? 1)));
      }
    }
  }
  return { url: server.url, source: sourceAt(server.url, interval) };
}

const sourceAt = (url: string, interval: Millis = 15_000) =>
  prometheus(prometheusOptions(url, { reporter: "auto", interval }));

test("independent errors vary by about 1, whatever their rates do meanwhile", async (t) => {
  const next = chance(7);
  const pods = Array.from(
    { length: 10 },
    (): Pod => (now) => ({ served: poisson(300, next), errors: poisson(now < 30 ? 3 : 12, next) }),
  );
  const { phi, because } = await (await withPods(t, pods)).source.dispersion(at, signal);
  assert.ok(phi < 1.1, `${phi}`);
  assert.match(because, /^\d+ errors of 10 pods of reviews-v1 in 60 windows of 1m varied /);
});

test("errors that come in clusters of three vary by about three", async (t) => {
  const next = chance(7);
  const pods = Array.from(
    { length: 10 },
    (): Pod => () => ({ served: poisson(300, next), errors: 3 * poisson(2, next) }),
  );
  const { phi } = await (await withPods(t, pods)).source.dispersion(at, signal);
  assert.ok(phi > 2.7 && phi < 3.3, `${phi}`);
});

test("an incident in the hour counts as ten times, and is named", async (t) => {
  const pods = [0, 1].map(
    (index): Pod =>
      (now) => ({ served: 1_000, errors: index === 0 && now === 40 ? 900 : 1 }),
  );
  const { phi, because } = await (await withPods(t, pods)).source.dispersion(at, signal);
  assert.equal(phi, 10);
  assert.match(
    because,
    /^1019 errors of 2 pods of reviews-v1 in 60 windows of 1m varied \d{2,}\.\d times as much as independent ones do, as in an incident; counted as 10 times$/,
  );
});

test("windows are four scrapes long where Prometheus scrapes seldom", async (t) => {
  const pods = [0, 1].map((): Pod => () => ({ served: 100, errors: 1 }));
  const { phi, because } = await (await withPods(t, pods, minute)).source.dispersion(at, signal);
  assert.deepEqual(
    [phi, because],
    [1, "120 errors of 2 pods of reviews-v1 in 15 windows of 4m varied no more than independent ones do"],
  );
});

test("a window in which a pod restarted does not count it, though its counter has outgrown the old one", async (t) => {
  const failing =
    (turn: number): Pod =>
    (now) =>
      now % 2 === turn ? { served: 90, errors: 10 } : { served: 100, errors: 0 };
  const restarting: Pod = (now) =>
    now === 1 ? { served: 3_000, errors: 0, restarted: true } : { served: 100, errors: now === 0 ? 10 : 0 };
  const { phi } = await (await withPods(t, [failing(0), failing(1), restarting])).source.dispersion(at, signal);
  const windows = hour.slice(1).map((now) => [
    { requests: 100, errors: now % 2 === 0 ? 10 : 0 },
    { requests: 100, errors: now % 2 === 1 ? 10 : 0 },
    { requests: now === 1 ? 0 : 100, errors: 0 },
  ]);
  const wanted = dispersionOf(windows, lastingDifference(windows).rates);
  assert.ok(wanted > 4 && wanted < 10);
  assert.ok(Math.abs(phi - wanted) < 1e-9, `${phi} instead of ${wanted}`);
});

test("pods that differ all the hour do so in failures and in how long their requests take", async (t) => {
  const pods = Array.from(
    { length: 10 },
    (_, index): Pod =>
      () => ({ served: 990, errors: 6 + index }),
  );
  const { url, source } = await withPods(t, pods);
  const before = await source.dispersion(at, signal);
  assert.ok(before.spread.errors > 0.2 && before.spread.errors < 0.35, JSON.stringify(before.spread));
  assert.deepEqual([before.phi, before.spread.pods, before.spread.slow], [1, 10, usualSpread.slow]);

  const timed = await withPods(t, pods, 15_000, (index, le) => ({ 50: 0.5 + index / 50, 100: 0.99 })[le] ?? 1);
  const { spread } = await timed.source.dispersion(at, signal);
  assert.deepEqual(
    spread.slow.map(({ le }) => le),
    [50, 100],
  );
  const [middle = 0, tail = 1] = spread.slow.map((edge) => edge.spread);
  assert.ok(middle > 0.2 && middle < 0.3 && tail < 0.05, `${middle} ${tail}`);
  assert.notEqual(timed.url, url);
});

test("a pod whose counters began again counts in the other windows of the hour", async (t) => {
  const pods = Array.from(
    { length: 10 },
    (_, index): Pod =>
      (now) => ({ served: 990, errors: 6 + index, restarted: index === 9 && now === 35 }),
  );
  const { spread } = await (await withPods(t, pods)).source.dispersion(at, signal);
  assert.ok(spread.errors > 0.2 && spread.errors < 0.35, JSON.stringify(spread));
});

test("a window with a single pod tells nothing", async (t) => {
  const restarts: Pod = (now) => ({ served: 90, errors: 10, restarted: now % 2 === 1 });
  const { because } = await (await withPods(t, [() => ({ served: 90, errors: 10 }), restarts])).source.dispersion(
    at,
    signal,
  );
  assert.match(because, /^610 errors of 2 pods of reviews-v1 in 31 windows of 1m /);
});

const steady: Pod = () => ({ served: 100, errors: 0 });
const nothing: readonly { readonly what: string; readonly pods: readonly Pod[]; readonly because: RegExp }[] = [
  {
    what: "no pod",
    pods: [],
    because: /no two pods of reviews-v1 that counted their own requests \(reporter=destination\)$/,
  },
  { what: "one pod", pods: [() => ({ served: 100, errors: 5 })], because: /no two pods of reviews-v1/ },
  {
    what: "no error",
    pods: [steady, steady],
    because: /no request failed at 2 pods of reviews-v1 in 60 windows of 1m$/,
  },
];
for (const { what, pods, because } of nothing) {
  test(`with ${what} nothing is measured, and errors are taken as independent`, async (t) => {
    const measured = await (await withPods(t, pods)).source.dispersion(at, signal);
    assert.equal(measured.phi, 1);
    assert.match(measured.because, /^errors are taken as independent: /);
    assert.match(measured.because, because);
  });
}

test("a Prometheus that is away is a reason, and no exception; an abort is one", async () => {
  const away = sourceAt("http://127.0.0.1:1");
  const measured = await away.dispersion(at, signal);
  assert.equal(measured.phi, 1);
  assert.match(measured.because, /^errors are taken as independent: Prometheus did not answer: .*connection refused/);
  await assert.rejects(away.dispersion(at, AbortSignal.abort("stopped")), (reason) => reason === "stopped");
  assert.deepEqual(await noMetrics.dispersion(at, signal), {
    phi: 1,
    spread: usualSpread,
    because: "errors are taken as independent: no Prometheus is named (metrics.prometheus), and no proxy is read",
  });
});

test("the hour of a hundred pods is answered in less than half a megabyte", async (t) => {
  const failing: Pod = () => ({ served: 100_000, errors: 1_000 });
  const { url } = await withPods(
    t,
    Array.from({ length: 100 }, () => failing),
  );
  const { perPod } = seriesSelectors(shopTarget, "destination", istioMetrics).ofStable;
  const query = new URLSearchParams({ query: perPod(60 * minute, minute), time: String(at / 1_000) });
  const answer = await (await fetch(`${url}/api/v1/query?${query}`)).text();
  assert.equal(answer.split('"reviews-99"').length, 3); // all requests, and errors
  assert.ok(answer.length < 500_000, `${answer.length} bytes`);
});
