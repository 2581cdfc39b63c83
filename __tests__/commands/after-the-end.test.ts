import assert from "node:assert/strict";
import test from "node:test";
import { rollback } from "../../src/commands/rollback.ts";
import type { ExitCode, Session } from "../../src/commands/session.ts";
import { settle } from "../../src/commands/settle.ts";
import { status } from "../../src/commands/status.ts";
import { DeniedError, RefusedError, tell } from "../../src/lib/errors.ts";
import type { ReleaseRecord } from "../../src/release/release-record.ts";
import type { State } from "../../src/release/state.ts";
import { createSession, type SessionOptions } from "../support/session.ts";
import type { Behaviour, Call } from "../support/world.ts";

const rolledBack: State = { phase: "rolled-back", reason: { kind: "job-ended" } };
const succeeded: State = { phase: "succeeded" };
const mine = { id: "this-job" };
const gone = { ready: false, desired: 0, available: 0 };
const withoutCanary: Behaviour = { health: (of) => (of === "canary" ? gone : {}) };
const withoutStable: Behaviour = { health: (of) => (of === "stable" ? gone : {}) };

/** A service whose last release ended so, with these requests on the canary now. */
async function ended(options: SessionOptions, weight: number, promotion: "swap" | "update" = "swap") {
  const begun = await createSession(options);
  const { session, world } = begun;
  const { journal } = world.ports;
  const record = await journal.load();
  if (record) await journal.save({ ...record, plan: { ...record.plan, promotion } });
  begun.cluster.weight = weight;
  return {
    ...begun,
    said: async (command: (session: Session) => Promise<ExitCode>) => {
      const exit = await command(session).catch((error: unknown) => {
        if (!(error instanceof RefusedError)) throw error;
        begun.printed.push(tell(error));
        return 2;
      });
      return { exit, text: begun.printed.join("\n"), weight: begun.cluster.weight };
    },
  };
}

const left = (events: readonly string[]): readonly string[] => events.filter((event) => event.endsWith(" left"));

test("a rollback of a release that is over, and as it should be, is refused, and says how to go back", async () => {
  const swapped = await (await ended({ state: succeeded }, 100)).said(rollback);
  assert.deepEqual([swapped.exit, swapped.weight], [2, 100]);
  assert.match(
    swapped.text,
    /shop\/reviews: nothing was rolled back; the last release succeeded at .* UTC, and reviews-v2.* serves everything\. To go back to reviews-v1: istio-canary undo .*--namespace shop --service reviews/,
  );
  const updated = await (await ended({ state: succeeded }, 0, "update")).said(rollback);
  assert.match(updated.text, /To go back to the image that reviews-v1 had before: istio-canary undo/);
  const again = await (await ended({ state: rolledBack }, 0)).said(rollback);
  assert.equal(again.exit, 2);
  assert.match(again.text, /the last release was rolled back at .* UTC, and reviews-v1 serves everything\.$/);
});

for (const [what, state, options, weight, promotion, end] of [
  ["a canary that is gone after a rollback", rolledBack, withoutCanary, 30, "swap", 0],
  ["a canary that still has pods after a rollback", rolledBack, {}, 30, "swap", 0],
  ["a canary that is gone after an update", succeeded, withoutCanary, 55, "update", 0],
  ["a stable that rests after a swap", succeeded, withoutStable, 45, "swap", 100],
] as const) {
  test(`requests that go to ${what} are told by every command, and given to the winner by a rollback`, async () => {
    const scene = await ended({ state, behaviour: options, earlierRun: mine }, weight, promotion);
    const settled = await scene.said(settle);
    assert.deepEqual([settled.exit, settled.weight, left(scene.events)], [3, weight, ["something left"]], settled.text);
    assert.match(
      settled.text,
      new RegExp(`the last release .* at .* UTC, and not everything is as it should be:\\n {2}v2 has ${weight}%`),
    );
    const told = await scene.said(status);
    assert.deepEqual([told.exit, told.weight], [3, weight]);
    assert.match(told.text, /not as it should be: v2 has .*\n.*What can be put right: istio-canary rollback /s);

    const put = await scene.said(rollback);
    assert.deepEqual([put.exit, put.weight], [0, end], put.text);
    assert.deepEqual(left(scene.events), ["something left", "nothing left"]);
    assert.equal(scene.load()?.run.id, "this-job");
    assert.equal(scene.load()?.state.phase, state.phase);
    assert.equal((await scene.said(settle)).exit, 0);
    assert.equal((await scene.said(status)).exit, 0);
  });
}

test("what the job that had the release still writes is not left standing by whoever puts it right", async () => {
  const behaviour: Behaviour = {
    ...withoutCanary,
    latency(request) {
      if (request === "fence") scene.cluster.weight = 30;
      return 0;
    },
  };
  const scene = await ended({ state: rolledBack, behaviour }, 30);
  const { exit, weight, text } = await scene.said(rollback);
  assert.deepEqual([exit, weight], [0, 0], text);
});

for (const [what, behaviour, why] of [
  ["both have pods", {}, /both have pods, and somebody may want it so/],
  [
    "the winner has none",
    { health: (of) => (of === "canary" ? gone : {}) },
    /which should have all requests, has no pod/,
  ],
] as const satisfies readonly (readonly [string, Behaviour, RegExp])[]) {
  test(`after a swap no request is moved where ${what}, and that is told`, async () => {
    const scene = await ended({ state: succeeded, behaviour }, 45);
    const { exit, text, weight } = await scene.said(rollback);
    assert.deepEqual([exit, weight, left(scene.events)], [3, 45, ["something left"]]);
    assert.match(text, why);
  });
}

for (const [what, state, weight, promotion] of [
  ["was rolled back", rolledBack, 0, "swap"],
  ["was rolled back, while the canary has a part of its requests,", rolledBack, 30, "update"],
  ["has updated it", succeeded, 0, "update"],
] as const)
  for (const command of [settle, rollback])
    test(`a stable that somebody scaled to 0 after a release that ${what} gets its pods by a ${command.name}`, async () => {
      let revived: number | undefined;
      const behaviour: Behaviour = {
        fails({ name, at }) {
          if (name === "workload.revive") revived = at;
          return undefined;
        },
        health(of, now) {
          if (of === "canary") return gone;
          return revived !== undefined && now < revived + 20_000 ? { ready: false, available: 0 } : {};
        },
      };
      const earlierRun = command === settle ? mine : { id: "another-job" };
      const scene = await ended({ state, earlierRun, behaviour }, weight, promotion);
      scene.cluster.stable = "emptied";
      const { exit, text } = await scene.said(command);
      assert.equal(scene.cluster.stable, "as before", text);
      assert.match(text, /Deployment shop\/reviews-v1 is scaled to 0, and requests go to it: it gets its pods back\./);
      assert.ok(revived !== undefined && scene.session.clock.now() >= revived + 20_000, "its pods were awaited");
      const isRight = command === rollback || weight === 0;
      assert.deepEqual([exit, left(scene.events)], isRight ? [0, ["nothing left"]] : [3, ["something left"]], text);
      assert.ok(scene.load()?.log.some(({ reason }) => reason.kind === "reviving-stable"));
      assert.ok(scene.events[0]?.startsWith("lock"));
    });

test("the step that leaves nothing half-way revives no stable that rests, has pods, or is another job's", async () => {
  for (const [state, earlierRun, stable, weight] of [
    [succeeded, mine, "emptied", 100],
    [succeeded, mine, "emptied", 45],
    [rolledBack, { id: "another-job" }, "emptied", 0],
    [rolledBack, mine, "as before", 0],
  ] as const) {
    const scene = await ended({ state, earlierRun }, weight);
    scene.cluster.stable = stable;
    await scene.said(settle);
    assert.ok(!scene.world.calls.some(({ name }) => name === "workload.revive"));
  }
});

test("a stable that somebody scaled to 0 gets its pods also when the journal cannot be saved", async () => {
  const fails = ({ name, at }: Call): Error | undefined =>
    name === "journal.save" && at > 0 ? new DeniedError("forbidden") : undefined;
  const scene = await ended({ state: rolledBack, earlierRun: mine, behaviour: { fails } }, 0);
  scene.cluster.stable = "emptied";
  await scene.session.clock.sleepUntil(1_000);
  assert.equal((await scene.said(settle)).exit, 0);
  assert.equal(scene.cluster.stable, "as before");
});

test("a stable that somebody scaled to 0 is another release's when one has begun meanwhile", async () => {
  const scene = await ended({ state: rolledBack, earlierRun: mine }, 0);
  scene.cluster.stable = "emptied";
  const over = scene.load() ?? assert.fail();
  const begun: ReleaseRecord = {
    ...over,
    run: { id: "third-job" },
    state: { phase: "preparing", step: "deploying", since: 0 },
  };
  let loads = 0;
  const journal = { ...scene.session.journal, load: async () => (loads++ === 0 ? over : begun) };
  await settle({ ...scene.session, journal });
  assert.deepEqual([scene.warnings, scene.cluster.stable], [[], "emptied"]);
});

test("a stable whose pods do not come is told of, and never called as it should be", async () => {
  for (const command of [settle, rollback]) {
    const behaviour: Behaviour = { health: (of) => (of === "stable" ? { ready: false, available: 0 } : {}) };
    const scene = await ended({ state: rolledBack, earlierRun: mine, behaviour }, 0);
    scene.cluster.stable = "emptied";
    const { exit, text } = await scene.said(command);
    assert.deepEqual([exit, scene.cluster.stable, left(scene.events)], [3, "as before", ["something left"]], text);
    assert.match(text, /reviews-v1 has no available pod, and requests go to it/);
  }
});

const awaited: State = { phase: "waiting", stage: 0, since: 0, reason: { kind: "stage-passed", stage: "10%" } };
const noRule = "no DestinationRule in namespace shop has the subset v1, which the routes name";

test("a release that waits while requests get no answer is told of, by whoever looks", async () => {
  for (const earlierRun of [mine, { id: "another-job" }]) {
    const scene = await ended({ state: awaited, earlierRun, behaviour: { unserved: () => ({ stable: noRule }) } }, 10);
    const settled = await scene.said(settle);
    assert.deepEqual([settled.exit, left(scene.events)], [3, ["something left"]], settled.text);
    assert.match(settled.text, /no DestinationRule in namespace shop has the subset v1/);
    const told = await scene.said(status);
    assert.equal(told.exit, 3);
    assert.match(told.text, /not as it should be: no DestinationRule in namespace shop has the subset v1/);
  }
});

test("one that waits as it should is none of their business", async () => {
  for (const earlierRun of [mine, { id: "another-job" }]) {
    const scene = await ended({ state: awaited, earlierRun }, 10);
    assert.equal((await scene.said(settle)).exit, 0);
    assert.equal((await scene.said(status)).exit, 0);
  }
});

test("what cannot be read is not taken for what is right", async () => {
  for (const [state, call, weight] of [
    [rolledBack, "router.differences", 0],
    [awaited, "router.unserved", 10],
  ] as const)
    for (const command of [status, settle]) {
      const fails = ({ name }: Call) => (name === call ? new Error("no answer") : undefined);
      const scene = await ended({ state, earlierRun: mine, behaviour: { fails } }, weight);
      const { exit, text } = await scene.said(command);
      assert.equal(exit, 3);
      assert.match(text, /could not be read again: no answer/);
    }
});

test("a rollback that failed is tried once more by the step that leaves nothing half-way; a promotion is only told of", async () => {
  const reason = { kind: "job-ended" } as const;
  const back = await ended(
    { state: { phase: "failed", during: "rolling-back", returned: false, reason }, earlierRun: mine },
    30,
  );
  assert.deepEqual(await back.said(settle).then(({ exit, weight }) => [exit, weight]), [0, 0]);
  const forward = await ended(
    { state: { phase: "failed", during: "promoting", returned: false, reason }, earlierRun: mine },
    100,
  );
  const { exit, weight, text } = await forward.said(settle);
  assert.deepEqual([exit, weight, left(forward.events)], [3, 100, ["something left"]]);
  assert.match(text, /the release failed while promoting/);
});

test("without a journal a rollback gives the requests of both to the stable of the configuration, and keeps the canary's pods", async () => {
  const scene = await ended({}, 30);
  const standing = await scene.said(status);
  assert.equal(standing.exit, 3);
  assert.match(
    standing.text,
    /shop\/reviews: there is no journal here, and not everything is as it should be:\n.*both/,
  );
  assert.equal((await scene.said(settle)).exit, 3);
  const { exit, weight, text } = await scene.said(rollback);
  assert.deepEqual([exit, weight], [0, 0], text);
  assert.match(
    scene.warnings.join(),
    /no journal .* both have requests, .* go to reviews-v1, which the configuration calls stable/,
  );
  assert.equal(scene.load()?.state.phase, "rolled-back");
});

for (const [what, options, why] of [
  ["stable has no pod", { behaviour: withoutStable }, /reviews-v1, which the configuration calls stable, has no pod/],
] as const) {
  test(`without a journal no request is moved where ${what}`, async () => {
    const scene = await ended(options, 30);
    const { exit, weight, text } = await scene.said(rollback);
    assert.deepEqual([exit, weight, left(scene.events)], [3, 30, ["something left"]]);
    assert.match(text, why);
  });
}

for (const [what, weight] of [
  ["stable", 0],
  ["the canary, as after a swap,", 100],
] as const)
  test(`without a journal nothing is rolled back where ${what} has everything`, async () => {
    const scene = await ended({}, weight);
    assert.deepEqual(await scene.said(rollback).then(({ exit, weight }) => [exit, weight]), [2, weight]);
    assert.equal((await scene.said(status)).exit, 0);
    assert.equal((await scene.said(settle)).exit, 0);
  });

test("without a journal nobody who has not read where requests go says that all is as it should be", async () => {
  const scene = await ended({}, 30);
  const { session } = scene;
  assert.equal(await settle({ ...session, config: { ...session.config, release: undefined } }), 0);
  assert.equal(await settle({ ...session, serving: async () => [] }), 0);
  assert.deepEqual(left(scene.events), []);
  scene.cluster.weight = 100;
  assert.equal(await settle(session), 0);
  assert.deepEqual(left(scene.events), ["nothing left"]);
});

test("without a journal and a configuration nobody knows which versions there were, and the command says so", async () => {
  const scene = await ended({}, 30);
  const { session } = scene;
  const bare = { ...session, config: { ...session.config, release: undefined } };
  await assert.rejects(rollback(bare), (error) => {
    assert.ok(error instanceof RefusedError);
    assert.match(
      tell(error),
      /no journal of a release here\. Nothing was rolled back\. .*: istio-canary rollback --config FILE --namespace shop --service reviews/,
    );
    return true;
  });
  assert.equal(scene.cluster.weight, 30);
});

test("a name that nothing has is refused, with the names that there are", async () => {
  for (const command of [rollback, status]) {
    const scene = await ended({ services: ["details", "ratings"] }, 0);
    const { exit, text } = await scene.said(command);
    assert.equal(exit, 2);
    assert.match(text, /There is no Service reviews in shop \(found: details, ratings\)\./);
  }
});

test("a job that lost its release says where the requests went when it stopped", async () => {
  const { session, world } = await createSession({ state: { phase: "baking", stage: 0, since: 0, putBacks: 0 } });
  const { journal } = world.ports;
  const { save } = session.journal;
  let saves = 0;
  const interrupted = async (record: ReleaseRecord): Promise<void> => {
    await save(record);
    if (++saves !== 1) return;
    const newest = (await journal.load()) ?? assert.fail();
    await journal.save({ ...newest, run: { id: "third-job" } });
  };
  await assert.rejects(rollback({ ...session, journal: { ...session.journal, save: interrupted } }), (error) => {
    assert.match(
      tell(error),
      /third-job.*\. This job has stopped\. Requests went so then: route "primary": v1 100, v2 0\. Where the release is: istio-canary status /,
    );
    return true;
  });
});
