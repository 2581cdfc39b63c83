import assert from "node:assert/strict";
import { createServer } from "node:http";
import test, { type TestContext } from "node:test";
import { nodeWorld } from "../../../src/adapters/node/node-world.ts";
import { messageOf } from "../../../src/adapters/webhooks/message.ts";
import { webhook } from "../../../src/adapters/webhooks/webhook.ts";
import type { Account } from "../../../src/release/account.ts";
import { messageForms, type NewsKind, newsKinds } from "../../../src/release/webhook.ts";
import { type News, newsOf } from "../../../src/words/news.ts";
import type { Notice } from "../../../src/words/notice.ts";
import { assertGolden } from "../../support/golden.ts";
import { listening } from "../../support/listening.ts";
import { evidenceSamples } from "../../words/evidence-tale.ts";
import { samples, target } from "../../words/sample.ts";

const sample = (name: string): Account =>
  ({ ...samples, ...evidenceSamples })[name] ?? assert.fail(`no sample ${name}`);

for (const [name, kind] of [
  ["running", undefined],
  ["succeeded-swap", "succeeded"],
  ["rolled-back-errors", "rolled-back"],
  ["waiting", "waiting"],
  ["held-undecided", "held"],
  ["failed-promoting", "failed"],
  ["not-settled", "failed"],
] as const)
  test(`a release that is ${name.replaceAll("-", " ")} is ${kind ? `told as ${kind}` : "no news"}`, () => {
    const account = sample(name);
    const ended = account.settled === undefined && kind !== undefined ? { ...account, settled: true } : account;
    assert.equal(newsOf(ended)?.kind, kind);
  });

const evil: News = {
  kind: "rolled-back",
  mark: "❌",
  namespace: "shop",
  service: "reviews",
  cluster: "prod-eu-1",
  image: "ghcr.io/acme/reviews:1.4.0",
  headline: "rolled back, all requests go to reviews-v1 again",
  because: "pod said: <!channel> <@U1> & @everyone *bold* [click](https://evil.example) `code` ||x||",
  next: "istio-canary status --namespace shop --service reviews",
  url: "https://github.com/acme/shop/actions/runs/17",
  at: 1_769_860_992_000,
};
for (const form of messageForms)
  test(`a message for ${form} reads as it was reviewed, and calls nobody`, () => {
    assertGolden(`webhook/${form}.json`, `${JSON.stringify(messageOf(form, evil), undefined, 2)}\n`);
  });

/** A webhook that answers with these, one after the other, and what it is told. */
async function bench(t: TestContext, on: readonly NewsKind[] = newsKinds, answers: readonly (number | "hangs")[] = []) {
  const bodies: string[] = [];
  const left = [...answers];
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (part) => (body += part));
    request.on("end", () => {
      const answer = left.shift() ?? 200;
      if (answer === "hangs") return;
      if (answer < 300) bodies.push(body);
      response.writeHead(answer).end();
    });
  });
  const url = `${await listening(t, server)}/services/T0/B0/secret`;
  const warnings: string[] = [];
  const open = () =>
    webhook({ url, form: "json", on }, { network: nodeWorld(), warn: (text) => void warnings.push(text) });
  return { open, warnings, kinds: () => bodies.map((body) => (JSON.parse(body) as News).kind) };
}

const started: Account = {
  ...sample("running"),
  state: { phase: "preparing", step: "starting", since: 0 },
  stages: [],
};
const over: Account = { ...sample("rolled-back-errors"), settled: true };

test("each thing that is wanted is told once, in its order; a job that only finds an end tells nothing of it", async (t) => {
  const { open, kinds, warnings } = await bench(t);
  const one = open();
  for (const account of [started, started, sample("running"), { ...over, settled: undefined }, over, over])
    one.report(account);
  await one.flush(60_000);
  assert.deepEqual(kinds(), ["started", "rolled-back"]);
  const second = open();
  second.report(over);
  await second.flush(60_000);
  assert.deepEqual(kinds(), ["started", "rolled-back"]);
  assert.deepEqual(warnings, []);
});

test("what is not wanted is not told", async (t) => {
  const { open, kinds } = await bench(t, ["failed"]);
  const one = open();
  for (const account of [started, over]) one.report(account);
  await one.flush(60_000);
  assert.deepEqual(kinds(), []);
});

test("a refused release is told, and a plan is not", async (t) => {
  const { open, kinds } = await bench(t);
  const notice: Notice = {
    kind: "refused",
    command: "release",
    subject: target,
    cluster: { context: "prod", host: "10.0.0.1" },
    run: { id: "1" },
    at: 0,
    lines: ["no subset"],
  };
  await open().notice(notice, AbortSignal.timeout(60_000));
  await open().notice({ ...notice, command: "plan" }, AbortSignal.timeout(60_000));
  assert.deepEqual(kinds(), ["refused"]);
});

test("a webhook that is busy is asked again; one that says no is told of once, without its address", async (t) => {
  const busy = await bench(t, newsKinds, [503]);
  const one = busy.open();
  one.report(started);
  await one.flush(60_000);
  assert.deepEqual([busy.kinds(), busy.warnings], [["started"], []]);
  const gone = await bench(t, newsKinds, [404]);
  const other = gone.open();
  other.report(started);
  await other.flush(60_000);
  assert.deepEqual(gone.warnings, ["the webhook of reporting.notify (json) was not told: it answered 404."]);
});

test("a webhook that hangs holds up nobody for longer than a flush may take, and is told of once", async (t) => {
  const { open, warnings } = await bench(t, newsKinds, ["hangs"]);
  const one = open();
  one.report(started);
  one.report(over);
  await one.flush(10);
  await one.flush(10);
  assert.deepEqual(warnings, ["the webhook of reporting.notify (json) was not told: no answer before the job ended."]);
});
