import { globSync, readFileSync } from "node:fs";
import { runTestFiles } from "../../scripts/test/test-files.ts";
import { withBed } from "./bed/with-bed.ts";
import { type Bed, bedVariable } from "./support/bed.ts";

// npm run test:e2e -- [WORD …]: brings the bed up once, runs every test file that has a WORD in its path, and takes the bed
// down. Tests wait more than they compute, so files that do one thing after the other run two at a time, each in namespaces
// of its own.

const minute = 60_000;

/** What looks at the whole bed, or answers for every host that nobody has, has it for itself. */
const alone = /e2e\/(bed|walkthrough-labels)\.test\.ts$/;

const busy = (file: string): boolean => alone.test(file) || readFileSync(file, "utf8").includes("{ concurrency: ");

const words = process.argv.slice(2);
const files = globSync("__tests__/e2e/**/*.test.ts")
  .filter((file) => words.length === 0 || words.some((word) => file.includes(word)))
  .sort();
if (files.length === 0) throw new Error(`no end-to-end test has ${words.join(" or ")} in its path`);

async function run(bed: Bed, some: readonly string[], concurrency: number): Promise<number> {
  if (some.length === 0) return 0;
  return runTestFiles(some, {
    concurrency,
    testLimit: 20 * minute,
    fileLimit: 30 * minute,
    env: { ...process.env, [bedVariable]: JSON.stringify(bed) },
  });
}

process.exit(
  await withBed(async (bed) => {
    let ended = false;
    for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => (ended = true));
    const first = await run(
      bed,
      files.filter((file) => !busy(file)),
      2,
    );
    if (ended) return first;
    const second = await run(bed, files.filter(busy), 1);
    return first || second;
  }),
);
