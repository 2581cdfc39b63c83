import assert from "node:assert/strict";
import test from "node:test";
import { run } from "../../src/engine/run.ts";
import { emptyCount } from "../../src/evidence/tally.ts";
import type { Instant } from "../../src/lib/duration.ts";
import type { MetricSource } from "../../src/ports/metric-source.ts";
import type { Ports } from "../../src/ports/ports.ts";
import { chance } from "../../src/rehearsal/chance.ts";
import { type PlayedEnd, play } from "../../src/rehearsal/play.ts";
import { type RandomMesh, type RehearsedService, randomMesh } from "../../src/rehearsal/random-mesh.ts";
import type { Gate } from "../../src/release/gate.ts";
import type { Plan } from "../../src/release/plan.ts";
import { createWorld, planOf, second, stageOf } from "../support/world.ts";

const evidence: Gate = { kind: "evidence", name: "evidence" };
const minute = 60 * second;

/** 5, 10, 25 and 50% for five minutes each, judged by evidence every 15s. */
const usual = planOf({
  stages: [5, 10, 25, 50].map((weight) =>
    stageOf(weight, { wait: 5 * minute, deadline: 15 * minute, gates: [evidence] }),
  ),
  pollEvery: 15 * second,
});

const busy = (failing: number, more: Partial<RehearsedService> = {}): RehearsedService => ({
  rate: 50,
  baseline: 0.01,
  failing,
  phi: 1,
  ...more,
});
const many = (plan: Plan, world: RehearsedService, runs: number): readonly PlayedEnd[] =>
  Array.from({ length: runs }, (_, index) => play(plan, world, 1_000 * index));
const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

test("the same seed gives the same release, and another seed another one", () => {
  assert.deepEqual(play(usual, busy(0.02), 7), play(usual, busy(0.02), 7));
  assert.notDeepEqual(play(usual, busy(0.02), 7), play(usual, busy(0.02), 8));
});

test("a canary as good as stable is rolled back in at most 5 of 100 releases (200 releases)", () => {
  const endings = many(usual, busy(0.01), 200);
  assert.ok(endings.filter(({ end }) => end === "rolled-back").length <= 10);
  assert.ok(endings.filter(({ end }) => end === "released").length >= 180);
});

test("a canary that fails every request is always rolled back, long before the first stage ends", () => {
  for (const { end, after, late } of many(usual, busy(1), 100)) {
    assert.deepEqual([end, late], ["rolled-back", false]);
    assert.ok(after < minute, `${after}`);
  }
});

test("a plan that judges nothing releases everything after its waits, and hurts a failing canary's share of the requests", () => {
  const plan = planOf({
    stages: [5, 25, 50].map((weight) => stageOf(weight, { wait: 20 * second, gates: [] })),
    meshDelay: 2 * second,
  });
  const endings = many(plan, busy(0.5, { rate: 10 }), 400);
  for (const { end, after } of endings) assert.deepEqual([end, after], ["released", 62 * second]);
  // 20s at 10 requests/s: 10, 50 and 100 requests of the canary, of which every second fails. A sum of 400 Poisson counts has σ = √(400 · 80).
  const failed = endings.reduce((sum, { failed }) => sum + failed, 0);
  assert.ok(Math.abs(failed - 400 * 80) < 4 * Math.sqrt(400 * 80), `${failed / 400}`);
});

test("a gate on errors finds a dead canary at its second look, one interval after the weight", () => {
  const plan = planOf({
    stages: [
      stageOf(10, { gates: [{ kind: "errors", name: "errors", atMost: 0.05, minRequests: 1, noData: "wait" }] }),
    ],
  });
  const endings = many(plan, busy(1, { rate: 1_000 }), 100);
  for (const { end, after } of endings)
    assert.deepEqual([end, after], ["rolled-back", plan.meshDelay + plan.pollEvery]);
  // 5s at 100 requests/s of the canary, all failed: 500, also those that no scrape had seen yet.
  assert.ok(Math.abs(mean(endings.map(({ failed }) => failed)) - 500) < 4 * Math.sqrt(500 / 100));
});

test("evidence is looked at four times an interval: a dead canary is out at the first look after a scrape", () => {
  const quarters = new Map<number, number>();
  for (const { after } of many(usual, busy(1, { rate: 50_000 }), 400))
    quarters.set(after, (quarters.get(after) ?? 0) + 1);
  const times = [1, 2, 3, 4].map((quarter) => usual.meshDelay + (quarter * usual.pollEvery) / 4);
  assert.deepEqual(
    [...quarters.keys()].sort((a, b) => a - b),
    times,
  );
  for (const count of quarters.values()) assert.ok(Math.abs(count - 100) < 4 * Math.sqrt(75), `${count}`);
});

test("queries and response times count as passed, and approvals as given", () => {
  const gates: readonly Gate[] = [
    { kind: "query", name: "lag", query: "lag", atMost: 1, tolerate: 0, noData: "fail" },
    { kind: "latency", name: "p99", quantile: 0.99, atMost: 1, minRequests: 1, noData: "fail" },
  ];
  const plan = planOf({ stages: [stageOf(10, { gates, approval: true })] });
  assert.deepEqual([play(plan, busy(0), 1).end, play(plan, busy(0), 1).after], ["released", 22 * second]);
});

test("without traffic nothing can be decided: the release is rolled back at the deadline of its first stage", () => {
  const ending = play(usual, busy(0.01, { rate: 0 }), 1);
  assert.deepEqual(ending, {
    end: "rolled-back",
    after: usual.meshDelay + 15 * minute,
    failed: 0,
    late: true,
    plain: false,
  });
});

test("a release whose own deadline comes first is rolled back, and said to be late", () => {
  const { end, late } = play({ ...usual, deadline: 10 * minute }, busy(0.01), 3);
  assert.deepEqual([end, late], ["rolled-back", true]);
});

test("stages that the budget puts between are rehearsed, too", () => {
  const plan = planOf({
    ...usual,
    stages: [stageOf(1, { wait: 3 * minute, deadline: 9 * minute, gates: [evidence] })],
    pollEvery: 15 * second,
  });
  const bounded = { ...plan, evidence: { ...plan.evidence, budget: 0.02 } };
  assert.equal(play(plan, busy(0.01), 3).after, plan.meshDelay + 3 * minute);
  assert.ok(play(bounded, busy(0.01), 3).after > plan.meshDelay + 3 * minute);
});

/** The engine itself on a clock that jumps, in front of the same mesh. */
async function release(plan: Plan, world: RehearsedService, seed: number): Promise<Omit<PlayedEnd, "late" | "plain">> {
  const mesh = randomMesh(world, plan.pollEvery, seed);
  const { ports, begin } = createWorld(plan);
  let end: Omit<PlayedEnd, "late" | "plain"> | undefined;
  const seen: Ports = {
    ...ports,
    metrics: { ...ports.metrics, look: lookAt(mesh) },
    router: {
      ...ports.router,
      write: async ({ canary }) => mesh.route(canary),
      drift: async () => undefined,
      strayed: async () => undefined,
      async finish(winner) {
        end ??= {
          end: winner === "canary" ? "released" : "rolled-back",
          after: ports.clock.now(),
          failed: mesh.failed(),
        };
      },
    },
    clock: {
      ...ports.clock,
      async sleepUntil(at, signal) {
        const from = ports.clock.now();
        await ports.clock.sleepUntil(at, signal);
        mesh.pass(ports.clock.now() - from);
      },
    },
  };
  const never = new AbortController().signal;
  const { state } = await run(await begin(), seen, {
    stop: never,
    lost: never,
    deadlineAt: plan.deadline,
    warnings: () => [],
  });
  return (
    end ?? { end: state.phase === "waiting" ? "held" : "released", after: ports.clock.now(), failed: mesh.failed() }
  );
}

/** What was counted before the first look belongs to nobody. */
function lookAt(mesh: RandomMesh): MetricSource["look"] {
  let since: Instant | undefined;
  return async (at) => {
    const { stable, canary, ago } = mesh.read();
    const counted = since === undefined ? { stable: emptyCount, canary: emptyCount } : { stable, canary };
    const increments = { at, since, from: at - ago, ...counted, lost: 0, blind: [] };
    since = at;
    return increments;
  };
}

const quick = { ...usual, stages: usual.stages.map((stage) => ({ ...stage, wait: 2 * minute, deadline: 3 * minute })) };
const judgedBy = (...gates: readonly Gate[]): Plan => ({
  ...quick,
  stages: quick.stages.map((stage) => ({ ...stage, gates })),
});
const closely: Gate = {
  kind: "errors",
  name: "errors",
  atMost: 0.05,
  aboveStable: 0.038,
  minRequests: 20,
  noData: "wait",
};
/** What is seen during the warm-up alone is inconclusive, and holds; nothing seen after it fails. */
const blind = planOf({ stages: [stageOf(50, { wait: minute, gates: [evidence] })] });

const courses: readonly (readonly [plan: Plan, world: RehearsedService, releases: number])[] = [
  [quick, busy(0.01), 4],
  [quick, busy(1), 4],
  [quick, busy(0.01, { rate: 0.3 }), 4],
  [quick, busy(0.02), 4],
  [{ ...judgedBy(closely), meshDelay: 10 * minute }, busy(0.045), 8],
  [judgedBy(closely, evidence), busy(0.05, { phi: 3 }), 4],
  [
    {
      ...blind,
      evidence: {
        ...blind.evidence,
        noData: "fail",
        inconclusive: "hold",
        settings: { ...blind.evidence.settings, warmUp: 30 * second },
      },
    },
    busy(0, { rate: 0.03, baseline: 0 }),
    30,
  ],
];

test("a rehearsal ends as the engine does before the same requests: the same way, at the same time, with as many failed", async () => {
  const ends = new Map<string, number>();
  for (const [plan, world, releases] of courses) {
    for (let seed = 1; seed <= releases; seed++) {
      const { late: _, plain: __, ...rehearsed } = play(plan, world, 10 * seed);
      assert.deepEqual(rehearsed, await release(plan, world, 10 * seed), `${JSON.stringify(world)}, seed ${10 * seed}`);
      ends.set(rehearsed.end, (ends.get(rehearsed.end) ?? 0) + 1);
    }
  }
  for (const end of ["released", "rolled-back", "held"])
    assert.ok((ends.get(end) ?? 0) >= 4, `${end}: ${ends.get(end)}`);
});

test("canaries of every kind meet the same requests of stable", () => {
  const [good, bad] = [0.01, 1].map((failing) => randomMesh(busy(failing), second, 5));
  for (let poll = 0; poll < 20; poll++) {
    for (const mesh of [good, bad]) {
      mesh?.route(10);
      mesh?.pass(second);
    }
    assert.deepEqual(good?.read().stable, bad?.read().stable);
  }
});

test("only what was scraped can be read, and each request once", () => {
  const mesh = randomMesh({ rate: 1_000, baseline: 0, failing: 0, phi: 1 }, 10 * second, 3);
  const untilScrape = chance(3)() * 10 * second;
  mesh.pass(untilScrape - 1);
  assert.equal(mesh.read().stable.requests, 0);
  mesh.pass(2);
  const { requests } = mesh.read().stable;
  assert.ok(Math.abs(requests - untilScrape) < 5 * Math.sqrt(untilScrape), `${requests} in ${untilScrape}ms`);
  assert.equal(mesh.read().stable.requests, 0);
});

test("failures in clusters vary φ times as much as they are many", () => {
  const mesh = randomMesh({ rate: 1_000, baseline: 0, failing: 0.02, phi: 4 }, second, 11);
  mesh.route(50);
  const counts = Array.from({ length: 4_000 }, () => {
    mesh.pass(second);
    return mesh.read().canary.errors;
  });
  const average = mean(counts.slice(1));
  const variance = mean(counts.slice(1).map((count) => (count - average) ** 2));
  assert.ok(Math.abs(average - 10) < 0.4, `${average}`);
  assert.ok(Math.abs(variance / average - 4) < 0.5, `${variance / average}`);
});
