import assert from "node:assert/strict";
import test from "node:test";
import { promote } from "../../src/commands/promote.ts";
import { rollback } from "../../src/commands/rollback.ts";
import { settle } from "../../src/commands/settle.ts";
import { run } from "../../src/engine/run.ts";
import type { Instant, Millis } from "../../src/lib/duration.ts";
import { DeniedError, RefusedError, TakenOverError, UnreachableError } from "../../src/lib/errors.ts";
import type { Plan } from "../../src/release/plan.ts";
import type { State } from "../../src/release/state.ts";
import { createSession } from "../support/session.ts";
import { job } from "../support/world.ts";

/** Numbers from 0 to 1, the same ones for the same seed. */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return state / 2 ** 31;
  };
}

/** A release whose requests take a while on their way, as their answers do, and a rollback by hand at a moment. */
async function braked(promotion: Plan["promotion"], latency: Millis, moment: Instant) {
  const { session, world } = await createSession({ behaviour: { latency: () => latency } });
  const begun = await world.begin();
  const released = run({ ...begun, plan: { ...begun.plan, promotion } }, world.ports, job()).then(
    ({ state }) => state.phase,
    (error: unknown) => error,
  );
  await session.clock.sleepUntil(moment);
  const exit = await rollback(session).catch((error: unknown) => (error instanceof RefusedError ? 2 : error));
  return { exit, released: await released, world };
}

for (const promotion of ["swap", "update"] as const)
  for (const latency of [10, 25, 50])
    test(`a rollback by hand has the release at any of 30 moments, and the job stops: ${promotion}, ${latency}ms`, async () => {
      const undisturbed = await braked(promotion, latency, 1e9);
      assert.equal(undisturbed.released, "succeeded");
      const next = numbers(latency);
      const stopped: unknown[] = [];
      for (let count = 1; count <= 30; count++) {
        const { calls } = undisturbed.world;
        const { at } = calls[Math.floor(next() * calls.length)] ?? assert.fail();
        const moment = at + (next() * 8 - 4) * latency;
        const { exit, released, world } = await braked(promotion, latency, moment);
        const where = `after ${Math.round(moment)}ms`;
        assert.ok(exit === 0 || (exit === 2 && released === "succeeded"), `${where}: ${exit}`);
        const end = world.journaled.at(-1)?.phase;
        if (released !== "succeeded") {
          assert.ok(released instanceof TakenOverError, `${where}: ${released}`);
          stopped.push(end);
        }
        assert.ok(end === "succeeded" || end === "rolled-back", `${where}: ${end}`);
        assert.deepEqual(world.cluster, end === "succeeded" ? undisturbed.world.cluster : world.before, where);
      }
      assert.ok(stopped.length > 20 && new Set(stopped).size === 2, stopped.join());
    });

/** When the job begins to write the first weight. */
const firstWrite = async (): Promise<Instant> =>
  (await braked("swap", 10, 1e9)).world.calls.find(({ name }) => name === "router.write")?.at ?? assert.fail();

for (const what of ["read", "confirm", "write", "save"] as const)
  test(`a ${what} of the job that is held back until after a rollback changes nothing any more`, async () => {
    const begins = await firstWrite();
    let held = false;
    const { session, world } = await createSession({
      behaviour: {
        latency(request) {
          if (held || request !== what || session.clock.now() < begins) return 10;
          held = true;
          return 300_000;
        },
      },
    });
    const released = run(await world.begin(), world.ports, job()).catch((error: unknown) => error);
    await session.clock.sleepUntil(begins + 90);
    assert.ok(held);
    assert.equal(await rollback(session), 0);
    assert.ok(session.clock.now() < begins + 300_000, "it waits for nobody");
    assert.ok((await released) instanceof TakenOverError);
    assert.ok(world.writes.every(({ weight, at }) => weight === 0 || at < begins + 90));
    assert.deepEqual(world.cluster, world.before);
  });

test("a job that finds its release taken right after a write takes that weight back, also when nobody else looks", async () => {
  const begins = await firstWrite();
  const { session, world } = await createSession({ behaviour: { latency: () => 10 } });
  const released = run(await world.begin(), world.ports, job()).catch((error: unknown) => error);
  const { journal } = world.ports;
  await session.clock.sleepUntil(begins + 30); // it has made sure of its release, and writes
  const record = (await journal.load()) ?? assert.fail();
  await journal.save({ ...record, run: { id: "a job that dies now" } });
  assert.ok((await released) instanceof TakenOverError);
  assert.deepEqual(
    world.writes.map(({ weight }) => weight),
    [10, 0],
  );
});

const baking: State = { phase: "baking", stage: 0, since: 0, putBacks: 0 };
const waiting: State = { phase: "waiting", stage: 0, since: 0, reason: { kind: "stage-passed", stage: "10%" } };

const takers = [
  [rollback, baking, { id: "another-job" }],
  [settle, baking, { id: "this-job" }],
  [promote, waiting, { id: "another-job" }],
] as const;

for (const [command, state, earlierRun] of takers)
  test(`what its job saves between the reading and the saving of a ${command.name} is read, and the release taken all the same`, async () => {
    const { session, load, events } = await createSession({ state, earlierRun });
    const { journal } = session;
    let saves = 3;
    const save: typeof journal.save = async (record) => {
      if (saves-- > 0) throw new TakenOverError("the journal was changed by another job");
      await journal.save(record);
    };
    assert.equal(await command({ ...session, journal: { ...journal, save } }), 0);
    assert.equal(load()?.run.id, "this-job");
    assert.equal(events.at(-1), "unlock");
  });

for (const [command, state, earlierRun] of takers)
  test(`a ${command.name} that has lost its lock to somebody who rolls back saves nothing over what that one saved`, async () => {
    const { session, load, events, world } = await createSession({
      state,
      earlierRun,
      taken: () => "another job took over the release of shop/reviews",
    });
    const before = load();
    await assert.rejects(command(session), /another job took over/);
    assert.deepEqual(load(), before);
    assert.deepEqual(world.writes, []);
    assert.equal(events.at(-1), "unlock");
  });

test("a rollback by hand is not kept from its work by a lock that it may not write, and says that it has none", async () => {
  for (const lockFails of [new DeniedError("leases: forbidden"), new Error("PUT …/leases/…: 422 Invalid")]) {
    const { session, world, warnings } = await createSession({ lockFails });
    const released = run(await world.begin(), world.ports, job()).catch((error: unknown) => error);
    await session.clock.sleepUntil(30_000);
    assert.equal(await rollback(session), 0);
    assert.ok((await released) instanceof TakenOverError);
    assert.deepEqual(world.cluster, world.before);
    assert.deepEqual(
      warnings.filter((warning) => warning.startsWith("The lock could not be taken")),
      [`The lock could not be taken, and this goes on without it: ${lockFails.message}`],
    );
  }
});

test("every other command wants its lock", async () => {
  const { session, world } = await createSession({ lockFails: new DeniedError("leases: forbidden") });
  await assert.rejects(promote(session), RefusedError);
  assert.deepEqual(world.cluster, world.before);
});

test("a rollback of a cluster that does not answer says so once", async () => {
  const { session, warnings } = await createSession({ lockFails: new UnreachableError("no answer") });
  await assert.rejects(rollback(session), /no answer/);
  assert.deepEqual(warnings, []);
});
