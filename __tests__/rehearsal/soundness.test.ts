import assert from "node:assert/strict";
import test from "node:test";
import { defaults } from "../../src/evidence/defaults.ts";
import { play } from "../../src/rehearsal/play.ts";
import { firstThinStage, requestsToBeSound } from "../../src/rehearsal/soundness.ts";
import { detectabilityLines } from "../../src/words/detectability-lines.ts";
import { thinStageSentence } from "../../src/words/thin-stage.ts";
import { judgedByEvidence, planOf, stageOf } from "../support/world.ts";

const minute = 60_000;
const usual = [5, 10, 25, 50].map((weight) => ({ weight, deadline: 15 * minute }));
const thinAt = (rate: number, baseline = 0.005, steps = usual) => firstThinStage(steps, { rate, baseline }, defaults);

test("some 45 requests without a failure show that a canary is not broken, and more where stable fails", () => {
  const needed = [0, 0.005, 0.02, 0.05].map((baseline) => requestsToBeSound(baseline, defaults) ?? Infinity);
  assert.ok((needed[0] ?? 0) > 40 && (needed[0] ?? 0) < 50, `${needed}`);
  assert.deepEqual(
    needed,
    needed.toSorted((a, b) => a - b),
  );
  assert.equal(requestsToBeSound(0.6, defaults), undefined);
});

test("a stage is thin where its requests are too few, with those of the stages before it", () => {
  assert.deepEqual(
    [2, 5, 50].map((rate) => thinAt(rate, 0.001)?.weight),
    [undefined, undefined, undefined],
  );
  assert.deepEqual(
    [0.2, 0.5, 1].map((rate) => thinAt(rate, 0.001)?.weight),
    [5, 5, 5],
  );
  const growing = [
    { weight: 5, deadline: 30 * minute },
    { weight: 10, deadline: 15 * minute },
  ];
  assert.equal(thinAt(0.5, 0.001, growing)?.weight, 5);
  assert.equal(thinAt(50, 0.6)?.takes, undefined);
  assert.equal(firstThinStage(usual, { rate: 0.2, baseline: 0 }, { ...defaults, requires: "safe" }), undefined);
});

test("where a stage is thin good releases are held, and no longer with the length or the weight that is advised", () => {
  const traffic = { rate: 0.5, baseline: 0.001 };
  const thin = thinAt(traffic.rate, traffic.baseline);
  assert.ok(thin?.takes && thin.enough, JSON.stringify(thin));
  const held = (weight: number, deadline: number): number => {
    const stages = [stageOf(weight, { wait: 5 * minute, deadline, gates: [{ kind: "evidence", name: "auto" }] })];
    const plan = judgedByEvidence(planOf({ stages, pollEvery: 15_000, deadline: 100 * minute }));
    const settings = { ...plan.evidence.settings, ...defaults };
    const asDefault = { ...plan, evidence: { ...plan.evidence, settings } };
    const seeds = Array.from({ length: 60 }, (_, seed) => seed);
    const world = { ...traffic, failing: traffic.baseline, phi: 1 };
    return seeds.filter((seed) => play(asDefault, world, seed).end === "held").length / seeds.length;
  };
  assert.ok(held(5, 15 * minute) > 0.5);
  assert.ok(held(5, Math.ceil(thin.takes / minute) * minute) <= 0.1);
  assert.ok(held(thin.enough, 15 * minute) <= 0.1);
});

test("it is said with the requests, the time and what would help", () => {
  const traffic = { rate: 1, baseline: 0.001 };
  const thin = thinAt(1, 0.001);
  assert.ok(thin);
  const dead = { ratio: 1_000, found: 1, badRequests: 12 };
  const lines = detectabilityLines({ traffic, thin, runs: 100, seed: 1, dead });
  assert.match(
    lines.find((line) => line.includes("A good version")) ?? "",
    /^! A good version would be held at 5%: it takes about \d\d of its requests to show that it is surely not broken, which at 1 requests per second takes \d\dm, and the stage ends after 15m; let it last longer \(deadline: \d\dm\) or begin with \d%\.$/,
  );
  assert.match(thinStageSentence({ weight: 5, deadline: minute }, traffic), /stable itself fails so often/);
});
