import assert from "node:assert/strict";
import test from "node:test";
import { createServerTime } from "../../../src/adapters/kubernetes/server-time.ts";
import { handClock } from "../../support/clock.ts";

const start = Date.UTC(2026, 0, 1);
const second = 1_000;
const date = (at: number): string => new Date(at).toUTCString();

test("the server's time is not known before an answer has told it, and a header that is none tells nothing", () => {
  const time = createServerTime(handClock(start));
  for (const told of [undefined, "", "yesterday"]) time.hear(told, start);
  assert.equal(time.now(), undefined);
  assert.equal(time.clock.now(), start);
});

test("clocks that agree as far as whole seconds tell are left alone", async () => {
  const clock = handClock(start + 999);
  const time = createServerTime(clock);
  time.hear(date(start), clock.now());
  assert.equal(time.now(), clock.now());
});

for (const off of [40, -40, 600])
  test(`a clock that is ${off}s off is put right to a second`, async () => {
    const clock = handClock(start + off * second);
    const time = createServerTime(clock);
    time.hear(date(start), clock.now());
    const known = time.now();
    assert.ok(known !== undefined && Math.abs(known - start) <= second, String(known));
    await clock.advance(10 * second);
    assert.equal(time.now(), known + 10 * second);
  });

test("an answer that was long under way says little, and a quick one more", async () => {
  const clock = handClock(start);
  const time = createServerTime(clock);
  await clock.advance(10 * second);
  time.hear(date(start + 5 * second), start);
  assert.equal(time.now(), clock.now());
  time.hear(date(start + 5 * second), clock.now());
  assert.equal(time.now(), start + 6 * second);
});

test("the clock of a release is put right once, and jumps no more", async () => {
  const clock = handClock(start);
  const time = createServerTime(clock);
  time.hear(date(start + 600 * second), start);
  assert.equal(time.clock.now(), start + 600 * second);
  time.hear(date(start + 900 * second), start);
  assert.equal(time.clock.now(), start + 600 * second);
  assert.equal(time.now(), start + 900 * second);
});

test("what waits for a time of the server's waits as long by ours", async () => {
  const clock = handClock(start);
  const time = createServerTime(clock);
  time.hear(date(start + 600 * second), start);
  const events: string[] = [];
  void time.clock.sleepUntil(time.clock.now() + 5 * second).then(() => events.push("slept"));
  time.clock.deadline(time.clock.now() + 7 * second).addEventListener("abort", () => events.push("late"));
  await clock.advance(4 * second);
  assert.deepEqual(events, []);
  await clock.advance(second);
  assert.deepEqual(events, ["slept"]);
  await clock.advance(2 * second);
  assert.deepEqual(events, ["slept", "late"]);
});
