import assert from "node:assert/strict";
import test from "node:test";
import { defaults } from "../../src/evidence/defaults.ts";
import {
  emptyLatency,
  growLatency,
  isUncompared,
  type Latency,
  latencyLogE,
  profileLatency,
  slowestEdge,
} from "../../src/evidence/latency.ts";
import { totals } from "../../src/evidence/mixture.ts";
import type { Count } from "../../src/evidence/tally.ts";
import { chance, poisson } from "../../src/rehearsal/chance.ts";
import { alike } from "./close.ts";

/** A count of requests by how many fell between the edges 10, 50, 100, 500ms and beyond. */
function histogram(...between: readonly number[]): Count {
  const edges = [10, 50, 100, 500, Infinity];
  let below = 0;
  const buckets = edges.map((le, index) => {
    below += between[index] ?? 0;
    return { le, count: below };
  });
  return { requests: below, errors: 0, buckets };
}

const none = histogram(0, 0, 0, 0, 0);
const typical = { stable: histogram(400, 400, 150, 49, 1), canary: none };
const profiled = profileLatency(emptyLatency, typical);
const grown = (latency: Latency, stable: Count, canary: Count): Latency =>
  growLatency(latency, { stable, canary }, () => 1.25, 1);

test("the edges that stable exceeds in 0.1% to 60% of requests are watched, and the first that it hardly ever exceeds", () => {
  const { edges = [] } = grown(profiled, none, none);
  assert.deepEqual(
    edges.map(({ le }) => le),
    [10, 50, 100, 500],
  );
  const { edges: fewer = [] } = grown(
    profileLatency(emptyLatency, { stable: histogram(300, 500, 200, 0, 0), canary: none }),
    none,
    none,
  );
  assert.deepEqual(
    fewer.map(({ le }) => le),
    [50, 100],
  );
});

test("the first edge that stable hardly ever exceeds shows what drowns in those that it does exceed", () => {
  const stable = histogram(0, 600, 400, 0, 0);
  const slow = grown(profileLatency(emptyLatency, { stable, canary: none }), stable, histogram(0, 60, 34, 6, 0));
  assert.equal(slowestEdge(slow, defaults)?.le, 100);
  assert.ok(latencyLogE(slow) > Math.log(20), `${latencyLogE(slow)}`);
});

test("requests that nobody feels are never slow, however much faster stable is", () => {
  const edges = (slowFrom: number): readonly number[] => {
    const fast = profileLatency(emptyLatency, { stable: histogram(1_000, 0, 0, 0, 0), canary: none }, slowFrom);
    const versions = { stable: histogram(1_000, 0, 0, 0, 0), canary: histogram(0, 100, 0, 0, 0) };
    return (growLatency(fast, versions, () => 1.25, 1, slowFrom).edges ?? []).map(({ le }) => le);
  };
  assert.deepEqual([edges(0), edges(10), edges(11), edges(60)], [[10], [10], [50], [100]]);
});

test("where stable is always as fast, between two edges, the next edge shows a canary that is slower", () => {
  const steady = profileLatency(emptyLatency, { stable: histogram(0, 900, 0, 0, 0), canary: none });
  const slower = grown(steady, histogram(0, 900, 0, 0, 0), histogram(0, 0, 0, 100, 0));
  assert.deepEqual(
    slower.edges?.map(({ le }) => le),
    [50],
  );
  assert.ok(latencyLogE(slower) > 20, `${latencyLogE(slower)}`);
  const asFast = grown(steady, histogram(0, 900, 0, 0, 0), histogram(0, 100, 0, 0, 0));
  assert.ok(latencyLogE(asFast) <= 0, `${latencyLogE(asFast)}`);
});

test("edges are chosen by what came before, never by the counts that are judged", () => {
  const { edges = [] } = grown(profiled, histogram(0, 0, 0, 0, 1_000), histogram(0, 0, 0, 0, 50));
  assert.deepEqual(
    edges.map(({ le }) => le),
    [10, 50, 100, 500],
  );
});

test("before stable has had 100 requests nothing is chosen and nothing is proven", () => {
  const early = grown(emptyLatency, histogram(30, 15, 10, 5, 1), histogram(0, 0, 0, 0, 50));
  assert.equal(early.edges, undefined);
  assert.equal(latencyLogE(early), 0);
  const later = grown(early, histogram(30, 15, 10, 5, 1), none);
  assert.equal(grown(later, none, none).edges?.length, 4);
});

test("without a histogram nothing is proven and nothing breaks", () => {
  const bare: Count = { requests: 500, errors: 0, buckets: [] };
  const after = grown(grown(emptyLatency, bare, bare), bare, bare);
  assert.equal(latencyLogE(after), 0);
  assert.equal(grown(profiled, bare, bare).edges?.length, 4);
});

test("response times count as compared from 20 of the canary on, beside some of stable, and not before", () => {
  assert.equal(isUncompared(emptyLatency), false); // there is no histogram
  assert.equal(isUncompared(profiled), true);
  assert.equal(isUncompared(grown(profiled, typical.stable, histogram(10, 5, 3, 1, 0))), true);
  assert.equal(isUncompared(grown(profiled, typical.stable, histogram(10, 5, 3, 1, 1))), false);
  assert.equal(isUncompared(grown(profiled, none, histogram(10, 5, 3, 1, 1))), true);
  assert.equal(isUncompared(profileLatency(emptyLatency, { stable: histogram(30, 15), canary: none })), true);
  const beyond = profileLatency(emptyLatency, { stable: histogram(0, 0, 0, 0, 500), canary: none });
  assert.equal(isUncompared(beyond), false);
});

test("a slower canary is proven, at the edge where it shows", () => {
  const after = grown(profiled, histogram(400, 400, 150, 49, 1), histogram(40, 20, 20, 18, 2));
  assert.ok(latencyLogE(after) > Math.log(20));
  assert.equal(slowestEdge(after, defaults)?.le, 100);
  assert.deepEqual(slowestEdge(after, defaults)?.slow, { stable: 50, canary: 20 });
});

test("clusters of slow requests temper what is proven", () => {
  const versions = { stable: histogram(400, 400, 150, 49, 1), canary: histogram(40, 20, 20, 18, 2) };
  const [plain, tempered] = [1, 3].map(
    (phi) => growLatency(profiled, versions, () => 1.25, phi).edges?.flatMap(({ mixture }) => totals(mixture)) ?? [],
  );
  alike(
    tempered ?? [],
    (plain ?? []).map((log) => log / 3),
  );
});

test("a faster canary is never proven bad", () => {
  let latency = profiled;
  for (let poll = 0; poll < 30; poll++)
    latency = grown(latency, histogram(400, 400, 150, 49, 1), histogram(90, 9, 1, 0, 0));
  assert.ok(latencyLogE(latency) < 0);
});

test("a scrape that caught a histogram in the middle of an update counts no negative requests", () => {
  const torn: Count = {
    requests: 10,
    errors: 0,
    buckets: [
      { le: 10, count: 12 },
      { le: 50, count: 9 },
      { le: 100, count: 10 },
      { le: 500, count: 10 },
      { le: Infinity, count: 10 },
    ],
  };
  const { edges = [] } = grown(profiled, torn, torn);
  assert.ok(edges.every(({ slow }) => slow.canary >= 0 && slow.stable >= 0));
});

test("a version as slow as the margin allows is called slow in less than 5 of 100 releases (200 releases, seed 8)", () => {
  const next = chance(8);
  const shares = [0.5, 0.35, 0.1, 0.045, 0.005];
  const slower = slowedBy(shares, 1.25);
  let called = 0;
  for (let release = 0; release < 200; release++) {
    let latency = profiled;
    let proven = false;
    for (let poll = 0; poll < 40 && !proven; poll++) {
      const draw = (requests: number, parts: readonly number[]): Count =>
        histogram(...parts.map((part) => poisson(requests * part, next)));
      latency = grown(latency, draw(600, shares), draw(150, slower));
      proven = latencyLogE(latency) >= Math.log(20);
    }
    called += proven ? 1 : 0;
  }
  assert.ok(called <= 10, `${called} of 200`);
});

/** The shares between edges when the odds of exceeding every edge are `times` as large. */
function slowedBy(shares: readonly number[], times: number): readonly number[] {
  const exceed = shares.map((_, index) => shares.slice(index + 1).reduce((a, b) => a + b, 0));
  const after = exceed.map((part) => (part * times) / (1 - part + part * times));
  return after.map((part, index) => (index === 0 ? 1 : (after[index - 1] ?? 1)) - part);
}
