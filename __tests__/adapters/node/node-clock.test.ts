import assert from "node:assert/strict";
import test from "node:test";
import { nodeClock } from "../../../src/adapters/node/node-clock.ts";

const { now, sleepUntil, every, deadline } = nodeClock;

test("a sleep ends at its time and not before, at once when that is over, and at once when aborted", async () => {
  const at = now() + 20;
  await sleepUntil(at);
  assert.ok(now() >= at);
  await sleepUntil(0);
  const stop = new AbortController();
  const sleep = sleepUntil(Number.POSITIVE_INFINITY, stop.signal);
  stop.abort();
  await sleep;
  await sleepUntil(Number.POSITIVE_INFINITY, stop.signal);
});

test("what is done again and again is never done twice at once, and its stop waits for what is under way", async () => {
  const begun = Promise.withResolvers<void>();
  const work = Promise.withResolvers<void>();
  let times = 0;
  let ended = false;
  const stop = every(1, async () => {
    times++;
    begun.resolve();
    await work.promise;
    ended = true;
  });
  await begun.promise;
  await sleepUntil(now() + 20);
  const stopped = stop();
  work.resolve();
  await stopped;
  assert.deepEqual([times, ended], [1, true]);
  await sleepUntil(now() + 20);
  assert.equal(times, 1);
});

test("a deadline aborts as a time-out", async () => {
  const signal = deadline(now() + 5);
  assert.equal(signal.aborted, false);
  await new Promise((resolve) => signal.addEventListener("abort", resolve));
  assert.equal((signal.reason as Error).name, "TimeoutError");
});

test("a machine's clock that is set moves nothing", (t) => {
  const before = now();
  const set = Date.now() + 3_600_000;
  t.mock.method(Date, "now", () => set);
  assert.ok(now() - before < 60_000);
});
