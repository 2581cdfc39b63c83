import assert from "node:assert/strict";
import test from "node:test";
import type { Account } from "../../src/release/account.ts";
import { createOutbox } from "../../src/reporting/outbox.ts";
import { say } from "../../src/words/say.ts";
import { handClock, idle, stateOf } from "../support/clock.ts";
import { told } from "../support/told.ts";
import { samples, start } from "../words/sample.ts";

const running = samples.running ?? assert.fail();
const at = (seconds: number, words: string): Account => ({
  ...running,
  now: start + seconds * 1_000,
  reason: told(words),
});
const ended = (seconds: number): Account => ({
  ...(samples["succeeded-swap"] ?? assert.fail()),
  now: start + seconds * 1_000,
  reason: told("ended"),
});

/** Sends nowhere, but remembers; `tick` lets what is under way come to its end. */
function bench(send: (account: Account, signal: AbortSignal) => Promise<void> = async () => {}) {
  const sent: string[] = [];
  const failures: unknown[] = [];
  const clock = handClock();
  const outbox = createOutbox({
    clock,
    send: async (account, signal) => {
      sent.push(say(account.reason));
      await send(account, signal);
    },
    failed: (error) => failures.push(error),
    gist: ({ reason }) => say(reason),
    patience: 50,
  });
  return { outbox, sent, failures, clock, tick: idle };
}

test("what does not change is not sent again", async () => {
  const { outbox, sent, tick } = bench();
  for (const seconds of [0, 60, 120]) {
    outbox.offer(at(seconds, "one"));
    await tick();
  }
  await outbox.flush(1_000);
  assert.deepEqual(sent, ["one"]);
});

test("changes are sent every 30s at most, and then the newest", async () => {
  const { outbox, sent, tick } = bench();
  for (const [seconds, because] of [
    [0, "one"],
    [10, "two"],
    [20, "three"],
    [29, "four"],
    [31, "five"],
    [40, "six"],
  ] as const) {
    outbox.offer(at(seconds, because));
    await tick();
  }
  assert.deepEqual(sent, ["one", "five"]);
});

test("the end is sent at once", async () => {
  const { outbox, sent, tick } = bench();
  outbox.offer(at(0, "one"));
  await tick();
  outbox.offer(ended(1));
  await tick();
  assert.deepEqual(sent, ["one", "ended"]);
});

test("what was held back is sent when the job ends", async () => {
  const { outbox, sent, tick } = bench();
  outbox.offer(at(0, "one"));
  await tick();
  outbox.offer(at(10, "two"));
  await outbox.flush(1_000);
  assert.deepEqual(sent, ["one", "two"]);
});

test("offering returns before anything is sent, and one thing is under way at a time", async () => {
  let underWay = 0;
  let most = 0;
  const { outbox, sent } = bench(async () => {
    most = Math.max(most, ++underWay);
    await idle();
    underWay -= 1;
  });
  outbox.offer(at(0, "one"));
  outbox.offer(at(31, "two"));
  outbox.offer(at(62, "three"));
  assert.equal(underWay, 1);
  await outbox.flush(1_000);
  assert.equal(most, 1);
  assert.deepEqual(sent, ["one", "three"]);
});

test("a failure is told, and what was not sent is sent when its time comes", async () => {
  let broken = true;
  const { outbox, sent, failures, tick } = bench(async () => {
    if (broken) throw new Error("no");
  });
  outbox.offer(at(0, "one"));
  await tick();
  outbox.offer(at(10, "one"));
  await tick();
  assert.deepEqual(sent, ["one"]);
  broken = false;
  outbox.offer(at(31, "one"));
  await tick();
  assert.deepEqual(sent, ["one", "one"]);
  assert.equal(failures.length, 1);
});

test("the last word is tried twice, not for ever", async () => {
  const { outbox, sent, failures } = bench(async () => {
    throw new Error("no");
  });
  outbox.offer(at(0, "one"));
  await outbox.flush(1_000);
  assert.deepEqual(sent, ["one", "one", "one"]); // when it was offered, and twice at the end
  assert.equal(failures.length, 3);
});

test("somebody who hangs is given up, and the next one gets its turn", async () => {
  let hang = true;
  const { outbox, sent, failures, clock } = bench(() => (hang ? new Promise(() => {}) : Promise.resolve()));
  outbox.offer(at(0, "one"));
  await clock.advance(49);
  assert.deepEqual(failures, []);
  await clock.advance(1);
  assert.equal(failures.length, 1);
  hang = false;
  outbox.offer(at(31, "two"));
  await outbox.flush(1_000);
  assert.deepEqual(sent, ["one", "two"]);
});

test("the end of a job does not wait for somebody who hangs, and nothing goes on after it", async () => {
  let signal: AbortSignal | undefined;
  const clock = handClock();
  const outbox = createOutbox({
    clock,
    send: (_, given) => {
      signal = given;
      return new Promise(() => {});
    },
    failed: () => assert.fail("nobody is left to be told"),
    gist: ({ reason }) => say(reason),
    patience: 60_000,
  });
  outbox.offer(at(0, "one"));
  const flushed = outbox.flush(20);
  await clock.advance(20);
  assert.equal(await stateOf(flushed), undefined);
  assert.equal(signal?.aborted, true);
});
