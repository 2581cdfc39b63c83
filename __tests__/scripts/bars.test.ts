import assert from "node:assert/strict";
import test from "node:test";
import { beyond, limits } from "../../scripts/bars/limits.ts";
import { figuresOf, neighboursOf } from "../../scripts/bars/measure.ts";
import { parseSource } from "../../scripts/source.ts";

/** What is said of these files, by path. */
function problemsOf(files: Readonly<Record<string, string>>): readonly string[] {
  const sources = Object.entries(files).map(([path, text]) => parseSource(path, text));
  return beyond(figuresOf(sources), neighboursOf(sources));
}

const lines = (count: number, line = "export {};"): string => Array(count).fill(line).join("\n");
const functions = (count: number, length: number): string =>
  lines(count, `const f = () => {\n${lines(length - 2, "f();")}\n};`);

test("code within the bars has nothing said of it", () => {
  assert.deepEqual(problemsOf({ "src/a.ts": `${lines(28)}\nconst x = y ? 1 : 2;` }), []);
  assert.deepEqual(problemsOf({ "src/a.ts": lines(limits.lines) }), []);
  assert.deepEqual(problemsOf({ "src/a.ts": functions(9, 8) + functions(1, 99) }), []);
  assert.deepEqual(problemsOf({}), []);
});

test("each bar is one: code that is beyond it has it said", () => {
  const tables: readonly (readonly [said: RegExp, files: Readonly<Record<string, string>>])[] = [
    [new RegExp(`^${limits.lines + 1} lines of code`), { "src/a.ts": lines(limits.lines + 1) }],
    [/^35\.714 ternaries/, { "src/a.ts": `${lines(27)}\nconst x = y ? 1 : 2;` }],
    [/^1\.001 conditional spreads/, { "src/a.ts": `${lines(998)}\nf(...(y && z));` }],
    [/^0\.02 of the lines/, { "src/a.ts": `${lines(48)}\n"${"x".repeat(120)}";` }],
    [/^9 lines in a function of the middle/, { "src/a.ts": functions(5, 8) + functions(6, 9) }],
    [/^21 lines in a function at nine tenths/, { "src/a.ts": functions(8, 8) + functions(2, 21) }],
    [/^1 type names/, { "src/a.ts": "type A = 1;", "src/b.ts": "export interface A {}" }],
    [/^1 type names/, { "src/a.ts": "export type Record = 1;" }],
    [/^1 rings/, { "src/a.ts": 'import type { B } from "./b.ts";', "src/b.ts": 'export * from "./a.ts";' }],
  ];
  for (const [said, files] of tables) {
    const problems = problemsOf(files);
    assert.equal(problems.length, 1, `${said}: ${problems}`);
    assert.match(problems[0] ?? "", said);
  }
});

test("what stands in comments and strings is no code", () => {
  const { lines, ternaries, conditionalSpreads } = figuresOf([
    parseSource(
      "src/a.ts",
      '/* a ? b : c\n */\n\n// ...(x ? {} : y)\nconst text = "a ? b : c";\nconst more = `\n? :`;',
    ),
  ]);
  assert.deepEqual({ lines, ternaries, conditionalSpreads }, { lines: 3, ternaries: 0, conditionalSpreads: 0 });
});

test("a spread is conditional by a ternary or by &&, and not by a default", () => {
  const { conditionalSpreads } = figuresOf([
    parseSource("src/a.ts", "f(...(a ? b : []), ...(a && b), ...(a ?? b), ...a);"),
  ]);
  assert.equal(conditionalSpreads, 2);
});

test("a function that is written into a call belongs to the function around it", () => {
  const { functions } = figuresOf([
    parseSource(
      "src/a.ts",
      "function f() {\n  // why\n  return list.map((x) => {\n    return x;\n  });\n}\nconst g = { h() {}, i: () => 1 };",
    ),
  ]);
  assert.deepEqual(functions, [1, 1, 5]);
});

test("files that share a name, or nearly, and those that might join their only importer are named", () => {
  const { namedAlike, small, cycles } = neighboursOf([
    parseSource("src/a/plan.ts", 'import { b } from "../b/plans.ts";\nconst later = () => import("../c/main.ts");'),
    parseSource("src/b/plans.ts", lines(24)),
    parseSource("src/c/main.ts", `import "node:fs";\n${lines(24)}`),
  ]);
  assert.deepEqual(namedAlike, ["plan: src/a/plan.ts, src/b/plans.ts"]);
  assert.deepEqual(small, ["src/b/plans.ts (24 lines, only for src/a/plan.ts)"]);
  assert.deepEqual(cycles, []);
});

test("a ring through a type's import is one, once, however many files are in it", () => {
  const { cycles } = neighboursOf([
    parseSource("src/a.ts", 'export type A = import("./b.ts").B;'),
    parseSource("src/b.ts", 'const c = await import("./c.ts");'),
    parseSource("src/c.ts", 'export { A } from "./a.ts";'),
    parseSource("src/d.ts", 'import { A } from "./a.ts";'),
  ]);
  assert.deepEqual(cycles, ["src/a.ts, src/b.ts, src/c.ts"]);
});
