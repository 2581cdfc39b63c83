import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { advance, counted, emptyMeter } from "../../../src/adapters/prometheus/meter.ts";
import type { Bucket, Counter, Snapshot } from "../../../src/adapters/prometheus/snapshot.ts";
import { type Attribution, emptyTally, sumOf, type Tally } from "../../../src/evidence/tally.ts";
import type { Millis } from "../../../src/lib/duration.ts";

const counter = (process: string, origin: Attribution, value: number, failed = false): Counter => ({
  series: `${process}/${origin}/${failed ? 500 : 200}`,
  process,
  origin,
  failed,
  value,
  scraped: undefined,
});
const bucket = (process: string, origin: Attribution, le: number, value: number): Bucket => ({
  series: `${process}/${origin}/le=${le}`,
  process,
  origin,
  le,
  value,
  scraped: undefined,
});
const poll = (requests: readonly Counter[], buckets: readonly Bucket[] = []) => ({ requests, buckets });
type Poll = ReturnType<typeof poll>;
const interval: Millis = 15_000;
/** What is counted in each poll after those before it, by one Prometheus that scraped anew for each. */
function increments(polls: readonly Poll[]): readonly Tally[] {
  let meter = emptyMeter(interval);
  return polls.map(({ requests, buckets }, index) => {
    const at = index * interval;
    const snapshot: Snapshot = {
      at,
      asked: at,
      requests: requests.map((counter) => ({ ...counter, scraped: at })),
      buckets: buckets.map((bucket) => ({ ...bucket, scraped: at })),
    };
    const tally = counted(meter, snapshot);
    meter = advance(meter, snapshot);
    return tally;
  });
}
const tallyOf = (polls: readonly Poll[]): Tally => increments(polls).reduce(sumOf, emptyTally);
const totals = ({ stable, canary, unattributed }: Tally) => [
  stable.requests,
  stable.errors,
  canary.requests,
  canary.errors,
  unattributed.requests,
  unattributed.errors,
];

type Case = {
  readonly fact: string;
  readonly polls: readonly (readonly Counter[])[];
  readonly totals: readonly number[];
};
const cases: readonly Case[] = [
  {
    fact: "the first poll is only a base",
    polls: [[counter("gw", "stable", 100), counter("gw", "canary", 9)]],
    totals: [0, 0, 0, 0, 0, 0],
  },
  {
    fact: "what grew is counted",
    polls: [[counter("gw", "stable", 100)], [counter("gw", "stable", 130)], [counter("gw", "stable", 131)]],
    totals: [31, 0, 0, 0, 0, 0],
  },
  {
    fact: "a failed request counts as a request and as an error",
    polls: [[counter("gw", "stable", 1)], [counter("gw", "stable", 5), counter("gw", "stable", 2, true)]],
    totals: [6, 2, 0, 0, 0, 0],
  },
  {
    fact: "a value below the last one is a restart: the value is what was counted since",
    polls: [[counter("gw", "stable", 100)], [counter("gw", "stable", 7)]],
    totals: [7, 0, 0, 0, 0, 0],
  },
  {
    fact: "the first errors of a process that was seen before count in full",
    polls: [[counter("gw", "stable", 100)], [counter("gw", "stable", 100), counter("gw", "stable", 3, true)]],
    totals: [3, 3, 0, 0, 0, 0],
  },
  {
    fact: "a process that was not seen before has a past: its first value is a base",
    polls: [
      [counter("gw", "stable", 100)],
      [counter("gw", "stable", 100), counter("new", "stable", 5_000)],
      [counter("new", "stable", 5_004)],
    ],
    totals: [4, 0, 0, 0, 0, 0],
  },
  {
    fact: "a new process of the canary began at zero",
    polls: [
      [counter("gw", "stable", 100)],
      [counter("canary-pod", "canary", 3), counter("canary-pod", "canary", 2, true)],
    ],
    totals: [0, 0, 5, 2, 0, 0],
  },
  {
    fact: "a pod that vanished keeps what was counted",
    polls: [[counter("a", "stable", 10)], [counter("a", "stable", 15)], []],
    totals: [5, 0, 0, 0, 0, 0],
  },
  {
    fact: "a series that reappears after a gap goes on from its last value",
    polls: [[counter("a", "stable", 10)], [], [], [counter("a", "stable", 18)]],
    totals: [8, 0, 0, 0, 0, 0],
  },
  {
    fact: "a series that reappears after a restart counts from zero",
    polls: [[counter("a", "stable", 10)], [], [counter("a", "stable", 4)]],
    totals: [4, 0, 0, 0, 0, 0],
  },
  {
    fact: "failures that reached no pod are counted apart",
    polls: [[counter("gw", "stable", 1)], [counter("gw", "unattributed", 6, true)]],
    totals: [0, 0, 0, 0, 6, 6],
  },
];
for (const { fact, polls, totals: expected } of cases) {
  test(fact, () => assert.deepEqual(totals(tallyOf(polls.map((requests) => poll(requests)))), expected));
}

test("each snapshot counts what happened since the one before, and no series is forgotten", () => {
  const snapshots = [10, 15, 17].map((value) => poll([counter("a", "stable", value)]));
  assert.deepEqual(
    increments(snapshots).map(({ stable }) => stable.requests),
    [0, 5, 2],
  );
});

test("buckets of several processes add up by edge, and edges ascend", () => {
  const base = [
    bucket("a", "canary", Infinity, 10),
    bucket("a", "canary", 5, 4),
    bucket("b", "canary", 5, 0),
    bucket("b", "canary", Infinity, 0),
  ];
  const next = [
    bucket("b", "canary", Infinity, 3),
    bucket("b", "canary", 5, 2),
    bucket("a", "canary", 5, 5),
    bucket("a", "canary", Infinity, 20),
  ];
  assert.deepEqual(tallyOf([poll([], base), poll([], next)]).canary.buckets, [
    { le: 5, count: 3 },
    { le: Infinity, count: 13 },
  ]);
});

test("a restart that hides in a wide bucket leaves it with no fewer requests than a narrow one", () => {
  const before = [bucket("a", "stable", 5, 16), bucket("a", "stable", Infinity, 20)];
  const restarted = [bucket("a", "stable", 5, 8), bucket("a", "stable", Infinity, 20)];
  assert.deepEqual(tallyOf([poll([], before), poll([], restarted)]).stable.buckets, [
    { le: 5, count: 8 },
    { le: Infinity, count: 8 },
  ]);
});

/** A world that knows the truth: what every process counted, whether or not anybody looked. */
type Step =
  | { readonly process: number; readonly origin: Attribution; readonly failed: boolean; readonly grows: number }
  | { readonly restart: number }
  | { readonly gap: readonly number[] };

const processes = 4;
const process = fc.integer({ min: 0, max: processes - 1 });
const grows = fc.record({
  process,
  origin: fc.constantFrom<Attribution>("stable", "canary", "unattributed"),
  failed: fc.boolean(),
  grows: fc.integer({ min: 1, max: 50 }),
});
const restart = fc.record({ restart: process });
const look = fc.record({ gap: fc.subarray([0, 1, 2, 3]) });

/** Plays the steps: every `gap` is a poll in which those processes could not be scraped. Gives the polls, and the truth since the first. */
function play(steps: readonly Step[]): { readonly polls: readonly Poll[]; readonly truth: readonly number[] } {
  const counters = new Map<string, Counter>();
  const truth = new Map<string, number>();
  const polls: Poll[] = [];
  const scrape = (gap: readonly number[]) =>
    polls.push(poll([...counters.values()].filter(({ process }) => !gap.includes(Number(process)))));
  for (const index of Array.from({ length: processes }, (_, index) => index))
    counters.set(`${index}`, { ...counter(`${index}`, "stable", 1_000), series: `${index}` });
  scrape([]);
  for (const step of steps) {
    if ("gap" in step) scrape(step.gap);
    else if ("restart" in step)
      for (const [key, value] of counters) value.process === `${step.restart}` && counters.delete(key);
    else {
      const { series, ...rest } = counter(`${step.process}`, step.origin, 0, step.failed);
      counters.set(series, { series, ...rest, value: (counters.get(series)?.value ?? 0) + step.grows });
      for (const kind of step.failed ? ["requests", "errors"] : ["requests"])
        truth.set(`${step.origin}/${kind}`, (truth.get(`${step.origin}/${kind}`) ?? 0) + step.grows);
    }
  }
  scrape([]);
  const keys = ["stable", "canary", "unattributed"].flatMap((origin) => [`${origin}/requests`, `${origin}/errors`]);
  return { polls, truth: keys.map((key) => truth.get(key) ?? 0) };
}

test("without restarts every request is counted exactly once, whatever scrapes are missed", () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(grows, look), { maxLength: 60 }), (steps) => {
      const { polls, truth } = play(steps);
      assert.deepEqual(totals(tallyOf(polls)), truth);
    }),
  );
});

test("with restarts, new series and gaps never more is counted than happened, and only whole numbers", () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(grows, restart, look), { maxLength: 60 }), (steps) => {
      const { polls, truth } = play(steps);
      for (const [index, counted] of totals(tallyOf(polls)).entries()) {
        assert.ok(
          Number.isInteger(counted) && counted >= 0 && counted <= (truth[index] ?? 0),
          `${counted} of ${truth[index]}`,
        );
      }
    }),
  );
});

test("nothing is ever counted back", () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(grows, restart, look), { maxLength: 40 }), (steps) => {
      for (const tally of increments(play(steps).polls)) assert.ok(totals(tally).every((value) => value >= 0));
    }),
  );
});

test("the order of the series in a poll is irrelevant", () => {
  const history = fc.array(fc.oneof(grows, restart, look), { maxLength: 40 }).map((steps) => play(steps).polls);
  const shuffled = history.chain((polls) =>
    fc.tuple(
      fc.constant(polls),
      fc.tuple(
        ...polls.map(({ requests }) =>
          fc.shuffledSubarray([...requests], { minLength: requests.length, maxLength: requests.length }),
        ),
      ),
    ),
  );
  fc.assert(
    fc.property(shuffled, ([polls, mixed]) =>
      assert.deepEqual(tallyOf(mixed.map((requests) => poll(requests))), tallyOf(polls)),
    ),
    { numRuns: 50 },
  );
});

test("the same poll twice counts nothing the second time", () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(grows, restart, look), { maxLength: 40 }), (steps) => {
      const { polls } = play(steps);
      const last = polls.at(-1) ?? poll([]);
      assert.deepEqual(tallyOf([...polls, last]), tallyOf(polls));
    }),
  );
});
