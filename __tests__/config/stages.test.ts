import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import type { Millis } from "../../src/lib/duration.ts";
import type { Stage } from "../../src/release/plan.ts";
import { configured, sound } from "./configured.ts";

/** Writes a duration with every unit that it needs: `1h1m1s1ms`. */
function written(wait: Millis): string {
  const units = [
    ["h", 3_600_000],
    ["m", 60_000],
    ["s", 1_000],
    ["ms", 1],
  ] as const;
  let rest = wait;
  return units
    .map(([unit, length]) => {
      const count = Math.floor(rest / length);
      rest -= count * length;
      return count > 0 ? `${count}${unit}` : "";
    })
    .join("");
}

const short = (stages: readonly Stage[]): string =>
  stages.map(({ weight, wait }) => (wait === 0 ? `${weight}` : `${weight}:${written(wait)}`)).join(", ");

const read = async (stages: string): Promise<readonly Stage[]> =>
  (await configured({ file: sound, inputs: { stages, "release-deadline": "720h" } })).release?.plan.stages ?? [];

const weights = fc
  .uniqueArray(fc.integer({ min: 1, max: 99 }), { minLength: 1, maxLength: 8 })
  .map((weights) => weights.toSorted((a, b) => a - b));
const wait = fc.integer({ min: 1, max: 100_000_000 });
const list = fc.tuple(
  weights,
  fc.array(wait, { minLength: 8, maxLength: 8 }),
  fc.constantFrom("", ", 100", ", 100:5m"),
);

test("stages that were read, written in short and read again are the same", async () => {
  await fc.assert(
    fc.asyncProperty(list, async ([weights, waits, end]) => {
      const first = await read(weights.map((weight, index) => `${weight}:${waits[index]}ms`).join(",") + end);
      assert.equal(first.length, weights.length + (end === "" ? 0 : 1));
      assert.deepEqual(await read(short(first)), first);
    }),
    { numRuns: 100 },
  );
});

test("a stage never ends before its wait, and has five minutes at least for its gates", async () => {
  await fc.assert(
    fc.asyncProperty(list, async ([weights, waits]) => {
      for (const { wait, deadline } of await read(
        weights.map((weight, index) => `${weight}:${waits[index]}ms`).join("\n"),
      )) {
        assert.ok(deadline >= wait + 5 * 60_000 && deadline >= 3 * wait);
      }
    }),
    { numRuns: 50 },
  );
});
