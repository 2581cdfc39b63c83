import assert from "node:assert/strict";
import test from "node:test";
import { followScrapes, type Scrapes, whyStale } from "../../../src/adapters/prometheus/scrapes.ts";
import type { Snapshot } from "../../../src/adapters/prometheus/snapshot.ts";
import type { Attribution } from "../../../src/evidence/tally.ts";
import type { Millis } from "../../../src/lib/duration.ts";
import { shopTarget } from "../../support/shop-target.ts";

const second: Millis = 1_000;
const hour = 3_600 * second;

/** Seconds: of the look, and of the scrapes of each counter. Prometheus's clock is an hour ahead. */
type Seen = { readonly look: number; readonly scraped: readonly (number | undefined)[]; readonly origin?: Attribution };

const snapshotOf = ({ look, scraped, origin = "stable" }: Seen): Snapshot => ({
  at: look * second,
  asked: look * second + hour,
  requests: scraped.map((at, index) => ({
    series: String(index),
    process: String(index),
    origin,
    failed: false,
    value: 1,
    scraped: at === undefined ? undefined : at * second + hour,
  })),
  buckets: [],
});

/** Why each look is stale; undefined where it is not. */
function stale(interval: Millis, looks: readonly Seen[]): readonly (string | undefined)[] {
  let scrapes: Scrapes | undefined;
  return looks.map((seen) => {
    const snapshot = snapshotOf(seen);
    scrapes = followScrapes(scrapes, snapshot);
    return whyStale(snapshot, scrapes, { interval, target: shopTarget })?.because;
  });
}

const since = (newest: string, silent: string): string =>
  `Prometheus has scraped nobody who counts reviews-v1 or reviews-v2 since 1970-01-01T${newest}.000Z, for ${silent}`;
const gone =
  "Prometheus has no counter of reviews-v1 or reviews-v2 any more: the proxies that counted are gone, or could not be scraped";

const cases: readonly {
  readonly fact: string;
  readonly interval: number;
  readonly looks: readonly Seen[];
  readonly stale: readonly (string | undefined)[];
}[] = [
  {
    fact: "three scrapes that do not come are told, with the moment of the last one, until there is one again",
    interval: 15,
    looks: [
      { look: 0, scraped: [-5] },
      { look: 15, scraped: [10] },
      { look: 60, scraped: [10] },
      { look: 61, scraped: [10] },
      { look: 75, scraped: [70] },
    ],
    stale: [undefined, undefined, undefined, since("01:00:10", "46s"), undefined],
  },
  {
    fact: "who scrapes more seldom than was believed is not told of, from the first scrape on",
    interval: 15,
    looks: [
      { look: 55, scraped: [0] },
      { look: 61, scraped: [60] },
      { look: 119, scraped: [60] },
      { look: 240, scraped: [60] },
      { look: 242, scraped: [60] },
    ],
    stale: [undefined, undefined, undefined, undefined, since("01:01:00", "3m1s")],
  },
  {
    fact: "scrapes that had stopped before the first look are told after two minutes",
    interval: 15,
    looks: [
      { look: 100, scraped: [-20] },
      { look: 101, scraped: [-20] },
    ],
    stale: [undefined, since("00:59:40", "2m1s")],
  },
  {
    fact: "one of several that is scraped is enough",
    interval: 15,
    looks: [
      { look: 0, scraped: [-5, -7] },
      { look: 60, scraped: [-5, 53] },
      { look: 110, scraped: [undefined, 98] },
    ],
    stale: [undefined, undefined, undefined],
  },
  {
    fact: "a busy machine that scrapes every second has five",
    interval: 1,
    looks: [
      { look: 0, scraped: [0] },
      { look: 1, scraped: [1] },
      { look: 6, scraped: [1] },
      { look: 7, scraped: [1] },
    ],
    stale: [undefined, undefined, undefined, since("01:00:01", "6s")],
  },
  {
    fact: "where the last scrape failed everywhere the proxies are gone",
    interval: 15,
    looks: [
      { look: 0, scraped: [-5] },
      { look: 15, scraped: [undefined] },
    ],
    stale: [undefined, gone],
  },
  {
    fact: "that is so at the first look, too",
    interval: 15,
    looks: [{ look: 0, scraped: [undefined] }],
    stale: [gone],
  },
  {
    fact: "where nothing is left of what was counted before it is gone, and not zero",
    interval: 15,
    looks: [
      { look: 0, scraped: [-5] },
      { look: 15, scraped: [] },
    ],
    stale: [undefined, gone],
  },
  {
    fact: "where nothing was ever counted nothing is stale",
    interval: 15,
    looks: [
      { look: 0, scraped: [] },
      { look: 500, scraped: [] },
    ],
    stale: [undefined, undefined],
  },
  {
    fact: "failures that reached no pod tell nothing about those who count the versions",
    interval: 15,
    looks: [
      { look: 0, scraped: [-400], origin: "unattributed" },
      { look: 15, scraped: [undefined], origin: "unattributed" },
    ],
    stale: [undefined, undefined],
  },
];
for (const { fact, interval, looks, stale: expected } of cases)
  test(fact, () => assert.deepEqual(stale(interval * second, looks), expected));
