import assert from "node:assert/strict";
import {
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { dump, load, loadAll } from "js-yaml";
import { mergePatch } from "../../sandbox/api-server/patch.ts";
import { nodeWorld } from "../../src/adapters/node/node-world.ts";
import { type InitSession, init } from "../../src/commands/init.ts";
import type { Surroundings } from "../../src/compose.ts";
import { dispatch } from "../../src/dispatch.ts";
import { RefusedError, tell } from "../../src/lib/errors.ts";
import { createRedaction } from "../../src/lib/redaction.ts";
import { createCensor } from "../../src/reporting/censor.ts";
import { configured, problems } from "../config/configured.ts";
import { recordOf } from "../contracts/journal.ts";
import { assertGolden } from "../support/golden.ts";
import { initObject, initWorlds, unreadyWorlds } from "../support/init-worlds.ts";

const here = (said: string[]): Surroundings => {
  const redaction = createRedaction();
  return {
    ...nodeWorld(),
    transport: { send: () => assert.fail("nobody is asked anything") },
    env: {},
    github: { actions: false, apiUrl: "https://github.test" },
    voice: { warn: (text) => void said.push(text), report: () => {}, flush: async () => {} },
    registerSecret: redaction.register,
    censor: createCensor(redaction),
    stop: new AbortController().signal,
    print: (text) => void said.push(text),
    answer: () => assert.fail("no JSON"),
    programs: { start: () => assert.fail("no program is run") },
  };
};

type Inputs = Readonly<Record<string, string>>;

/** A command over files: its exit code, and what it says. */
async function run(inputs: Inputs, files: Inputs = {}): Promise<{ readonly exit: number; readonly said: string }> {
  const said: string[] = [];
  const config = await configured({ inputs, files, env: { GITHUB_SHA: "0a1b2c3" } });
  const exit = await dispatch(config, here(said));
  return { exit, said: said.join("\n") };
}

type Written = { readonly kind: string; readonly metadata: { readonly name: string } };

function folderFor(t: { after: (done: () => void) => void }): string {
  const folder = mkdtempSync(join(tmpdir(), "istio-canary-init-"));
  t.after(() => rmSync(folder, { recursive: true }));
  mkdirSync(join(folder, "world"));
  return folder;
}

const filesIn = (folder: string): readonly string[] =>
  globSync("**/*", { cwd: folder, withFileTypes: false, exclude: ["world"] })
    .concat(globSync(".github/**/*", { cwd: folder }))
    .filter((path) => /\.ya?ml$/.test(path))
    .sort();

/** The world as it is once what was written is applied: objects in the place of those that they change, and patches. */
function applied(folder: string, objects: readonly object[]): readonly object[] {
  const all = new Map(objects.map((object) => [wordOf(object as Written), object]));
  for (const path of globSync("istio-canary/*.yaml", { cwd: folder }).sort())
    for (const object of loadAll(readFileSync(join(folder, path), "utf8")) as Written[])
      all.set(wordOf(object), object);
  for (const path of globSync("istio-canary/patches/*.yaml", { cwd: folder })) {
    const [, name = ""] = /deployment-(.*)\.yaml$/.exec(path) ?? [];
    const word = `Deployment ${name}`;
    all.set(
      word,
      mergePatch(all.get(word) ?? assert.fail(word), load(readFileSync(join(folder, path), "utf8"))) as object,
    );
  }
  return [...all.values()];
}

const wordOf = ({ kind, metadata }: Written): string => `${kind} ${metadata.name}`;

const wholesale = [".github/workflows/release.yml", "istio-canary/account.yaml"];

for (const [name, { objects, inputs = {}, left }] of Object.entries(initWorlds))
  test(`init over ${name} writes what its plan has nothing against, once`, async (t) => {
    const folder = folderFor(t);
    const world = join(folder, "world");
    const write = (all: readonly object[]): void =>
      writeFileSync(join(world, "all.yaml"), all.map((object) => dump(object, { noRefs: true })).join("---\n"));
    write(objects);
    const asked = { command: "init", namespace: "shop", service: "reviews", files: world, output: folder, ...inputs };
    const first = await run(asked);
    const written = filesIn(folder);
    const texts = written
      .filter((path) => !wholesale.includes(path))
      .map((path) => `=== ${path}\n${readFileSync(join(folder, path), "utf8")}`);
    assertGolden(`init/${name}.txt`, [first.said.replaceAll(folder, "."), "", ...texts].join("\n"));

    write(applied(folder, objects));
    const files = Object.fromEntries(written.map((path) => [path, readFileSync(join(folder, path), "utf8")]));
    const plan = await run(
      { command: "plan", config: ".github/canary.yaml", files: world, image: "registry.example/reviews:1.4.0" },
      files,
    );
    assert.deepEqual([first.exit, plan.exit], left ? [3, 2] : [0, 0], `${first.said}\n${plan.said}`);
    if (left) assert.match(plan.said, left);

    const second = await run(asked);
    assert.match(second.said, /Nothing was written: all of it is there\./);
    assert.deepEqual(filesIn(folder), written);
    assert.equal(second.exit, first.exit);
  });

for (const [name, { objects, inputs = {}, said }] of Object.entries(unreadyWorlds))
  test(`init over ${name} says so, and writes nothing`, async (t) => {
    const folder = folderFor(t);
    const files = join(folder, "world");
    writeFileSync(join(files, "all.yaml"), objects.map((object) => dump(object)).join("---\n"));
    const asked = { command: "init", namespace: "shop", service: "reviews", files, output: folder, ...inputs };
    await assert.rejects(run(asked), (error) => error instanceof RefusedError && said.test(tell(error)));
    assert.deepEqual(filesIn(folder), []);
  });

test("init writes over no file, and says how one that is there differs", async (t) => {
  const folder = folderFor(t);
  const files = join(folder, "world");
  const { objects } = initWorlds["one-deployment"] ?? assert.fail();
  writeFileSync(join(files, "all.yaml"), objects.map((object) => dump(object)).join("---\n"));
  mkdirSync(join(folder, ".github"));
  const mine = "namespace: shop\nservice: reviews\nstages: 50:1m, 100\n";
  writeFileSync(join(folder, ".github/canary.yaml"), mine);
  const { said } = await run({ command: "init", service: "reviews", files, output: folder });
  assert.equal(readFileSync(join(folder, ".github/canary.yaml"), "utf8"), mine);
  assert.match(said, /\.github\/canary\.yaml is there, and was left alone\. It differs/);
  for (const line of ["- stages: 50:1m, 100", "+ stages: 10:5m, 50:5m, 100"])
    assert.ok(said.includes(`    ${line}\n`), line);
});

const obstacles: Readonly<Record<string, (folder: string) => void>> = {
  "a folder": (folder) => mkdirSync(join(folder, ".github/canary.yaml"), { recursive: true }),
  "a file of 2 MiB": (folder) => {
    mkdirSync(join(folder, ".github"));
    writeFileSync(join(folder, ".github/canary.yaml"), "x".repeat(2 ** 21));
  },
  "a file where a folder should be": (folder) => writeFileSync(join(folder, ".github"), ""),
  "a link to nothing": (folder) => symlinkSync(join(folder, "nothing"), join(folder, ".github")),
  "a link out of the folder": (folder) => symlinkSync(tmpdir(), join(folder, ".github")),
};
for (const [what, put] of Object.entries(obstacles))
  test(`init refuses before it writes anything where there is ${what}`, async (t) => {
    const folder = folderFor(t);
    const files = join(folder, "world");
    const { objects } = initWorlds["one-deployment"] ?? assert.fail();
    writeFileSync(join(files, "all.yaml"), objects.map((object) => dump(object)).join("---\n"));
    put(folder);
    await assert.rejects(
      run({ command: "init", service: "reviews", files, output: folder }),
      (error) =>
        error instanceof RefusedError && /canary\.yaml cannot be written: .*Nothing was written/.test(tell(error)),
    );
    assert.ok(!existsSync(join(folder, "istio-canary")));
  });

test("of an image that is no plain reference the configuration says nothing, and init says so", async (t) => {
  const folder = folderFor(t);
  const files = join(folder, "world");
  const { objects } = initWorlds["one-deployment"] ?? assert.fail();
  const all = objects.map((object) => dump(object)).join("---\n");
  writeFileSync(join(files, "all.yaml"), all.replace(/image: .*/, `image: 'evil.example/\${GITHUB_TOKEN}/reviews:1'`));
  const { said } = await run({ command: "init", service: "reviews", files, output: folder });
  assert.doesNotMatch(readFileSync(join(folder, ".github/canary.yaml"), "utf8"), /image|TOKEN/);
  assert.match(said, /is no plain reference/);
});

test("a name in a manifest leads into no other folder, and one that can be none is refused before anything is written", async (t) => {
  const folder = folderFor(t);
  const files = join(folder, "world");
  const { objects } = initWorlds["no-version-label"] ?? assert.fail();
  const [service, deployment] = objects;
  const name = "../../x; $(touch y)";
  const rule = initObject("networking.istio.io/v1", "DestinationRule", name, { host: "reviews" });
  const write = (all: readonly unknown[]): void =>
    writeFileSync(join(files, "all.yaml"), all.map((object) => dump(object)).join("---\n"));
  const asked = { command: "init", service: "reviews", files, output: folder };

  write([service, { ...deployment, metadata: { name, namespace: "shop" } }]);
  await assert.rejects(run(asked), /stable\.deployment: expected a name/);
  assert.deepEqual(filesIn(folder), []);

  write([...objects, rule]);
  await run(asked);
  assert.ok(filesIn(folder).includes("istio-canary/destination-rule-..-..-x-touch-y-.yaml"));
});

test("accounts of two namespaces take nothing from each other", async (t) => {
  const names = [];
  for (const namespace of ["shop", "shop-2"]) {
    const folder = folderFor(t);
    const files = join(folder, "world");
    const { objects } = initWorlds["one-deployment"] ?? assert.fail();
    const own = objects.map((object) => ({ ...object, metadata: { ...object.metadata, namespace } }));
    writeFileSync(join(files, "all.yaml"), own.map((object) => dump(object)).join("---\n"));
    await run({ command: "init", service: "reviews", files, output: folder });
    const account = loadAll(readFileSync(join(folder, "istio-canary/account.yaml"), "utf8")) as Account[];
    names.push(
      account
        .filter(({ kind }) => kind.endsWith("Binding"))
        .map(({ kind, metadata }) => JSON.stringify([kind, metadata])),
    );
    for (const { subjects = [] } of account) for (const subject of subjects) assert.equal(subject.namespace, namespace);
  }
  const [first = [], second = []] = names;
  assert.ok(first.length >= 5);
  assert.deepEqual(
    first.filter((binding) => second.includes(binding)),
    [],
  );
});

type Account = {
  readonly kind: string;
  readonly metadata: object;
  readonly subjects?: readonly { readonly namespace: string }[];
};

test("everything that is wrong with what init is asked for is told at once", async () => {
  const told = await problems({
    inputs: { command: "init", route: "ingress", host: "shop" },
  });
  for (const said of [
    /^service/,
    /^route: expected virtual-service or http-route, got "ingress"/,
    /^host: expected a host/,
  ])
    assert.ok(
      told.some((line) => said.test(line)),
      `${said}: ${told.join("; ")}`,
    );
});

test("while a release has not ended nothing is written: its weights are not the route's own", async () => {
  const unasked = () => assert.fail("nobody asks, and nothing is written");
  const session = {
    messages: {} as InitSession["messages"],
    wish: {},
    ground: { namespace: "shop", service: "reviews" } as InitSession["ground"],
    where: "in namespace shop",
    folder: ".",
    release: async () => recordOf("one"),
    inspect: unasked,
    redact: (text: string) => text,
    readFile: unasked,
    write: unasked,
  } satisfies InitSession;
  await assert.rejects(
    init(session),
    (error) => error instanceof RefusedError && /has not ended.*Nothing was written/.test(error.message),
  );
});
