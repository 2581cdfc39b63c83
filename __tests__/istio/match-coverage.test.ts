import assert from "node:assert/strict";
import test from "node:test";
import { covers } from "../../src/istio/match-coverage.ts";

for (const [wide, narrow, does] of [
  [{}, { uri: { exact: "/a" } }, true],
  [{ name: "one" }, { name: "other" }, true],
  [{ uri: { prefix: "/a" } }, { uri: { prefix: "/a/b" } }, true],
  [{ uri: { prefix: "/a" } }, { uri: { exact: "/a" } }, true],
  [{ uri: { prefix: "/a" } }, { uri: { regex: "/a.*" } }, false],
  [{ uri: { prefix: "/a" } }, {}, false],
  [{ uri: { prefix: "/" } }, { uri: { regex: "/a.*" } }, true],
  [{ uri: { prefix: "/" } }, { headers: { a: { exact: "x" } } }, true],
  [{ authority: { prefix: "shop." } }, { authority: { exact: "shop.example.com" } }, true],
  [{ authority: { prefix: "shop." } }, {}, false],
  [{ headers: { a: { exact: "x" } } }, { headers: { a: { exact: "x" }, b: { exact: "y" } } }, true],
  [{ headers: { a: { exact: "x" }, b: { exact: "y" } } }, { headers: { a: { exact: "x" } } }, false],
  [{ withoutHeaders: { a: {} } }, { withoutHeaders: { a: {}, b: {} } }, true],
  [{ port: 80 }, { port: 81 }, false],
] as const)
  test(`${JSON.stringify(wide)} ${does ? "takes" : "does not take"} all that ${JSON.stringify(narrow)} takes`, () => {
    assert.equal(covers(wide, narrow), does);
  });
