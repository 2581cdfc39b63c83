import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { closeSync, constants, mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { pathToFileURL } from "node:url";
import { readText } from "../../../src/adapters/files/read-text.ts";
import { nodeClock } from "../../../src/adapters/node/node-clock.ts";

const waiting = { clock: nodeClock, stop: new AbortController().signal };

function folderOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "read-"));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

/** A pipe in which nothing is, and by which somebody may still write. */
function openPipe(t: TestContext): { readonly path: string; readonly handedOver: string } {
  const path = join(folderOf(t), "pipe");
  execFileSync("mkfifo", [path]);
  const file = openSync(path, constants.O_RDWR);
  t.after(() => closeSync(file));
  return { path, handedOver: `/dev/fd/${file}` };
}

test("a named pipe is refused at once, also where nobody writes into it", async (t) => {
  const { path } = openPipe(t);
  await assert.rejects(readText(path, 100, waiting), /it is a named pipe/);
  const lonely = join(folderOf(t), "lonely");
  execFileSync("mkfifo", [lonely]);
  await assert.rejects(readText(lonely, 100, waiting), /it is a named pipe/);
});

test("a pipe that somebody handed over is waited for, but not for ever, and not when the job is cancelled", async (t) => {
  const { handedOver } = openPipe(t);
  await assert.rejects(readText(handedOver, 100, { ...waiting, longest: 50 }), /it gave no end within 0.05s/);
  const stop = new AbortController();
  const reading = readText(handedOver, 100, { ...waiting, stop: stop.signal });
  stop.abort("cancelled");
  await assert.rejects(reading, (reason) => reason === "cancelled");
});

test("what a shell's <(…) says is read, however late it comes", () => {
  const module = pathToFileURL(join(import.meta.dirname, "../../../src/adapters/files/read-text.ts")).href;
  const clock = pathToFileURL(join(import.meta.dirname, "../../../src/adapters/node/node-clock.ts")).href;
  const program = `
    const { readText } = await import("${module}");
    const { nodeClock: clock } = await import("${clock}");
    console.log(await readText(process.argv[1], 100, { clock, stop: new AbortController().signal }));`;
  const line =
    'exec "$0" --disable-warning=ExperimentalWarning --input-type=module -e "$1" <(echo one; sleep 0.2; echo two)';
  assert.equal(execFileSync("bash", ["-c", line, process.execPath, program], { encoding: "utf8" }), "one\ntwo\n\n");
});

test("a file is read whole up to its limit, and refused beyond", async (t) => {
  const folder = folderOf(t);
  const file = join(folder, "canary.yaml");
  writeFileSync(file, `${"x".repeat(98)}é`);
  assert.equal((await readText(file, 100, waiting)).length, 99);
  await assert.rejects(readText(file, 99, waiting), /it has more than 99 bytes, and no more are read/);
});

test("a file without an end is refused as well, and what is no file says so", async () => {
  await assert.rejects(readText("/dev/zero", 1_000, waiting), /it has more than 1,000 bytes/);
  await assert.rejects(readText("/nowhere/canary.yaml", 1_000, waiting), /ENOENT/);
  // Whoever runs it elsewhere than they think has to see where it looked.
  const whole = join(process.cwd(), "nowhere/canary.yaml");
  await assert.rejects(readText("nowhere/canary.yaml", 1_000, waiting), (error: Error) =>
    error.message.includes(`'${whole}'`),
  );
  await assert.rejects(readText("/", 1_000, waiting), /EISDIR/);
});
