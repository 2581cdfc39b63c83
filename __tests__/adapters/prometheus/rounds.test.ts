import assert from "node:assert/strict";
import test from "node:test";
import { success } from "../../../sandbox/prometheus/answer.ts";
import { ask } from "../../../sandbox/prometheus/evaluate.ts";
import { storage } from "../../../sandbox/prometheus/storage.ts";
import { prometheus } from "../../../src/adapters/prometheus/prometheus.ts";
import { defaults } from "../../../src/evidence/defaults.ts";
import { addPoll, noEvidence } from "../../../src/evidence/evidence.ts";
import { isPoll } from "../../../src/evidence/poll.ts";
import { weigh } from "../../../src/evidence/weigh.ts";
import type { Instant, Millis } from "../../../src/lib/duration.ts";
import type { Increments } from "../../../src/ports/metric-source.ts";
import { type Chance, chance, poisson } from "../../../src/rehearsal/chance.ts";
import { handClock } from "../../support/clock.ts";
import { prometheusOptions } from "../../support/prometheus-options.ts";

const signal = new AbortController().signal;
const second: Millis = 1_000;
const interval = 15 * second;

type Pod = { readonly name: string; readonly version: "reviews-v1" | "reviews-v2"; readonly phase: Millis };
type Counted = { requests: number; errors: number };

/** A Prometheus on a clock that jumps, which scrapes each pod's own counters at a moment of its own. */
function scraping(pods: readonly Pod[]) {
  let now: Instant = Date.UTC(2026, 0, 1, 12);
  const begun = now;
  const series = storage();
  const counters = new Map(pods.map(({ name }) => [name, { requests: 0, errors: 0 }]));
  const away = new Set<string>();
  const counterOf = (name: string): Counted => counters.get(name) ?? { requests: 0, errors: 0 };
  const append = ({ name, version }: Pod, at: Instant): void => {
    const { requests, errors } = counterOf(name);
    for (const [code, value] of [["200", requests - errors] as const, ["500", errors] as const]) {
      if (value === 0) continue;
      const labels = { reporter: "destination", pod: name, destination_workload: version, response_code: code };
      const all = { __name__: "istio_requests_total", destination_workload_namespace: "shop", ...labels };
      series.append(all, at, away.has(name) ? undefined : value);
    }
  };
  const source = prometheus(
    prometheusOptions("http://prometheus", {
      reporter: "destination",
      network: {
        clock: { ...handClock(), now: () => now, deadline: () => signal },
        transport: {
          async send({ url, body }) {
            const asked = new URLSearchParams(body ?? url.search);
            const at = asked.has("time") ? Number(asked.get("time")) * second : now;
            const answer = success(ask(asked.get("query") ?? "", series, at), at);
            return { status: 200, headers: {}, text: JSON.stringify(answer.body) };
          },
        },
      },
    }),
  ).watch();
  const due = ({ phase }: Pod): boolean => (now - begun) % interval === phase;
  return {
    look: (): Promise<Increments> => source.look(now, signal),
    age: (at: Instant): Millis => at - begun,
    /** The next second: pods count, and those whose moment has come are scraped. */
    pass(serve: (pod: Pod, counted: Counted) => void): void {
      now += second;
      for (const pod of pods) serve(pod, counterOf(pod.name));
      for (const pod of pods.filter(due)) append(pod, now);
    },
    /** Scrapes of this pod fail from now on, or succeed again. */
    scrapes(name: string, failing: boolean): void {
      if (failing) away.add(name);
      else away.delete(name);
    },
  };
}

const pod = (name: string, version: Pod["version"], phase: number): Pod => ({ name, version, phase: phase * second });
const three = [pod("s-1", "reviews-v1", 2), pod("s-2", "reviews-v1", 7), pod("c-1", "reviews-v2", 12)];
const one = (_: Pod, counted: Counted): void => void counted.requests++;
const counts = ({ stable, canary }: Increments): readonly number[] => [stable.requests, canary.requests];

/** What looks give in each of so many seconds, where they give anything. */
async function looks(world: ReturnType<typeof scraping>, seconds: number, serve = one) {
  const given: (readonly [at: number, from: number, ...counts: readonly number[]])[] = [];
  for (let passed = 0; passed < seconds; passed++) {
    world.pass(serve);
    const look = await world.look();
    if (counts(look).some((count) => count > 0))
      given.push([world.age(look.at) / second, world.age(look.from) / second, ...counts(look)]);
  }
  return given;
}

test("pods that are scraped each at its own moment are counted in rounds, and both versions as far", async () => {
  const world = scraping(three);
  await looks(world, 17); // the first look finds where to count from, and the first round what is new since
  assert.deepEqual(await looks(world, 45), [
    [32, 7, 30, 15],
    [47, 22, 30, 15],
    [62, 37, 30, 15],
  ]);
});

test("a scrape that is lost is waited for, and so no round lacks a version", async () => {
  const world = scraping(three);
  await looks(world, 32);
  world.scrapes("c-1", true);
  assert.deepEqual(await looks(world, 24), []);
  world.scrapes("c-1", false);
  assert.deepEqual(await looks(world, 1), [[57, 22, 45, 30]]);
});

test("a pod that is gone holds no round up for long", async () => {
  const world = scraping(three);
  await looks(world, 32);
  world.scrapes("s-2", true);
  assert.deepEqual(await looks(world, 60, (pod, counted) => void (pod.name !== "s-2" && counted.requests++)), [
    [70, 27, 30, 30],
    [77, 57, 15, 15],
    [92, 72, 15, 15],
  ]);
});

test("a version whose scrapes all fail is waited for longer, and the other one is judged alone then", async () => {
  const world = scraping(three);
  await looks(world, 32);
  world.scrapes("c-1", true);
  const [first, second] = await looks(world, 100);
  assert.deepEqual(first, [107, 22, 150, 0]);
  assert.deepEqual(second, [122, 97, 30, 0]);
});

/** Twelve minutes at 5% of 50 requests per second, of which one in 200 fails on both versions; stable was there before. */
async function isBlamed(pods: number, next: Chance): Promise<boolean> {
  const phase = (): Millis => Math.floor(next() * 15) * second;
  const stable = Array.from(
    { length: pods },
    (_, index): Pod => ({
      name: `s-${index}`,
      version: "reviews-v1",
      phase: phase(),
    }),
  );
  const world = scraping([...stable, { name: "c-1", version: "reviews-v2", phase: phase() }]);
  let begun = false;
  const serve = ({ version }: Pod, counted: Counted): void => {
    if (version === "reviews-v2" && !begun) return;
    const rate = version === "reviews-v2" ? 2.5 : 47.5 / pods;
    const [failed, served] = [poisson(rate * 0.005, next), poisson(rate * 0.995, next)];
    counted.requests += failed + served;
    counted.errors += failed;
  };
  for (let passed = 0; passed < 30; passed++) world.pass(serve);
  await world.look();
  begun = true;
  let evidence = noEvidence;
  for (let passed = 1; passed <= 720; passed++) {
    world.pass(serve);
    if (passed % 4 !== 0) continue;
    const { since, from, stable, canary, lost, at } = await world.look();
    const poll = { weight: 5, age: passed * second, from: passed * second - (at - from), stable, canary, lost };
    if (since === undefined || !isPoll(poll, evidence.age, interval)) continue;
    evidence = addPoll(evidence, poll, defaults);
    if (["harm", "broken", "too-much-traffic"].includes(weigh(evidence, defaults).finding)) return true;
  }
  return false;
}

test("a healthy canary is not blamed for the moments at which pods are scraped (seed 9)", async () => {
  const next = chance(9);
  for (const pods of [1, 3]) {
    let blamed = 0;
    for (let release = 0; release < 8; release++) blamed += (await isBlamed(pods, next)) ? 1 : 0;
    assert.ok(blamed <= 1, `${blamed} of 8 with ${pods} pods`);
  }
});
