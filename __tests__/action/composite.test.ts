import assert from "node:assert/strict";
import { existsSync, mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { type CompositeOptions, type CompositeResult, startComposite } from "../../sandbox/composite/composite.ts";
import { type Bench, bench, isAlive } from "./bench.ts";

const ladder = { terminate: 150, kill: 300 };

/** Runs the action and cancels the job as soon as the program is there. */
async function cancelledRun({ action, env }: Bench, more: Partial<CompositeOptions> = {}): Promise<CompositeResult> {
  const run = startComposite({
    action,
    env,
    ladder,
    output: (text) => {
      if (text.includes("ready")) run.cancel();
    },
    ...more,
  });
  return run.done;
}

const conclusions = ({ steps }: CompositeResult): readonly string[] => steps.map(({ conclusion }) => conclusion);

test("a release that ends well leaves the second step nothing to do", async (t) => {
  const { action, env, said } = bench(t, "good");
  const result = await startComposite({ action, env }).done;
  assert.deepEqual(conclusions(result), ["success", "skipped"]);
  assert.equal(result.conclusion, "success");
  assert.equal(result.outputs.outcome, "succeeded");
  assert.deepEqual(
    said().map(({ command }) => command),
    ["release"],
  );
});

test("a refusal is red, and there is nothing to settle", async (t) => {
  const { action, env } = bench(t, "refused");
  const result = await startComposite({ action, env }).done;
  assert.deepEqual(conclusions(result), ["failure", "skipped"]);
  assert.equal(result.conclusion, "failure");
  assert.equal(result.outputs.settled, "", "nobody has read how it stands");
});

test("a crash is settled by the second step, whose outputs count, and the job stays red", async (t) => {
  const { action, env, said } = bench(t, "crash");
  const result = await startComposite({ action, env }).done;
  assert.deepEqual(conclusions(result), ["failure", "success"]);
  assert.equal(result.conclusion, "failure");
  assert.deepEqual(
    said().map(({ command }) => command),
    ["release", "settle"],
  );
  assert.equal(result.outputs.phase, "rolled-back");
  assert.equal(result.outputs.settled, "true");
});

test("what the first step saw amiss at its end is not made good by the word of the second", async (t) => {
  const { action, env } = bench(t, "unsettled");
  const result = await startComposite({ action, env }).done;
  assert.deepEqual(conclusions(result), ["failure", "success"]);
  assert.equal(result.outputs.settled, "false");
});

for (const command of ["plan", "rehearse", "status", "verify", "replay"]) {
  test(`${command} changes nothing, so nothing is settled after it`, async (t) => {
    const { action, env } = bench(t, "crash");
    assert.deepEqual(conclusions(await startComposite({ action, env, with: { command } }).done), [
      "failure",
      "skipped",
    ]);
  });
}

for (const command of ["release", "promote", "rollback", ""]) {
  test(`what ${command === "" ? "a release by default" : command} leaves is settled`, async (t) => {
    const { action, env } = bench(t, "crash");
    assert.deepEqual(conclusions(await startComposite({ action, env, with: { command } }).done), [
      "failure",
      "success",
    ]);
  });
}

test("inputs arrive as they were written, and nothing in them is executed", async (t) => {
  const { action, env, said } = bench(t, "good");
  const image = "ghcr.io/acme/x:1\"; touch pwned; $(touch pwned) `touch pwned` ' \\ $" + "{{ github.token }}";
  const given = { image, stages: "- weight: 10\n  wait: 2m\n" };
  await startComposite({ action, env, with: given, github: { token: "ghs_job" } }).done;
  const inputs = said()[0]?.inputs ?? {};
  assert.equal(inputs.image, given.image);
  assert.equal(inputs.stages, given.stages);
  assert.equal(inputs.command, "release");
  assert.equal(inputs["github-token"], "ghs_job");
  assert.equal(inputs.namespace, "");
  assert.ok(!existsSync(join(action, "pwned")));
});

test("a cancelled job's SIGINT reaches the program, which ends by itself", async (t) => {
  const stage = bench(t, "obedient");
  const result = await cancelledRun(stage);
  assert.deepEqual(
    stage.said().flatMap(({ signal }) => signal ?? []),
    ["SIGINT"],
  );
  assert.deepEqual(conclusions(result), ["cancelled", "skipped"]);
  assert.equal(result.conclusion, "cancelled");
  assert.equal(result.outputs.outcome, "rolled-back");
});

test("a program that does not end gets SIGINT, SIGTERM and SIGKILL; then nothing of it is left, and the second step settles", async (t) => {
  const stage = bench(t, "deaf");
  const result = await cancelledRun(stage);
  assert.deepEqual(
    stage.said().flatMap(({ signal }) => signal ?? []),
    ["SIGINT", "SIGTERM"],
  );
  assert.equal(result.steps[0]?.exit, "SIGKILL");
  assert.equal(isAlive(stage.said()[0]?.pid ?? 0), false);
  assert.deepEqual(conclusions(result), ["cancelled", "success"]);
  assert.equal(result.outputs.settled, "true");
});

test("without exec the program would go on as an orphan after its step was killed: what the launcher is for", async (t) => {
  const stage = bench(t, "deaf");
  stage.edit("action.yml", (text) =>
    text.replaceAll('run: exec sh "$GITHUB_ACTION_PATH/launch.sh"', 'run: sh "$GITHUB_ACTION_PATH/launch.sh"'),
  );
  const result = await cancelledRun(stage);
  const pid = stage.said()[0]?.pid ?? 0;
  try {
    assert.equal(isAlive(pid), true);
    assert.deepEqual(
      stage.said().flatMap(({ signal }) => signal ?? []),
      [],
      "no signal reached it",
    );
    assert.deepEqual(conclusions(result), ["cancelled", "success"]);
  } finally {
    process.kill(pid, "SIGKILL");
  }
});

test("a step with always() is deaf to a cancelled job: why the first step has no condition", async (t) => {
  const stage = bench(t, "deaf");
  stage.edit("action.yml", (text) =>
    text.replace("      name: Istio Canary\n", "      name: Istio Canary\n      if: always()\n"),
  );
  let seen = false;
  const run = startComposite({
    action: stage.action,
    env: stage.env,
    ladder,
    output: () => {
      if (seen) return; // the second step talks, too
      seen = true;
      run.cancel();
      setTimeout(() => process.kill(stage.said()[0]?.pid ?? 0, "SIGKILL"), 2 * ladder.kill); // nobody else would end it
    },
  });
  await run.done;
  assert.deepEqual(
    stage.said().flatMap(({ signal }) => signal ?? []),
    [],
  );
});

test("the steps run on a machine without bash, too", async (t) => {
  const { action, env, folder } = bench(t, "good");
  const bin = join(folder, "bin");
  mkdirSync(bin);
  for (const tool of ["sh", "dirname", "readlink"]) symlinkSync(`/usr/bin/${tool}`, join(bin, tool));
  symlinkSync(process.execPath, join(bin, "node"));
  const result = await startComposite({ action, env: { ...env, PATH: bin } }).done;
  assert.equal(result.outputs.outcome, "succeeded", result.steps[0]?.log);
});
