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
    ...{ retire: nothing, restore: nothing, fence: nothing, differences: async () => [] },
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
  stages: [{ stage: 0, name: "5 %", weight: 5, since: 0, verdicts: [], polls: 0, tally: emptyTally }],
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
