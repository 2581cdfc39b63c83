import assert from "node:assert/strict";
import test from "node:test";
import { exitCodeOf } from "../../src/commands/conclude.ts";
import type { State } from "../../src/release/state.ts";
import { samples } from "../words/sample.ts";

const account = samples.waiting ?? assert.fail();
const waiting: State = { phase: "waiting", stage: 1, since: account.now };

const ends: readonly (readonly [what: string, state: State, settled: boolean, code: number])[] = [
  ["succeeded", { phase: "succeeded" }, true, 0],
  ["waits for an approval that the plan asks for", waiting, true, 0],
  ["is held because its evidence does not decide", { ...waiting, held: "stage 25 % is held" }, true, 3],
  ["was rolled back", { phase: "rolled-back", because: "it was bad" }, true, 1],
  ["was rolled back and is not settled", { phase: "rolled-back", because: "it was bad" }, false, 3],
  ["succeeded and is not settled", { phase: "succeeded" }, false, 3],
];

for (const [what, state, settled, code] of ends) {
  test(`the exit code of a release that ${what} is ${code}`, () => {
    assert.equal(exitCodeOf({ ...account, state, settled }), code);
  });
}
