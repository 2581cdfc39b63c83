import assert from "node:assert/strict";
import test from "node:test";
import { run } from "../../src/engine/run.ts";
import { DeniedError } from "../../src/lib/errors.ts";
import type { Ports } from "../../src/ports/ports.ts";
import { createWorld, job, planOf } from "../support/world.ts";

/** The ports with routes that cannot be given back the first few times. */
function refusing(ports: Ports, times: number): Ports {
  let left = times;
  const finish: Ports["router"]["finish"] = async (winner) => {
    if (left-- > 0) throw new DeniedError("the webhook says no");
    return ports.router.finish(winner);
  };
  return { ...ports, router: { ...ports.router, finish } };
}

test("a rollback that is refused is tried again, and its story says so once", async () => {
  const world = createWorld(planOf(), { errors: () => 0.3 });
  const { state, log } = await run(await world.begin(), refusing(world.ports, 5), job());
  assert.equal(state.phase, "rolled-back");
  assert.deepEqual(world.cluster, world.before);
  assert.deepEqual(
    log.filter(({ do: done }) => done === "retry").map(({ reason }) => reason),
    [{ kind: "trying-again", words: "the webhook says no" }],
  );
});

test("a weight that is refused for good is told as the reason to roll back, and nothing else", async () => {
  const world = createWorld(planOf());
  const write: Ports["router"]["write"] = async (split) => {
    if (split.canary > 5) throw new DeniedError("the webhook says no");
    return world.ports.router.write(split);
  };
  const { state, log } = await run(
    await world.begin(),
    { ...world.ports, router: { ...world.ports.router, write } },
    job(),
  );
  assert.deepEqual(state, {
    phase: "rolled-back",
    reason: { kind: "trouble", words: "the webhook says no", lasting: true },
  });
  assert.deepEqual(
    log.filter(({ do: done }) => done === "retry"),
    [],
  );
});
