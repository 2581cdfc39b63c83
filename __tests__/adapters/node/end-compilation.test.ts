import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import test from "node:test";

/** V8 says by --trace-opt what it compiles in the background. */
const script = `
  import { nodeClock } from "./src/adapters/node/node-clock.ts";
  import { endCompilation } from "./src/adapters/node/end-compilation.ts";
  const sums = ["x + i", "x - i"].map((sum) => new Function("let x = 0; for (let i = 0; i < 1e6; i++) x = " + sum + "; return x"));
  for (let i = 0; i < 20; i++) sums[0]();
  await endCompilation(nodeClock);
  console.log("ended");
  for (let i = 0; i < 20; i++) sums[1]();
`;

test("nothing is compiled in the background any more when a process is about to end", () => {
  const flags = ["--disable-warning=ExperimentalWarning", "--trace-opt", "--input-type=module-typescript"];
  const said = execFileSync(process.execPath, [...flags, "--eval", script], { encoding: "utf8" });
  const [before = "", after = ""] = said.split("ended\n");
  assert.match(before, /compiling method/);
  assert.doesNotMatch(after, /compiling method/);
});
