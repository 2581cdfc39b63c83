import assert from "node:assert/strict";
import test, { describe } from "node:test";
import { releaseOfOne } from "../../sandbox/shop.ts";
import { until } from "../support/cluster.ts";
import { reached } from "./facts.ts";
import { hanging, rejecting, throwing } from "./preload.ts";
import type { Program } from "./program.ts";
import { assertAsBefore, type Scene, scene } from "./scene.ts";

const gates = "- restarts: {}";

/** A release in its stage, in a program that breaks at a signal. */
async function baking(
  { sandbox, start }: Scene,
  env: Readonly<Record<string, string>>,
  wait: string,
): Promise<Program> {
  const job = start({ ...releaseOfOne("v2"), stages: `50:${wait}, 100`, gates }, { env });
  await reached(sandbox, "baking", job.ended);
  return job;
}

/** What the program does when it has a defect itself, or when something in it does not end. */
describe("defects", { concurrency: 3 }, () => {
  test("an error that nobody catches gives the traffic back, and says what it was", async (t) => {
    const world = await scene(t, { shop: "one" });
    const job = await baking(world, throwing("a wheel came off"), "60s");
    job.signal("SIGUSR2");
    const { exit, said, outputs } = await job.ended;
    assert.deepEqual([exit, outputs.outcome, outputs.settled], [1, "rolled-back", "true"], said);
    assert.match(outputs.because ?? "", /^Istio Canary has a defect \(a wheel came off\)/);
    assert.match(said, /Error: a wheel came off\n\s+at /);
    await assertAsBefore(world);
  });

  test("a rejection that nobody waits for is told, and the release goes on", async (t) => {
    const world = await scene(t, { shop: "one" });
    const job = await baking(world, rejecting("a report came to nothing"), "1s");
    job.signal("SIGUSR2");
    const { exit, said, outputs } = await job.ended;
    assert.deepEqual([exit, outputs.outcome, outputs.settled], [0, "succeeded", "true"], said);
    assert.match(said, /A defect of Istio Canary was survived: a report came to nothing/);
  });

  test("what does not end does not keep the job", async (t) => {
    const { run } = await scene(t, { shop: "one", rate: 0 });
    const { exit, said } = await run({ ...releaseOfOne("v2"), command: "status" }, { env: hanging() });
    assert.equal(exit, 0, said);
  });

  test("Ctrl-C ends a rehearsal at once, although it hears nothing while it calculates", async (t) => {
    const { start } = await scene(t, { shop: "one", rate: 0 });
    const years = { "rehearse-rate": "50", "rehearse-errors": "1%", "rehearse-runs": "3300" };
    const plan = { command: "rehearse", stages: "5:40m, 100", gates: "auto", image: "no image" };
    const job = start({ ...releaseOfOne("v2"), ...years, ...plan });
    await until("it is about to begin", job.said, (said) => said.includes("no image")); // of which it warns at the last
    job.signal("SIGINT");
    assert.equal((await job.ended).exit, "SIGINT", job.said());
  });
});
