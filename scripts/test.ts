import { spawnSync } from "node:child_process";
import { globSync } from "node:fs";
import { availableParallelism } from "node:os";

/** Every test that needs no cluster. Arguments narrow it: `npm test -- release` runs what has `release` in its path. */
const wanted = process.argv.slice(2);
const files = globSync("__tests__/**/*.test.ts")
  .filter((file) => !file.includes("__tests__/e2e/"))
  .filter((file) => wanted.length === 0 || wanted.some((word) => file.includes(word)))
  .sort();

// Many tests wait for others' timers: one file more than there are processors. Node's own default is one file less.
const { status } = spawnSync(
  process.execPath,
  [
    "--disable-warning=ExperimentalWarning",
    "--test",
    `--test-concurrency=${availableParallelism() + 1}`,
    "--test-reporter=spec",
    ...files,
  ],
  { stdio: "inherit" },
);
process.exit(status ?? 1);
