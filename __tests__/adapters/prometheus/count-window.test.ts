import assert from "node:assert/strict";
import test from "node:test";
import { countWindow, type WindowView } from "../../../src/adapters/prometheus/count-window.ts";
import type { Counter, Snapshot } from "../../../src/adapters/prometheus/snapshot.ts";

const minute = 60_000;
const end = 100 * minute;
const start = end - 10 * minute;

const counter = (value: number, process = "old", scraped = 0): Counter => ({
  series: `requests of ${process}`,
  process,
  origin: "canary",
  value,
  scraped,
  failed: false,
  givenUp: false,
  cutOff: false,
});
const snapshot = (at: number, ...requests: readonly Counter[]): Snapshot => ({ at, asked: at, requests, buckets: [] });
const away = (which: string) => ({ because: `${which} could not be read` });

/** Prometheus at the start of ten minutes, in their middle and at their end; it looked at something all the time. */
const view = (more: Partial<WindowView> & { readonly begun?: object; readonly middle?: object }): WindowView => ({
  interval: 15_000,
  at: async (moment) =>
    ((moment === start ? more.begun : more.middle) as Snapshot) ?? snapshot(moment, counter(10, "old", moment)),
  first: async () => assert.fail("nobody needs the first samples"),
  last: async () => snapshot(end, counter(17, "old", end)),
  watched: async () => true,
  ...more,
});
const counted = (more: Parameters<typeof view>[0]) => countWindow(view(more), end, end - start);

test("a window is counted by all its moments, and one that could not be read is no count", async () => {
  const known = await counted({});
  assert.ok("covered" in known);
  assert.deepEqual([known.canary.requests, known.covered], [7, end - start]);
  const unread: readonly (readonly [string, Parameters<typeof view>[0]])[] = [
    ["the beginning", { begun: away("the beginning") }],
    ["the middle", { middle: away("the middle") }],
    ["the end", { last: async () => away("the end") }],
    ["the first", { begun: snapshot(start), watched: async () => false, first: async () => away("the first") }],
  ];
  for (const [which, more] of unread) assert.deepEqual(await counted(more), away(which));
});

test("a window begins where somebody counts, and whoever begins within it does so at zero", async () => {
  const late = await counted({ begun: snapshot(start), middle: snapshot(end - 5 * minute) });
  assert.ok("covered" in late);
  assert.deepEqual([late.canary.requests, late.covered], [17, 5 * minute]);
  const none = await counted({ begun: snapshot(start), middle: snapshot(0), last: async () => snapshot(end) });
  assert.ok("covered" in none);
  assert.deepEqual([none.canary.requests, none.covered], [0, 5 * minute]);
});

test("a Prometheus that is younger than the window counts from its first samples, in which years may be", async () => {
  const young = { begun: snapshot(start), watched: async () => false };
  const known = await counted({ ...young, first: async () => snapshot(end, counter(9, "old", start)) });
  assert.ok("covered" in known);
  assert.equal(known.canary.requests, 8);
});
