import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import test from "node:test";
import { load } from "js-yaml";
import * as z from "zod/mini";

// The project's own workflows: who may write anything runs nothing that others wrote.

const step = z.object({
  uses: z.optional(z.string()),
  run: z.optional(z.string()),
  with: z.optional(z.record(z.string(), z.unknown())),
});
const permissions = z.optional(z.record(z.string(), z.string()));
const job = z.object({ permissions, steps: z.array(step) });
const workflow = z.object({ permissions, jobs: z.record(z.string(), job) });

const jobs = globSync(".github/workflows/*.yml")
  .sort()
  .flatMap((path) => {
    const { permissions: usual = {}, jobs } = z.parse(workflow, load(readFileSync(path, "utf8")));
    return Object.entries(jobs).map(([name, job]) => ({ where: `${path}: ${name}`, permissions: usual, ...job }));
  });

for (const { where, permissions, steps } of jobs) {
  test(`${where} keeps no credential, and pins what it uses by commit`, () => {
    for (const { uses = "" } of steps) if (uses !== "") assert.match(uses, /@[0-9a-f]{40}$/);
    for (const { uses, with: given } of steps)
      if (uses?.startsWith("actions/checkout@")) assert.equal(given?.["persist-credentials"], false);
  });

  test(`${where} installs and runs nothing that others wrote, where it may write`, () => {
    if (!Object.values(permissions ?? {}).includes("write")) return;
    for (const { run = "" } of steps) assert.doesNotMatch(run, /npm (ci|i|install|test|run|exec)\b|npx|node /);
  });
}

test("a release attests all that a workflow of others runs", () => {
  const attested = jobs.flatMap(({ steps }) =>
    steps.flatMap(({ uses, with: given }) =>
      uses?.startsWith("actions/attest@") ? String(given?.["subject-path"]).trim().split("\n") : [],
    ),
  );
  assert.deepEqual([...new Set(attested)].sort(), ["action.yml", "dist/index.js", "launch.sh"]);
});

test("the licences have the text of every package that is bundled", () => {
  const { packages } = JSON.parse(readFileSync("package-lock.json", "utf8")) as { packages: Record<string, unknown> };
  const names = new Set(Object.keys(packages).map((path) => path.replace(/^.*node_modules\//, "")));
  const lines = readFileSync("dist/licences.txt", "utf8").split("\n");
  const starts = lines.flatMap((line, index) => (line !== "" && names.has(line) ? [index] : []));
  assert.ok(starts.length > 20);
  for (const [index, start] of starts.entries()) {
    const text = lines.slice(start + 1, starts[index + 1]).join("\n");
    assert.ok(text.length > 200, `${lines[start]}: ${text}`);
  }
});
