import assert from "node:assert/strict";
import test from "node:test";
import { inert, inLines } from "../../src/lib/lines.ts";

const texts = [
  ["one\ntwo", "one two"],
  ["one\r\ntwo\u2028three\u0085four", "one two three four"],
  ["::error::no", " : :error::no"],
  ["  \t::set-output name=a::b", " : :set-output name=a::b"],
  ["it said ::error::no", "it said : :error::no"],
  ["it said ::warning file=a,line=1::no", "it said : :warning file=a,line=1::no"],
  ["it said ##[error]no", "it said ## [error]no"],
  ["\u001b[31mred\u001b[0m\u0007", "red"],
  ["\u001b]8;;https://example.com\u0007a link\u001b]8;;\u001b\\", "a link"],
  ["\u009b1mbold\u001b(B", "bold"],
  ["a title \u001b]0;that never ends", "a title  ]0;that never ends"],
  ["turned \u202Edrawkcab\u2066", "turned  drawkcab"],
  ["http://[::1]:9090 and std::string", "http://[::1]:9090 and std::string"],
  ["  indented", "  indented"],
] as const;

for (const [text, told] of texts)
  test(`${JSON.stringify(text)} does nothing as ${JSON.stringify(told)}`, () => assert.equal(inert(text), told));

test("what is in a line makes no other", () => {
  assert.equal(inLines(["a list:", "  one\n✅ released\n::error::no"]), "a list:\n  one ✅ released : :error::no");
});

test("a text of nothing but beginnings of commands is read once", () => {
  assert.equal(inert(`${"\u001b];a".repeat(100_000)}b`).replaceAll(" ];a", ""), "b");
});
