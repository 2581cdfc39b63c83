import assert from "node:assert/strict";
import test from "node:test";
import { status } from "../../src/commands/status.ts";
import type { Account } from "../../src/release/account.ts";
import type { ReleaseRecord } from "../../src/release/release-record.ts";
import { proofIn } from "../../src/words/evidence-part.ts";
import { statusAnswer } from "../../src/words/status-answer.ts";
import { statusText } from "../../src/words/status-text.ts";
import { verdictSentence } from "../../src/words/verdict-sentence.ts";
import { createSession } from "../support/session.ts";
import { evidenceSamples } from "../words/evidence-tale.ts";
import { samples } from "../words/sample.ts";

const cluster = { context: "prod-eu-1", host: "10.0.0.1:6443" };
const recordOf = (account: Account): ReleaseRecord => ({
  ...account,
  version: 1,
  before: { routes: {}, workloads: {} },
});
const linesOf = (account: Account, watched?: boolean): readonly string[] =>
  statusText(cluster, recordOf(account), { drift: undefined, differences: [], watched }, account.now + 60_000).split(
    "\n",
  );

test("status shows a release that is held with its evidence, once and without e-values, and what there is to decide", () => {
  const account = evidenceSamples["held-undecided"];
  const { verdict } = proofIn(account.stages[0]) ?? assert.fail();
  const because = verdictSentence(verdict);
  const lines = linesOf(account);
  assert.equal(lines[0], "Cluster prod-eu-1 (10.0.0.1:6443)");
  assert.match(
    lines[1] ?? "",
    /^shop\/reviews: held, stage 1 of 3, 10% on reviews-v2 \(ghcr\.io\/acme\/reviews:1\.4\.0\)$/,
  );
  assert.deepEqual(
    lines.filter((line) => line.includes(because)).map((line) => line.slice(23)),
    [`stage 10% is held for somebody to decide: ${because}`],
  );
  assert.doesNotMatch(lines.join("\n"), /\bE = /);
  const running = linesOf(evidenceSamples.extended);
  const found = proofIn(evidenceSamples.extended.stages[0]) ?? assert.fail();
  assert.ok(running.includes(`evidence (undecided): ${verdictSentence(found.verdict)}`));
  assert.deepEqual(lines.slice(-4), [
    "Nobody watches the 10% that the canary has until somebody decides.",
    "To go on: istio-canary promote --namespace shop --service reviews",
    "To give up: istio-canary rollback --namespace shop --service reviews",
    "From 2026-01-31 13:12 UTC on the next `settle`, such as a scheduled one, rolls it back.",
  ]);
});

test("status says once why a release went back", () => {
  const back = { kind: "rollback-wanted", actor: "ada" } as const;
  const account = samples["rolled-back-errors"] ?? assert.fail();
  const twice = ["nothing", "finish"].map((what) => ({ at: account.now, do: what, reason: back }));
  const lines = linesOf({ ...account, log: [...account.log, ...twice] });
  assert.equal(lines.filter((line) => line.includes("rolled back by hand, by ada")).length, 1);
});

test("status of a release that waits for approval speaks of no hold and no evidence", () => {
  const lines = linesOf(samples.waiting ?? assert.fail());
  const asked = "--config .github/canary.yaml --namespace shop --service reviews --context prod-eu-1";
  assert.deepEqual(lines.slice(-2), [
    `To go on: istio-canary promote ${asked}`,
    `To give up: istio-canary rollback ${asked}`,
  ]);
  assert.doesNotMatch(lines.join("\n"), /evidence|Nobody watches/);
});

test("status of a release that goes the other way round says which version the last one made stable", () => {
  const account = { ...(samples.running ?? assert.fail()), exchanged: true };
  assert.match(linesOf(account).join("\n"), /^The last release made reviews-v1 the stable version: this one goes to/m);
});

test("status of a running release says whether a job runs it, and in both cases how to give the traffic back", () => {
  const running = samples.running ?? assert.fail();
  const rollback = /: istio-canary rollback .*--namespace shop --service reviews/;
  const last = (watched: boolean): string => linesOf(running, watched).at(-1) ?? "";
  assert.match(last(true), /^To stop it and give all traffic back/);
  assert.match(last(false), /^No job runs it any more, so nobody watches the canary\. To give all traffic back/);
  for (const watched of [true, false]) assert.match(last(watched), rollback);
});

test("status names the image that waits where it stood in the manifest alone", () => {
  const waiting = samples.waiting ?? assert.fail();
  const { image, ...target } = waiting.target;
  const lines = linesOf({ ...waiting, target, judged: { image: "registry.test/pay:v6", digests: {} } });
  assert.match(lines[1] ?? "", /: waiting, .* on reviews-v2 \(registry\.test\/pay:v6\)$/);
});

test("status of an undo says from which version to which, and calls none of them stable", () => {
  const lines = linesOf(samples.undone ?? assert.fail());
  assert.equal(lines[3], "undo from reviews-v2 back to reviews-v1");
  assert.doesNotMatch(lines.join("\n"), /the stable version/);
});

test("status of a release that is over says who serves, and why, not what was cleaned up last", () => {
  const succeeded = samples["succeeded-swap"] ?? assert.fail();
  assert.match(
    linesOf(succeeded)[1] ?? "",
    /: succeeded, reviews-v2 \(ghcr\.io\/acme\/reviews:1\.4\.0\) serves everything$/,
  );
  const answer = statusAnswer(cluster, recordOf(succeeded), {
    drift: undefined,
    differences: [],
    watched: undefined,
  });
  assert.ok(answer.phase === "succeeded");
  assert.equal(answer.because, "every stage passed: the canary is the new stable");
});

/** What is told of a release, and at last printed, while the journal has one after the other of these. */
async function watch(told: readonly (Account | undefined)[], holder?: string) {
  const { session, printed } = await createSession(holder === undefined ? {} : { holder });
  const records = told.map((account) => recordOf(account ?? assert.fail()));
  const events: string[] = [];
  const exit = await status({
    ...session,
    config: { ...session.config, watch: true },
    journal: { ...session.journal, load: async () => (records.length > 1 ? records.shift() : records[0]) },
    reporter: {
      report: ({ state }) => void events.push(state.phase),
      flush: async () => void events.push("flush"),
    },
  });
  return { exit, events, said: printed.join("\n") };
}

test("status --watch tells of a release as long as a job runs it, and ends as status does", async () => {
  const { running } = samples;
  const over = await watch([running, running, samples["rolled-back-errors"]], "job-7");
  assert.deepEqual([over.exit, over.events], [0, ["baking", "baking", "flush"]]);
  assert.match(over.said, /^shop\/reviews: rolled-back, reviews-v1 serves everything$/m);
  const held = await watch([running, evidenceSamples["held-undecided"]], "job-7");
  assert.deepEqual([held.exit, held.events], [3, ["baking", "flush"]]);
  const dead = await watch([running]);
  assert.deepEqual([dead.exit, dead.events], [3, ["flush"]]);
  assert.match(dead.said, /^No job runs it any more/m);
});
