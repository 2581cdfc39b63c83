import assert from "node:assert/strict";
import test, { describe } from "node:test";
import { releaseOfOne, releaseOfTwo } from "../../sandbox/shop.ts";
import { until } from "../support/cluster.ts";
import { journalOf, objectsOf, reached, routeOf } from "./facts.ts";
import { giveImage, rewrite } from "./kubectl.ts";
import { assertRolledBack, scene } from "./scene.ts";

const long = "50:30s, 100";
const errors = "- errors: { atMost: 5%, minRequests: 10 }";
const patient = "- errors: { atMost: 100%, minRequests: 1 }";

describe("rollbacks", { concurrency: 3 }, () => {
  test("a copy with 20% errors is rolled back by the errors gate, with the numbers that its customers saw", async (t) => {
    const world = await scene(t, { shop: "one" });
    const ended = await world.run({ ...releaseOfOne("v2-err20"), stages: long, gates: errors });
    const { bad, byVersion } = await world.traffic.lap();
    await assertRolledBack(world, ended, /^errors: \d+ of \d+ canary requests failed \(\d.*%\), limit ≤ 5%$/);
    const [, failed = 0, counted = 0] = /(\d+) of (\d+)/.exec(ended.outputs.because ?? "")?.map(Number) ?? [];
    assert.ok(failed >= 1 && failed <= bad, `${failed} failures counted, ${bad} seen`);
    assert.ok(counted >= 10 && counted <= (byVersion.v2 ?? 0), `${counted} requests counted, ${byVersion.v2} seen`);
  });

  test("a Deployment with 20% errors gets its old image and its old number of pods back", async (t) => {
    const world = await scene(t, { shop: "two" });
    await assertRolledBack(
      world,
      await world.run({ ...releaseOfTwo("v2-err20"), stages: long, gates: errors }),
      /^errors: /,
    );
  });

  test("a slow version is rolled back by the latency gate, and no answer was bad", async (t) => {
    const world = await scene(t, { shop: "one" });
    const gates = "- latency: { p: 90, atMost: 100ms, minRequests: 10 }";
    const ended = await world.run({ ...releaseOfOne("v2-slow300"), stages: long, gates, drain: "500ms" });
    assert.equal((await world.traffic.lap()).bad, 0);
    await assertRolledBack(
      world,
      ended,
      /^latency p90: the canary's p90 is [\d.]+m?s over \d+ requests, limit ≤ 100ms$/,
    );
  });

  for (const gates of ["- auto", errors])
    test(`a version that does not answer before its customers leave is rolled back, judged by ${gates}`, async (t) => {
      const world = await scene(t, { shop: "one", patience: 1_000 });
      const ended = await world.run({ ...releaseOfOne("v2-slow60000"), stages: long, gates, drain: "500ms" });
      await assertRolledBack(
        world,
        ended,
        /^\d\S*% of the canary's requests were given up by their callers \(\d+ of \d+\), .* of stable's \d+, so it does not answer, or takes longer than they wait/,
      );
    });

  for (const gates of ["- auto", errors])
    test(`a version that does not answer is rolled back while its customers still wait, judged by ${gates}`, async (t) => {
      const world = await scene(t, { shop: "one", patience: 60_000 });
      const ended = await world.run({ ...releaseOfOne("v2-slow20000"), stages: long, gates, drain: "500ms" });
      await assertRolledBack(
        world,
        ended,
        /^the canary does not answer: 0 of its requests came to an end in [\d.]+s, where about \d+ were to, and \d+ of stable's did/,
      );
    });

  test("an image that cannot be pulled gets no request", async (t) => {
    const world = await scene(t, { shop: "one" });
    const ended = await world.run({ ...releaseOfOne("v2-pullfail"), stages: long, gates: errors });
    await assertRolledBack(world, ended, /registry\.example\/reviews:v2-pullfail.*not found/);
    assert.equal(world.traffic.counts().bad, 0);
  });

  test("a version that crashes gets no request, and its last words are told", async (t) => {
    const world = await scene(t, { shop: "one" });
    const ended = await world.run({ ...releaseOfOne("v2-crash"), stages: long, gates: errors });
    await assertRolledBack(world, ended, /DATABASE_URL is not set/);
    assert.equal(world.traffic.counts().bad, 0);
  });

  test("a version that is never ready is given up at its deadline", async (t) => {
    const world = await scene(t, { shop: "one" });
    const ended = await world.run({
      ...releaseOfOne("v2-notready"),
      stages: long,
      gates: errors,
      "ready-deadline": "1s",
    });
    await assertRolledBack(world, ended, /^the canary is not ready: .*, after 1s$/);
    assert.equal(world.traffic.counts().bad, 0);
  });

  test("a version that dies after a while is rolled back", async (t) => {
    const world = await scene(t, { shop: "one" });
    await assertRolledBack(
      world,
      await world.run({ ...releaseOfOne("v2-die1"), stages: long, gates: "- restarts: {}" }),
      /canary/,
    );
  });

  test("without any request the stage waits for its deadline, then the release goes back and says why", async (t) => {
    const { sandbox, before, run } = await scene(t, { shop: "one", rate: 0 });
    const ended = await run({
      ...releaseOfOne("v2"),
      stages: "- { weight: 50, wait: 300ms, deadline: 1s }\n- 100",
      gates: errors,
    });
    assert.equal(ended.exit, 1, ended.said);
    assert.match(
      ended.outputs.because ?? "",
      /^stage 50% could not be judged within 1s: errors has no data: no request of the canary was counted$/,
    );
    assert.equal(ended.outputs["observed-split"], "");
    assert.deepEqual(objectsOf(sandbox), before);
  });

  test("a Prometheus that goes away during a stage leaves it without data, and the release goes back", async (t) => {
    const world = await scene(t, { shop: "one" });
    const program = world.start({
      ...releaseOfOne("v2"),
      stages: "- { weight: 50, wait: 1s, deadline: 2s }\n- 100",
      gates: "- errors: { atMost: 5%, minRequests: 500 }",
    });
    await reached(world.sandbox, "baking", program.ended);
    await world.sandbox.prometheus.close();
    await assertRolledBack(world, await program.ended, /^stage 50% could not be judged within 2s: errors has no data/);
    assert.equal(world.traffic.counts().bad, 0);
  });

  test("weights that somebody else writes end the release, and its routes are as they were before it", async (t) => {
    const world = await scene(t, { shop: "two" });
    const program = world.start({ ...releaseOfTwo("v2"), stages: long, gates: patient });
    await reached(world.sandbox, "baking", program.ended);
    rewrite(world, 90, 10);
    await assertRolledBack(
      world,
      await program.ended,
      /^the route is not as the release left it: .*v1 90.*v2 10.*written by kubectl$/,
    );
  });

  test("a canary that somebody else gives another image is not promoted for what that one did", async (t) => {
    const world = await scene(t, { shop: "two" });
    const release = { ...releaseOfTwo("v2-err60"), stages: long, gates: "- restarts: {}", promotion: "update" };
    const program = world.start(release);
    await reached(world.sandbox, "baking", program.ended);
    giveImage(world, "v2");
    await assertRolledBack(
      world,
      await program.ended,
      /^somebody else changed the canary, .*reviews-v2 has the image .*:v2, not .*:v2-err60, written by kubectl/,
    );
  });

  test("weights that somebody else writes are put back where the plan says so, and the release goes on", async (t) => {
    const { sandbox, traffic, start } = await scene(t, { shop: "two" });
    const program = start({ ...releaseOfTwo("v2"), stages: "50:2s, 100", gates: patient, drift: "put-back" });
    await reached(sandbox, "baking", program.ended);
    rewrite({ sandbox }, 90, 10);
    await until(
      "the weights are the plan's again",
      () => routeOf(sandbox),
      (route) => route === "v1 50, v2 50",
    );
    const { exit, said } = await program.ended;
    assert.equal(exit, 0, said);
    assert.deepEqual(journalOf(sandbox)?.log.filter(({ reason }) => reason.kind === "put-back").length, 1);
    assert.equal(traffic.counts().bad, 0);
  });

  test("a weight that a webhook refuses ends the release with the webhook's words", async (t) => {
    const world = await scene(t, { shop: "two" });
    world.sandbox.api.deny({
      kind: "VirtualService",
      when: (object) => JSON.stringify(object).includes('"weight":60'),
      because: "no more than half on Fridays",
    });
    const ended = await world.run({ ...releaseOfTwo("v2"), stages: "20:300ms, 60:300ms, 100", gates: patient });
    await assertRolledBack(world, ended, /no more than half on Fridays/);
    assert.equal(world.traffic.counts().bad, 0);
  });
});
