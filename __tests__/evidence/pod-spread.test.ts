import assert from "node:assert/strict";
import test from "node:test";
import { defaults, type Settings } from "../../src/evidence/defaults.ts";
import { dispersionOf, type PodCount } from "../../src/evidence/dispersion.ts";
import { addPoll, type Evidence, noEvidence } from "../../src/evidence/evidence.ts";
import { lastingDifference, podMargin, podSpreadOf, timeSpread, usualSpread } from "../../src/evidence/pod-spread.ts";
import type { Count } from "../../src/evidence/tally.ts";
import { weigh } from "../../src/evidence/weigh.ts";
import { chance, poisson } from "../../src/rehearsal/chance.ts";

/** An hour of pods that fail as often as said, of 3,000 requests a minute each. */
function hour(rates: readonly number[], seed: number, more = (_minute: number, _pod: number) => 0) {
  const next = chance(seed);
  return Array.from({ length: 60 }, (_, minute) =>
    rates.map((rate, pod): PodCount => ({ requests: 3_000, errors: poisson(3_000 * rate, next) + more(minute, pod) })),
  );
}
const spreadOf = (windows: ReturnType<typeof hour>): number => podSpreadOf(windows, []).errors;
const alike = Array<number>(10).fill(0.005);
const differing = [2, 3, 4, 4, 5, 5, 6, 6, 7, 8].map((times) => times / 1_000);

test("pods that fail alike do not differ, whatever chance makes of them", () => {
  for (let seed = 1; seed <= 20; seed++) assert.equal(spreadOf(hour(alike, seed)), 0, `seed ${seed}`);
});

test("pods that differ do so by about the deviation of their rates", () => {
  const found = Array.from({ length: 20 }, (_, seed) => spreadOf(hour(differing, seed)));
  for (const spread of found) assert.ok(spread > 0.28 && spread < 0.42, `${spread}`);
});

test("an incident of ten minutes on one pod is hardly a difference of pods, and one of all pods is none", () => {
  const ofOne = hour(alike, 3, (minute, pod) => (pod === 4 && minute >= 20 && minute < 30 ? 600 : 0));
  const ofAll = hour(alike, 3, (minute) => (minute >= 17 && minute < 40 ? 300 : 0));
  assert.ok(spreadOf(ofOne) < 0.25, `${spreadOf(ofOne)}`); // forty times the failures in a sixth of the hour
  assert.equal(spreadOf(ofAll), 0);
});

test("what pods differ by all the hour is no cluster of failures", () => {
  const windows = hour(differing, 5);
  assert.ok(dispersionOf(windows) > 2);
  assert.ok(dispersionOf(windows, lastingDifference(windows).rates) < 1.1);
  const clusters = hour(alike, 5).map((window) => window.map((pod) => ({ ...pod, errors: 3 * pod.errors })));
  const { rates } = lastingDifference(clusters);
  assert.ok(dispersionOf(clusters, rates) > 2.7);
});

test("a pod that came late or was away stands at its place, and counts where it was there", () => {
  const there = hour(differing, 7);
  const some = there.map((window, minute) =>
    window.map((pod, index) => (index === 9 && minute < 30 ? { requests: 0, errors: 0 } : pod)),
  );
  assert.ok(Math.abs(spreadOf(some) - spreadOf(there)) < 0.1);
});

test("of one pod nobody knows how far others are from it; of few, that they look alike is no proof", () => {
  const ofOne = podSpreadOf(hour([0.005], 1), []);
  assert.deepEqual(ofOne, usualSpread);
  assert.ok(podMargin(ofOne, ofOne.errors, 1) > 1.5);
  assert.ok(spreadOf(hour([0.005, 0.005, 0.005], 1)) > 0);
  assert.deepEqual(podSpreadOf([], []), usualSpread);
});

test("times differ as much as the odds of being slow do where these do most, and as usual where nothing was measured", () => {
  const slow = [0.1, 0.3, 0.2].map((spread, index) => ({ le: 10 ** index, spread }));
  assert.equal(timeSpread(undefined), 0);
  assert.equal(timeSpread({ pods: 2, errors: 0, slow }), 0.3);
  assert.equal(timeSpread({ pods: 1, errors: 0, slow }), timeSpread(usualSpread));
  assert.equal(timeSpread({ pods: 9, errors: 0, slow: [] }), timeSpread(usualSpread));
});

test("response times have a spread for each edge that some of stable's requests are beyond, and some are not", () => {
  const edge = (slow: readonly number[]) =>
    Array.from({ length: 6 }, () => slow.map((errors): PodCount => ({ requests: 10_000, errors })));
  const all = Array<number>(10);
  const found = podSpreadOf(hour(alike, 1), [
    { le: 50, windows: edge([...all].map((_, pod) => 4_000 + 200 * pod)) },
    { le: 100, windows: edge([...all].map((_, pod) => 100 + 20 * pod)) },
    { le: 250, windows: edge([...all].map(() => 0)) },
  ]);
  assert.deepEqual(
    found.slow.map(({ le }) => le),
    [50, 100],
  );
  const [middle = 0, tail = 0] = found.slow.map(({ spread }) => spread);
  assert.ok(middle > 0.2 && middle < 0.3 && tail > 0.28 && tail < 0.4, `${middle} ${tail}`);
});

test("more canary pods are fewer chances to get odd ones", () => {
  const measured = { pods: 10, errors: 0.5, slow: [] };
  const margins = [1, 3, 5].map((pods) => podMargin(measured, 0.5, pods));
  assert.deepEqual(
    margins.map((margin) => Math.round(100 * margin)),
    [263, 184, 166],
  );
  assert.equal(podMargin(undefined, 0.5, 1), 1);
  assert.equal(podMargin(measured, 0, 1), 1);
});

const settings: Settings = { ...defaults, podSpread: { pods: 10, errors: 0.5, slow: [{ le: 10, spread: 0.5 }] } };
const countOf = (requests: number, errors: number, slow: number): Count => ({
  requests,
  errors,
  buckets: [
    { le: 100, count: requests - slow },
    { le: Infinity, count: requests },
  ],
});

function after(errors: number, slow: number, by: Settings, pods?: number): Evidence {
  let evidence = noEvidence;
  for (let poll = 0; poll < 60; poll++) {
    const age = defaults.warmUp + poll * defaults.scrape;
    const counts = { stable: countOf(675, 3, 14), canary: countOf(75, poll % 3 === 0 ? errors : 0, slow) };
    const seen = pods === undefined ? {} : { pods };
    evidence = addPoll(evidence, { weight: 10, age, from: age - defaults.scrape, lost: 0, ...seen, ...counts }, by);
  }
  return evidence;
}

test("a canary that is as bad as pods are by themselves is not blamed, one that is worse is", () => {
  const findingOf = (errors: number, slow: number, by: Settings) => weigh(after(errors, slow, by, 1), by).finding;
  const [failing, slow] = [
    [2, 8],
    [3, 12],
  ] as const;
  for (const by of [defaults, settings]) assert.equal(findingOf(1, 1, by), "safe");
  assert.deepEqual(
    failing.map((errors) => findingOf(errors, 1, defaults)),
    ["harm", "harm"],
  );
  assert.deepEqual(
    slow.map((times) => findingOf(1, times, defaults)),
    ["harm", "harm"],
  );
  assert.deepEqual(
    failing.map((errors) => findingOf(errors, 1, settings) === "harm"),
    [false, true],
  );
  assert.deepEqual(
    slow.map((times) => findingOf(1, times, settings) === "harm"),
    [false, true],
  );
});

test("with three pods less is borne than with one, and with an unknown number as with one", () => {
  const harm = (pods?: number) => weigh(after(3, 1, settings, pods), settings).harm;
  assert.ok(harm(3) > harm(1) + 1);
  assert.equal(harm(), harm(1));
});

test("the circuit breaker does not care whose pods they are", () => {
  const { breaker } = weigh(after(60, 1, settings, 1), settings);
  assert.equal(breaker, weigh(after(60, 1, defaults, 1), defaults).breaker);
});
