import assert from "node:assert/strict";
import test from "node:test";
import { run } from "../../src/engine/run.ts";
import { type Behaviour, createWorld, job, planOf, second } from "../support/world.ts";

/** A release whose job is cancelled at a time. */
async function cancelledAt(time: number, behaviour: Behaviour) {
  const world = createWorld(planOf(), behaviour);
  const stop = new AbortController();
  void world.ports.clock.sleepUntil(time).then(() => stop.abort("the job was cancelled"));
  const { state } = await run(await world.begin(), world.ports, job({ stop: stop.signal }));
  return { world, state };
}

const nameAt = (world: Awaited<ReturnType<typeof cancelledAt>>["world"], name: string): number =>
  world.calls.find((call) => call.name === name)?.at ?? assert.fail(`${name} was never called`);

test("a stop while the canary is deployed lets that end before anything is undone: what is made later would stay", async () => {
  const { world, state } = await cancelledAt(1 * second, {
    takes: ({ name }) => (name === "workload.deploy" ? 5 * second : undefined),
  });
  assert.equal(state.phase, "rolled-back");
  assert.equal(nameAt(world, "workload.deploy"), 0);
  assert.ok(nameAt(world, "router.finish") >= 5 * second, `${nameAt(world, "router.finish")}`);
  assert.deepEqual(world.cluster, world.before);
});

test("once requests are at stake a stop waits half a second for what is under way, and goes back", async () => {
  const { world, state } = await cancelledAt(3 * second, {
    takes: ({ name }) => (name === "router.write" ? 30 * second : undefined),
  });
  assert.equal(state.phase, "rolled-back");
  assert.equal(nameAt(world, "router.write"), 2 * second);
  assert.equal(nameAt(world, "router.finish"), 3.5 * second);
});

test("a stop during an effect leaves its step in the journal: another job that goes on does it again", async () => {
  const { world, state } = await cancelledAt(2.1 * second, {
    takes: ({ name }) => (name === "workload.scale" ? 0.2 * second : undefined),
  });
  assert.equal(state.phase, "rolled-back");
  const steps = world.journaled.map((state) => ("step" in state ? `${state.phase}/${state.step}` : state.phase));
  assert.deepEqual(steps, [
    "preparing/starting",
    "preparing/settling",
    "shifting/scaling",
    "rolling-back/returning",
    "rolling-back/draining",
    "rolling-back/retiring",
    "rolled-back",
  ]);
});

test("a stop interrupts a stage's wait at once", async () => {
  const { world } = await cancelledAt(9 * second, {});
  assert.equal(nameAt(world, "router.finish"), 9 * second);
});

test("a job that lost its lock between two steps asks the world for nothing more", async () => {
  for (const at of ["workload.scale", "router.write", "router.finish"]) {
    const lost = new AbortController();
    const world = createWorld(planOf());
    const { ports } = world;
    let lostAt: number | undefined;
    const save: typeof ports.journal.save = async (record) => {
      await ports.journal.save(record);
      if (world.calls.at(-2)?.name !== at) return;
      lostAt = world.calls.length;
      lost.abort(new Error("another job took the lock"));
    };
    const running = run(
      await world.begin(),
      { ...ports, journal: { ...ports.journal, save } },
      job({ lost: lost.signal }),
    );
    await assert.rejects(running, /another job took the lock/);
    assert.equal(world.calls.length, lostAt, at);
  }
});
