import assert from "node:assert/strict";
import { globSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { applied, describe, mutantsOf } from "../../scripts/mutate/mutants.ts";
import { placeOf } from "../../scripts/mutate/score-bars.ts";
import { testChoice } from "../../scripts/mutate/test-choice.ts";
import { type Trial, tryMutants } from "../../scripts/mutate/trial.ts";
import { openWorkshop } from "../../scripts/mutate/workshop.ts";
import { parseSource } from "../../scripts/source.ts";

/** What becomes of a text, one mutant at a time. */
const changed = (text: string): readonly string[] =>
  mutantsOf(parseSource("src/a.ts", text)).map((mutant) => applied(text, mutant));

test("operators and conditions are turned round, statements and elements left out, answers forgotten", () => {
  const tables: readonly (readonly [text: string, ...mutants: string[]])[] = [
    ["f = a < b;", ";", "f = a <= b;"],
    ["f = a === (b);", ";", "f = a !== (b);"],
    ["f = a ?? b;", ";", "f = a && b;"],
    ["f = a - b;", ";", "f = a + b;"],
    ["if (a) b;", "if (true) b;", "if (false) b;"],
    ["const f = a ? 1 : 2;", "const f = true ? 1 : 2;", "const f = false ? 1 : 2;"],
    ["while (a) b;", "while (false) b;"],
    ["for (; a; ) b;", "for (; false; ) b;"],
    ["const f = a++;", "const f = a--;"],
    ["await save(a);", ";"],
    ["throw a;", ";"],
    ["const f = !a;", "const f = a;"],
    ["const f = -a;", "const f = a;"],
    ["function f() { return a; }", "function f() { return undefined; }"],
    ["const f = () => a;", "const f = () => undefined;"],
    ["const f = () => a.toString();", "const f = () => undefined;"],
    ["const f = true;", "const f = false;"],
    ["const f = [a, b, c];", "const f = [b, c];", "const f = [a, c];", "const f = [a, b];"],
    ["const f = [a];", "const f = [];"],
    ["const f = a.filter(b).some(c);", "const f = a.some(c);", "const f = a.filter(b).every(c);"],
  ];
  for (const [text, ...mutants] of tables) assert.deepEqual(new Set(changed(text)), new Set(mutants), text);
});

test("texts, numbers, types and what has no other side are left alone", () => {
  for (const text of [
    'const f = "a < b";',
    "const f = a + `b`;",
    'const f = "a" + b;',
    "const f = 12;",
    "type F = true | { a: false }[];",
    "const f = () => undefined;",
    "function f() { return; }",
    'import { a } from "./a.ts";',
    "const f = { a, ...b };",
    '"use strict";',
  ]) {
    assert.deepEqual(changed(text), [], text);
  }
});

test("a mutant is described by its place, what became of what, and the line around a mere operator", () => {
  const text = "const a = 1;\n  save(a);\n  if (a < 1) b;";
  const source = parseSource("src/a.ts", text);
  const said = mutantsOf(source).map((mutant) => describe(text, mutant));
  assert.deepEqual(said, [
    "src/a.ts:2:3: save(a); → nothing",
    "src/a.ts:3:7: a < 1 → true",
    "src/a.ts:3:7: a < 1 → false",
    "src/a.ts:3:9: < → <= in if (a < 1) b;",
  ]);
});

test("a file belongs to the most exact place that has a bar, and each has one", () => {
  assert.equal(placeOf("src/adapters/kubernetes/lease-lock.ts"), "src/adapters/kubernetes/lease-lock.ts");
  assert.equal(placeOf("src/adapters/kubernetes/client.ts"), "src/adapters/kubernetes");
  assert.equal(placeOf("src/enginework.ts"), undefined);
  assert.deepEqual(
    globSync("src/**/*.ts").filter((path) => placeOf(path) === undefined),
    [],
  );
});

test("the test of the same name is asked first, then its folder's, then by how near they are", () => {
  const choice = testChoice([
    parseSource("src/a/x.ts", ""),
    parseSource("src/b/y.ts", 'import "../a/x.ts";'),
    parseSource("src/compose.ts", ""),
    parseSource("__tests__/a/other.test.ts", 'import "../../src/b/y.ts";'),
    parseSource("__tests__/a/x.test.ts", 'import "../../src/b/y.ts";'),
    parseSource("__tests__/b/y.test.ts", 'import "../../src/b/y.ts";'),
    parseSource("__tests__/c/near.test.ts", 'import "../../src/a/x.ts";'),
    parseSource("__tests__/c/stranger.test.ts", ""),
    parseSource("__tests__/integration/brake.test.ts", ""),
    parseSource("__tests__/integration/refusals.test.ts", ""),
  ]);
  assert.deepEqual(choice("src/a/x.ts"), [
    "__tests__/a/x.test.ts",
    "__tests__/a/other.test.ts",
    "__tests__/c/near.test.ts",
    "__tests__/b/y.test.ts",
  ]);
  assert.deepEqual(choice("src/compose.ts"), [
    "__tests__/integration/refusals.test.ts",
    "__tests__/integration/brake.test.ts",
  ]);
});

const files: Readonly<Record<string, string>> = {
  "src/count.ts": `export function count(list: readonly number[], limit: number): number {
    let sum = 0;
    for (const item of list) if (item < limit) sum += item;
    return sum;
  }
  export function last(list: readonly number[]): number {
    let at = 0;
    while (at < list.length - 1) at++;
    return list[at] ?? 0;
  }`,
  "__tests__/count.test.ts": `import assert from "node:assert/strict";
    import test from "node:test";
    import { count, last } from "../src/count.ts";
    test("counts", () => assert.equal(count([1, 2, 7], 5), 3));
    test("last", () => assert.equal(last([1, 2]), 2));`,
  "__tests__/red.test.ts": `import test from "node:test";
    test("red by itself", () => { throw new Error("red"); });`,
  "__tests__/elsewhere.test.ts": `import assert from "node:assert/strict";
    import test from "node:test";
    import { readFileSync } from "node:fs";
    import { last } from "../src/count.ts";
    test("last", () => assert.equal(last([1, 2]), 2));
    test("unchanged", () => assert.match(readFileSync("src/count.ts", "utf8"), /item < limit/));`,
};

function project(t: TestContext): string {
  const root = mkdtempSync(join(tmpdir(), "istio-canary-mutate-"));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  for (const folder of ["src", "__tests__"]) mkdirSync(join(root, folder));
  writeFileSync(join(root, "package.json"), '{"type":"module"}');
  for (const [path, text] of Object.entries(files)) writeFileSync(join(root, path), text);
  return root;
}

test("mutants that a test notices fail, those that spin hang, and the others survive and are named", async (t) => {
  const root = project(t);
  const workshops = [1, 2].map(() => openWorkshop(root, ["package.json", "src", "__tests__"]));
  t.after(() => {
    for (const workshop of workshops) workshop.close();
  });
  const text = files["src/count.ts"] ?? "";
  const mutants = mutantsOf(parseSource("src/count.ts", text));
  const told: Trial[] = [];
  const { trials, notAsked } = await tryMutants(mutants, {
    workshops,
    // The last one would notice all of `count`, and is not asked: it never comes by.
    testsFor: () => ["__tests__/count.test.ts", "__tests__/red.test.ts", "__tests__/elsewhere.test.ts"],
    budget: 30_000,
    told: (trial) => told.push(trial),
  });
  assert.deepEqual(told, trials);
  assert.equal(trials.length, mutants.length);
  const outcomes = (outcome: Trial["outcome"]): readonly string[] =>
    trials
      .filter((trial) => trial.outcome === outcome)
      .map(({ mutant }) => describe(text, mutant))
      .sort();
  assert.deepEqual(outcomes("survived"), [
    "src/count.ts:3:39: < → <= in for (const item of list) if (item < limit) sum += item;",
  ]);
  assert.deepEqual(outcomes("hung"), [
    "src/count.ts:8:34: at++; → nothing",
    "src/count.ts:8:36: ++ → -- in while (at < list.length - 1) at++;",
  ]);
  assert.deepEqual(notAsked, ["__tests__/red.test.ts"]);
});
