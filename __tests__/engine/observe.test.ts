import assert from "node:assert/strict";
import test from "node:test";
import { type Memory, observe, remember } from "../../src/engine/observe.ts";
import { advance, emptyTally } from "../../src/evidence/tally.ts";
import type { MetricSource } from "../../src/ports/metric-source.ts";
import type { Ports } from "../../src/ports/ports.ts";
import type { ReleaseRecord } from "../../src/release/release-record.ts";
import { handClock } from "../support/clock.ts";
import { createWorld, planOf } from "../support/world.ts";

const nothing = async (): Promise<void> => {};
const ready = { ready: true, desired: 1, available: 1, restarts: 0, because: "1 of 1 pods is available" };

const portsWith = (counters: MetricSource["counters"]): Ports => ({
  router: {
    prepare: nothing,
    write: nothing,
    drift: async () => undefined,
    finish: nothing,
    cleanUp: nothing,
    differences: async () => [],
  },
  workload: {
    ...{ deploy: nothing, scale: nothing, health: async () => ready, updateStable: nothing },
    ...{ retire: nothing, restore: nothing, differences: async () => [] },
  },
  metrics: { counters, query: async (_query, at) => ({ at, because: "not asked" }) },
  journal: { load: async () => undefined, save: nothing },
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
const fresh = remember(record);
const before: Memory = { ...fresh, meter: advance(fresh.meter, { at: 0, requests: [], buckets: [] }) };

test("counters that could not be read are told by their reason, and never replaced by older ones", async () => {
  const away = portsWith(async () => ({ because: "Prometheus did not answer" }));
  const look = await observe(record, state, away, before, new AbortController().signal);
  assert.equal(look.uncounted, "Prometheus did not answer");
  assert.equal(look.tally, undefined);
  assert.equal(look.memory.meter, before.meter);
  assert.equal(look.poll, undefined);
});
