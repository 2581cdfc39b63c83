import assert from "node:assert/strict";
import test, { type TestContext } from "node:test";
import { startPrometheus } from "../../../sandbox/prometheus/server.ts";
import { prometheus } from "../../../src/adapters/prometheus/prometheus.ts";
import type { Millis } from "../../../src/lib/duration.ts";
import type { Gate } from "../../../src/release/gate.ts";
import { planWith } from "../../support/plan-with.ts";
import { prometheusOptions } from "../../support/prometheus-options.ts";

const signal = new AbortController().signal;
const at = Date.UTC(2026, 0, 1, 12);
const errors: Gate = { kind: "errors", name: "errors", atMost: 0.01, minRequests: 1, noData: "wait" };
const restarts: Gate = { kind: "restarts", name: "restarts", atMost: 0 };

const stable = {
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

/** A Prometheus that scraped one counter of stable for some time. */
async function scrapedEvery(t: TestContext, every: Millis, lasting: Millis) {
  const server = await startPrometheus({ targets: [] });
  t.after(() => server.close());
  for (let ago = lasting; ago >= 0; ago -= every) server.storage.append(stable, at - ago, 1);
  return async (interval: Millis) =>
    (
      await prometheus(prometheusOptions(server.url, { interval })).inspect(planWith([errors], interval), at, signal)
    ).filter(({ level }) => level !== "note");
}

test("a scrape interval longer than the release believes is said, with the one to set", async (t) => {
  const inspect = await scrapedEvery(t, 60_000, 600_000);
  assert.deepEqual(await inspect(15_000), [
    {
      level: "warn",
      what: "Prometheus scrapes about every 1m, and the release counts on 15s: polls in between find nothing new",
      next: "Set metrics.interval to the scrape interval, about 1m.",
    },
  ]);
  assert.deepEqual(await inspect(60_000), []);
});

test("a scrape interval is not guessed from series younger than five minutes", async (t) => {
  const inspect = await scrapedEvery(t, 60_000, 240_000);
  assert.deepEqual(await inspect(15_000), []);
});

for (const { gates, level } of [
  { gates: [errors], level: "refuse" },
  { gates: [restarts], level: "warn" },
]) {
  test(`a Prometheus that is away is a reason to ${level} for gates on ${gates[0]?.kind}`, async () => {
    const away = prometheus(prometheusOptions("http://127.0.0.1:1/prom"));
    const [finding, ...others] = await away.inspect(planWith(gates), at, signal);
    assert.deepEqual(others, []);
    assert.equal(finding?.level, level);
    assert.match(finding?.what ?? "", /^Prometheus did not answer: .*connection refused/);
    assert.match(finding?.next ?? "", /metrics\.prometheus \(http:\/\/127\.0\.0\.1:1\/prom\)/);
  });
}

test("many requests that reach stable by another service's name are said beforehand: no weight divides them", async (t) => {
  for (const [beside, warned] of [
    [200, true],
    [20, false],
  ] as const) {
    const server = await startPrometheus({ targets: [] });
    t.after(() => server.close());
    const ofOwn = { ...stable, destination_service: "reviews-v1.shop.svc.cluster.local" };
    for (const [labels, perFiveMinutes] of [[stable, 400] as const, [ofOwn, beside] as const])
      for (let ago = 21; ago >= 0; ago--)
        server.storage.append(labels, at - ago * 15_000, 1_000 + (perFiveMinutes * (21 - ago)) / 20);
    const found = await prometheus(prometheusOptions(server.url)).inspect(planWith([errors], 15_000), at, signal);
    assert.deepEqual(
      found.filter(({ level }) => level === "warn"),
      warned
        ? [
            {
              level: "warn",
              what: "In the last five minutes 200 of 600 requests of shop/reviews-v1 came by reviews-v1.shop.svc.cluster.local, which the release does not divide: the canary will seem to get less than planned, and stages be held for it",
              next: "Let those callers call reviews, or set evidence.splitTolerance to more than 34%.",
            },
          ]
        : [],
    );
  }
});

for (const { source, destination, warned } of [
  { source: 10, destination: 400, warned: true },
  { source: 300, destination: 400, warned: false }, // retries
  { source: 2, destination: 15, warned: false }, // too few to tell
]) {
  test(`${source} requests counted by callers, and ${destination} by pods, are ${warned ? "" : "no "}reason to warn that callers are not seen`, async (t) => {
    const server = await startPrometheus({ targets: [] });
    t.after(() => server.close());
    for (const [reporter, perFiveMinutes] of Object.entries({ source, destination }))
      for (let ago = 20; ago >= 0; ago--)
        server.storage.append({ ...stable, reporter }, at - ago * 15_000, 1_000 + (perFiveMinutes * (20 - ago)) / 20);
    const asked = prometheus(prometheusOptions(server.url, { reporter: "auto" }));
    const warnings = (await asked.inspect(planWith([errors], 15_000), at, signal)).filter(
      ({ level }) => level !== "note",
    );
    assert.deepEqual(
      warnings,
      warned
        ? [
            {
              level: "warn",
              what: "In the last five minutes reporter=destination counted 400 requests of shop/reviews-v1, and reporter=source, which is read, only 10: most requests would not be judged",
              next: "Let Prometheus scrape every proxy that reports as source, gateways included, or set metrics.reporter to destination.",
            },
          ]
        : [],
    );
  });
}

/** What an inspection says of stable's counter with these labels, beside notes. */
async function inspected(t: TestContext, labels: Readonly<Record<string, string>>, gates: readonly Gate[]) {
  const server = await startPrometheus({ targets: [] });
  t.after(() => server.close());
  for (let ago = 20; ago >= 0; ago--) server.storage.append({ ...stable, ...labels }, at - ago * 15_000, 1_000 - ago);
  const findings = await prometheus(prometheusOptions(server.url)).inspect(planWith(gates, 15_000), at, signal);
  return findings.filter(({ level }) => level !== "note");
}

for (const { gates, level } of [
  { gates: [restarts, errors], level: "refuse" },
  { gates: [restarts], level: "warn" },
]) {
  test(`a Deployment that Prometheus has no request of is a reason to ${level} for gates on ${gates.map(({ kind }) => kind)}`, async (t) => {
    assert.deepEqual(
      (await inspected(t, { destination_workload: "reviews-v9" }, gates)).map((finding) => finding.level),
      [level],
    );
  });
}

for (const { reporter, next } of [
  {
    reporter: "destination",
    next: "Set metrics.reporter to auto or destination, or let Prometheus scrape the proxies that report as source.",
  },
  {
    reporter: "elsewhere",
    next: "Set metrics.labels.reporter to the label that says source, destination or waypoint.",
  },
]) {
  test(`where reporter=${reporter} alone has counted it is said what to set`, async (t) => {
    const findings = await inspected(t, { reporter }, [errors]);
    assert.deepEqual(
      findings.map(({ level, next }) => [level, next]),
      [["refuse", next]],
    );
  });
}

test("scrapes that stopped before the release are told, with the moment of the last one, and refused", async (t) => {
  const server = await startPrometheus({ targets: [] });
  t.after(() => server.close());
  for (let ago = 20; ago >= 10; ago--) server.storage.append(stable, at - ago * 15_000, 1_000 - ago);
  const source = prometheus(prometheusOptions(server.url));
  const [finding] = await source.inspect(planWith([errors], 15_000), at, signal);
  const because = (counted: string) =>
    `Prometheus has scraped nobody who counts ${counted} since 2026-01-01T11:57:30.000Z, for 2m30s`;
  assert.deepEqual(finding, {
    level: "refuse",
    what: because("shop/reviews-v1"),
    next: "See under Status, Targets in Prometheus why its scrapes have stopped.",
  });
  assert.deepEqual(await source.traffic(at, 60_000, signal), { because: because("reviews-v1 or reviews-v2") });
  assert.deepEqual((await source.watch().look(at, signal)).blind, [
    { to: "requests", because: because("reviews-v1 or reviews-v2") },
  ]);
});
