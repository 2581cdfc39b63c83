import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import { Ajv2020 } from "ajv/dist/2020.js";
import type { Account } from "../../src/release/account.ts";
import type { ReleaseRecord } from "../../src/release/release-record.ts";
import { planAnswer } from "../../src/words/plan-answer.ts";
import type { PlannedRelease } from "../../src/words/plan-text.ts";
import { noReleaseAnswer, statusAnswer } from "../../src/words/status-answer.ts";
import { planOf, stageOf } from "../support/world.ts";
import { evidenceSamples } from "./evidence-tale.ts";
import { samples } from "./sample.ts";

const cluster = { context: "prod-eu-1", host: "10.0.0.1:6443" };

/** As whoever reads the documentation checks it, after JSON. */
function assertDocumented(page: string, answer: object): Readonly<Record<string, unknown>> {
  const schema = JSON.parse(readFileSync(`docs/${page}.schema.json`, "utf8")) as object;
  const ajv = new Ajv2020({
    strict: false,
    formats: { "date-time": (text: string) => !Number.isNaN(Date.parse(text)) },
  });
  const validate = ajv.compile(schema);
  const read = JSON.parse(JSON.stringify(answer)) as Readonly<Record<string, unknown>>;
  assert.ok(validate(read), JSON.stringify(validate.errors));
  return read;
}

const manifest = {
  apiVersion: "v1",
  kind: "Secret",
  metadata: { name: "keys", annotations: { note: "MANIFEST" } },
  stringData: { password: "MANIFEST" },
};

const withManifests = (account: Account): Account => ({
  ...account,
  target: { ...account.target, source: { from: "manifests", objects: [manifest] } },
});

const recordOf = (account: Account): ReleaseRecord => ({
  ...withManifests(account),
  version: 1,
  before: { routes: { note: "MANIFEST" }, workloads: { note: "MANIFEST" } },
});

for (const [name, account] of Object.entries({ ...samples, ...evidenceSamples }))
  test(`the answer about a release that is ${name} is as it is documented, and not its journal`, () => {
    const answer = statusAnswer(cluster, recordOf(account), { drift: undefined, differences: [], watched: undefined });
    const read = assertDocumented("status", answer);
    assert.equal(read.phase, account.state.phase);
    assert.doesNotMatch(JSON.stringify(read), /MANIFEST|"(plan|ledger|before|log)"/);
  });

test("a release is settled where nothing of it is left half-way, and nobody knows while it runs", () => {
  const settled = (name: string, drift?: string, differences: readonly string[] = []) =>
    statusAnswer(cluster, recordOf(samples[name] ?? assert.fail(name)), { drift, differences, watched: undefined })
      .settled;
  assert.deepEqual(
    [
      settled("running"),
      settled("waiting"),
      settled("waiting", "somebody changed it"),
      settled("succeeded-swap"),
      settled("succeeded-swap", undefined, ["a stray"]),
      settled("failed-promoting"),
    ],
    [null, true, false, true, false, false],
  );
});

test("where no release ever was there is an answer as well", () => {
  const subject = { namespace: "shop", service: "reviews" };
  assert.equal(assertDocumented("status", noReleaseAnswer(cluster, subject, [])).settled, true);
  assert.equal(assertDocumented("status", noReleaseAnswer(cluster, subject, ["both serve"])).settled, false);
});

test("the answer about a plan is as it is documented, and has no manifest and no query", () => {
  const { target } = withManifests(samples.running ?? assert.fail());
  const plan = planOf({
    stages: [
      stageOf(10, {
        gates: [
          { kind: "query", name: "errors of one's own", query: "QUERY", atMost: 1, tolerate: 0 } as never,
          { kind: "latency", name: "latency", quantile: 0.99, atMost: 300 } as never,
          { kind: "restarts", name: "restarts", atMost: 0 },
          { kind: "evidence", name: "evidence" },
        ],
      }),
    ],
  });
  const planned: PlannedRelease = {
    cluster,
    target,
    exchanged: false,
    plan,
    detectability: { because: "Prometheus does not answer" },
    findings: [{ level: "refuse", what: "a reason", next: "Mend it." }],
    allowed: false,
  };
  const read = assertDocumented("plan", planAnswer(planned));
  assert.deepEqual(read.objects, [{ apiVersion: "v1", kind: "Secret", name: "keys" }]);
  assert.doesNotMatch(JSON.stringify(read), /MANIFEST|QUERY/);
});
