import assert from "node:assert/strict";
import test from "node:test";
import { exitCodeOf } from "../../src/commands/conclude.ts";
import type { Held } from "../../src/release/reason.ts";
import type { State } from "../../src/release/state.ts";
import { told } from "../support/told.ts";
import { samples } from "../words/sample.ts";

const account = samples.waiting ?? assert.fail();
const passed = { kind: "stage-passed", stage: "25 %" } as const;
const waiting: State = { phase: "waiting", stage: 1, since: account.now, reason: passed };
const verdict = { gate: "budget", kind: "wait", figures: { of: "budget", largest: 20, weight: 25 } } as const;
const held: Held = { kind: "held", stage: "25 %", question: "budget", verdict };

const ends: readonly (readonly [what: string, state: State, settled: boolean, code: number])[] = [
  ["succeeded", { phase: "succeeded" }, true, 0],
  ["waits for an approval that the plan asks for", waiting, true, 0],
  ["is held because its evidence does not decide", { ...waiting, reason: held }, true, 3],
  ["was rolled back", { phase: "rolled-back", reason: told("it was bad") }, true, 1],
  ["was rolled back and is not settled", { phase: "rolled-back", reason: told("it was bad") }, false, 3],
  ["succeeded and is not settled", { phase: "succeeded" }, false, 3],
];

for (const [what, state, settled, code] of ends) {
  test(`the exit code of a release that ${what} is ${code}`, () => {
    assert.equal(exitCodeOf({ ...account, state, settled }), code);
  });
}
