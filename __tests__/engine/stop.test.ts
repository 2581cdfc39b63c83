import assert from "node:assert/strict";
import test from "node:test";
import { run } from "../../src/engine/run.ts";
import { TakenOverError, UnreachableError } from "../../src/lib/errors.ts";
import { type Behaviour, createWorld, job, planOf, second, stageOf } from "../support/world.ts";

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

test("a job whose release another one took over in a stage stops with its next look, however long the stage", async () => {
  const world = createWorld(planOf({ stages: [stageOf(5, { wait: 600 * second, deadline: 900 * second })] }));
  const running = run(await world.begin(), world.ports, job());
  await world.ports.clock.sleepUntil(20 * second);
  const { journal } = world.ports;
  const record = (await journal.load()) ?? assert.fail();
  await journal.save({ ...record, run: { id: "another-job" } });
  await assert.rejects(running, TakenOverError);
  assert.ok(world.now() <= 26 * second, `${world.now()}`);
});

/** Somebody cancels at these times while a rollback that nothing lets through is tried again and again. */
async function insistingAt(times: readonly number[], behaviour: Behaviour, plan = planOf()) {
  const world = createWorld(plan, behaviour);
  const [stop, insist] = [new AbortController(), new AbortController()];
  for (const time of times)
    void world.ports.clock
      .sleepUntil(time)
      .then(() => (stop.signal.aborted ? insist : stop).abort("the job was cancelled"));
  const unsaved: string[] = [];
  const { state } = await run(
    await world.begin(),
    world.ports,
    job({ stop: stop.signal, insist: insist.signal, unsaved: ({ words }) => unsaved.push(words) }),
  );
  return { world, state, unsaved, endedAt: world.now() };
}

const noWayBack: Behaviour = {
  errors: () => 0.3,
  fails: ({ name }) => (name === "router.finish" ? new UnreachableError("no answer") : undefined),
};
const silentWayBack: Behaviour = {
  errors: () => 0.3,
  takes: ({ name }) => (name === "router.finish" ? Infinity : undefined),
};

for (const [what, behaviour] of [
  ["is refused", noWayBack],
  ["is not answered", silentWayBack],
] as const) {
  test(`a rollback by a gate that ${what} ends with the first cancellation`, async () => {
    const { state, endedAt } = await insistingAt([60 * second], behaviour);
    assert.equal(state.phase, "failed");
    assert.ok(endedAt >= 60 * second && endedAt <= 64 * second, `${endedAt}`);
  });

  test(`a rollback by a cancellation that ${what} goes on, and ends with the second`, async () => {
    const { state, endedAt } = await insistingAt([3 * second, 60 * second], behaviour);
    assert.equal(state.phase, "failed");
    assert.ok(endedAt >= 60 * second && endedAt <= 64 * second, `${endedAt}`);
  });
}

test("a second cancellation takes nothing from a rollback that gets somewhere", async () => {
  for (const again of [3, 3.001, 3.5, 4, 10]) {
    const { world, state } = await insistingAt([3 * second, again * second], {});
    assert.equal(state.phase, "rolled-back", `${again}`);
    assert.deepEqual(world.cluster, world.before);
  }
});

test("a promotion that gets nowhere ends with a cancellation, and one that does goes on", async () => {
  const stuck = await insistingAt([120 * second], {
    fails: ({ name }) => (name === "workload.retire" ? new UnreachableError("no answer") : undefined),
  });
  assert.ok(stuck.state.phase === "failed" && stuck.state.during === "promoting");
  assert.ok(stuck.endedAt <= 124 * second, `${stuck.endedAt}`);
  const undisturbed = await insistingAt([], {});
  const promotes = nameAt(undisturbed.world, "router.finish");
  assert.equal((await insistingAt([promotes + 1], {})).state.phase, "succeeded");
});

test("an end that cannot be saved is not tried again once somebody cancels", async () => {
  const { state, unsaved, endedAt } = await insistingAt(
    [40 * second],
    {
      errors: () => 0.3,
      takes: ({ name, at }) => (name === "journal.save" && at > 10 * second ? Infinity : undefined),
    },
    planOf({ patience: 300 * second }),
  );
  assert.equal(state.phase, "rolled-back");
  assert.equal(unsaved.length, 1);
  assert.ok(endedAt >= 40 * second && endedAt <= 43 * second, `${endedAt}`);
});

test("the canary's logs are kept when its requests are gone and before its pods are; ones that hang hold up nothing for long", async () => {
  for (const [stopsAt, hangs, most] of [
    [undefined, false, 0],
    [undefined, true, 3 * second],
    [9 * second, true, 0.5 * second],
  ] as const) {
    const world = createWorld(planOf(), {
      errors: () => 0.5,
      takes: ({ name }) => (hangs && name === "workload.keepLogs" ? Infinity : undefined),
    });
    const stop = new AbortController();
    if (stopsAt !== undefined) void world.ports.clock.sleepUntil(stopsAt).then(() => stop.abort("cancelled"));
    const { state } = await run(await world.begin(), world.ports, job({ stop: stop.signal }));
    assert.equal(state.phase, "rolled-back");
    const order = world.calls.map(({ name }) => name);
    const [off, kept, gone] = ["router.finish", "workload.keepLogs", "workload.restore"].map((name) =>
      order.indexOf(name),
    );
    assert.ok(off !== undefined && kept !== undefined && gone !== undefined && off >= 0 && off < kept && kept < gone);
    assert.equal(nameAt(world, "workload.restore") - nameAt(world, "workload.keepLogs"), most);
  }
});

test("logs that hang hold up one try to put the canary back, and none of the next", async () => {
  let refused = 0;
  const world = createWorld(planOf(), {
    errors: () => 0.5,
    takes: ({ name }) => (name === "workload.keepLogs" ? Infinity : undefined),
    fails: ({ name }) =>
      name === "workload.restore" && refused++ === 0 ? new UnreachableError("no answer") : undefined,
  });
  assert.equal((await run(await world.begin(), world.ports, job())).state.phase, "rolled-back");
  assert.equal(world.calls.filter(({ name }) => name === "workload.keepLogs").length, 1);
});
