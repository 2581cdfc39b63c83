import assert from "node:assert/strict";
import test from "node:test";
import { isPassing, type RetryPolicy, retry } from "../../src/world/retry.ts";
import type { HttpAnswer } from "../../src/world/transport.ts";
import { handClock, idle, jumpingClock } from "../support/clock.ts";

const start = Date.UTC(2026, 0, 1, 12);
const policy: RetryPolicy = { pauses: [200, 500], isPassing, longestPause: 5_000, beyond: "give up" };

const answer = (status: number, retryAfter?: string): HttpAnswer => ({
  status,
  headers: retryAfter === undefined ? {} : { "retry-after": retryAfter },
  text: "",
});

/** Attempts that end one after the other as given, and when each was made. */
async function attempts(outcomes: readonly (HttpAnswer | Error)[], how: Partial<RetryPolicy> = {}) {
  const clock = jumpingClock(start);
  const at: number[] = [];
  const end = await retry(
    async () => {
      const outcome = outcomes[at.length] ?? assert.fail("one attempt too many");
      at.push(clock.now() - start);
      if (outcome instanceof Error) throw outcome;
      return outcome;
    },
    { ...policy, ...how },
    clock,
  ).then(
    ({ status }) => status,
    (error: unknown) => String(error),
  );
  return { end, at };
}

const [ok, busy, failure] = [answer(200), answer(503), new Error("cut")];

const cases: readonly (readonly [string, Parameters<typeof attempts>, Awaited<ReturnType<typeof attempts>>])[] = [
  ["an answer ends it", [[ok]], { end: 200, at: [0] }],
  ["so does a refusal", [[answer(404)]], { end: 404, at: [0] }],
  ["a failure is tried again after the pauses", [[failure, busy, ok]], { end: 200, at: [0, 200, 700] }],
  ["the last answer is given", [[busy, failure, busy]], { end: 503, at: [0, 200, 700] }],
  ["the last failure is thrown", [[busy, busy, failure]], { end: "Error: cut", at: [0, 200, 700] }],
  ["without pauses there is one attempt", [[busy], { pauses: [] }], { end: 503, at: [0] }],
  ["a pause that is asked for is heeded", [[answer(429, "3"), ok]], { end: 200, at: [0, 3_000] }],
  ["also as a date", [[answer(503, "Thu, 01 Jan 2026 12:00:04 GMT"), ok]], { end: 200, at: [0, 4_000] }],
  [
    "a date that has passed asks for nothing",
    [[answer(503, "Thu, 01 Jan 2026 11:00:00 GMT"), ok]],
    { end: 200, at: [0, 200] },
  ],
  ["nor does a zero", [[answer(503, "0"), ok]], { end: 200, at: [0, 200] }],
  ["nor what nobody can read", [[answer(503, "soon"), ok]], { end: 200, at: [0, 200] }],
  ["the longest pause is heeded", [[answer(429, "5"), ok]], { end: 200, at: [0, 5_000] }],
  ["who asks for more gets no second attempt", [[answer(429, "6")]], { end: 429, at: [0] }],
  [
    "or one after the longest pause",
    [[answer(429, "6"), ok], { beyond: "come back early" }],
    { end: 200, at: [0, 5_000] },
  ],
  ["an answer that is worth something may ask for what it likes", [[answer(200, "3")]], { end: 200, at: [0] }],
];
for (const [name, given, expected] of cases)
  test(`retry: ${name}`, async () => assert.deepEqual(await attempts(...given), expected));

test("an abort while pausing ends it with the signal's reason", async () => {
  const clock = handClock();
  const stop = new AbortController();
  let made = 0;
  const end = retry(
    async () => {
      made++;
      return busy;
    },
    policy,
    clock,
    stop.signal,
  );
  await idle();
  stop.abort(new Error("somebody stopped it"));
  await assert.rejects(end, /somebody stopped it/);
  assert.equal(made, 1);
});
