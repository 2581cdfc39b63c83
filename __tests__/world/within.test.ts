import assert from "node:assert/strict";
import test from "node:test";
import { within } from "../../src/world/within.ts";
import { handClock, idle, stateOf } from "../support/clock.ts";

const never = new Promise<never>(() => {});

test("work that ends in time gives what it gives, or its failure", async () => {
  const clock = handClock();
  assert.equal(await within(Promise.resolve(1), 10, clock), 1);
  await assert.rejects(within(Promise.reject(new Error("no")), 10, clock), /no/);
});

test("work that is late gives undefined at the limit, and not before", async () => {
  const clock = handClock();
  const result = within(never, 10, clock);
  await clock.advance(9);
  assert.equal(await stateOf(result), "pending");
  await clock.advance(1);
  assert.equal(await stateOf(result), undefined);
});

test("the limit begins when a signal says so, and never without it", async () => {
  const clock = handClock();
  const stop = new AbortController();
  const result = within(never, 10, clock, stop.signal);
  await clock.advance(1_000);
  assert.equal(await stateOf(result), "pending");
  stop.abort();
  await clock.advance(9);
  assert.equal(await stateOf(result), "pending");
  await clock.advance(1);
  assert.equal(await stateOf(result), undefined);
});

test("a late failure is nobody's business", async () => {
  const clock = handClock();
  const work = Promise.withResolvers<void>();
  const result = within(work.promise, 10, clock);
  await clock.advance(10);
  await result;
  work.reject(new Error("an unhandled rejection would fail this test"));
  await idle();
});

test("nothing waits any more when the work has ended", async () => {
  let signal: AbortSignal | undefined;
  const sleepUntil = (_: number, given?: AbortSignal): Promise<void> => {
    signal = given;
    return never;
  };
  const clock = { ...handClock(), sleepUntil };
  await within(idle(), 10, clock);
  assert.equal(signal?.aborted, true);
});
