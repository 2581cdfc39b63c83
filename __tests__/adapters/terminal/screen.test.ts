import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import test from "node:test";
import { screenOn } from "../../../src/adapters/terminal/screen.ts";

test("a stream that is closed swallows what is written, and the process goes on", async () => {
  const screen = join(import.meta.dirname, "../../../src/adapters/terminal/screen.ts");
  // Writes until the reader is gone, and then says so by its exit code: an EPIPE that nobody hears would end it with 1 before.
  const script = `
    import { screenOn } from ${JSON.stringify(screen)};
    const screen = screenOn(process.stdout, (text) => text);
    const writing = setInterval(() => { screen.write("x".repeat(1000) + "\\n"); if (process.stdout.errored) { clearInterval(writing); process.exitCode = 42; } }, 1);
  `;
  const child = spawn(process.execPath, ["--input-type=module-typescript", "-e", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await once(child.stdout, "data");
  child.stdout.destroy();
  const [code] = (await once(child, "exit")) as [number | null];
  assert.equal(code, 42);
});

test("a log whose reader is gone goes on, its workflow commands, too", async () => {
  const [log, screen] = ["log", "screen"].map((name) =>
    JSON.stringify(join(import.meta.dirname, `../../../src/adapters/terminal/${name}.ts`)),
  );
  const script = `
    import { log } from ${log};
    import { screenOn } from ${screen};
    const voice = log({ screen: screenOn(process.stdout, (text) => text), actions: true, verbose: false });
    let number = 0;
    const writing = setInterval(() => {
      voice.warn("warning " + number++);
      if (process.stdout.errored) { clearInterval(writing); process.exitCode = 42; }
    }, 1);
  `;
  const child = spawn(process.execPath, ["--input-type=module-typescript", "-e", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await once(child.stdout, "data");
  child.stdout.destroy();
  const [code] = (await once(child, "exit")) as [number | null];
  assert.equal(code, 42);
});

test("a stream that throws is not written to any more", () => {
  let writes = 0;
  const screen = screenOn(
    {
      write() {
        writes += 1;
        throw new Error("destroyed");
      },
      on: () => undefined,
    },
    (text) => text,
  );
  screen.write("one");
  screen.write("two");
  assert.equal(writes, 1);
});
