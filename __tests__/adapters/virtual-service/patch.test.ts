import assert from "node:assert/strict";
import test from "node:test";
import { virtualServiceShape as shape } from "../../../src/adapters/virtual-service/virtual-service-shape.ts";
import { patchOf } from "../../../src/adapters/weighted-rules/patch.ts";
import type { Raw } from "../../../src/istio/destination.ts";
import { virtualService } from "./given.ts";

const to = (host: string, weight: unknown): Raw => ({ destination: { host }, weight });
const [rule = assert.fail()] = shape.rulesOf(
  virtualService({ http: [{ name: "primary", route: [to("a", 1), to("b", 1)] }] }),
);

for (const [what, planned, told] of [
  ["weights that sum to nothing", [to("a", 0), to("b", 0)], "weights that sum to 0"],
  ["no destination", [], "no destination"],
  ["a destination without a host", [to("a", 1), to("", 2)], "a destination without a host"],
  ["a weight below 0", [to("a", 2), to("b", -1)], "the weight -1"],
  ["a weight in text", [to("a", 1), to("b", "9")], 'the weight "9"'],
] as const) {
  test(`${what} is never written, whatever planned it`, () => {
    const placed = planned.map((raw, was) => ({ was, raw }));
    const move = { shape, namespace: "ns1", rule, planned: placed, copies: {} };
    assert.throws(() => patchOf({ moves: [move], additions: [] }), {
      message: `route "primary" would get ${told}; nothing was written`,
    });
  });
}
