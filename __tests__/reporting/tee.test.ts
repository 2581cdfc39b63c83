import assert from "node:assert/strict";
import test from "node:test";
import { createRedaction } from "../../src/lib/redaction.ts";
import type { Reporter } from "../../src/ports/reporter.ts";
import type { Account } from "../../src/release/account.ts";
import { createCensor } from "../../src/reporting/censor.ts";
import { tee } from "../../src/reporting/tee.ts";
import { handClock, stateOf } from "../support/clock.ts";
import { told } from "../support/told.ts";
import { samples } from "../words/sample.ts";

const account: Account = samples.running ?? assert.fail();

function remembering(): Reporter & { readonly told: Account[]; flushed: number } {
  const told: Account[] = [];
  return {
    told,
    flushed: 0,
    report: (given) => void told.push(given),
    async flush() {
      this.flushed += 1;
    },
  };
}

const throwing: Reporter = {
  report() {
    throw new Error("report");
  },
  flush() {
    throw new Error("flush");
  },
};
const rejecting: Reporter = { report: () => {}, flush: () => Promise.reject(new Error("rejected")) };
const hanging: Reporter = { report: () => {}, flush: () => new Promise(() => {}) };

test("a reporter that throws, rejects or hangs does not keep the others from telling", async () => {
  const [first, last] = [remembering(), remembering()];
  const troubles: unknown[] = [];
  const clock = handClock();
  const all = tee(clock, [first, throwing, rejecting, hanging, last], (error) => troubles.push(error));
  all.report(account);
  const flushed = all.flush(20);
  await clock.advance(20);
  assert.equal(await stateOf(flushed), undefined);
  assert.deepEqual([first.told.length, last.told.length, first.flushed, last.flushed], [1, 1, 1, 1]);
  assert.deepEqual(troubles.map(String), ["Error: report", "Error: flush", "Error: rejected"]);
});

test("the ledger is told as it is, since numbers hold no secret and a replay needs each of them", () => {
  const redaction = createRedaction();
  redaction.register("45000");
  const reporter = remembering();
  const ledger = { edges: [], polls: ["10 45000 0 / 90 1 / 10 0"] };
  createCensor(redaction)
    .reporter(reporter)
    .report({ ...account, reason: told("45000"), ledger });
  assert.deepEqual([reporter.told[0]?.ledger, reporter.told[0]?.reason], [ledger, told("***")]);
});

test("a secret in an account reaches no reporter", () => {
  const redaction = createRedaction();
  redaction.register("hunter22");
  const reporter = remembering();
  createCensor(redaction)
    .reporter(reporter)
    .report({
      ...account,
      reason: told("the proxy said hunter22"),
      warnings: ["hunter22"],
      log: [{ at: 0, do: "x", reason: told("hunter22") }],
    });
  assert.doesNotMatch(JSON.stringify(reporter.told), /hunter22/);
  assert.deepEqual(reporter.told[0]?.reason, told("the proxy said ***"));
});
