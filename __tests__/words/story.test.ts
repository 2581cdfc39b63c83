import assert from "node:assert/strict";
import test from "node:test";
import type { Account } from "../../src/release/account.ts";
import type { LogEntry } from "../../src/release/release-record.ts";
import { sayEntry } from "../../src/words/say.ts";
import { createStory } from "../../src/words/story.ts";
import { samples } from "./sample.ts";

const running = samples.running ?? assert.fail();
const returning = { kind: "rollback-wanted" } as const;
const refused = { kind: "trying-again", words: "the webhook says no" } as const;

test("what is tried again and again is told once, and once more with its number when something else happens", () => {
  const story = createStory();
  const told: string[] = [];
  const tell = (at: number, log: readonly LogEntry[], more: Partial<Account> = {}): void => {
    for (const entry of story({ ...running, now: at, log, ...more })) told.push(`${entry.at} ${sayEntry(entry)}`);
  };
  const finish = (at: number): LogEntry => ({ at, do: "finish", reason: returning });
  const first: LogEntry = { at: 1, do: "nothing", reason: returning };
  const retry: LogEntry = { at: 3, do: "retry", reason: refused };
  tell(1, [first]);
  tell(2, [first, finish(2)]);
  for (let times = 1; times <= 57; times++) {
    const tried = times === 1 ? retry : { ...retry, times };
    tell(3 + times, [first, tried, finish(3 + times)]);
  }
  const past = [first, { ...retry, times: 57 }, finish(60)];
  tell(61, [...past, { at: 61, do: "nothing", reason: { kind: "drained" } }]);
  tell(62, [...past, { at: 61, do: "nothing", reason: { kind: "drained" } }], { state: { phase: "succeeded" } });
  assert.deepEqual(told, [
    "1 rolled back by hand",
    "3 the webhook says no; trying again",
    "61 the webhook says no; trying again (57 times)",
    "61 requests under way had time to finish",
  ]);
});

test("what was tried until a job ended is told with its number at the end", () => {
  const story = createStory();
  const log: readonly LogEntry[] = [{ at: running.now, do: "retry", reason: refused }];
  story({ ...running, log });
  const [entry] = story({ ...running, log: log.map((one) => ({ ...one, times: 9 })), state: { phase: "succeeded" } });
  assert.equal(entry && sayEntry(entry), "the webhook says no; trying again (9 times)");
});
