import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import test, { type TestContext } from "node:test";
import { pathToFileURL } from "node:url";

type Outcome = { readonly code: number; readonly said: string };

/** Runs files of tests as `npm test` does, with short limits. */
async function run(t: TestContext, files: Readonly<Record<string, string>>): Promise<Outcome> {
  const folder = mkdtempSync(join(tmpdir(), "istio-canary-tests-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const paths = Object.entries(files).map(([name, text]) => {
    const path = join(folder, name);
    writeFileSync(path, `import test from "node:test";\n${text}`);
    return path;
  });
  const main = join(folder, "main.ts");
  const module = pathToFileURL(join(import.meta.dirname, "../../scripts/test/test-files.ts"));
  const options = { concurrency: 4, testLimit: 8_000, fileLimit: 12_000 };
  writeFileSync(
    main,
    `import { runTestFiles } from "${module}";
    process.exitCode = await runTestFiles(${JSON.stringify(paths)}, ${JSON.stringify(options)});`,
  );
  // Node's runner does nothing inside of a test that this variable marks.
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", main], {
    env,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [out, error, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "exit")]);
  return { code: Number(code), said: out + error };
}

test("files that pass give exit code 0, and what they count is told", async (t) => {
  const { code, said } = await run(t, {
    "a.test.mjs": 'test("fine", () => {});',
    "b.test.mjs": 'test("fine too", () => {});',
  });
  assert.equal(code, 0, said);
  assert.match(said, /ℹ pass 2\n/);
});

test("what spins or waits for ever is ended with what it started and has failed; the others are told", async (t) => {
  const life = createServer();
  await new Promise<void>((resolve) => life.listen(0, "127.0.0.1", resolve));
  t.after(() => life.close());
  const { port } = life.address() as { readonly port: number };
  const started = once(life, "connection").then(([socket]) => once(socket.resume(), "close"));
  const { code, said } = await run(t, {
    "fine.test.mjs": 'test("fine", () => {});',
    "spins.test.mjs": 'process.on("SIGTERM", () => {});\ntest("spins", () => { for (;;); });',
    "waits.test.mjs": 'test("waits", async () => { setInterval(() => {}, 1000); await new Promise(() => {}); });',
    "starts.test.mjs": `import { spawn } from "node:child_process";
      const script = 'require("node:net").connect(${port}, "127.0.0.1")';
      test("starts", () => { spawn(process.execPath, ["-e", script], { stdio: "ignore" }); for (;;); });`,
  });
  assert.equal(code, 1, said);
  assert.match(said, /✔ fine/);
  assert.match(said, /ℹ pass 1\n/);
  assert.match(said, /test timed out after 8000ms/);
  for (const file of ["spins", "waits", "starts"]) {
    assert.match(said, new RegExp(`${file}\\.test\\.mjs was ended: it took more than 12s`));
  }
  await started; // its connection ends with it
});
