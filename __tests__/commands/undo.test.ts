import assert from "node:assert/strict";
import test from "node:test";
import { keptMetrics } from "../../src/commands/known-metrics.ts";
import { undo } from "../../src/commands/undo.ts";
import { RefusedError } from "../../src/lib/errors.ts";
import type { Account } from "../../src/release/account.ts";
import type { ReleaseRecord } from "../../src/release/release-record.ts";
import { configured, sound } from "../config/configured.ts";
import { beforeEffects, createSession, type SessionOptions } from "../support/session.ts";

const succeeded = { phase: "succeeded" } as const;

/** An undo of the release that the journal has. */
async function ask({
  record,
  namedImage,
  ...options
}: SessionOptions & { record?: Partial<ReleaseRecord>; namedImage?: string | undefined }) {
  const made = await createSession({ state: succeeded, ...options });
  const before = { ...(made.load() ?? assert.fail()), ...record };
  await made.session.journal.save(before);
  made.events.length = 0;
  return { ...made, before, session: { ...made.session, config: { ...made.session.config, namedImage } } };
}

async function refusal(situation: Parameters<typeof ask>[0]): Promise<string> {
  const { session, events, before, load } = await ask(situation);
  const error = await undo(session).then(
    () => assert.fail("it was not refused"),
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof RefusedError, String(error));
  assert.deepEqual(events, ["lock", "unlock"]);
  assert.deepEqual(load(), before);
  return `${error.message} ${error.next ?? ""}`.trimEnd();
}

test("an undo is a release of its own in the journal before the cluster is touched, with the roles exchanged after a swap", async () => {
  const { session, events, load, before } = await ask({});
  assert.equal(await undo(session), 0);
  assert.deepEqual(beforeEffects(events), { before: ["lock", "save preparing"], first: "deploy" });
  const { target, exchanged, plan, undoes, run, state, log } = load() ?? assert.fail();
  assert.deepEqual([target.stable, target.canary], [before.target.canary, before.target.stable]);
  assert.deepEqual(
    [target.source, target.replicas, target.image, exchanged],
    [{ from: "existing" }, { kind: "count", count: 3 }, "registry.test/reviews:v1", true],
  );
  assert.deepEqual(plan.stages, []);
  assert.deepEqual(undoes, { startedAt: before.startedAt, image: before.target.image });
  assert.deepEqual([run.id, state.phase], ["this-job", "succeeded"]);
  assert.ok(
    log.some(({ reason }) => reason.kind === "promoted" && reason.atOnce),
    "of stages nothing is said",
  );
  assert.equal(log.filter((entry) => entry.do === "begin").length, 1);
  assert.deepEqual(log[0]?.reason, {
    kind: "undo-wanted",
    deployment: "reviews-v1",
    image: "registry.test/reviews:v1",
    actor: "ada",
  });
});

test("whoever undoes a swap is told that the file's roles are exchanged, and nobody else", async () => {
  for (const [promotion, told] of [
    ["swap", 1],
    ["update", 0],
  ] as const) {
    const { session, before, printed } = await ask({});
    await session.journal.save({ ...before, plan: { ...before.plan, promotion } });
    await undo(session);
    assert.equal(printed.filter((line) => line.includes("this one goes to reviews-v1")).length, told, promotion);
  }
});

test("the end of an undo says what serves again", async () => {
  const { session } = await ask({});
  const accounts: Account[] = [];
  const reporter = { ...session.reporter, report: (account: Account) => void accounts.push(account) };
  assert.equal(await undo({ ...session, reporter }), 0);
  const { reason } = accounts.at(-1) ?? assert.fail();
  assert.deepEqual(reason, { kind: "undone", deployment: "reviews-v1", image: "registry.test/reviews:v1" });
});

test("where requests are counted an undo knows from its own job, else from the release that it undoes", async () => {
  const told = await configured({ file: sound });
  const own = keptMetrics(told) ?? assert.fail();
  const earlier = { ...own, url: "http://earlier.test" };
  for (const [metrics, kept] of [
    [told.metrics, own],
    [undefined, earlier],
  ] as const) {
    const { session, load } = await ask({ record: { metrics: earlier } });
    await undo({ ...session, config: { ...session.config, metrics } });
    assert.deepEqual(load()?.metrics, kept);
  }
});

test("an undo to pods that stand ready waits for no mesh: the first write comes at once", async () => {
  for (const [stands, namedImage, waits] of [
    [true, undefined, false],
    [false, undefined, true],
    [true, "registry.test/reviews:v0", true],
  ] as const) {
    const { session, world } = await ask({ wayBack: { stands }, namedImage });
    const began = world.now();
    assert.equal(await undo(session), 0);
    const took = (world.writes[0]?.at ?? assert.fail()) - began;
    assert.equal(took > 0, waits, `${took}ms`);
  }
});

test("after an update a copy of stable has the image before until stable has it again", async () => {
  const { plan, target } = (await ask({})).before;
  for (const [source, hasCanary, expected] of [
    [{ from: "clone", labels: { track: "canary" } }, false, { from: "clone", labels: { track: "canary" } }],
    [{ from: "existing" }, true, { from: "existing" }],
    [{ from: "existing" }, false, { from: "clone", labels: {} }],
    [{ from: "manifests", objects: [] }, true, { from: "clone", labels: {} }],
  ] as const) {
    const { session, load, before } = await ask({
      record: { plan: { ...plan, promotion: "update" }, target: { ...target, source } },
      wayBack: { hasCanary },
    });
    assert.equal(await undo(session), 0);
    const undone = load() ?? assert.fail();
    assert.deepEqual([undone.target.stable, undone.target.canary], [before.target.stable, before.target.canary]);
    assert.deepEqual(
      [undone.target.source, undone.target.replicas, undone.target.image, undone.exchanged],
      [expected, { kind: "percent", percent: 100 }, "registry.test/reviews:v1", false],
    );
  }
});

test("the image that somebody names is gone to instead of the one before", async () => {
  const { session, load } = await ask({ namedImage: "registry.test/reviews:v0" });
  assert.equal(await undo(session), 0);
  assert.equal(load()?.target.image, "registry.test/reviews:v0");
});

test("an image that somebody had given to stable meanwhile is what served last, and gone back to", async () => {
  const { session, load } = await ask({ record: { replaced: "registry.test/reviews:v1-patch" } });
  assert.equal(await undo(session), 0);
  assert.equal(load()?.target.image, "registry.test/reviews:v1-patch");
});

test("an undo that was given up is undone again as it was", async () => {
  const undoes = { startedAt: 1, image: "registry.test/reviews:v2" };
  const given = { kind: "cancelled", words: "the job was cancelled" } as const;
  const { session, load, before } = await ask({
    record: { undoes, exchanged: true, state: { phase: "rolled-back", reason: given } },
  });
  assert.equal(await undo(session), 0);
  const again = load() ?? assert.fail();
  assert.deepEqual([again.target, again.exchanged, again.undoes], [before.target, true, undoes]);
});

test("where there is nothing to undo nothing is touched, and it is said why and what to do", async () => {
  const reason = { kind: "left-half-way" } as const;
  const rollback = "istio-canary rollback --namespace shop --service reviews";
  assert.match(
    await refusal({ record: { undoes: { startedAt: 1 } } }),
    /^shop\/reviews: nothing was undone\. The last release is undone already: .* serves\. To go forward again, release/,
  );
  assert.match(
    await refusal({ state: { phase: "rolled-back", reason } }),
    /was rolled back: the version before it, reviews-v1, serves already\. To go back further, release/,
  );
  for (const state of [
    { phase: "baking", stage: 0, since: 0, putBacks: 0 },
    { phase: "failed", during: "promoting", returned: false, reason },
  ] as const)
    assert.match(
      await refusal({ state }),
      new RegExp(`is not over \\(${state.phase}\\)\\. This gives .*: ${rollback}$`),
    );
  const first = await ask({});
  const noWay = { ...first.session, wayBack: async () => undefined };
  await assert.rejects(undo(noWay), /was the first: there is no version before it/);
  const never = await createSession();
  await assert.rejects(undo(never.session), /nothing was undone\. No release was ever begun here/);
});

test("what preflight finds refuses an undo as it does a release, and it is told that it is one", async () => {
  const asked: unknown[] = [];
  const { session } = await ask({});
  const preflight: typeof session.preflight = (_target, _plan, options) => {
    asked.push(options);
    return { inspect: async () => [{ level: "refuse", what: "there is no Service" }] };
  };
  await assert.rejects(
    undo({ ...session, preflight }),
    /^RefusedError: shop\/reviews cannot be undone, and nothing was changed:\n {2}✗ there is no Service$/,
  );
  assert.deepEqual(asked, [{ undo: true, exchanged: true }]);
});
