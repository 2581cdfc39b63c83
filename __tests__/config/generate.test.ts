import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { appendFileSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import test, { type TestContext } from "node:test";
import { commands } from "../../src/config/commands.ts";

const own = [
  "docs/schema.json",
  "docs/plan.schema.json",
  "docs/status.schema.json",
  "docs/configuration.md",
  "docs/commands.md",
];

/** A folder with what the generator reads, and a page that has a place for the commands. */
function folder(context: TestContext): string {
  const cwd = mkdtempSync(join(tmpdir(), "generate-"));
  context.after(() => rmSync(cwd, { recursive: true }));
  cpSync("examples", join(cwd, "examples"), { recursive: true });
  mkdirSync(join(cwd, "docs"));
  writeFileSync(join(cwd, "docs/commands.md"), "Before\n<!-- commands -->\nold\n<!-- /commands -->\nAfter\n");
  return cwd;
}

function generate(
  cwd: string,
  ...args: readonly string[]
): { readonly code: number | null; readonly lines: readonly string[] } {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ["--disable-warning=ExperimentalWarning", resolve("scripts/generate.ts"), ...args],
    {
      cwd,
      encoding: "utf8",
    },
  );
  return { code: status, lines: `${stdout}${stderr}`.split("\n").filter((line) => line !== "") };
}

const stale = (path: string): string => `${path} is stale; run: npm run generate`;

test("generated files are missing, written, fresh, and stale by name when somebody edits them", (context) => {
  const cwd = folder(context);
  const before = generate(cwd, "--check");
  assert.equal(before.code, 1);
  assert.deepEqual(
    own.map(stale).filter((line) => !before.lines.includes(line)),
    [],
  );

  const written = generate(cwd);
  assert.equal(written.code, 0);
  assert.deepEqual(
    own.filter((path) => !written.lines.includes(`wrote ${path}`)),
    [],
  );
  assert.deepEqual(generate(cwd, "--check"), { code: 0, lines: [] });

  appendFileSync(join(cwd, "docs/configuration.md"), "by hand\n");
  assert.deepEqual(generate(cwd, "--check"), { code: 1, lines: [stale("docs/configuration.md")] });
});

test("the table of commands stands between its marks, and the rest of the page stays", (context) => {
  const cwd = folder(context);
  generate(cwd);
  const page = readFileSync(join(cwd, "docs/commands.md"), "utf8");
  assert.ok(page.startsWith("Before\n<!-- commands -->\n\n| Command | What it does |"), page.slice(0, 60));
  for (const { name, exits } of commands)
    assert.match(page, new RegExp(`^\\| \`${name}\` \\| .* \\| ${exits} \\|$`, "m"));
  assert.ok(page.endsWith("|\n<!-- /commands -->\nAfter\n"), page.slice(-60));
});
