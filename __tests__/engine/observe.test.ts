import assert from "node:assert/strict";
import test from "node:test";
import { type Memory, observe, remember } from "../../src/engine/observe.ts";
import { emptyTally } from "../../src/evidence/tally.ts";
import { type MetricSource, sawNothing } from "../../src/ports/metric-source.ts";
import type { Ports } from "../../src/ports/ports.ts";
import type { ReleaseRecord } from "../../src/release/release-record.ts";
import { handClock } from "../support/clock.ts";
import { noRespondents } from "../support/respondents.ts";
import { createWorld, planOf } from "../support/world.ts";

const nothing = async (): Promise<void> => {};
const ready = { ready: true, desired: 1, available: 1, restarts: 0, because: "1 of 1 pods is available" };

const portsWith = (look: MetricSource["look"]): Ports => ({
  respondents: noRespondents,
  router: {
    prepare: nothing,
    write: nothing,
    written: async () => [],
    drift: async () => undefined,
    strayed: async () => undefined,
    unserved: async () => ({}),
    finish: nothing,
    cleanUp: nothing,
    fence: nothing,
    takeBack: nothing,
    splits: async () => [],
    differences: async () => [],
  },
  workload: {
    ...{ deploy: nothing, scale: nothing, health: async () => ready, updateStable: nothing, revive: nothing },
    ...{ retire: nothing, restore: nothing, keepLogs: nothing, fence: nothing, differences: async () => [] },
  },
  bystanders: { strandedWithout: async () => [] },
  metrics: { look, query: async (_query, at) => ({ at, because: "not asked" }) },
  journal: { load: async () => undefined, save: nothing, confirm: nothing },
  reporter: { report: () => undefined, flush: nothing },
  clock: handClock(1_000),
});

const release = await createWorld(planOf()).begin();
const state = { phase: "baking", stage: 0, since: 0, putBacks: 0 } as const;
const record: ReleaseRecord = {
  ...release,
  state,
  stages: [{ stage: 0, name: "5%", weight: 5, since: 0, verdicts: [], polls: 0, tally: emptyTally }],
};
const tally = { ...emptyTally, stable: { requests: 9, errors: 0, buckets: [] } };
const before: Memory = { ...remember(record), tally };

test("counters that could not be read are told by their reason, and never replaced by older ones", async () => {
  const away = portsWith(async (at) => sawNothing(at, 0, "Prometheus did not answer"));
  const look = await observe(record, state, away, before, new AbortController().signal);
  assert.ok("look" in look && look.look.phase === "baking");
  assert.deepEqual(look.look.counts, { uncounted: "Prometheus did not answer" });
  assert.equal(look.memory.tally, tally);
  assert.equal(look.poll, undefined);
});

test("what was counted is kept although the cluster did not answer: no later look counts it again", async () => {
  const requests = { stable: { requests: 5, errors: 0, buckets: [] }, canary: { requests: 1, errors: 0, buckets: [] } };
  const ports = portsWith(async (at) => ({ at, since: 0, from: 0, ...requests, lost: 0, blind: [] }));
  const down = async () => Promise.reject(new Error("no answer"));
  for (const phase of [state, { phase: "shifting", stage: 1, step: "filling", since: 0 } as const]) {
    const away = { ...ports, workload: { ...ports.workload, health: down } };
    const look = await observe(record, phase, away, before, new AbortController().signal);
    assert.deepEqual("failure" in look && look.failure, { words: "no answer", lasting: false });
    assert.equal(look.poll?.canary.requests, 1);
    assert.equal(look.memory.tally.stable.requests, 9 + 5);
    assert.ok(!("look" in look), "a stage is not judged on half a look");
  }
});

/* Gates that somebody else answers */

const json = { kind: "json", name: "rate", every: 1, atMost: 1, tolerate: 0, noData: "wait" } as const;
const run = { kind: "run", name: "smoke", tolerate: 0, noData: "wait", every: 1 } as const;
const asking: ReleaseRecord = {
  ...record,
  plan: {
    ...record.plan,
    meshDelay: 1_000,
    stages: record.plan.stages.map((stage) => ({ ...stage, gates: [json, run] })),
  },
};
const asked = new Map([
  ["rate", [{ at: 500, value: 0 }]],
  ["smoke", [{ at: 500 }]],
]);
const counting = portsWith(async (at) => {
  const requests = { requests: 5, errors: 0, buckets: [] };
  return { at, since: 0, from: 0, stable: requests, canary: requests, lost: 0, blind: [] };
});

test("an answer that is under way is said to be: the one before is not all there is", async () => {
  const look = await observe(asking, state, counting, { ...before, readings: asked }, new AbortController().signal);
  assert.ok("look" in look && look.look.phase === "baking");
  assert.deepEqual(look.look.awaited, new Set(["rate", "smoke"]));
  assert.deepEqual(look.look.readings, asked);
});

test("whatever a question comes to, what was counted is kept, and the gate says why it has no data", async () => {
  const throwing = {
    ask: () => {
      throw new Error("spawn ENOTDIR");
    },
    end: () => {},
  };
  const ports = { ...counting, respondents: { json: throwing, run: throwing } };
  const look = await observe(asking, state, ports, before, new AbortController().signal);
  assert.ok("look" in look && look.look.phase === "baking");
  assert.ok("tally" in look.look.counts && look.look.counts.tally.canary.requests === 5);
  assert.equal(look.look.readings.get("smoke")?.at(-1)?.because, "spawn ENOTDIR");
  assert.deepEqual(look.look.awaited, new Set());
});

test("a program waits for the mesh as long as it takes at most, and a number for nothing", async () => {
  for (const [meshDelay, expected] of [
    [1_001, ["json"]],
    [1_000, ["json", "run"]],
  ] as const) {
    const begun: string[] = [];
    const noting = (kind: string) => ({ ask: async () => void begun.push(kind), end: () => {} });
    const ports = { ...counting, respondents: { json: noting("json"), run: noting("run") } };
    const patient = { ...asking, plan: { ...asking.plan, meshDelay } };
    await observe(patient, state, ports, before, new AbortController().signal);
    assert.deepEqual(begun, expected);
  }
});
