import assert from "node:assert/strict";
import test from "node:test";
import { virtualServiceShape as shape } from "../../../src/adapters/virtual-service/virtual-service-shape.ts";
import type { RuleBefore } from "../../../src/adapters/weighted-rules/before.ts";
import { locate } from "../../../src/adapters/weighted-rules/locate.ts";
import type { Raw } from "../../../src/istio/destination.ts";
import { virtualService } from "./given.ts";

const a = [{ uri: { prefix: "/a" } }];
const b = [{ uri: { prefix: "/b" } }];
const api = { name: "api", match: a };
const web = { name: "web", match: b };

/** The rules of the release, those that are there now, and the index at which each of the first is found. */
const cases: Readonly<
  Record<string, readonly [before: readonly Raw[], now: readonly Raw[], found: readonly (number | undefined)[]]>
> = {
  "rules in their places are themselves": [
    [api, web, {}],
    [api, web, {}],
    [0, 1, 2],
  ],
  "rules in another order are themselves": [
    [api, web],
    [web, {}, api],
    [2, 0],
  ],
  "a rule with a new match is known by its name": [[api], [{ name: "api", match: b }], [0]],
  "a renamed rule is known by its match": [[api], [{ name: "new", match: a }], [0]],
  "a rule that got a name is known by its match": [[{ match: a }], [web, { name: "new", match: a }], [1]],
  "the fields of a match may come in another order": [
    [{ match: [{ uri: { prefix: "/" }, method: { exact: "GET" } }] }],
    [{}, { match: [{ method: { exact: "GET" }, uri: { prefix: "/" } }] }],
    [1],
  ],
  "a rule that is gone is not another one": [[api], [web], [undefined]],
  "a name and a match that went to two rules: the name counts": [
    [api],
    [
      { name: "new", match: a },
      { name: "api", match: b },
    ],
    [1],
  ],
  "two rules of one name are told by their matches": [[api], [{ name: "api", match: b }, api], [1]],
  "two rules of one name with other matches are neither": [
    [api],
    [{ name: "api", match: b }, { name: "api" }],
    [undefined],
  ],
  "no rule is taken for two": [[api, { name: "old", match: a }], [{ name: "new", match: a }], [undefined, undefined]],
  "rules without name and match are known by their place": [
    [{}, {}],
    [{}, {}],
    [0, 1],
  ],
  "of rules without name and match one that moved is lost": [
    [{}, {}],
    [api, {}, {}],
    [undefined, 1],
  ],
  "one rule without name and match is known wherever it is": [[{}], [api, {}], [1]],
};

for (const [name, [before, now, found]] of Object.entries(cases)) {
  test(name, () => {
    const was = before.map((rule, index): RuleBefore => ({ section: "http", index, ...rule, route: [] }));
    assert.deepEqual(
      locate(was, shape.rulesOf(virtualService({ http: now }))).map((rule) => rule?.index),
      found,
    );
  });
}
