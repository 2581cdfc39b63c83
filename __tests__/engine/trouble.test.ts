import assert from "node:assert/strict";
import test from "node:test";
import type { Job } from "../../src/engine/job.ts";
import { run } from "../../src/engine/run.ts";
import { pollsOf } from "../../src/evidence/ledger.ts";
import { DeniedError, TakenOverError, UnreachableError } from "../../src/lib/errors.ts";
import type { Account } from "../../src/release/account.ts";
import { headlineOf } from "../../src/words/headline.ts";
import { say } from "../../src/words/say.ts";
import {
  awayBetween,
  type Behaviour,
  createWorld,
  job,
  judgedByEvidence,
  planOf,
  second,
  stageOf,
} from "../support/world.ts";

/* A world that fails: how long it is borne, what becomes of the release, and what is done meanwhile. */

const ended = async (behaviour: Behaviour, plan = planOf()) => {
  const world = createWorld(plan, behaviour);
  const record = await run(await world.begin(), world.ports, job());
  return { world, ...record };
};
const saidBy = (accounts: readonly Account[]): readonly string[] => accounts.map(({ reason }) => say(reason));
const long = planOf({ stages: [stageOf(5, { wait: 120 * second, deadline: 240 * second }), stageOf(50)] });

test("a cluster that is away for less than is borne costs a stage its looks, and nothing else", async () => {
  // The looks from 22s to 47s fail; the next comes after 30s, which would be too long, and succeeds.
  const { state, world } = await ended({ fails: awayBetween(20 * second, 50 * second) }, long);
  assert.equal(state.phase, "succeeded");
  assert.equal(saidBy(world.accounts).filter((words) => words === "no answer; looking again").length, 6);
});

test("one look that failed is forgotten with the next that succeeds, however long the stage goes on", async () => {
  const { state } = await ended({ fails: awayBetween(20 * second, 21 * second) }, long);
  assert.equal(state.phase, "succeeded");
  const starting = await ended({
    fails: awayBetween(1 * second, 2 * second),
    health: (_of, now) => ({ ready: now > 50 * second }),
  });
  assert.equal(starting.state.phase, "succeeded", "while pods start, too");
});

test("looks that fail with pauses between are no absence: only what lasts is", async () => {
  const { state } = await ended({ fails: (call) => awayBetween(at10s(call.at), at10s(call.at) + 5_000)(call) }, long);
  assert.equal(state.phase, "succeeded");
});
/** Every second ten seconds of the first stage begin with an absence. */
const at10s = (now: number): number =>
  now >= 20 * second && now < 120 * second ? Math.floor(now / (20 * second)) * 20 * second : Infinity;

test("a cluster that cannot be looked at while a stage lasts is borne for its time, and then the release goes back", async () => {
  const looks = ["router.drift", "workload.health canary"];
  const { state, world } = await ended(
    {
      fails: ({ name, at }) =>
        looks.includes(name) && at >= 20 * second ? new UnreachableError("no answer") : undefined,
    },
    long,
  );
  assert.ok(state.phase === "rolled-back");
  assert.equal(say(state.reason), "no answer, for 30s");
  const [back] = world.writes.filter(({ weight }) => weight === 0);
  assert.ok(back && back.at >= 50 * second && back.at <= 60 * second, `${back?.at}`);
  assert.deepEqual(world.cluster, world.before);
});

test("what failed is not held against a release when there is nothing left to be done about it", async () => {
  // The weight that somebody took away cannot be put back; then they give it again themselves.
  const { state } = await ended(
    {
      meddle: (cluster, now) => {
        if (now >= 20 * second && now < 30 * second) cluster.weight = 0;
        else if (now >= 30 * second && cluster.weight === 0) cluster.weight = 5;
      },
      fails: ({ name, at }) =>
        name === "router.write" && at >= 20 * second && at < 30 * second
          ? new UnreachableError("no answer")
          : undefined,
    },
    { ...long, drift: "put-back" },
  );
  assert.equal(state.phase, "succeeded");
});

test("a rollback that is refused for good is given up after its time, says so, and leaves the release failed", async () => {
  const { state, world } = await ended({
    errors: () => 0.3,
    fails: ({ name }) => (name === "router.finish" ? new DeniedError("the webhook says no") : undefined),
  });
  assert.ok(state.phase === "failed" && state.during === "rolling-back" && !state.returned);
  assert.equal(say(state.reason), "the webhook says no, for 30s");
  const tries = world.calls.filter(({ name }) => name === "router.finish").map(({ at }) => at);
  assert.ok(tries.length > 10 && (tries.at(-1) ?? 0) - (tries[0] ?? 0) <= 30 * second, `${tries.length} tries`);
});

test("a rollback that the cluster does not answer is tried five times as long", async () => {
  const { state, world } = await ended({
    errors: () => 0.3,
    fails: ({ name }) => (name === "router.finish" ? new UnreachableError("no answer") : undefined),
  });
  assert.ok(state.phase === "failed");
  assert.equal(say(state.reason), "no answer, for 2m30s");
  assert.equal(world.cluster.weight, 5);
});

test("a job that lost the release while it rolls back stops, and says who has it", async () => {
  const lost = new TakenOverError("another job has the release");
  let back = false;
  const world = createWorld(planOf(), {
    errors: () => 0.3,
    fails: ({ name }) => {
      back ||= name === "router.finish";
      return back && name === "journal.save" ? lost : undefined;
    },
  });
  await assert.rejects(run(await world.begin(), world.ports, job()), lost);
  const finished = world.calls.findIndex(({ name }) => name === "router.finish");
  assert.deepEqual(
    world.calls.slice(finished).map(({ name }) => name),
    ["router.finish", "journal.save"],
  );
});

test("a journal that hangs holds no rollback up: traffic comes off a bad version a second later at most", async () => {
  let failed: number | undefined;
  const isAway = (at: number): boolean => at > 10 * second && at < 40 * second;
  const { state, world } = await ended({
    errors: (now) => {
      if (now > 10 * second) failed ??= now;
      return now > 10 * second ? 0.3 : 0;
    },
    takes: ({ name, at }) => (name === "journal.save" && isAway(at) ? 20 * second : undefined),
    fails: ({ name, at }) => (name === "journal.save" && isAway(at) ? new UnreachableError("no answer") : undefined),
  });
  assert.equal(state.phase, "rolled-back");
  const [back] = world.writes.filter(({ weight }) => weight === 0);
  assert.ok(back && failed !== undefined && back.at - failed <= second, `${failed} ${back?.at}`);
  assert.deepEqual(world.cluster, world.before);
  assert.equal(world.load()?.state.phase, "rolled-back");
});

/** A bad canary, and a journal that fails from 10s on; `unsaved` is what the job was told in the end. */
async function endedUnsaved(failure: Error, more: Partial<Job> = {}, behaviour: Behaviour = {}) {
  const world = createWorld(planOf(), {
    errors: (now) => (now > 10 * second ? 0.3 : 0),
    fails: ({ name, at }) => (name === "journal.save" && at > 10 * second ? failure : undefined),
    ...behaviour,
  });
  const unsaved: string[] = [];
  const ended = await run(
    await world.begin(),
    world.ports,
    job({ unsaved: ({ words }) => unsaved.push(words), ...more }),
  );
  const backAt = world.calls.findLast(({ name }) => name === "workload.restore")?.at ?? assert.fail();
  return { world, ended, unsaved, lasted: world.now() - backAt };
}

for (const failure of [new DeniedError("forbidden"), new UnreachableError("no answer")])
  test(`where a release ended is tried to be saved for as long as trouble is borne, and told otherwise: ${failure.message}`, async () => {
    const { world, ended, unsaved, lasted } = await endedUnsaved(failure);
    assert.equal(ended.state.phase, "rolled-back");
    assert.deepEqual(world.cluster, world.before);
    assert.deepEqual(unsaved, [failure.message]);
    assert.ok(lasted > 25 * second && lasted <= 30 * second, `${lasted}`);
    const retries = ended.log.filter(({ do: what }) => what === "retry");
    assert.equal(retries.length, 1, "the same words are one entry");
    assert.ok((retries[0]?.times ?? 0) > 50, `${retries[0]?.times} times`);
  });

test("a journal that never answers keeps no job for longer, either", async () => {
  const { ended, unsaved, lasted } = await endedUnsaved(
    new UnreachableError("never"),
    {},
    {
      fails: () => undefined,
      takes: ({ name, at }) => (name === "journal.save" && at > 10 * second ? Infinity : undefined),
    },
  );
  assert.equal(ended.state.phase, "rolled-back");
  assert.equal(unsaved.length, 1);
  assert.equal(lasted, 30 * second);
});

test("a journal whose last refusal would come too late is told by the refusals before it", async () => {
  const { unsaved } = await endedUnsaved(
    new DeniedError("forbidden"),
    {},
    { takes: ({ name, at }) => (name === "journal.save" && at > 10 * second ? 900 : undefined) },
  );
  assert.deepEqual(unsaved, ["forbidden"]);
});

test("a stage that was never journaled had its weight all the same, and nobody says that no request went there", async () => {
  let written = false;
  const { state, world } = await ended({
    fails: ({ name }) => {
      written ||= name === "router.write";
      return written && name === "journal.save" ? new DeniedError("forbidden") : undefined;
    },
  });
  assert.equal(state.phase, "rolled-back");
  const last = world.accounts.at(-1) ?? assert.fail();
  const { words } = headlineOf({ ...last, state, differences: [], unsaved: "forbidden", settled: false });
  assert.match(words, /^rolled back, all requests go to .* again, but its journal could not be saved$/);
});

test("a journal that takes where a release ended at last has it, and nothing is said", async () => {
  const { world, unsaved } = await endedUnsaved(
    new DeniedError("forbidden"),
    {},
    {
      fails: ({ name, at }) =>
        name === "journal.save" && at > 10 * second && at < 40 * second ? new DeniedError("forbidden") : undefined,
    },
  );
  assert.equal(world.load()?.state.phase, "rolled-back");
  assert.deepEqual(unsaved, []);
});

test("a release whose end another job has taken over hears of it", async () => {
  const lost = new TakenOverError("another job has the release");
  await assert.rejects(endedUnsaved(lost), lost);
});

test("a journal that refuses a promotion does not keep its job for ever", async () => {
  let promoting = false;
  const { state, world } = await ended({
    fails: ({ name }) => {
      promoting ||= name === "router.finish";
      return promoting && name === "journal.save" ? new DeniedError("forbidden") : undefined;
    },
  });
  assert.ok(state.phase === "failed" && state.during === "promoting" && !state.returned, JSON.stringify(state));
  assert.equal(world.cluster.weight, 100);
});

test("a step whose journal is refused for good before any traffic is at stake ends the release with that reason", async () => {
  let refused = 0;
  const { state } = await ended({
    fails: ({ name }) => (name === "journal.save" && refused++ === 0 ? new DeniedError("forbidden") : undefined),
  });
  assert.ok(state.phase === "rolled-back" && say(state.reason) === "forbidden", JSON.stringify(state));
});

test("pods that cannot be read while requests drain do not stop a rollback, however long that takes", async () => {
  let back = false;
  const { state, world } = await ended(
    {
      errors: () => 0.3,
      fails: ({ name }) => {
        back ||= name === "router.finish";
        return back && name === "workload.health canary" ? new DeniedError("forbidden") : undefined;
      },
      takes: ({ name }) => (name === "workload.restore" ? 60 * second : undefined),
    },
    planOf({ drain: 60 * second }),
  );
  assert.equal(state.phase, "rolled-back");
  assert.deepEqual(world.cluster, world.before);
  assert.ok(!saidBy(world.accounts).some((words) => words.includes("forbidden")));
});

test("a Prometheus that is away for a whole stage is no pass: the release rolls back, and says why", async () => {
  const { state } = await ended({ blind: (now) => (now > 10 * second ? "Prometheus did not answer" : undefined) });
  assert.ok(state.phase === "rolled-back");
  assert.equal(
    say(state.reason),
    "stage 5% could not be judged within 1m: errors has no data: Prometheus did not answer",
  );
});

test("a canary that goes bad while the API server is away is rolled back for what it did, at once when that is back", async () => {
  for (const end of [30 * second, 200 * second]) {
    const { state, world } = await ended(
      {
        errors: (now) => (now >= 15 * second ? 0.3 : 0),
        fails: awayBetween(16 * second, end),
        meddle: () => {},
      },
      planOf({ stages: [stageOf(30, { wait: 120 * second, deadline: 240 * second })], patience: 60 * second }),
    );
    assert.ok(state.phase === "rolled-back" && state.reason.kind === "gate-failed", JSON.stringify(state));
    const [back] = world.writes.filter(({ weight }) => weight === 0);
    assert.ok(back && back.at - end <= second, `${back?.at}`);
    assert.deepEqual(world.cluster, world.before);
  }
});

test("a stage that passes by its counts alone waits for the cluster", async () => {
  const { state, world } = await ended(
    { fails: awayBetween(12 * second, 40 * second) },
    planOf({ patience: 60 * second }),
  );
  assert.equal(state.phase, "succeeded");
  assert.ok(world.writes.every(({ at }) => at < 12 * second || at >= 40 * second));
});

test("a canary that lost its pods is taken out though Prometheus keeps everybody waiting", async () => {
  const { state, world } = await ended(
    {
      health: (of, now) => (of === "canary" && now > 20 * second ? { available: 0 } : {}),
      takes: ({ name, at }) => (name === "metrics.look" && at > 15 * second ? 40 * second : undefined),
    },
    { ...long, pollEvery: 5 * second },
  );
  assert.ok(state.phase === "rolled-back" && state.reason.kind === "pods-gone", JSON.stringify(state));
  const [back] = world.writes.filter(({ weight }) => weight === 0);
  assert.ok(back && back.at <= 31 * second, `${back?.at}`);
});

/** From some moment on, for so long, what is asked of the canary's pods is not answered. */
const stalling = (start: number, lasts: number): Behaviour => ({
  takes: ({ name, at }) =>
    name === "workload.health canary" && at >= start && at < start + lasts ? start + lasts - at : undefined,
});

test("a look that the API server stalls blinds nobody: a bad canary is taken out by what is counted meanwhile", async () => {
  for (const [bad, plan] of [
    [0.6, planOf()],
    [0.6, judgedByEvidence(planOf())],
  ] as const) {
    const world = createWorld(plan, {
      ...stalling(13 * second, 300 * second),
      errors: (now) => (now > 13 * second ? bad : 0),
    });
    const { state } = await run(await world.begin(), world.ports, job());
    assert.ok(state.phase === "rolled-back" && state.reason.kind === "gate-failed", JSON.stringify(state));
    const back = world.writes.find(({ weight, at }) => weight === 0 && at > 0);
    assert.ok(back && back.at <= 30 * second, `${back?.at}`);
  }
});

test("also while pods start for the next weight", async () => {
  const world = createWorld(planOf(), {
    ...stalling(23 * second, 300 * second),
    health: (_of, now) => ({ ready: now < 22 * second }),
    errors: (now) => (now > 23 * second ? 0.9 : 0),
  });
  const { state } = await run(await world.begin(), world.ports, job());
  assert.ok(state.phase === "rolled-back" && state.reason.kind === "gate-failed", JSON.stringify(state));
  const back = world.writes.find(({ weight, at }) => weight === 0 && at > 0);
  assert.ok(back && back.at <= 45 * second, `${back?.at}`);
});

test("while a look is stalled nobody asks for another one, and a good release goes on when it is answered", async () => {
  const world = createWorld(planOf(), stalling(13 * second, 20 * second));
  const { state } = await run(await world.begin(), world.ports, job());
  assert.equal(state.phase, "succeeded");
  const asked = world.calls.filter(({ name, at }) => name === "workload.health canary" && at >= 13 * second);
  assert.equal(asked.filter(({ at }) => at < 33 * second).length, 1);
});

for (const [what, takes] of [
  ["a journal that hangs", ({ name, at }) => (name === "journal.save" && at >= 20 * second ? 300 * second : undefined)],
  ["a weight that hangs", ({ name, at }) => (name === "router.write" && at >= 20 * second ? Infinity : undefined)],
  ["room that is not made", ({ name, at }) => (name === "workload.scale" && at >= 20 * second ? Infinity : undefined)],
] as const satisfies readonly (readonly [string, Behaviour["takes"]])[]) {
  test(`${what} keeps no bad canary in traffic`, async () => {
    for (const plan of [planOf(), judgedByEvidence(planOf())]) {
      const world = createWorld(plan, { takes, errors: (now) => (now > 22 * second ? 0.9 : 0) });
      const { state } = await run(await world.begin(), world.ports, job());
      assert.ok(state.phase === "rolled-back" && state.reason.kind === "gate-failed", JSON.stringify(state));
      const back = world.writes.find(({ weight, at }) => weight === 0 && at > 0);
      assert.ok(back && back.at <= 50 * second, `${back?.at}`);
    }
  });
}

test("a journal that hangs for a while loses no good release, and no count", async () => {
  const world = createWorld(judgedByEvidence(planOf()), {
    takes: ({ name, at }) =>
      name === "journal.save" && at >= 20 * second && at < 30 * second ? 20 * second : undefined,
  });
  const { state, ledger } = await run(await world.begin(), world.ports, job());
  assert.equal(state.phase, "succeeded");
  const polls = pollsOf(ledger);
  const requests = polls.reduce((sum, { stable, canary }) => sum + stable.requests + canary.requests, 0);
  assert.ok(requests >= 7_000, `${requests}`);
});

test("a job that is cancelled while its journal hangs gives everything back at once", async () => {
  const stop = new AbortController();
  const world = createWorld(planOf(), {
    takes: ({ name, at }) => (name === "journal.save" && at >= 20 * second ? 300 * second : undefined),
    errors(now) {
      if (now >= 26 * second) stop.abort("the job was cancelled");
      return 0;
    },
  });
  const { state } = await run(await world.begin(), world.ports, job({ stop: stop.signal }));
  assert.ok(state.phase === "rolled-back" && state.reason.kind === "cancelled", JSON.stringify(state));
  const back = world.writes.find(({ weight, at }) => weight === 0 && at > 0);
  assert.ok(back && back.at <= 35 * second, `${back?.at}`);
});
