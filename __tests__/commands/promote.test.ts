import assert from "node:assert/strict";
import test from "node:test";
import { keptMetrics, metricsFor } from "../../src/commands/known-metrics.ts";
import { promote } from "../../src/commands/promote.ts";
import type { Session } from "../../src/commands/session.ts";
import type { Config } from "../../src/config/config.ts";
import { emptyTally } from "../../src/evidence/tally.ts";
import { RefusedError } from "../../src/lib/errors.ts";
import type { KeptMetrics } from "../../src/release/kept-metrics.ts";
import type { ReleaseRecord } from "../../src/release/release-record.ts";
import { configured, sound, soundBut } from "../config/configured.ts";
import { createSession, type SessionOptions } from "../support/session.ts";

const waiting: ReleaseRecord["state"] = {
  phase: "waiting",
  stage: 0,
  since: 0,
  reason: { kind: "stage-passed", stage: "10%" },
};

/** What the journal has of a release that began with this configuration. */
async function keptBy(file: string, env = {}): Promise<KeptMetrics | undefined> {
  return keptMetrics(await configured({ file, env }));
}

const alone = { namespace: "shop", service: "reviews", command: "promote" };

type Situation = SessionOptions & {
  /** How the job is asked that promotes. Default: by the names alone. */
  readonly asked?: Parameters<typeof configured>[0];
  readonly kept?: KeptMetrics | undefined;
  readonly record?: Partial<ReleaseRecord>;
};

/** Promotes a release that waits after 10%, with a stage of 50% left that evidence judges. */
async function ask({ asked = { inputs: alone }, kept, record, ...options }: Situation) {
  const made = await createSession({ state: waiting, ...options });
  const { plan } = (await configured({ file: sound })).release ?? assert.fail();
  const before = { ...(made.load() ?? assert.fail()), plan, metrics: kept, ...record };
  await made.session.journal.save(before);
  made.events.length = 0;
  const inspected: (KeptMetrics | undefined)[] = [];
  const session = {
    ...made.session,
    config: await configured(asked),
    inspectMetrics: async (known: ReleaseRecord) => {
      inspected.push(known.metrics);
      return options.findings?.() ?? [];
    },
  };
  return { ...made, session, before, inspected };
}

/** That it is refused before anything is written, and how. */
async function refusal(situation: Situation): Promise<string> {
  const { session, events, load, before } = await ask(situation);
  const thrown = await promote(session).then(
    () => assert.fail("it was not refused"),
    (error: unknown) => error,
  );
  assert.ok(thrown instanceof RefusedError, String(thrown));
  assert.deepEqual(events, ["lock", "unlock"]);
  assert.deepEqual(load(), before);
  return `${thrown.message} ${thrown.next ?? ""}`.trimEnd();
}

test("whoever cannot judge what is left is refused before anything is written, and told what to add", async () => {
  assert.equal(
    await refusal({ record: { asked: { config: "ops/canary.yaml" } } }),
    "shop/reviews: the stages that are left (50%) are judged by Prometheus, and this command has none. " +
      "Nothing was changed. Add --config ops/canary.yaml (or --prometheus URL).",
  );
});

test("headers and logins are asked for by their names, and the command says where they go", async () => {
  const file = soundBut(
    "metrics: { prometheus: https://ada:S3CRET@prom.test/shop?tenant=S3CRET, headers: { Authorization: S3CRET } }",
  );
  const said = await refusal({ kept: await keptBy(file) });
  assert.equal(
    said,
    "shop/reviews: the stages that are left (50%) are judged by Prometheus, which is asked with the header Authorization, a login in its address; the journal does not keep secrets. " +
      "Nothing was changed. Give them by the configuration (--config canary.yaml, with what it takes from the environment), or say: " +
      "istio-canary promote --namespace shop --service reviews --prometheus https://prom.test/shop --metrics-headers Authorization=…",
  );
});

test("a Prometheus that does not answer, or knows nothing of the service, refuses as well", async () => {
  const said = await refusal({
    kept: await keptBy(sound),
    findings: () => [{ level: "refuse", what: "Prometheus did not answer: no route to host" }],
  });
  assert.match(said, /\(50%\) are judged by Prometheus, and could not be\. Nothing was changed:\n {2}✗ Prometheus did/);
});

test("by the names alone it goes on with the metrics that the journal knows", async () => {
  const kept = await keptBy(sound);
  const { session, inspected, load } = await ask({ kept });
  assert.notEqual(await promote(session), 2);
  assert.deepEqual(inspected, [kept]);
  assert.deepEqual(load()?.metrics, kept);
});

test("what is said to promote counts, and stands in the journal from then on", async () => {
  const file = soundBut("metrics: { prometheus: http://other:9090 }");
  const { session, load } = await ask({
    kept: await keptBy(sound),
    record: { asked: { config: "old.yaml", context: "prod-eu-1" } },
    asked: { file, inputs: { command: "promote" } },
  });
  await promote(session);
  assert.equal(load()?.metrics?.url, "http://other:9090");
  assert.deepEqual(load()?.asked, { config: "canary.yaml", kubeconfig: undefined, context: "prod-eu-1" });
});

test("where nothing is left to judge nobody is asked for a Prometheus", async () => {
  const { session, inspected } = await ask({ record: { state: { ...waiting, stage: 1 } } });
  assert.equal(await promote(session), 0);
  assert.deepEqual(inspected, []);
});

const ofV2 = { judged: { image: "registry.test/reviews:v2", digests: {} } };

test("another image than the one that waits, named by somebody, is refused before anything is written", async () => {
  const said = await refusal({
    kept: await keptBy(sound),
    asked: { inputs: { ...alone, image: "registry.test/reviews:v3" } },
    record: ofV2,
  });
  assert.equal(
    said,
    "shop/reviews: the release that waits is of registry.test/reviews:v2, and not of registry.test/reviews:v3. " +
      "Nothing was changed. To go on with it: istio-canary promote --namespace shop --service reviews. " +
      "To end it: istio-canary rollback --namespace shop --service reviews. Then the other can be released.",
  );
});

test("what the configuration has otherwise by now is told, and what waits goes on as it began", async () => {
  const file = soundBut("image: registry.test/reviews:v3\nstages: 10:2m, 60:2m");
  const { session, warnings, load } = await ask({ asked: { file, inputs: { command: "promote" } }, record: ofV2 });
  await promote(session);
  assert.match(
    warnings[0] ?? "",
    /is of registry\.test\/reviews:v2, which it goes on with; .* registry\.test\/reviews:v3/,
  );
  assert.match(warnings[1] ?? "", /by the stages that it began with \(10%, 50%, 100%\)/);
  assert.ok(!load()?.plan.stages.some(({ weight }) => weight === 60));

  const same = await ask({
    record: ofV2,
    asked: { file: soundBut("image: registry.test/reviews:v2"), inputs: { command: "promote" } },
  });
  await promote(same.session);
  assert.deepEqual(same.warnings, []);
});

/** What is said of stages when this configuration goes on with a release that the sound one began. */
async function saidOfStages(lines: string, record: Partial<ReleaseRecord> = {}): Promise<readonly string[]> {
  const asked = { file: soundBut(lines), inputs: { command: "promote" } };
  const { session, warnings } = await ask({ asked, kept: await keptBy(sound), record });
  await promote(session);
  return warnings.filter((warning) => warning.includes("stages"));
}

test("stages that differ only because this job was not told where requests are counted have not changed", async () => {
  assert.deepEqual(await saidOfStages("metrics: {}"), []);
  assert.deepEqual(await saidOfStages("metrics: { prometheus: http://other:9090 }"), []);
});

test("it is told what of the stages has changed", async () => {
  const [shorter] = await saidOfStages("stages: 10:2m, 100");
  assert.match(shorter ?? "", /\(10%, 50%, 100%\); .*: they are 10%, 100%$/);
  const [longer] = await saidOfStages("stages: 10:2m, 50:6m, 100\nmetrics: {}");
  assert.match(longer ?? "", /: stage 2 has another wait, time at most$/);
  const [gates] = await saidOfStages("gates: [{ restarts: {} }]");
  assert.match(gates ?? "", /: stage 1 has another choice of gates; stage 2 has another choice of gates$/);
});

const someoneElses = 40;

for (const [stage, weight] of [
  [0, 10],
  [1, 100],
] as const) {
  test(`weights that somebody changed while a release waited are a reason to go back, as in a stage: ${weight}%`, async () => {
    const { session, cluster, load } = await ask({
      kept: await keptBy(sound),
      record: { state: { ...waiting, stage } },
    });
    await waitAt(load, session, stage, weight);
    cluster.weight = someoneElses;
    assert.equal(await promote(session), 1);
    const { state } = load() ?? assert.fail();
    assert.ok(state.phase === "rolled-back" && state.reason.kind === "drift", JSON.stringify(state));
    assert.equal(cluster.weight, 0);
  });

  test(`or are put back and told at ${weight}%, where the plan says so`, async () => {
    const made = await ask({ kept: await keptBy(sound), record: { state: { ...waiting, stage } } });
    const { session, cluster, load, world } = made;
    await waitAt(load, session, stage, weight, "put-back");
    cluster.weight = someoneElses;
    await promote(session);
    assert.equal(world.writes[0]?.weight, weight);
    assert.ok(load()?.log.some(({ reason }) => reason.kind === "put-back"));
  });
}

/** As a release that came to wait there: its stage has begun, and has its weight. */
async function waitAt(
  load: () => ReleaseRecord | undefined,
  { journal }: { readonly journal: Pick<Session["journal"], "save"> },
  stage: number,
  weight: number,
  drift: "put-back" | "rollback" = "rollback",
): Promise<void> {
  const record = load() ?? assert.fail();
  const stages = record.plan.stages.slice(0, stage).concat({ ...(record.plan.stages[stage] ?? assert.fail()), weight });
  const begun = stages.map(({ name, weight }, index) => ({
    stage: index,
    name,
    weight,
    since: 0,
    verdicts: [],
    polls: 0,
    tally: emptyTally,
  }));
  const plan = { ...record.plan, drift, stages: [...stages, ...record.plan.stages.slice(stage + 1)] };
  await journal.save({ ...record, plan, stages: begun });
}

const knownTo = async (inputs: Readonly<Record<string, string>>, kept: KeptMetrics | undefined) =>
  metricsFor(await configured({ inputs: { ...alone, ...inputs } }), { metrics: kept });

test("what the journal has of metrics is all that judging needs, and single settings lay over it", async () => {
  const { metrics }: Config = await configured({ file: sound });
  const kept = await keptBy(sound);
  assert.deepEqual(await knownTo({}, kept), metrics);
  assert.deepEqual(await knownTo({ "metrics-reporter": "destination", "metrics-interval": "5s" }, kept), {
    ...metrics,
    reporter: "destination",
    interval: 5_000,
  });
});

test("no secret is sent to an address that only the journal knows", async () => {
  const kept = await keptBy(sound);
  assert.equal(await knownTo({ "metrics-headers": "Authorization=S3CRET" }, kept), undefined);
  const named = await knownTo({ "metrics-headers": "Authorization=S3CRET", prometheus: "http://mine:9090" }, kept);
  assert.deepEqual([named?.prometheus, named?.headers], ["http://mine:9090", { Authorization: "S3CRET" }]);
});

test("whoever was not told what a program or a URL is asked is refused, and told what to add", async () => {
  const { plan } = (await configured({ file: sound })).release ?? assert.fail();
  const run = { kind: "run", name: "smoke", tolerate: 0, noData: "wait" } as const;
  const stages = plan.stages.map((stage) => ({ ...stage, gates: [run] }));
  assert.equal(
    await refusal({ record: { plan: { ...plan, stages }, asked: { config: "ops/canary.yaml" } } }),
    "shop/reviews: the stages that are left are judged by the gate smoke, and this command was not told what that asks. " +
      "Nothing was changed. Add --config ops/canary.yaml.",
  );
});

test("where no release ever was it says so, and speaks of no last one", async () => {
  const { session } = await createSession();
  await assert.rejects(promote(session), /shop\/reviews: no release waits for somebody to decide\.$/);
  const { session: other } = await createSession({ state: { phase: "succeeded" } });
  await assert.rejects(promote(other), /no release waits for somebody to decide; the last one is succeeded\.$/);
});
