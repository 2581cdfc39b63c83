import assert from "node:assert/strict";
import test from "node:test";
import { conclude } from "../../src/evidence/conclusion.ts";
import { defaults, type Settings } from "../../src/evidence/defaults.ts";
import { addPoll, type Evidence, noEvidence } from "../../src/evidence/evidence.ts";
import { append, emptyLedger, evidenceOf } from "../../src/evidence/ledger.ts";
import { growMeans, type MeanTimes } from "../../src/evidence/mean-times.ts";
import { logE } from "../../src/evidence/mixture.ts";
import type { Poll } from "../../src/evidence/poll.ts";
import type { Count } from "../../src/evidence/tally.ts";
import { weigh } from "../../src/evidence/weigh.ts";
import { chance } from "../../src/rehearsal/chance.ts";

const edges = [1, 5, 10, 25, 50, 100, 250, 500, 1_000, Infinity];

/** Requests that took so long, with a histogram at Envoy's edges; `-1`: nobody counts how long they took together. */
function took(times: readonly number[], sum = times.reduce((all, time) => all + time, 0)): Count {
  const buckets = edges.map((le) => ({ le, count: times.filter((time) => time <= le).length }));
  return { requests: times.length, errors: 0, buckets, ...(sum < 0 ? {} : { took: Math.round(sum) }) };
}

const each = (time: number, requests: number): readonly number[] => Array<number>(requests).fill(time);

type Times = (requests: number) => readonly number[];

/** A release of 40 polls at one weight: each with 200 requests of stable and 20 of the canary, or as many as said. */
function polls(stable: Times, canary: Times, { weight = 10, sums = true, requests = 20 } = {}): readonly Poll[] {
  return Array.from({ length: 40 }, (_, index) => ({
    weight,
    age: (index + 1) * 15_000,
    from: index * 15_000,
    stable: took(stable(200), sums ? undefined : -1),
    canary: took(canary(requests), sums ? undefined : -1),
    lost: 0,
  }));
}

const all = (release: readonly Poll[], settings: Settings = defaults): Evidence =>
  release.reduce((evidence, poll) => addPoll(evidence, poll, settings), noEvidence);
const findingOf = (release: readonly Poll[], settings: Settings = defaults): string =>
  weigh(all(release, settings), settings).finding;

test("twice as slow within one bucket is harm, by the averages, and they are what is told", () => {
  const [twice, uncounted] = [true, false].map((sums) =>
    polls(
      (requests) => each(112, requests),
      (requests) => each(224, requests),
      { sums },
    ),
  );
  const { finding, by, average } = conclude(all(twice ?? []), defaults);
  assert.deepEqual([finding, by, average?.means], ["harm", "latency", { stable: 112, canary: 224 }]);
  assert.equal(findingOf(uncounted ?? []), "sound", "where nobody counts sums");
});

test("a difference that nobody feels is no harm, with however many requests it crosses an edge", () => {
  const differences: readonly (readonly [stable: number, canary: number])[] = [
    [24.5, 25.5],
    [99.5, 100.5],
    [9.5, 10.45],
    [245, 255],
  ];
  for (const [stable, canary] of differences)
    assert.equal(
      findingOf(
        polls(
          (requests) => each(stable, requests),
          (requests) => each(canary, requests),
        ),
      ),
      "sound",
      `${stable} → ${canary}ms`,
    );
});

test("what is felt is settable: by time, and as a part of what stable's requests take", () => {
  const release = polls(
    (requests) => each(245, requests),
    (requests) => each(275, requests),
  );
  const judgedBy = (settings: Partial<Settings>): string => findingOf(release, { ...defaults, ...settings });
  assert.deepEqual(
    [judgedBy({}), judgedBy({ slowerBy: 40 }), judgedBy({ slowerByPart: 0.2 })],
    ["harm", "sound", "sound"],
  );
});

test("a tail that grows is harm, also where the average hardly moves", () => {
  const tail: Times = (requests) => [...each(40, requests - 1), 340];
  const { finding, by, average } = conclude(
    all(polls((requests) => each(40, requests), tail, { requests: 60, weight: 25 })),
    defaults,
  );
  assert.deepEqual([finding, by, average], ["harm", "latency", undefined]);
});

test("canaries as slow as stable are called slower by their average in at most 5 of 100 releases, tails or not (100 each, seed 3)", () => {
  const next = chance(3);
  const gauss = (): number => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
  for (const spread of [0.1, 2]) {
    const drawn = (requests: number): Count => {
      const sum = Array.from({ length: requests }, () => 60 * Math.exp(spread * gauss())).reduce((a, b) => a + b);
      return { requests, errors: 0, buckets: [{ le: Infinity, count: requests }], took: Math.round(sum) };
    };
    let called = 0;
    for (let release = 0; release < 100; release++) {
      let means: MeanTimes | undefined;
      let most = 0;
      for (let poll = 0; poll < 24; poll++) {
        const counted = { weight: 50, age: 0, from: 0, stable: drawn(25), canary: drawn(25), lost: 0 };
        means = growMeans(means, counted, 1, { ...defaults, slowerBy: 0, slowerByPart: 0 });
        most = Math.max(most, means ? logE(means.mixture) : 0);
      }
      if (most >= Math.log(20)) called++;
    }
    assert.ok(called <= 5, `${called} of 100 at a spread of ${spread}`);
  }
});

test("with more than half of the traffic the canary's average is none to compare with", () => {
  const release = polls(
    (requests) => each(112, requests),
    (requests) => each(224, requests),
    { weight: 75 },
  );
  assert.equal(
    all(release).latency.means?.mixture.logs.every((log) => log === 0),
    true,
  );
});

test("the ledger keeps how long requests took", () => {
  const release = polls(
    (requests) => each(112, requests),
    (requests) => each(224, requests),
  );
  assert.deepEqual(evidenceOf(release.reduce(append, emptyLedger), defaults), all(release));
});
