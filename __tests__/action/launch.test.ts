import assert from "node:assert/strict";
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import test from "node:test";
import { startComposite } from "../../sandbox/composite/composite.ts";
import { type Bench, bench } from "./bench.ts";

/** A PATH with the few tools of a runner, and a Node of this version or none. */
function path({ folder }: Bench, node: string | undefined): string {
  const bin = join(folder, "bin");
  mkdirSync(bin);
  for (const tool of ["bash", "sh", "dirname", "readlink", "ls"]) symlinkSync(`/usr/bin/${tool}`, join(bin, tool));
  if (node !== undefined) fakeNode(join(bin, "node"), node);
  return bin;
}

function fakeNode(file: string, version: string): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(
    file,
    `#!/bin/sh\nif [ "$1" = --version ]; then printf '%b\\n' '${version}'; exit; fi\necho "the wrong Node was started" >&2\nexit 99\n`,
  );
  chmodSync(file, 0o755);
}

function realNode(file: string): void {
  mkdirSync(dirname(file), { recursive: true });
  symlinkSync(process.execPath, file);
}

for (const version of ["v20.20.2", "v22.18.0", "v18.0.0", "v9.0.0", "nonsense", undefined]) {
  test(`with Node ${version ?? "missing"} on the PATH, one in the tool cache is taken`, async (t) => {
    const stage = bench(t, "good");
    const cache = join(stage.folder, "tool cache");
    fakeNode(join(cache, "node/18.1.0/x64/bin/node"), "v18.1.0");
    realNode(join(cache, "node/24.1.0/arm64/bin/node"));
    const result = await startComposite({
      action: stage.action,
      env: { ...stage.env, PATH: path(stage, version), RUNNER_TOOL_CACHE: cache },
    }).done;
    assert.equal(result.outputs.outcome, "succeeded", result.steps[0]?.log);
  });
}

test("the one on the PATH comes first when it is new enough", async (t) => {
  const stage = bench(t, "good");
  const cache = join(stage.folder, "cache");
  fakeNode(join(cache, "node/23.1.0/x64/bin/node"), "v23.1.0");
  const bin = path(stage, undefined);
  realNode(join(bin, "node"));
  const result = await startComposite({
    action: stage.action,
    env: { ...stage.env, PATH: bin, RUNNER_TOOL_CACHE: cache },
  }).done;
  assert.equal(result.outputs.outcome, "succeeded", result.steps[0]?.log);
});

test("the runner's own Node is taken when there is no other", async (t) => {
  const stage = bench(t, "good");
  realNode(join(stage.folder, "runner/externals/node24/bin/node"));
  const result = await startComposite({
    action: stage.action,
    env: { ...stage.env, PATH: path(stage, "v20.1.0"), RUNNER_TEMP: join(stage.folder, "runner/_work/_temp") },
  }).done;
  assert.equal(result.outputs.outcome, "succeeded", result.steps[0]?.log);
});

test("no Node is taken from a place where everybody may put one", async (t) => {
  const stage = bench(t, "good");
  const shared = join(stage.folder, "shared");
  realNode(join(shared, "externals/node24/bin/node"));
  chmodSync(shared, 0o1777);
  const env = { ...stage.env, PATH: path(stage, "v20.1.0"), RUNNER_TEMP: join(shared, "_work/_temp") };
  const result = await startComposite({ action: stage.action, env }).done;
  assert.equal(result.steps[0]?.exit, 2);
  assert.deepEqual(stage.said(), []);
});

test("what calls itself node on the PATH has no word in the log", async (t) => {
  const stage = bench(t, "good");
  const env = { ...stage.env, PATH: path(stage, "v20\\n::stop-commands::x") };
  const { steps } = await startComposite({ action: stage.action, env }).done;
  assert.match(steps[0]?.log ?? "", /^::error title=Istio Canary::.* on the PATH it is another program, /m);
  assert.doesNotMatch(steps[0]?.log ?? "", /stop-commands/);
});

test("without a Node it is said what to do, nothing is changed, and nothing has to be settled", async (t) => {
  const stage = bench(t, "good");
  const result = await startComposite({ action: stage.action, env: { ...stage.env, PATH: path(stage, "v20.1.0") } })
    .done;
  assert.deepEqual(
    result.steps.map(({ conclusion }) => conclusion),
    ["failure", "skipped"],
  );
  assert.equal(result.steps[0]?.exit, 2);
  assert.equal(result.outputs.settled, "");
  assert.match(
    result.steps[0]?.log ?? "",
    /^::error title=Istio Canary::.*22\.19.*v20\.1\.0.*actions\/setup-node.*node-version: 24/m,
  );
  assert.deepEqual(stage.said(), []);
});
