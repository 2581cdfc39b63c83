import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { type ReplicaQuestion, replicasFor } from "../../src/release/replicas.ts";

const asked: ReplicaQuestion = {
  wanted: { kind: "by-weight" },
  weight: 10,
  stable: 10,
  current: 0,
  original: 0,
  autoscaled: false,
};

const table: readonly (readonly [string, Partial<ReplicaQuestion>, number])[] = [
  ["a tenth of the traffic needs a tenth of stable's pods", {}, 1],
  ["a share is rounded up", { weight: 11 }, 2],
  ["all traffic needs all of stable's pods", { weight: 100 }, 10],
  ["no weight needs one pod to be ready", { weight: 0 }, 1],
  ["a stable of no pods still gives one", { stable: 0, weight: 50 }, 1],
  ["pods are never taken away", { current: 4 }, 4],
  ["a number is that number at every weight", { wanted: { kind: "count", count: 3 }, weight: 100 }, 3],
  ["a number takes no pods away", { wanted: { kind: "count", count: 3 }, current: 5 }, 5],
  ["a percentage is of stable's pods, whatever the weight", { wanted: { kind: "percent", percent: 25 }, weight: 1 }, 3],
  ["kept replicas are left alone", { wanted: { kind: "keep" }, weight: 100, original: 2, current: 2 }, 2],
  ["there is nothing to keep where there was nothing", { wanted: { kind: "keep" }, weight: 50 }, 5],
  [
    "a canary has some pods at least, so that none stands for the version",
    { wanted: { kind: "by-weight", least: 3 } },
    3,
  ],
  ["it has them before its first traffic", { wanted: { kind: "by-weight", least: 3 }, weight: 0 }, 3],
  ["a weight that needs more gets more", { wanted: { kind: "by-weight", least: 3 }, weight: 50 }, 5],
  ["not more than stable has", { wanted: { kind: "by-weight", least: 3 }, stable: 2 }, 2],
  ["one of stable's, one of the canary's", { wanted: { kind: "by-weight", least: 3 }, stable: 1 }, 1],
  ["kept replicas are somebody's number", { wanted: { kind: "keep", least: 3 }, original: 1, current: 1 }, 1],
  ["where there was nothing to keep it is ours", { wanted: { kind: "keep", least: 3 } }, 3],
  ["an autoscaler decides", { autoscaled: true, weight: 100, current: 2 }, 2],
  [
    "an autoscaler is off at 0, so that it gets one pod to begin with",
    { autoscaled: true, weight: 100, current: 0 },
    1,
  ],
  [
    "whoever switches an autoscaler on again by the first pods gives as many as were asked for",
    { autoscaled: true, wanted: { kind: "count", count: 3 }, current: 0 },
    3,
  ],
];

for (const [fact, more, expected] of table)
  test(fact, () => assert.equal(replicasFor({ ...asked, ...more }), expected));

test("a canary with traffic always has pods, and never fewer than before", () => {
  const wanted = fc.oneof(
    fc.constantFrom({ kind: "keep" } as const, { kind: "by-weight" } as const),
    fc.nat(50).map((count) => ({ kind: "count", count }) as const),
    fc.nat(200).map((percent) => ({ kind: "percent", percent }) as const),
  );
  fc.assert(
    fc.property(
      fc.record({
        wanted,
        weight: fc.nat(100),
        stable: fc.nat(200),
        current: fc.nat(200),
        original: fc.nat(200),
        autoscaled: fc.boolean(),
      }),
      (question) => {
        const replicas = replicasFor(question);
        assert.ok(Number.isInteger(replicas) && replicas >= 1 && replicas >= question.current);
        if (question.wanted.kind === "by-weight" && !question.autoscaled)
          assert.ok(replicas * 100 >= question.weight * question.stable, "capacity comes before traffic");
      },
    ),
  );
});
