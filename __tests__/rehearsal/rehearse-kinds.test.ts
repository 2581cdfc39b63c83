import assert from "node:assert/strict";
import test from "node:test";
import { chance } from "../../src/rehearsal/chance.ts";
import { play } from "../../src/rehearsal/play.ts";
import { rehearseKinds, usualRuns } from "../../src/rehearsal/rehearse-kinds.ts";
import { judgedByEvidence, planOf, second, stageOf } from "../support/world.ts";

const minute = 60 * second;
const plan = judgedByEvidence(
  planOf({
    stages: [
      stageOf(10, { wait: 2 * minute, deadline: 3 * minute }),
      stageOf(50, { wait: 2 * minute, deadline: 3 * minute }),
    ],
  }),
);
const traffic = { rate: 50, baseline: 0.02 };

test("the same seed gives the same table, bit for bit, and another seed another one", () => {
  const table = (seed: number) => rehearseKinds(plan, traffic, { runs: 20, seed });
  assert.deepEqual(table(1), table(1));
  assert.notDeepEqual(table(1), table(2));
});

test("the table is a healthy canary, one twice, five and ten times as bad, and a dead one", () => {
  const kinds = rehearseKinds(plan, traffic, { runs: 2, seed: 1 });
  assert.deepEqual(
    kinds.map(({ timesStable, failing }) => [timesStable, failing]),
    [
      [1, 0.02],
      [2, 0.04],
      [5, 0.1],
      [10, 0.2],
      [undefined, 1],
    ],
  );
});

test("no canary fails more often than always, and a service that never failed is taken to fail once in 100,000 requests", () => {
  assert.deepEqual(
    rehearseKinds(plan, { rate: 1, baseline: 0.3 }, { runs: 1, seed: 1 }).map(({ failing }) => failing),
    [0.3, 0.6, 1, 1, 1],
  );
  assert.equal(rehearseKinds(plan, { rate: 1, baseline: 0 }, { runs: 1, seed: 1 })[3]?.failing, 1e-4);
});

test("a row is what its releases come to", () => {
  const runs = 44;
  const quiet = { ...traffic, rate: 12 }; // so that some of them are found and some are not
  const next = chance(9);
  const seeds = Array.from({ length: runs }, () => Math.floor(next() * 4_294_967_296));
  const row = rehearseKinds(plan, quiet, { runs, seed: 9 })[1] ?? assert.fail();
  const endings = seeds.map((seed) => play(plan, { ...quiet, failing: 0.04, phi: 1 }, seed));
  const back = endings.filter(({ end }) => end === "rolled-back").map(({ after }) => after);
  const through = endings.filter(({ end }) => end === "released").map(({ after }) => after);
  assert.ok(back.length > 5 && through.length > 5, `${back.length} and ${through.length}`);
  assert.equal(row.rolledBack, back.length / runs);
  assert.equal(row.released, through.length / runs);
  assert.ok(Math.abs(row.rolledBack + row.released + row.held - 1) < 1e-12);
  // The shortest time within which so many of them were over.
  for (const [time = 0, part, times] of [
    [row.untilRollback?.median, 0.5, back],
    [row.untilRollback?.p90, 0.9, back],
    [row.untilPromotion, 0.5, through],
  ] as const) {
    assert.ok(times.includes(time) && times.filter((each) => each <= time).length >= part * times.length);
    assert.ok(times.filter((each) => each < time).length < part * times.length);
  }
  const failed = endings.reduce((sum, ending) => sum + ending.failed, 0) / runs;
  assert.equal(row.failedRequests, failed);
  assert.ok(Math.abs(row.excess - failed / 2) < 1e-9, "stable would have failed half of them");
});

test("of a healthy canary no failed request is too many, and of a dead one all but stable's share", () => {
  const kinds = rehearseKinds(plan, traffic, { runs: 5, seed: 1 });
  const [healthy] = kinds;
  const dead = kinds.at(-1) ?? assert.fail();
  assert.ok(healthy && healthy.failedRequests > 0);
  assert.equal(healthy.excess, 0);
  assert.ok(Math.abs(dead.excess - 0.98 * dead.failedRequests) < 1e-9);
});

test("releases that only run out of time are counted as that", () => {
  const [healthy] = rehearseKinds({ ...plan, deadline: minute }, traffic, { runs: 10, seed: 1 });
  assert.deepEqual([healthy?.rolledBack, healthy?.late, healthy?.released], [1, 1, 0]);
  const dead = rehearseKinds(plan, traffic, { runs: 10, seed: 1 }).at(-1);
  assert.deepEqual([dead?.rolledBack, dead?.late], [1, 0]);
});

test("failures in clusters, which the plan has measured, are rehearsed in clusters", () => {
  const clustered = {
    ...plan,
    evidence: {
      ...plan.evidence,
      settings: { ...plan.evidence.settings, dispersion: { kind: "tempered" as const, phi: 4 } },
    },
  };
  const seed = Math.floor(chance(1)() * 4_294_967_296);
  const [, twice] = rehearseKinds(clustered, traffic, { runs: 1, seed: 1 });
  const [independent, together] = [1, 4].map((phi) => play(clustered, { ...traffic, failing: 0.04, phi }, seed).failed);
  assert.notEqual(independent, together);
  assert.equal(twice?.failedRequests, together);
});

test("a plan of more than half an hour is rehearsed less often, but often enough to see one in fifty", () => {
  const lasting = (minutes: number) =>
    planOf({ stages: [stageOf(10, { wait: minutes * minute })], pollEvery: 15 * second });
  assert.deepEqual(
    [20, 60, 240, 10_000].map((minutes) => usualRuns(lasting(minutes))),
    [2_000, 1_000, 250, 200],
  );
});
