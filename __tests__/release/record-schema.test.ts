import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import type * as z from "zod/mini";
import { run } from "../../src/engine/run.ts";
import { UnreachableError } from "../../src/lib/errors.ts";
import type { MetricSource } from "../../src/ports/metric-source.ts";
import type { Reading } from "../../src/release/observation.ts";
import type { Plan, Stage } from "../../src/release/plan.ts";
import { recordSchema } from "../../src/release/record-schema.ts";
import type { ReleaseRecord } from "../../src/release/release-record.ts";
import { type Behaviour, createWorld, judgedByEvidence, planOf, second, stageOf } from "../support/world.ts";

/** Releases whose records together have every phase, and verdicts of evidence, of gates, and of a hold. */
const stories: readonly (readonly [string, Plan, Behaviour])[] = [
  ["a good release by swap", planOf(), {}],
  ["a good release that keeps the old version for a time", planOf({ keepOld: true, keepFor: 60 * second }), {}],
  ["a good release by update", planOf({ promotion: "update" }), {}],
  ["a canary that goes bad", planOf(), { errors: (now) => (now > 45 * second ? 0.3 : 0) }],
  ["a good release by evidence", judgedByEvidence(planOf()), {}],
  ["a release without a request, held", judgedByEvidence(planOf(), { noData: "hold" }), { traffic: false }],
  [
    "a canary that never starts",
    planOf(),
    { health: (of) => (of === "canary" ? { ready: false, fatal: "pod reviews-v2-x: cannot pull the image" } : {}) },
  ],
  [
    "a stable that does not take the new image",
    planOf({ promotion: "update" }),
    { health: (of) => (of === "stable" ? { ready: false, fatal: "quota exceeded" } : {}) },
  ],
];

for (const [name, plan, behaviour] of stories) {
  test(`every record of ${name} is read from its JSON without a loss`, async () => {
    const records = await recordsOf(plan, behaviour);
    assert.ok(records.length > 2);
    for (const record of records) {
      const json: unknown = JSON.parse(JSON.stringify(record));
      assert.deepEqual(recordSchema.parse(json), json);
    }
  });
}

/** What the world outside may say: of pods, of counters, of queries. */
const oddText = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.constantFrom("", "\u0000", "\ud800", "__proto__", "null", "NaN", '"}]', "a\nb\r\t", "x".repeat(5_000)),
);
const oddNumber = fc.oneof(
  fc.double(),
  fc.constantFrom(Number.NaN, Infinity, -Infinity, -0, -1, 0.5, 1e308, Number.MAX_SAFE_INTEGER),
);
const oddHealth = fc.record(
  {
    because: oddText,
    fatal: oddText,
    changed: oddText,
    restarts: fc.oneof(fc.nat(), fc.double({ noNaN: true, noDefaultInfinity: true })),
    build: fc.record({
      image: fc.option(oddText, { nil: undefined }),
      replicaSet: fc.option(oddText, { nil: undefined }),
      digests: fc.dictionary(oddText, fc.array(oddText)),
    }),
    had: fc.constant(undefined),
  },
  { requiredKeys: [] },
);
const gates: Stage["gates"] = [
  { kind: "errors", name: "errors", atMost: 0.05, aboveStable: 0.02, minRequests: 20, noData: "wait" },
  { kind: "latency", name: "latency", quantile: 0.99, timesStable: 1.5, minRequests: 20, noData: "wait" },
  { kind: "query", name: "query", query: "up", atMost: 1, tolerate: 1, noData: "wait" },
  { kind: "restarts", name: "restarts", atMost: 1 },
];

test("whatever pods, counters and queries say, and whatever goes wrong, what a release writes can be read again", () =>
  fc.assert(
    fc.asyncProperty(
      fc.record({
        promotion: fc.constantFrom("swap", "update"),
        drift: fc.constantFrom("put-back", "rollback"),
        evidence: fc.boolean(),
        health: oddHealth,
        answer: fc.record({ value: oddNumber, because: oddText }, { requiredKeys: [] }),
        blind: fc.option(oddText, { nil: undefined }),
        trouble: oddText,
        errors: fc.constantFrom(0, 0.3),
        from: fc.nat(120),
      }),
      async ({ promotion, drift, evidence, health, answer, blind, trouble, errors, from }) => {
        const isOdd = (now: number): boolean => now >= from * second;
        const stages = [5, 50].map((weight) => stageOf(weight, { gates }));
        const plan = planOf({ promotion, drift, stages });
        const records = await recordsOf(
          evidence ? judgedByEvidence(plan) : plan,
          {
            errors: () => errors,
            blind: (now) => (isOdd(now) ? blind : undefined),
            health: (_, now) => (isOdd(now) ? health : {}),
            fails: ({ name, at }) =>
              isOdd(at) && at < (from + 10) * second && name.startsWith("router")
                ? new UnreachableError(trouble)
                : undefined,
          },
          answer,
        );
        for (const record of records) {
          const read = recordSchema.safeParse(JSON.parse(JSON.stringify(record)));
          assert.ok(read.success, JSON.stringify(read.error?.issues));
        }
      },
    ),
    { numRuns: 60 },
  ));

async function recordsOf(
  plan: Plan,
  behaviour: Behaviour,
  answer?: Omit<Reading, "at">,
): Promise<readonly ReleaseRecord[]> {
  const world = createWorld(plan, behaviour);
  const records: ReleaseRecord[] = [];
  const journal = {
    ...world.ports.journal,
    save(record: ReleaseRecord) {
      records.push(record);
      return world.ports.journal.save(record);
    },
  };
  const { metrics } = world.ports;
  const asked: MetricSource = {
    ...metrics,
    query: async (query, at, signal) => (answer ? { at, ...answer } : metrics.query(query, at, signal)),
  };
  const never = new AbortController().signal;
  await run(
    await world.begin(),
    { ...world.ports, journal, metrics: asked },
    { stop: never, lost: never, deadlineAt: Infinity, warnings: () => [] },
  );
  return records;
}

/** Every field of a type, deep down, whether it is optional or not. */
type Fields<T> = T extends readonly (infer Item)[]
  ? readonly Fields<Item>[]
  : T extends object
    ? { readonly [Key in keyof T]-?: Fields<Exclude<T[Key], undefined>> }
    : T;

type Parsed = z.infer<typeof recordSchema>;

/** A field that the type has and the schema lacks would be lost in reading, without a word: this would not compile. */
export const schemaIsType: readonly [
  (parsed: Parsed) => ReleaseRecord,
  (parsed: Fields<Parsed>) => Fields<ReleaseRecord>,
  (record: Fields<ReleaseRecord>) => Fields<Parsed>,
] = [(parsed) => parsed, (parsed) => parsed, (record) => record];
