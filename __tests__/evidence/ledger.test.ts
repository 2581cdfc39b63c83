import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { defaults } from "../../src/evidence/defaults.ts";
import { addPoll, type Evidence, noEvidence } from "../../src/evidence/evidence.ts";
import { append, emptyLedger, evidenceOf, fold, type Ledger, pollsOf } from "../../src/evidence/ledger.ts";
import type { Poll } from "../../src/evidence/poll.ts";

const edges = [
  0.5, 1, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000, 300_000, 600_000, 1_800_000,
  3_600_000,
];

const histogram = (edges: readonly number[]) =>
  fc.array(fc.nat(300), { minLength: edges.length + 1, maxLength: edges.length + 1 }).map((between) => {
    let count = 0;
    return [...edges, Infinity].map((le, index) => {
      count += between[index] ?? 0;
      return { le, count };
    });
  });
const count = fc.record({
  requests: fc.nat(1e9),
  errors: fc.nat(1_000),
  ended: fc.oneof(fc.constant({}), fc.record({ givenUp: fc.nat(1_000), cutOff: fc.integer({ min: 1, max: 1_000 }) })),
  buckets: fc.oneof(fc.constant([]), histogram([]), histogram(edges), histogram([0.25, 100])),
});
const counts = count.map(({ ended, ...rest }) => ({ ...rest, ...ended }));
const polls: fc.Arbitrary<Poll[]> = fc
  .array(
    fc.record({
      weight: fc.integer({ min: 1, max: 100 }),
      age: fc.nat(3_600_000),
      from: fc.integer({ min: -15_000, max: 3_600_000 }),
      stable: counts,
      canary: counts,
      lost: fc.nat(50),
      pods: fc.oneof(
        fc.constant({}),
        fc.record({ joined: fc.integer({ min: 1, max: 3_600_000 }), pods: fc.nat(99) }, { requiredKeys: [] }),
        fc.record({ pods: fc.nat(99), waiting: fc.nat(9_999) }),
      ),
    }),
    { maxLength: 12 },
  )
  .map((drawn) => drawn.map(({ pods, ...poll }) => ({ ...poll, ...pods })));

const ledgerOf = (polls: readonly Poll[]): Ledger => polls.reduce(append, emptyLedger);
const proven = (polls: readonly Poll[]): Evidence =>
  polls.reduce((evidence, poll) => addPoll(evidence, poll, defaults), noEvidence);
const stored = (ledger: Ledger): Ledger => JSON.parse(JSON.stringify(ledger));

test("every poll comes back as it was, also from JSON", () => {
  fc.assert(fc.property(polls, (polls) => assert.deepEqual(pollsOf(stored(ledgerOf(polls))), structuredClone(polls))));
});

/** `minutes` of a service with 50 requests per second, polled every `seconds`. */
const long = (minutes: number, seconds: number): readonly Poll[] =>
  Array.from({ length: (minutes * 60) / seconds }, (_, index) => {
    const version = (share: number) => {
      const requests = Math.round(50 * seconds * share);
      return {
        requests,
        errors: index % 3,
        buckets: [...edges, Infinity].map((le, edge) => ({
          le,
          count: Math.min(requests, Math.round((requests * edge) / 8)),
        })),
      };
    };
    return {
      weight: 10,
      age: (index + 1) * seconds * 1_000,
      from: index * seconds * 1_000,
      stable: version(0.9),
      canary: version(0.1),
      lost: 0,
    };
  });

test("folding changes nothing that is proven, bit for bit, also when it is done again", () => {
  const all = long(30, 1);
  const once = stored(fold(ledgerOf(all.slice(0, 900)), defaults));
  const twice = stored(fold(all.slice(900).reduce(append, once), defaults));
  assert.ok(twice.polls.length <= 480 && once.folded);
  assert.deepEqual(evidenceOf(twice, defaults), proven(all));
});

test("an hour of polls every 15s is kept whole, in a tenth of what a ConfigMap holds", () => {
  const ledger = ledgerOf(long(60, 15));
  assert.equal(fold(ledger, defaults), ledger);
  const size = JSON.stringify(ledger).length;
  assert.ok(size < 0.1 * 1_048_576, `${size}`);
});

test("a day of polls every second takes no more room than that", () => {
  let ledger = emptyLedger;
  for (const poll of long(24, 1)) ledger = fold(append(ledger, poll), defaults);
  assert.ok(JSON.stringify(ledger).length < 0.1 * 1_048_576);
});

test("a line of an older program says no more than it says: no times, and nothing of the split at one weight", () => {
  const count = { requests: 5, errors: 1, buckets: [] };
  assert.deepEqual(pollsOf({ edges: [], polls: ["10 2000 0 / 5 1 / 5 1"] }), [
    { weight: 10, age: 2_000, lost: 0, from: -1, stable: count, canary: count },
  ]);
});

test("a line that is no poll is told, and not taken for zeros", () => {
  for (const line of ["", "10 0 0", "10 0 0 / 5 x / 3 0", "ten 0 0 / 5 0 / 3 0"])
    assert.throws(() => pollsOf({ edges: [], polls: [line] }), {
      name: "SyntaxError",
      message: `this line is no poll: ${line}`,
    });
});
