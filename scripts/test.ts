import { globSync, mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { runTestFiles } from "./test/test-files.ts";

/** Every test that needs no cluster. Arguments narrow it: `npm test -- release` runs what has `release` in its path. */
const words = process.argv.slice(2);
const files = globSync("__tests__/**/*.test.ts")
  .filter((file) => !file.includes("__tests__/e2e/"))
  .filter((file) => words.length === 0 || words.some((word) => file.includes(word)))
  .sort();
if (files.length === 0) throw new Error(`no test has ${words.join(" or ")} in its path`);

/** The built program is the same for all files that run it. */
const action = mkdtempSync(join(tmpdir(), "istio-canary-action-"));
process.once("exit", () => rmSync(action, { recursive: true, force: true }));

process.exitCode = await runTestFiles(files, {
  // Many tests wait for others' timers: one file more than there are processors. Node's own default is one file less.
  concurrency: availableParallelism() + 1,
  testLimit: 300_000,
  fileLimit: 900_000,
  env: { ...process.env, ACTION_FOLDER: action },
});
