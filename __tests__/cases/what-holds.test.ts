import assert from "node:assert/strict";
import test, { describe } from "node:test";
import { runCase } from "./support.ts";

/** Issue 10: what was right before, and must go on so. Nobody's request fails in any of them. */
const cases: readonly (readonly [name: string, exit: 0 | 2, said: RegExp])[] = [
  ["c08-wildcard-dr-subsets", 0, /Nothing forbids this release/],
  ["c12-eighty-tenants", 0, /every stage passed/],
  ["c13-route-names-sentences", 0, /every stage passed/],
  ["c36-externalname-and-no-selector", 2, /Service shop\/reviews has no selector/],
  ["c37-canary-host-serviceentry", 2, /Host reviews-v2\.example\.com is the name of no Service/],
  ["c80-grpc-multiport", 0, /names no port, and Service shop\/reviews has several \(9080, 9090\).*IST0112/],
  ["c86-pingpong-same-selector", 2, /Stable's destination, Service shop\/ping .* would select the canary's pods/],
  ["c87-subsets-same-labels", 2, /subset v1 of reviews \(app=reviews\), would select the canary's pods/],
  ["c113-per-destination-headers", 0, /every stage passed/],
  ["c140-bookinfo-all-v1", 0, /every stage passed/],
  ["c144-bookinfo-productpage-without-subsets", 2, /The labels of the canary's pods are not known/],
  ["c146-source-labels-per-version", 0, /every stage passed/],
];

describe("what held goes on holding", { concurrency: 4 }, () => {
  for (const [name, exit, said] of cases)
    test(name, async (t) => {
      const run = await runCase(t, name);
      assert.equal(run.exit, exit, run.said);
      assert.match(run.said, said);
      assert.equal(run.traffic.bad, 0, run.said);
    });
});
