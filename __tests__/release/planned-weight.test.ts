import assert from "node:assert/strict";
import test from "node:test";
import { aimOf } from "../../src/release/aim.ts";
import type { Plan } from "../../src/release/plan.ts";
import { roomIn, servingBy, trafficAt } from "../../src/release/planned-traffic.ts";
import { plannedTraffic, plannedWeight } from "../../src/release/planned-weight.ts";
import type { StageRecord } from "../../src/release/release-record.ts";
import { splitAt } from "../../src/release/split.ts";
import type { State } from "../../src/release/state.ts";
import { told } from "../support/told.ts";
import { planOf, stageOf } from "../support/world.ts";

const plan = planOf(); // 5, 25, 50%
const update = planOf({ promotion: "update" });
const none = { requests: 0, errors: 0, buckets: [] };
const entered = (index: number): readonly StageRecord[] =>
  plan.stages.slice(0, index + 1).map(({ name, weight }, stage) => ({
    ...{ stage, name, weight, since: 0, verdicts: [], polls: 0 },
    tally: { stable: none, canary: none, unattributed: none },
  }));
const back = { reason: told("it was bad"), served: true, since: 0 };
const passed = { kind: "stage-passed", stage: "25%" } as const;

const table: readonly (readonly [state: State, plan: Plan, stages: number, weight: number])[] = [
  [{ phase: "preparing", step: "starting", since: 0 }, plan, -1, 0],
  [{ phase: "shifting", step: "routing", stage: 0, since: 0 }, plan, -1, 0],
  [{ phase: "shifting", step: "routing", stage: 2, since: 0 }, plan, 1, 25],
  [{ phase: "baking", stage: 1, since: 0, putBacks: 0 }, plan, 1, 25],
  [{ phase: "waiting", stage: 1, since: 0, reason: passed }, plan, 1, 25],
  [{ phase: "promoting", step: "finishing", since: 0 }, plan, 2, 100],
  [{ phase: "promoting", step: "draining", since: 0 }, plan, 2, 100],
  [{ phase: "promoting", step: "retiring", since: 0 }, plan, 2, 100],
  [{ phase: "promoting", step: "starting", since: 0 }, update, 2, 100],
  [{ phase: "promoting", step: "finishing", since: 0 }, update, 2, 100],
  [{ phase: "promoting", step: "draining", since: 0 }, update, 2, 0],
  [{ phase: "promoting", step: "retiring", since: 0 }, update, 2, 0],
  [{ phase: "rolling-back", step: "returning", ...back }, plan, 1, 25],
  [{ phase: "rolling-back", step: "returning", ...back }, plan, -1, 0],
  [{ phase: "rolling-back", step: "draining", ...back }, plan, 1, 0],
  [{ phase: "rolling-back", step: "retiring", ...back }, plan, 1, 0],
  [{ phase: "succeeded" }, plan, 2, 100],
  [{ phase: "succeeded" }, update, 2, 0],
  [{ phase: "rolled-back", reason: back.reason }, plan, 1, 0],
  [{ phase: "failed", during: "promoting", returned: false, reason: back.reason }, plan, 2, 100],
  [{ phase: "failed", during: "promoting", returned: true, reason: back.reason }, update, 2, 0],
  [{ phase: "failed", during: "rolling-back", returned: false, reason: back.reason }, plan, 1, 25],
  [{ phase: "failed", during: "rolling-back", returned: true, reason: back.reason }, plan, 1, 0],
];

for (const [state, plan, stages, weight] of table) {
  const where = [state.phase, "step" in state ? state.step : "", plan.promotion]
    .filter((part) => part !== "")
    .join(" ");
  test(`${where}, ${stages + 1} stages entered${"returned" in state && state.returned ? ", returned" : ""}: the routes were told ${weight}%`, () => {
    assert.equal(plannedWeight({ plan, state, stages: entered(stages) }), weight);
  });
}

const testers = [{ headers: { "x-canary": { exact: "yes" } } }];

test("testers are let in from the first stage on for as long as there is a way back, and by nobody who gives all at once", () => {
  const withTesters = planOf({ stages: [stageOf(0), stageOf(50)], testers });
  const table: readonly (readonly [State, number, boolean])[] = [
    [{ phase: "preparing", step: "starting", since: 0 }, -1, false],
    [{ phase: "shifting", step: "routing", stage: 0, since: 0 }, -1, false],
    [{ phase: "baking", stage: 0, since: 0, putBacks: 0 }, 0, true],
    [{ phase: "shifting", step: "filling", stage: 1, since: 0 }, 0, true],
    [{ phase: "waiting", stage: 1, since: 0, reason: passed }, 1, true],
    [{ phase: "promoting", step: "finishing", since: 0 }, 1, true],
    [{ phase: "promoting", step: "draining", since: 0 }, 1, false],
    [{ phase: "rolling-back", step: "returning", ...back }, 1, true],
    [{ phase: "rolling-back", step: "draining", ...back }, 1, false],
    [{ phase: "succeeded" }, 1, false],
  ];
  for (const [state, stages, areIn] of table) {
    const traffic = plannedTraffic({ plan: withTesters, state, stages: entered(stages) });
    assert.deepEqual(traffic.testers, areIn ? testers : undefined, JSON.stringify(state));
  }
  const drilled = planOf({ stages: [stageOf(5), stageOf(50, { drill: { abort: 503 } }), stageOf(60)], testers });
  const drillIn = (state: State, stages: number) =>
    plannedTraffic({ plan: drilled, state, stages: entered(stages) }).drill;
  assert.deepEqual(drillIn({ phase: "baking", stage: 1, since: 0, putBacks: 0 }, 1), { abort: 503 });
  assert.deepEqual(drillIn({ phase: "shifting", step: "filling", stage: 2, since: 0 }, 1), { abort: 503 });
  assert.equal(drillIn({ phase: "baking", stage: 2, since: 0, putBacks: 0 }, 2), undefined);
  assert.deepEqual(servingBy(trafficAt(withTesters, 0)), ["stable", "canary"]);
  assert.equal(trafficAt({ stages: [], testers }, 0).testers, undefined);
});

test("users are kept while both versions have a part of the requests, and the split is not judged then", () => {
  const affinity = { cookie: "version", release: "r1" };
  const sticky = planOf({ stages: [stageOf(0), stageOf(10), stageOf(100)], affinity });
  assert.deepEqual(
    [0, 1, 2, 3].map((stage) => trafficAt(sticky, stage).affinity),
    [undefined, affinity, undefined, undefined],
  );
});

test("copies are sent as long as their stage lasts, and until the next weight is written", () => {
  const mirrored = planOf({ stages: [stageOf(0, { mirror: 50 }), stageOf(10)] });
  const table: readonly (readonly [State, number, number | undefined])[] = [
    [{ phase: "shifting", step: "routing", stage: 0, since: 0 }, -1, undefined],
    [{ phase: "baking", stage: 0, since: 0, putBacks: 0 }, 0, 50],
    [{ phase: "waiting", stage: 0, since: 0, reason: passed }, 0, 50],
    [{ phase: "shifting", step: "routing", stage: 1, since: 0 }, 0, 50],
    [{ phase: "baking", stage: 1, since: 0, putBacks: 0 }, 1, undefined],
    [{ phase: "rolling-back", step: "returning", ...back }, 0, 50],
    [{ phase: "rolling-back", step: "draining", ...back }, 0, undefined],
  ];
  for (const [state, stages, mirror] of table)
    assert.equal(
      plannedTraffic({ plan: mirrored, state, stages: entered(stages) }).mirror,
      mirror,
      JSON.stringify(state),
    );
  const traffic = trafficAt(mirrored, 0);
  assert.deepEqual(
    [servingBy(traffic), roomIn(traffic), aimOf(traffic)],
    [["stable", "canary"], 50, { to: "split", canary: 0, mirror: 50 }],
  );
});

test("the stage after the last has all traffic, and there is no other stage than the plan's", () => {
  assert.deepEqual(
    [0, 1, 2, 3].map((stage) => trafficAt(plan, stage).canary),
    [5, 25, 50, 100],
  );
  for (const stage of [-1, 4, 0.5, Number.NaN]) assert.throws(() => trafficAt(plan, stage), RangeError);
  for (const canary of [-1, 101, 0.5, Number.NaN]) assert.throws(() => splitAt(canary), RangeError);
});
