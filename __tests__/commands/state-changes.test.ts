import assert from "node:assert/strict";
import test from "node:test";
import { promote } from "../../src/commands/promote.ts";
import { release } from "../../src/commands/release.ts";
import { rollback } from "../../src/commands/rollback.ts";
import type { ExitCode, Session } from "../../src/commands/session.ts";
import { settle } from "../../src/commands/settle.ts";
import { status } from "../../src/commands/status.ts";
import { DeniedError, RefusedError, UnreachableError, UnsettledError } from "../../src/lib/errors.ts";
import type { Account } from "../../src/release/account.ts";
import type { State } from "../../src/release/state.ts";
import { alike } from "../support/alike.ts";
import { beforeEffects, createSession, type SessionOptions } from "../support/session.ts";
import type { Call } from "../support/world.ts";

const waiting: State = {
  phase: "waiting",
  stage: 0,
  since: 0,
  reason: { kind: "stage-passed", stage: "10%" },
};
const baking: State = { phase: "baking", stage: 0, since: 0, putBacks: 0 };
const none = { requests: 0, errors: 0, buckets: [] };
const mine = { id: "this-job" };

type Row = readonly [
  what: string,
  command: (session: Session) => Promise<ExitCode>,
  options: SessionOptions,
  before: readonly string[],
  first: string,
];

/** What has to be in the journal before anything is done: a job that dies then is carried on by another one. */
const journaled: readonly Row[] = [
  ["a release", release, {}, ["lock", "save preparing"], "deploy"],
  ["the end of an earlier release", release, { state: baking }, ["lock", "save rolling-back"], "finish"],
  ["an approval", promote, { state: waiting }, ["lock", "save shifting"], "scale"],
  ["a rollback by hand", rollback, { state: baking }, ["lock by force", "save rolling-back"], "finish"],
];

for (const [what, command, options, before, first] of journaled) {
  test(`${what} is in the journal before the cluster is touched, and the lock is given back at the end`, async () => {
    const { session, events } = await createSession(options);
    await command(session);
    assert.deepEqual(beforeEffects(events), { before, first });
    assert.equal(events.at(-1), "unlock");
  });
}

test("the cookie by which users are kept says something else in each release", async () => {
  const { session, load } = await createSession({
    judged: "gates: [{ restarts: {} }]\nmetrics: {}\naffinity: { cookie: version }",
  });
  assert.equal(await release(session), 0);
  const { plan, startedAt } = load() ?? assert.fail();
  assert.deepEqual(plan.affinity, { cookie: "version", release: startedAt.toString(36) });
  assert.deepEqual(plan.evidence.settings.split, { alpha: 0.001, tolerance: 1, atLeast: true });
});

test("whoever takes a release over stands in the journal, with who approved it", async () => {
  const { session, load } = await createSession({ state: waiting });
  assert.equal(await promote(session), 0);
  const { run, log } = load() ?? assert.fail();
  assert.equal(run.id, "this-job");
  assert.deepEqual(log[0]?.reason, { kind: "approved", actor: "ada" });
});

test("an earlier release that was left half-way is ended, told of, and then the new one runs", async () => {
  const { session, events, warnings } = await createSession({ state: baking });
  assert.equal(await release(session), 0);
  assert.deepEqual(
    events.filter((event) => event.startsWith("report")),
    ["report rolled-back", "report succeeded"],
  );
  assert.match(warnings.join(), /was left half-way; it is ended first/);
});

test("an earlier release that cannot be ended is no refusal: it is told whose it was, and the new one does not run", async () => {
  const earlierRun = { id: "another-job", url: "https://github.test/runs/1" };
  const differences = async (): Promise<readonly string[]> => ["v2 has 50%"];
  const { session, events } = await createSession({ state: baking, earlierRun, differences });
  await assert.rejects(release(session), (error) => {
    assert.ok(error instanceof UnsettledError);
    assert.match(error.message, /v2 \(https:\/\/github\.test\/runs\/1\) could not be ended: v2 has 50%$/);
    return true;
  });
  assert.deepEqual(events.at(-1), "unlock");
  assert.ok(!events.includes("save preparing"));
});

for (const [what, command, options] of [
  ["succeeds", release, {}],
  ["is rolled back", rollback, { state: baking }],
  ["is settled", settle, { state: baking, earlierRun: mine }],
] as const) {
  test(`of a release that ${what} the end is told, and nobody leaves before it is sent`, async () => {
    const { session, events } = await createSession(options);
    await command(session);
    assert.match(events.slice(-3).join(), /^report (succeeded|rolled-back),flush,unlock$/);
  });
}

for (const [whose, options, said] of [
  ["another job's release", { state: baking, holder: "another-job" }, []],
  ["this job's release that waits for somebody", { state: waiting, earlierRun: mine }, ["nothing left"]],
  ["nothing", {}, ["nothing left"]],
] as const) {
  test(`settle leaves ${whose} alone, without asking for the lock`, async () => {
    const { session, events, printed, load, cluster } = await createSession(options);
    cluster.weight = "earlierRun" in options ? 10 : 0; // as the release that waits has written it
    const before = load();
    assert.equal(await settle(session), 0);
    assert.deepEqual(events, said);
    assert.deepEqual(printed, ["Nothing of this job is left half-way."]);
    assert.deepEqual(load(), before);
  });
}

const held = (since: number): State => ({
  phase: "waiting",
  stage: 0,
  since,
  reason: {
    kind: "held",
    stage: "10%",
    question: "undecided",
    verdict: { gate: "evidence", kind: "wait", figures: { of: "restarts", restarts: 0, allowed: 0 } },
  },
});
const hour = 3_600_000;

test("any job's settle gives a release back that is held and on which nobody has decided in time", async () => {
  const { session, cluster, load } = await createSession({ state: held(-hour) });
  assert.equal(await settle(session), 0);
  const { state, run, log } = load() ?? assert.fail();
  assert.deepEqual([state.phase, cluster.weight, run.id], ["rolled-back", 0, "this-job"]);
  const reason = { kind: "hold-over", after: hour };
  assert.deepEqual("reason" in state && state.reason, reason);
  assert.deepEqual(log[0]?.do === "settle" && log[0].reason, reason);
});

for (const [what, meanwhile] of [
  ["another job has", { run: { id: "third-job" } }],
  ["is another one", { startedAt: 1 }],
  ["goes on", { state: baking }],
] as const)
  test(`what settle decided on a release is nothing for one that ${what} by then`, async () => {
    const { session, events, load } = await createSession({ state: held(-hour) });
    const record = load() ?? assert.fail();
    let loads = 0;
    const journal = { ...session.journal, load: async () => (loads++ === 0 ? record : { ...record, ...meanwhile }) };
    await settle({ ...session, journal });
    assert.ok(events.includes("lock") && !events.some((event) => event.startsWith("save")), events.join());
  });

for (const [what, options, said] of [
  ["held, while there is still time to decide", { state: held(-hour + 1) }, ["nothing left"]],
  [
    "waiting for an approval of the plan, however long",
    { state: { ...waiting, since: -100 * hour } },
    ["nothing left"],
  ],
  ["another job's, which lives", { state: baking, holder: "another-job" }, []],
] as const)
  test(`settle leaves a release alone that is ${what}`, async () => {
    const { session, events, load } = await createSession(options);
    const before = load();
    assert.equal(await settle(session), 0);
    assert.deepEqual([events, load()], [said, before]);
  });

test("any job's settle ends what a dead job left half-way", async () => {
  const { session, cluster, load } = await createSession({ state: baking });
  assert.equal(await settle(session), 0);
  assert.deepEqual([load()?.state.phase, cluster.weight], ["rolled-back", 0]);
});

test("an old version that is kept for a time keeps its pods until then, when any job's settle takes them", async () => {
  const early = await createSession({ state: { phase: "succeeded", keptUntil: 1 } });
  await early.session.connect(early.load() ?? assert.fail()).router.finish("canary");
  assert.equal(await settle(early.session), 0);
  assert.equal(early.cluster.stable, "as before");
  const { session, cluster, load } = await createSession({ state: { phase: "succeeded", keptUntil: 0 } });
  await session.connect(load() ?? assert.fail()).router.finish("canary");
  assert.equal(await settle(session), 0);
  assert.deepEqual([load()?.state, cluster.stable], [{ phase: "succeeded" }, "scaled down"]);
});

test("a release that keeps the old version for a time says until when", async () => {
  const { session, load, cluster } = await createSession();
  const { target, plan } = session.config.release ?? assert.fail();
  const kept = { target, plan: { ...plan, keepOld: true, keepFor: hour } };
  assert.equal(await release({ ...session, config: { ...session.config, release: kept } }), 0);
  const { state } = load() ?? assert.fail();
  assert.equal(state.phase === "succeeded" && state.keptUntil, cluster.weight === 100 && session.clock.now() + hour);
});

test("the next release takes the pods of an old version first that are kept for a time", async () => {
  const { session, events, load } = await createSession({ state: { phase: "succeeded", keptUntil: 1_000_000 } });
  await session.connect(load() ?? assert.fail()).router.finish("canary");
  await release(session);
  assert.ok(events.indexOf("retire") >= 0 && events.indexOf("retire") < events.indexOf("deploy"), events.join());
});

const stuck = { phase: "failed", during: "promoting", returned: false, reason: { kind: "deploying" } } as const;

for (const [what, options, exit, words] of [
  ["held", { state: held(0) }, 3, /: held, stage 1 of 2/],
  ["stuck", { state: stuck }, 3, /could neither be finished nor given back/],
  ["half-way, its job dead", { state: baking }, 3, /No job runs it any more, so nobody watches the canary/],
  ["half-way, its job alive", { state: baking, holder: "another-job" }, 0, /To stop it and give all traffic back/],
  ["waiting for an approval", { state: waiting }, 0, /To go on/],
] as const)
  test(`status of a release that is ${what} says so, and exits ${exit}`, async () => {
    const { session, printed } = await createSession(options);
    assert.equal(await status(session), exit);
    assert.match(printed.join("\n"), words);
  });

test("settle ends the release of its own job", async () => {
  const { session, cluster, load } = await createSession({ state: baking, earlierRun: mine });
  assert.equal(await settle(session), 0);
  assert.deepEqual([load()?.state.phase, cluster.weight], ["rolled-back", 0]);
  assert.ok(!load()?.log.some((entry) => entry.do === "settle"), "nobody took it from anybody");
});

test("a job that is cancelled between looking and doing has changed nothing, and says so", async () => {
  const stopping = await createSession({
    findings: () => {
      stopping.stop.abort("the job was cancelled");
      return [];
    },
  });
  await assert.rejects(release(stopping.session), (error) => {
    assert.ok(error instanceof RefusedError);
    assert.equal(error.message, "the job was cancelled, before anything was changed.");
    return true;
  });
  assert.deepEqual(stopping.events, ["lock", "unlock"]);
  assert.equal(stopping.load(), undefined);
});

test("a finding that refuses ends the release before anything is changed", async () => {
  const { session, events, warnings } = await createSession({
    findings: () => [
      { level: "refuse", what: "there is no Service" },
      { level: "warn", what: "no sidecar", next: "Inject one." },
    ],
  });
  await assert.rejects(release(session), /cannot be released, and nothing was changed:\n {2}✗ there is no Service$/);
  assert.deepEqual(events, ["lock", "unlock"]);
  assert.deepEqual(warnings, ["no sidecar. Inject one."]);
});

for (const [what, differences, words] of [
  ["what differs at the end", async () => ["Deployment shop/reviews-v1 has 3 replicas"], /has 3 replicas/],
  [
    "a cluster that cannot be read again",
    () => Promise.reject(new Error("no answer")),
    /could not be read again: no answer/,
  ],
] as const) {
  test(`${what} makes the job red: a release that succeeded, and a rollback`, async () => {
    for (const [command, options] of [
      [release, {}],
      [rollback, { state: baking }],
    ] as const) {
      const accounts: Account[] = [];
      const { session } = await createSession({ ...options, differences });
      const { flush } = session.reporter;
      const reporter = { flush, report: (account: Account) => void accounts.push(account) };
      assert.equal(await command({ ...session, reporter }), 3);
      assert.match(accounts.at(-1)?.differences?.join() ?? "", words);
    }
  });
}

for (const failure of [new DeniedError("the journal is too large"), new UnreachableError("no answer")])
  for (const [command, earlierRun] of [
    [rollback, { id: "another-job" }],
    [settle, mine],
  ] as const)
    test(`a journal that cannot be saved keeps ${command.name} from nothing: ${failure.message}`, async () => {
      const accounts: Account[] = [];
      const { session, cluster, warnings, world } = await createSession({
        state: baking,
        earlierRun,
        behaviour: { fails: ({ name, at }) => (name === "journal.save" && at > 0 ? failure : undefined) },
      });
      await session.clock.sleepUntil(1_000);
      cluster.weight = 10;
      const { flush } = session.reporter;
      const reporter = { flush, report: (account: Account) => void accounts.push(account) };
      assert.equal(await command({ ...session, reporter }), 3);
      const back = world.writes.find(({ weight }) => weight === 0) ?? assert.fail();
      assert.ok(back.at <= 2_000, `traffic is given back at once: ${back.at}`);
      const { state, unsaved, settled } = accounts.at(-1) ?? assert.fail();
      assert.deepEqual([state.phase, settled, unsaved], ["rolled-back", false, failure.message]);
      assert.match(warnings.join(), /The journal cannot be saved, and giving back comes first: /);
      assert.ok(session.clock.now() < 120_000, `it ends: ${session.clock.now()}`);
    });

test("a release or an approval that cannot be saved changes nothing", async () => {
  // What an earlier job saved, it saved at 0.
  const fails = ({ name, at }: Call): Error | undefined =>
    name === "journal.save" && at > 0 ? new DeniedError("forbidden") : undefined;
  for (const [command, options] of [
    [release, {}],
    [release, { state: baking }],
    [promote, { state: waiting }],
  ] as const) {
    const { session, cluster, world, events } = await createSession({ ...options, behaviour: { fails } });
    await session.clock.sleepUntil(1_000);
    await assert.rejects(command(session), /forbidden/);
    assert.deepEqual(cluster, world.before);
    assert.equal(events.includes("finish"), false, "nor is anything given back that nobody could take over");
  }
});

test("what was usual is asked beside what else is read before a release, and its journal has it", async () => {
  const { session, load } = await createSession({
    judged: "gates: auto\nmetrics: { prometheus: 'http://metrics.test' }",
  });
  const asked = new Promise<void>((resolve) => {
    // Whoever asks one after the other waits here for ever.
    const { history } = session;
    Object.assign(history, {
      dispersion: async () => asked.then(() => ({ phi: 1, because: "measured", spread: alike })),
      async traffic() {
        resolve();
        return { stable: { requests: 500, errors: 0, buckets: [] }, canary: none, unattributed: none, covered: 10_000 };
      },
    });
  });
  await release(session);
  const { usual, usualOf } = load()?.plan.evidence.settings ?? {};
  assert.deepEqual([usual, usualOf], [50, 500]);
});
