import assert from "node:assert/strict";
import test from "node:test";
import { count, countsOf, countsOfNewStage, podsAfter } from "../../src/engine/count.ts";
import { emptyCount, emptyTally } from "../../src/evidence/tally.ts";
import { type Increments, sawNothing } from "../../src/ports/metric-source.ts";
import type { ReleaseRecord } from "../../src/release/release-record.ts";
import { createWorld, planOf, second } from "../support/world.ts";

const release = await createWorld(planOf({ pollEvery: 5 * second })).begin();
const record: ReleaseRecord = {
  ...release,
  state: { phase: "baking", stage: 0, since: 0, putBacks: 0 },
  stages: [{ stage: 0, name: "5%", weight: 5, since: 0, verdicts: [], polls: 0, tally: emptyTally }],
};

/** Counts what these looks give, one after another, `second` apart. */
async function counting(...looks: readonly Increments[]) {
  let counts = countsOf(record);
  const polls = [];
  for (const [index, look] of looks.entries()) {
    const ports = {
      metrics: { look: async () => look },
      clock: { now: () => (index + 1) * second },
    };
    const counted = await count(record, counts, ports, new AbortController().signal);
    counts = counted.counts;
    polls.push(counted.poll);
  }
  return { counts, polls };
}

const increments = (stable: number, canary: number, more: Partial<Increments> = {}): Increments => ({
  at: 0,
  since: 0,
  stable: { ...emptyCount, requests: stable },
  canary: { ...emptyCount, requests: canary },
  from: 0,
  lost: 0,
  blind: [],
  ...more,
});
const first = increments(0, 0, { since: undefined });

test("the first look of a job adds no poll, and is not the first look of the split", async () => {
  const { counts, polls } = await counting(first, increments(95, 5), increments(19, 1));
  assert.deepEqual(
    polls.map((poll) => poll && [poll.age, poll.stable.requests, poll.canary.requests]),
    [undefined, [2 * second, 95, 5], [3 * second, 19, 1]],
  );
  assert.deepEqual(counts.served, { stable: 19, canary: 1 });
  assert.deepEqual([counts.tally.stable.requests, counts.tally.canary.requests], [114, 6]);
});

test("the first look of a job that takes over adds no poll, however long ago the last one was", async () => {
  const late = Array.from({ length: 9 }, () => first);
  assert.deepEqual((await counting(...late)).polls.filter(Boolean), []);
});

test("failures that reached nobody are news: they are in the poll and in the tally", async () => {
  const { counts, polls } = await counting(first, increments(0, 0, { lost: 3 }));
  assert.deepEqual([polls.at(-1)?.lost, counts.tally.unattributed], [3, { requests: 3, errors: 3, buckets: [] }]);
});

test("a look that finds nothing adds a poll once an interval only", async () => {
  const nothing = Array.from({ length: 12 }, () => increments(0, 0));
  const { polls } = await counting(first, ...nothing);
  assert.deepEqual(
    polls.flatMap((poll) => poll?.age ?? []),
    [5 * second, 10 * second],
  );
});

test("a blind look is told by its reason, keeps what was counted, and is over with the next one that sees", async () => {
  const before = await counting(first, increments(95, 5));
  const blind = await counting(first, increments(95, 5), sawNothing(0, 0, "nobody answers"));
  assert.deepEqual(blind.counts, { ...before.counts, uncounted: "nobody answers" });
  assert.deepEqual(blind.polls.at(-1), undefined);
  const again = await counting(first, increments(95, 5), sawNothing(0, 0, "nobody answers"), increments(0, 0));
  assert.equal(again.counts.uncounted, undefined);
});

test("requests whose durations could not be seen count", async () => {
  const { counts } = await counting(first, increments(9, 1, { blind: [{ to: "durations", because: "no histogram" }] }));
  assert.deepEqual([counts.uncounted, counts.untimed, counts.tally.canary.requests], [undefined, "no histogram", 1]);
});

test("a new stage counts from nothing, and keeps what was proven", async () => {
  const { counts } = await counting(first, increments(95, 5), increments(19, 1));
  assert.deepEqual(countsOfNewStage(counts), { ...counts, tally: emptyTally, served: undefined });
});

test("a poll says when the canary got more pods than it had had; pods that come back are none that come", async () => {
  const seen = [3, 3, 2, 3, 5, 4, 5].map((available, at) => [available, at] as const);
  const pods = seen.reduce<ReturnType<typeof podsAfter> | undefined>(
    (before, [available, at]) => podsAfter(before, available, at),
    undefined,
  );
  assert.deepEqual(pods, { now: 5, most: 5, since: 4 });
  const ports = { metrics: { look: async () => increments(95, 5) }, clock: { now: () => 9 * second } };
  const joined = async (since: number | undefined) => {
    const before = { ...countsOf(record), pods: { now: 4, most: 5, since } };
    return (await count(record, before, ports, new AbortController().signal)).poll?.joined;
  };
  assert.deepEqual([await joined(undefined), await joined(4 * second)], [undefined, 4 * second]);
});
