import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Compares with a file under __tests__/golden, which is read in review. UPDATE_GOLDEN=1 writes it instead. */
export function assertGolden(name: string, actual: string): void {
  const file = join(import.meta.dirname, "../golden", name);
  if (process.env.UPDATE_GOLDEN === "1") writeFileSync(file, actual);
  assert.equal(
    actual,
    readFileSync(file, "utf8"),
    `${name} is not what was last reviewed. If the change is meant: UPDATE_GOLDEN=1 npm test -- golden`,
  );
}
