import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { readText } from "../../../src/adapters/files/read-text.ts";

test("a file is read whole up to its limit, and refused beyond", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "read-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "canary.yaml");
  writeFileSync(file, `${"x".repeat(98)}é`);
  assert.equal((await readText(file, 100)).length, 99);
  await assert.rejects(readText(file, 99), /it has more than 99 bytes, and no more are read/);
});

test("a file without an end is refused as well, and what is no file says so", async () => {
  await assert.rejects(readText("/dev/zero", 1_000), /it has more than 1,000 bytes/);
  await assert.rejects(readText("/nowhere/canary.yaml", 1_000), /ENOENT/);
  await assert.rejects(readText("/", 1_000), /EISDIR/);
});
