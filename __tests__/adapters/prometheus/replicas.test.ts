import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { advance, counted, emptyMeter } from "../../../src/adapters/prometheus/meter.ts";
import type { Counter, Snapshot } from "../../../src/adapters/prometheus/snapshot.ts";
import type { Instant, Millis } from "../../../src/lib/duration.ts";

const second: Millis = 1_000;
const interval: Millis = 15 * second;

/** A value with the second of its scrape. `undefined`: the last scrape of that replica failed. */
type Read = { readonly value: number; readonly scraped: number | undefined; readonly asked: number };
const at = (asked: number, value: number, scraped: number | undefined = asked): Read => ({ value, scraped, asked });
const unscraped = (asked: number, value: number): Read => ({ value, scraped: undefined, asked });

/** What is counted at each reading of one counter. */
function grown(reads: readonly Read[]): readonly number[] {
  let meter = emptyMeter(interval);
  return reads.map(({ value, scraped, asked }) => {
    const counter: Counter = {
      series: "one",
      process: "gateway-1",
      origin: "stable",
      failed: false,
      value,
      scraped: scraped === undefined ? undefined : scraped * second,
    };
    const snapshot: Snapshot = { at: asked * second, asked: asked * second, requests: [counter], buckets: [] };
    const { stable } = counted(meter, snapshot);
    meter = advance(meter, snapshot);
    return stable.requests;
  });
}

const facts: readonly { readonly fact: string; readonly reads: readonly Read[]; readonly grown: readonly number[] }[] =
  [
    {
      fact: "a replica that scraped before the value that is known tells nothing, and what it lacked counts once",
      reads: [at(10, 1_000), at(12, 994, 9), at(16, 1_010, 15), at(17, 1_004, 14), at(20, 1_012)],
      grown: [0, 0, 10, 0, 2],
    },
    {
      fact: "it tells nothing however young the counter is",
      reads: [at(10, 1), at(15, 10), at(16, 4, 13), at(30, 12)],
      grown: [0, 9, 0, 2],
    },
    {
      fact: "a fast counter that restarted counts what it has since, at the first scrape",
      reads: [at(0, 1_000_000), at(15, 200), at(30, 450)],
      grown: [0, 200, 250],
    },
    { fact: "a slow counter that restarted counts as well: 3, then 1", reads: [at(0, 3), at(15, 1)], grown: [0, 1] },
    {
      fact: "a replica that scraped before a restart that another has shown does not bring the old life back",
      reads: [at(0, 1_000), at(17, 5), at(18, 1_003, 15), at(20, 1_000, 2), at(32, 9)],
      grown: [0, 5, 0, 0, 4],
    },
    {
      fact: "nor does one whose last scrape failed because the process was gone",
      reads: [at(0, 1_000), at(17, 5), unscraped(18, 1_003), unscraped(200, 1_003), at(210, 9)],
      grown: [0, 5, 0, 0, 4],
    },
    {
      fact: "the last words of a process that cannot be scraped any more count",
      reads: [at(0, 1_000), unscraped(20, 1_007), unscraped(30, 1_007)],
      grown: [0, 7, 0],
    },
    {
      fact: "a value without the time of its scrape is never a restart",
      reads: [at(0, 1_000), unscraped(20, 3), at(30, 1_001)],
      grown: [0, 0, 1],
    },
    {
      fact: "clocks of replicas that differ, or a scrape that took long, make no restart of a step back",
      reads: [at(0, 1_000), at(2, 994), at(15, 1_010), at(17, 1_004), at(70, 1_040)],
      grown: [0, 0, 10, 0, 30],
    },
    {
      fact: "half of a young counter, a moment later, is no restart either",
      reads: [at(0, 1), at(15, 10), at(17, 4), at(30, 12)],
      grown: [0, 9, 0, 2],
    },
    {
      fact: "a counter that restarted and is not far below stays until a minute has passed: 3, then 2",
      reads: [at(0, 3), at(15, 2), at(45, 2), at(75, 2), at(90, 4)],
      grown: [0, 0, 0, 2, 2],
    },
    {
      fact: "a counter that is back where it was at once did not restart, and what it had counts no second time",
      reads: [at(0, 1_000), at(15, 0), at(30, 1_020), at(45, 400), at(60, 1_500), at(75, 1_510)],
      grown: [0, 0, 20, 400, 80, 10],
    },
    {
      fact: "a counter that restarted and grows past its old life step by step counts in full",
      reads: [at(0, 20), at(15, 5), at(30, 15), at(45, 25)],
      grown: [0, 5, 10, 10],
    },
    {
      fact: "a burst long after a restart is no return",
      reads: [at(0, 50), at(15, 3), at(80, 63)],
      grown: [0, 3, 60],
    },
    {
      fact: "a counter that restarts again and again counts each of its lives",
      reads: [at(0, 100), at(15, 4), at(30, 9), at(45, 3), at(60, 1)],
      grown: [0, 4, 5, 3, 1],
    },
  ];
for (const { fact, reads, grown: expected } of facts) test(fact, () => assert.deepEqual(grown(reads), expected));

/** What happens in a world of two replicas. Times are seconds since what happened before. */
type Event = { readonly after: number } & (
  | { readonly grows: number; readonly process: number; readonly failed: boolean }
  | { readonly restarts: number }
  | { readonly scrapes: number; readonly without: readonly number[] }
  | { readonly looks: number }
);

const after = fc.integer({ min: 1, max: 8 });
const process = fc.integer({ min: 0, max: 1 });
const replica = fc.integer({ min: 0, max: 1 });
const grows = fc.record({ after, grows: fc.integer({ min: 1, max: 40 }), process, failed: fc.boolean() });
const restarts = fc.record({ after, restarts: process });
const scrapes = fc.record({ after, scrapes: replica, without: fc.subarray([0, 1]) });
const looks = fc.record({ after, looks: replica });

type Sample = Omit<Counter, "scraped"> & { readonly scraped: Instant };

/** Plays events, and gives what looks at whichever replica counted, and the truth. */
function play(events: readonly Event[]): { readonly counted: readonly number[]; readonly truth: readonly number[] } {
  let now = 0;
  const counters = new Map<string, Omit<Sample, "scraped">>();
  const truth = { requests: 0, errors: 0 };
  const result = { requests: 0, errors: 0 };
  let meter = emptyMeter(interval);
  const replicas = [0, 1].map(() => ({ samples: new Map<string, Sample>(), scraped: new Map<string, Instant>() }));

  const add = (id: number, failed: boolean, times: number): void => {
    const series = `${id} ${failed}`;
    const value = (counters.get(series)?.value ?? 0) + times;
    counters.set(series, { series, process: String(id), origin: "stable", failed, value });
  };
  const scrape = (index: number, without: readonly number[]): void => {
    const { samples, scraped } = replicas[index] ?? assert.fail();
    scraped.clear();
    for (const counter of counters.values())
      if (!without.includes(Number(counter.process))) {
        scraped.set(counter.series, now);
        samples.set(counter.series, { ...counter, scraped: now });
      }
  };
  const look = (index: number): void => {
    const { samples, scraped } = replicas[index] ?? assert.fail();
    const requests = [...samples.values()]
      .filter((sample) => sample.scraped > now - 300 * second)
      .map((sample) => ({ ...sample, scraped: scraped.get(sample.series) }));
    const snapshot = { at: now, asked: now, requests, buckets: [] };
    const { stable } = counted(meter, snapshot);
    meter = advance(meter, snapshot);
    result.requests += stable.requests;
    result.errors += stable.errors;
  };

  for (const id of [0, 1]) add(id, false, 1_000 * id);
  for (const index of [0, 1]) scrape(index, []);
  look(0);
  for (const event of events) {
    now += event.after * second;
    if ("grows" in event) {
      add(event.process, event.failed, event.grows);
      truth.requests += event.grows;
      if (event.failed) truth.errors += event.grows;
    } else if ("restarts" in event)
      for (const [key, { process }] of counters) process === String(event.restarts) && counters.delete(key);
    else if ("scrapes" in event) scrape(event.scrapes, event.without);
    else look(event.looks);
  }
  now += interval;
  scrape(0, []);
  look(0);
  return { counted: [result.requests, result.errors], truth: [truth.requests, truth.errors] };
}

test("two replicas in turn count each request exactly once, whichever scrapes fail", () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(grows, scrapes, looks), { maxLength: 80, size: "max" }), (events) => {
      const { counted, truth } = play(events);
      assert.deepEqual(counted, truth);
    }),
    { numRuns: 300 },
  );
});

test("two replicas in turn never count more than happened, whatever restarts and whichever scrapes fail", () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(grows, restarts, scrapes, looks), { maxLength: 80, size: "max" }), (events) => {
      const { counted, truth } = play(events);
      for (const [index, count] of counted.entries()) assert.ok(count <= (truth[index] ?? 0), `${count} of ${truth}`);
    }),
    { numRuns: 1_000 },
  );
});
