import assert from "node:assert/strict";
import test from "node:test";
import type { Tally } from "../../src/evidence/tally.ts";
import { complaintOf } from "../../src/lib/complaint.ts";
import type { Account } from "../../src/release/account.ts";
import { recordSchema } from "../../src/release/record-schema.ts";
import type { ReleaseRecord } from "../../src/release/release-record.ts";
import { statusAnswer } from "../../src/words/status-answer.ts";
import { statusText } from "../../src/words/status-text.ts";
import { evidenceSamples } from "../words/evidence-tale.ts";
import { samples } from "../words/sample.ts";

/* What somebody may write into a journal who may edit ConfigMaps, and what a program that reads it does. */

const recordOf = ({ settled: _, differences: __, now: ___, unsaved: ____, ...account }: Account): ReleaseRecord => ({
  ...account,
  stages: account.stages.map((stage) => ({ ...stage, tally: withoutBuckets(stage.tally) })),
  version: 1,
  before: { routes: {}, workloads: {} },
});

/** As the engine journals it. */
const withoutBuckets = ({ stable, canary, unattributed }: Tally): Tally => ({
  stable: { ...stable, buckets: [] },
  canary: { ...canary, buckets: [] },
  unattributed: { ...unattributed, buckets: [] },
});

type Json = { [key: string]: unknown };
type Place = readonly [holder: Json, key: string, path: string];

/** Every number in it, with where it is. */
function numbersIn(value: unknown, path: string): readonly Place[] {
  if (typeof value !== "object" || value === null) return [];
  const holder = value as Json;
  return Object.entries(holder).flatMap(([key, inner]) =>
    typeof inner === "number" ? [[holder, key, `${path}.${key}`] as const] : numbersIn(inner, `${path}.${key}`),
  );
}

const extremes = [-1, -1e300, 0.5, 1e16, 1e300, Number.MAX_SAFE_INTEGER];

const cluster = { context: "prod-eu-1", host: "10.0.0.1:6443" };

test("whatever number stands in a journal, it is refused by its place or can be told", () => {
  const accounts = [...Object.values(samples), ...Object.values(evidenceSamples)];
  let refused = 0;
  for (const account of accounts) {
    const journal = JSON.parse(JSON.stringify(recordOf(account))) as Json;
    assert.equal(recordSchema.safeParse(journal).error, undefined);
    for (const [holder, key, path] of numbersIn(journal, "")) {
      const good = holder[key];
      for (const extreme of extremes) {
        holder[key] = extreme;
        const read = recordSchema.safeParse(journal);
        if (read.success) {
          const record: ReleaseRecord = read.data;
          const tell = (): void => {
            statusText(cluster, record, { drift: undefined, differences: [], watched: undefined }, account.now);
            statusAnswer(cluster, record, { drift: undefined, differences: [], watched: undefined });
          };
          assert.doesNotThrow(tell, `${path} = ${extreme}`);
        } else refused++;
      }
      holder[key] = good;
    }
  }
  assert.ok(refused > 500, `${refused} were refused`);
});

const baking = recordOf(samples.running ?? assert.fail());

for (const [what, change, place] of [
  [
    "a stage that the plan does not have",
    { state: { phase: "baking", stage: 3, since: 1, putBacks: 0 } },
    "state.stage",
  ],
  ["half a stage", { state: { phase: "baking", stage: 0.5, since: 1, putBacks: 0 } }, "state.stage"],
  [
    "a weight of more than all",
    { plan: { ...baking.plan, stages: [{ ...baking.plan.stages[0], weight: 101 }] } },
    "plan.stages.0.weight",
  ],
  ["a time that no Date has", { startedAt: 9e15 }, "startedAt"],
  ["a negative drain", { plan: { ...baking.plan, drain: -1 } }, "plan.drain"],
  ["a ledger that is none", { ledger: { edges: [], polls: ["no poll"] } }, "ledger.polls"],
] as const) {
  test(`${what} is refused by its place`, () => {
    const read = recordSchema.safeParse(JSON.parse(JSON.stringify({ ...baking, ...change })));
    assert.ok(read.error, "it was read");
    assert.match(complaintOf(read.error, "the text"), new RegExp(`^${place}: `));
  });
}

test("after its last stage a release goes on to all the traffic", () => {
  const state = { phase: "shifting", step: "scaling", stage: baking.plan.stages.length, since: 1 } as const;
  assert.ok(recordSchema.safeParse(JSON.parse(JSON.stringify({ ...baking, state }))).success);
});
