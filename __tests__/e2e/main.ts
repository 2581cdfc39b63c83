import { globSync } from "node:fs";
import { runTestFiles } from "../../scripts/test/test-files.ts";
import { withBed } from "./bed/with-bed.ts";
import { type Bed, bedVariable } from "./support/bed.ts";

// npm run test:e2e -- [WORD …]: brings the bed up once, runs every test file that has a WORD in its path, one after the
// other, and takes the bed down.

const minute = 60_000;

const words = process.argv.slice(2);
const files = globSync("__tests__/e2e/**/*.test.ts")
  .filter((file) => words.length === 0 || words.some((word) => file.includes(word)))
  .sort();
if (files.length === 0) throw new Error(`no end-to-end test has ${words.join(" or ")} in its path`);

process.exit(
  await withBed((bed: Bed) =>
    runTestFiles(files, {
      concurrency: 1,
      testLimit: 20 * minute,
      fileLimit: 30 * minute,
      env: { ...process.env, [bedVariable]: JSON.stringify(bed) },
    }),
  ),
);
