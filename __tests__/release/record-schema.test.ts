import assert from "node:assert/strict";
import test from "node:test";
import type * as z from "zod/mini";
import { run } from "../../src/engine/run.ts";
import type { Plan } from "../../src/release/plan.ts";
import { recordSchema } from "../../src/release/record-schema.ts";
import type { ReleaseRecord } from "../../src/release/release-record.ts";
import { type Behaviour, createWorld, judgedByEvidence, planOf, second } from "../support/world.ts";

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

async function recordsOf(plan: Plan, behaviour: Behaviour): Promise<readonly ReleaseRecord[]> {
  const world = createWorld(plan, behaviour);
  const records: ReleaseRecord[] = [];
  const journal = {
    ...world.ports.journal,
    save(record: ReleaseRecord) {
      records.push(record);
      return world.ports.journal.save(record);
    },
  };
  const never = new AbortController().signal;
  await run(
    await world.begin(),
    { ...world.ports, journal },
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
