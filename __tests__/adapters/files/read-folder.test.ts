import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { readFolder } from "../../../src/adapters/files/read-folder.ts";
import { nodeClock } from "../../../src/adapters/node/node-clock.ts";

const waiting = { clock: nodeClock, stop: new AbortController().signal };

function folderWith(t: TestContext, files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), "istio-canary-folder-"));
  t.after(() => rmSync(folder, { recursive: true }));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(folder, path, ".."), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  return folder;
}

test("the YAML and JSON files of a folder and of those in it are read, in the order of their paths", async (t) => {
  const folder = folderWith(t, {
    "b.yaml": "b",
    "a/deep/c.JSON": "c",
    "a.yml": "a",
    "readme.md": "no",
    "node_modules/x.yaml": "no",
    ".git/x.yaml": "no",
  });
  const { files, unread } = await readFolder(folder, waiting);
  assert.deepEqual(
    files.map(({ path, text }) => [path, text]),
    [
      ["a.yml", "a"],
      ["a/deep/c.JSON", "c"],
      ["b.yaml", "b"],
    ],
  );
  assert.deepEqual(unread, []);
});

test("no link leads out of the folder or round and round in it, and one to a file of it is read", async (t) => {
  const folder = folderWith(t, { "own.yaml": "own" });
  symlinkSync("/etc/passwd", join(folder, "passwd.yaml"));
  symlinkSync(folder, join(folder, "round"));
  symlinkSync(join(folder, "own.yaml"), join(folder, "twin.yaml"));
  symlinkSync(join(folder, "gone"), join(folder, "broken.yaml"));
  const { files, unread } = await readFolder(folder, waiting);
  assert.deepEqual(
    files.map(({ path }) => path),
    ["own.yaml", "twin.yaml"],
  );
  assert.equal(unread.length, 2);
  assert.match(unread.join(), /broken\.yaml \(.*passwd\.yaml \(a link that leads out of the folder\)/);
});

test("a file of more than a mebibyte is named and not read, and neither are folders in folders without an end", async (t) => {
  const deep = `${"d/".repeat(30)}x.yaml`;
  const folder = folderWith(t, { "disk.yaml": "", [deep]: "x" });
  truncateSync(join(folder, "disk.yaml"), 2 ** 40);
  const { files, unread } = await readFolder(folder, waiting);
  assert.deepEqual(files, []);
  assert.match(unread.join(), /disk\.yaml \(it has more than 1,048,576 bytes/);
  assert.match(unread.join(), /deeper than 20 folders/);
});

test("a folder that is not there is no empty one", () => assert.rejects(readFolder("/no/such/folder", waiting)));
