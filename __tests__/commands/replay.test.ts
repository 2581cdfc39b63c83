import assert from "node:assert/strict";
import test from "node:test";
import { reportOf } from "../../src/adapters/files/report-file.ts";
import { replay } from "../../src/commands/replay.ts";
import type { Desk } from "../../src/commands/session.ts";
import type { Job } from "../../src/engine/job.ts";
import { run } from "../../src/engine/run.ts";
import { RefusedError } from "../../src/lib/errors.ts";
import type { Account } from "../../src/release/account.ts";
import { proofIn } from "../../src/words/evidence-part.ts";
import { verdictInWords } from "../../src/words/in-words.ts";
import { verdictSentence } from "../../src/words/verdict-sentence.ts";
import { configured } from "../config/configured.ts";
import { printedMessages } from "../support/messages.ts";
import { type Behaviour, createWorld, judgedByEvidence, planOf, stageOf } from "../support/world.ts";

const job: Job = {
  stop: new AbortController().signal,
  lost: new AbortController().signal,
  deadlineAt: Infinity,
  warnings: () => [],
};

async function accountOf(behaviour: Behaviour): Promise<Account> {
  const world = createWorld(judgedByEvidence(planOf({ stages: [stageOf(5), stageOf(25)] })), behaviour);
  await run(await world.begin(), world.ports, job);
  return world.accounts.at(-1) ?? assert.fail();
}

const written = (account: Account): string => JSON.stringify(reportOf(account));

/** What the command says of a file with this text, and its exit code. */
async function ask(
  text: string | undefined,
  inputs: Readonly<Record<string, string>> = {},
): Promise<{ readonly code: number; readonly said: string }> {
  const messages = printedMessages();
  const never = (): never => assert.fail("a replay asks nobody");
  const desk: Desk = {
    config: await configured({ inputs: { command: "replay", report: "r.json", ...inputs } }),
    messages,
    history: { traffic: never, rate: never, dispersion: never },
    writePage: never,
    async readFile(path) {
      assert.equal(path, "r.json");
      return text ?? Promise.reject(Object.assign(new Error("ENOENT: no such file"), { code: "ENOENT" }));
    },
  };
  return { code: await replay(desk), said: messages.printed.join("\n") };
}

const bad = accountOf({ errors: () => 0.5 });

test("a report of a release that was rolled back agrees, verdict by verdict, with its ledger", async () => {
  const account = await bad;
  const { code, said } = await ask(written(account));
  const { verdict, numbers } = proofIn(account.stages[0]) ?? assert.fail();
  const because = verdictSentence(verdict);
  assert.equal(code, 0);
  const lines = said.split("\n");
  assert.equal(
    lines[0],
    `Release of shop/reviews, judged again by the 2 polls of its ledger and the rules of its plan.`,
  );
  assert.deepEqual(lines.slice(2, 5), [`✓ stage 5%, after 2 polls: agrees`, `    fail: ${because}`, `    ${numbers}`]);
  assert.match(said, /^ {2}poll 2, 2\.5s after the first weight, at 5%: nothing → broken$/m);
  assert.equal(lines.at(-1), "Every verdict agrees with the ledger.");
});

test("a report whose verdict was made nicer differs, and both are shown", async () => {
  const account = await bad;
  const forged = {
    ...account,
    stages: account.stages.map((stage) => ({
      ...stage,
      verdicts: stage.verdicts.map((verdict) => ({ ...verdict, kind: "pass" as const })),
    })),
  };
  const { code, said } = await ask(written(forged));
  assert.equal(code, 1);
  assert.match(
    said,
    /✗ stage 5%, after 2 polls: differs in kind\n {2}the report says\n {4}pass: .*\n.*\n {2}the ledger gives\n {4}fail: /,
  );
  assert.match(said, /\nNot what the ledger gives: 1 of 1 verdict\.$/);
});

test("for a program the same is JSON", async () => {
  const account = await accountOf({});
  const { code, said } = await ask(written(account), { json: "true" });
  const { report, agrees, polls, folded, stages, changes } = JSON.parse(said);
  assert.deepEqual([code, report, agrees, polls, folded], [0, "r.json", true, account.ledger.polls.length, 0]);
  assert.deepEqual(
    stages.map(({ outcome, found }: { readonly outcome: string; readonly found: unknown }) => [outcome, found]),
    account.stages.map(({ verdicts: [verdict] }) => [
      "agrees",
      JSON.parse(JSON.stringify(verdictInWords(verdict ?? assert.fail()))),
    ]),
  );
  assert.ok(changes.length > 0);
});

test("a release that no evidence judged has nothing to disagree with", async () => {
  const world = createWorld(planOf());
  await run(await world.begin(), world.ports, job);
  const { code, said } = await ask(written(world.accounts.at(-1) ?? assert.fail()));
  assert.equal(code, 0);
  assert.match(said, /· stage 5%: not replayed, for it has no gate that evidence answers/);
  assert.match(said, /\nNo verdict rests on the ledger\.$/);
});

const account = { target: { namespace: "shop", service: "reviews" } };
for (const [what, text, why] of [
  ["is not there", undefined, /there is no such file/],
  ["is no JSON", "outcome: succeeded", /Unexpected token/],
  ["is other JSON", "[]", /the file: /],
  ["is from another version", JSON.stringify({ version: 2, account }), /version: /],
  ["lacks the plan", JSON.stringify({ version: 1, account }), /account\.plan: /],
] as const) {
  test(`a file that ${what} is refused as no report`, async () => {
    await assert.rejects(ask(text), (error) => {
      assert.ok(error instanceof RefusedError);
      assert.match(error.message, /^r\.json is no report of a release: /);
      assert.match(error.message, why);
      assert.match(error.next ?? "", /canary-report\.json/);
      return true;
    });
  });
}

test("a ledger with a line that is no poll makes no report, either", async () => {
  const { ledger, ...others } = await bad;
  await assert.rejects(ask(written({ ...others, ledger: { ...ledger, polls: ["5 0 / 1 1"] } })), {
    name: "RefusedError",
    message: "r.json is no report of a release: this line is no poll: 5 0 / 1 1",
  });
});
