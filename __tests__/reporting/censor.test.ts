import assert from "node:assert/strict";
import test from "node:test";
import { createRedaction } from "../../src/lib/redaction.ts";
import type { Journal } from "../../src/ports/journal.ts";
import type { Account } from "../../src/release/account.ts";
import { recordSchema } from "../../src/release/record-schema.ts";
import type { ReleaseRecord } from "../../src/release/release-record.ts";
import { type Censor, createCensor } from "../../src/reporting/censor.ts";
import type { Notice } from "../../src/words/notice.ts";
import { told } from "../support/told.ts";
import { createWorld, planOf } from "../support/world.ts";
import { samples } from "../words/sample.ts";

function censorFor(...secrets: readonly string[]): Censor {
  const redaction = createRedaction();
  for (const secret of secrets) redaction.register(secret);
  return createCensor(redaction);
}

const sample = (name: string): Account => samples[name] ?? assert.fail(`no sample ${name}`);

/** What a journal keeps of a record. */
async function kept(censor: Censor, record: ReleaseRecord): Promise<ReleaseRecord> {
  const saved: ReleaseRecord[] = [];
  const journal: Journal = {
    load: async () => saved.at(-1),
    save: async (given) => void saved.push(given),
    confirm: async () => {},
  };
  await censor.journal(journal).save(record);
  return saved.at(-1) ?? assert.fail();
}

function reported(censor: Censor, account: Account): Account {
  const reports: Account[] = [];
  censor.reporter({ report: (given) => void reports.push(given), flush: async () => {} }).report(account);
  return reports.at(-1) ?? assert.fail();
}

test("a journal keeps no secret that was said on the way, and everything else as it is", async () => {
  const censor = censorFor("hunter22");
  const begun = await createWorld(planOf()).begin();
  const reason = { kind: "trouble", words: "webhook says no: Bearer hunter22", lasting: true } as const;
  const before = { routes: { note: "hunter22" }, workloads: {} };
  const log = [{ at: 0, do: "give", reason }];
  const record: ReleaseRecord = { ...begun, before, state: { phase: "rolled-back", reason }, log };
  const said = { ...reason, words: "webhook says no: Bearer ***" };
  assert.deepEqual(await kept(censor, record), {
    ...record,
    state: { phase: "rolled-back", reason: said },
    log: [{ at: 0, do: "give", reason: said }],
  });
});

test("what machines go by is never taken for a secret", async () => {
  const account = sample("rolled-back-errors");
  const texts = JSON.stringify(account).match(/"[a-z-]{4,}"/g) ?? [];
  const censor = censorFor(...texts.map((text) => text.slice(1, -1)), account.target.namespace, account.target.service);
  const { target, state, run, settled } = reported(censor, account);
  assert.deepEqual([target, state.phase, run, settled], [account.target, "rolled-back", account.run, account.settled]);
  assert.equal("reason" in state && state.reason.kind, "gate-failed");
  assert.equal(JSON.parse(censor.json({ phase: "rolled-back", because: "rolled-back" })).phase, "rolled-back");

  const record = { ...(await createWorld(planOf()).begin()), state: account.state, log: account.log };
  const journaled = recordSchema.safeParse(JSON.parse(JSON.stringify(await kept(censor, record))));
  assert.equal(journaled.error, undefined);
});

test("JSON is the same to whoever reads it, and no command to a runner", () => {
  const value = { because: 'a\n::error::no ##[error]no "##["' };
  const text = censorFor().json(value);
  assert.deepEqual(JSON.parse(text), value);
  assert.doesNotMatch(text, /##\[|^\s*::/m);
});

test("lines for people have no secret, and no command in them", () => {
  assert.equal(
    censorFor("hunter22").text("one hunter22\n::error::no\n  ##[error]two"),
    "one ***\n : :error::no\n  ## [error]two",
  );
});

test("a report that a secret is in has none", () => {
  const account = { ...sample("running"), reason: told("it said hunter22"), warnings: ["hunter22"] };
  assert.doesNotMatch(JSON.stringify(reported(censorFor("hunter22"), account)), /hunter22/);
});

test("what a plan found is told without a secret", () => {
  const redaction = createRedaction();
  redaction.register("s3cr3t-of-somebody");
  const found = { level: "refuse", what: "it answered: s3cr3t-of-somebody", next: "Ask." };
  const notice = { kind: "planned", planned: { findings: [found] } } as unknown as Notice;
  assert.doesNotMatch(JSON.stringify(createCensor(redaction).notice(notice)), /s3cr3t/);
});
