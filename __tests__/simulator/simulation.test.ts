import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { globSync, readFileSync } from "node:fs";
import test from "node:test";
import { promisify } from "node:util";
import { foundFaults } from "../../simulator/record.ts";
import { foundSection } from "../../simulator/report.ts";
import { routings } from "../../simulator/routing.ts";
import { imageOf, plainScenario, scenarioOf, shapes } from "../../simulator/scenario.ts";
import { type Result, simulate } from "../../simulator/simulation.ts";
import { storyOf } from "../../simulator/story.ts";
import { invariants } from "../../simulator/watch.ts";
import type { HttpAnswer } from "../../src/world/transport.ts";

const lastTraffic = ({ story }: Pick<Result, "story">): string | undefined =>
  story.findLast((line) => line.includes("requests go to"))?.replace(/^.*requests go to /, "");

const taken = { by: "person", act: "takes the testers' rule away", when: { phase: "baking/2", delay: 1_000 } } as const;

const routed = shapes.flatMap((shape) => routings.map((routing) => ({ shape, routing })));

for (const world of routed) {
  const name = Object.values(world).join(" by ");
  test(`in a world where nothing happens a good version is released and a bad one given back: ${name}`, async () => {
    const good = await simulate({ ...plainScenario, ...world });
    assert.deepEqual(good.violations, []);
    assert.match(lastTraffic(good) ?? "", /^\S+ \(v2\) 100%$/);
    const bad = await simulate({ ...plainScenario, ...world, image: imageOf("v2-err60") });
    assert.deepEqual(bad.violations, []);
    assert.match(lastTraffic(bad) ?? "", /^\S+ \(v1\) 100%$/);
    assert.ok(bad.exposure > 0 && bad.exposure < 30_000, `${bad.exposure}`);
  });
}

const testers = [
  [{ routing: "VirtualService", testing: { by: "header", alone: true, drill: "delay" } }, "v2-err60", /20% DI/],
  [{ routing: "VirtualService", testing: { by: "callers", alone: true, drill: "abort" } }, "v2-err60", /nobody 20% FI/],
  [
    { routing: "HTTPRoute", testing: { by: "header", alone: true, drill: undefined } },
    "v2-slow800",
    /\(v1\) 80%, .* 20%$/m,
  ],
] as const;

test("testers meet the version before all weights, by whatever they are known; a drill is taken from neither version", async () => {
  for (const [world, bad, met] of testers) {
    const scenario = { ...plainScenario, ...world, gates: "auto" } as const;
    const good = await simulate({ ...scenario, disturbances: [taken] });
    const givenBack = await simulate({ ...scenario, image: imageOf(bad) });
    for (const { violations, story } of [good, givenBack]) {
      assert.deepEqual(violations, []);
      assert.match(story.join("\n"), met);
      assert.match(story.join("\n"), /; testers v2/);
    }
    assert.equal(lastTraffic(good), "reviews-v1 (v1) 100%", "somebody took the rule away");
    assert.equal(lastTraffic(givenBack), "reviews-v1 (v1) 100%");
  }
});

test("the same seed is the same run, to the last byte, whatever was played before", async () => {
  const seeds = [3, 7, 11, 64, 109];
  const play = async (seed: number): Promise<string> => JSON.stringify(await simulate(scenarioOf(seed)));
  const forwards = await Promise.resolve(seeds).then((all) => inTurn(all, play));
  const backwards = await inTurn(seeds.toReversed(), play);
  assert.deepEqual(forwards, backwards.toReversed());
  const told = { ...plainScenario, github: true };
  assert.equal(JSON.stringify(await simulate(told)), JSON.stringify(await simulate(told)));
});

test("what is printed is the same for any number of threads", async () => {
  const play = async (jobs: number): Promise<string> => {
    const args = ["simulator/main.ts", "--seeds", "41", "--from", "3", "--jobs", String(jobs)];
    const { stdout } = await promisify(execFile)(process.execPath, ["--disable-warning=ExperimentalWarning", ...args]);
    return stdout;
  };
  const alone = await play(1);
  assert.match(alone, /^41 seeds, \d+ commands, 0 seeds with a violation\nℹ pass \d+\nℹ fail 0\n$/);
  assert.equal(await play(2), alone);
});

async function inTurn<T, R>(all: readonly T[], play: (one: T) => Promise<R>): Promise<readonly R[]> {
  const results: R[] = [];
  for (const one of all) results.push(await play(one));
  return results;
}

test("requests that were counted and never sent are found", async () => {
  const twice = (answer: HttpAnswer | undefined): HttpAnswer => {
    assert.ok(answer);
    const text = answer.text.replace(
      /("reporter":[^}]*\},"value":\[[\d.]+,")(\d+)/g,
      (_, head, count) => head + 2 * count,
    );
    return { ...answer, text };
  };
  const lied = await simulate(plainScenario, (link) => (link === "prometheus" ? { instead: twice } : {}));
  assert.deepEqual(
    lied.violations.map(({ invariant }) => invariant),
    ["no request is counted twice"],
  );
});

test("who undoes an update gets the template of before, which is the newest revision then", async () => {
  const when = { phase: "succeeded", delay: 5_000 };
  const undo = { by: "job", act: "undoes the release", skew: 0, when } as const;
  const { violations, story } = await simulate({
    ...plainScenario,
    shape: "clone-update",
    podStart: 3_000,
    disturbances: [undo],
  });
  assert.deepEqual(violations, []);
  assert.match(story.join("\n"), /undo ends with 0, settled/);
  assert.equal(lastTraffic({ story }), "reviews (v1) 100%");
});

test("what somebody deleted and brings back is there again, whichever kind of route names it", async () => {
  for (const routing of routings)
    for (const act of ["deletes the route", "deletes what the route names"] as const) {
      const deleted = { by: "person", act, until: 6_000, when: { phase: "baking", delay: 1_000 } } as const;
      const { violations, story } = await simulate({ ...plainScenario, routing, disturbances: [deleted] });
      assert.deepEqual(violations, []);
      assert.doesNotMatch(lastTraffic({ story }) ?? "", /nobody/, `${routing}: ${act}`);
    }
});

test("a job that dies is followed by its settle step in the action, and by somebody on call elsewhere", async () => {
  const killed = { by: "process", act: "killed", lasts: 0, when: { phase: "baking", delay: 3_000 } } as const;
  const inAction = await simulate({ ...plainScenario, disturbances: [killed] });
  const byHand = await simulate({ ...plainScenario, inAction: false, disturbances: [killed] });
  for (const { violations } of [inAction, byHand]) assert.deepEqual(violations, []);
  assert.match(inAction.story.join("\n"), /job 1: begins settle/);
  assert.match(byHand.story.join("\n"), /somebody on call: begins rollback/);
  assert.equal(lastTraffic(inAction), "reviews-v1 (v1) 100%");
});

test("somebody on call whom a hiccup refuses tries again, and a journal that is never saved cannot tell why", async () => {
  const inStage = (delay: number) => ({ phase: "baking", delay });
  const refused = { by: "network", link: "kubernetes", share: 1, lasts: 7_200_000 } as const;
  const killed = { by: "process", act: "killed", lasts: 0, when: inStage(3_000) } as const;
  const once = { ...refused, act: "answered 422", of: "lease", times: 1, when: inStage(4_000) } as const;
  const again = await simulate({ ...plainScenario, inAction: false, disturbances: [killed, once] });
  assert.deepEqual(again.violations, []);
  assert.equal(lastTraffic(again), "reviews-v1 (v1) 100%");

  const forEver = { ...refused, act: "answered 503", of: "journal", times: Infinity, when: inStage(0) } as const;
  const edited = { by: "person", act: "edits the weights", when: inStage(500) } as const;
  const silenced = await simulate({ ...plainScenario, inAction: false, disturbances: [forEver, edited] });
  assert.deepEqual(silenced.violations, []);
});

test("a story of a seed takes at most 60 lines", async () => {
  const result = await simulate(plainScenario);
  const long = { ...result, story: Array.from({ length: 200 }, (_, index) => `${index} ${"x".repeat(500)}`) };
  assert.ok(storyOf(long).split("\n").length <= 60);
  assert.ok(storyOf(long, true).split("\n").length > 200);
});

test("each invariant of the simulator stands in ARCHITECTURE.md", () => {
  const text = readFileSync("ARCHITECTURE.md", "utf8");
  assert.deepEqual(
    invariants.filter((invariant) => !text.includes(`| \`${invariant}\` |`)),
    [],
  );
});

test("of two who roll back at once either may have the release, and one of them has it", async () => {
  const bad = { ...plainScenario, image: imageOf("v2-err30"), gates: "auto" } as const;
  const back = (delay: number) =>
    ({ by: "job", act: "rolls back by hand", skew: 0, when: { phase: "baking", delay } }) as const;
  const lost: number[] = [];
  for (const apart of [5, 10, 15, 20, 25, 30]) {
    const { violations, story } = await simulate({ ...bad, disturbances: [back(90), back(90 + apart)] });
    assert.deepEqual(violations, []);
    if (story.some((line) => line.includes("somebody: rollback ends with 3"))) lost.push(apart);
  }
  assert.ok(lost.length > 0, "in some of them one lost it");
});

test("what was found stands in docs/reliability.md as it is recorded, each fault with a test that exists", () => {
  assert.ok(readFileSync("docs/reliability.md", "utf8").includes(foundSection()));
  const tests = globSync("__tests__/**/*.ts").map((file) => readFileSync(file, "utf8"));
  assert.deepEqual(
    foundFaults.filter(({ held }) => !tests.some((text) => text.includes(held))).map(({ held }) => held),
    [],
  );
});
