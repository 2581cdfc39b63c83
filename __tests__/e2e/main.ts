import { spawn } from "node:child_process";
import { globSync } from "node:fs";
import { constants } from "node:os";
import { withBed } from "./bed/with-bed.ts";
import { type Bed, bedVariable } from "./support/bed.ts";

// npm run test:e2e -- [WORD …]: brings the bed up once, runs every test file that has a WORD in its path, one after the
// other, and takes the bed down.

const words = process.argv.slice(2);
const files = globSync("__tests__/e2e/**/*.test.ts")
  .filter((file) => words.length === 0 || words.some((word) => file.includes(word)))
  .sort();
if (files.length === 0) throw new Error(`no end-to-end test has ${words.join(" or ")} in its path`);

process.exit(await withBed((bed) => runTests(bed, files)));

function runTests(bed: Bed, tests: readonly string[]): Promise<number> {
  const args = [
    "--disable-warning=ExperimentalWarning",
    "--test",
    "--test-concurrency=1",
    "--test-timeout=1200000",
    "--test-reporter=spec",
    ...tests,
  ];
  const child = spawn(process.execPath, args, {
    stdio: "inherit",
    env: { ...process.env, [bedVariable]: JSON.stringify(bed) },
  });
  // The tests end by the same signal, and the bed is still to be taken down.
  process.on("SIGINT", () => {});
  process.on("SIGTERM", () => child.kill("SIGTERM"));
  return new Promise((resolve) =>
    child.once("exit", (status, signal) => resolve(status ?? 128 + constants.signals[signal ?? "SIGTERM"])),
  );
}
