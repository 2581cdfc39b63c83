import assert from "node:assert/strict";
import test from "node:test";
import { orient } from "../../src/commands/orient.ts";
import { configured, sound } from "../config/configured.ts";

type Served = "stable" | "canary" | undefined;

/** What the command is about where `sole` has all requests. */
async function oriented(command: "plan" | "release", sole: Served, inputs: Readonly<Record<string, string>> = {}) {
  const config = await configured({ file: sound, inputs: { command, ...inputs } });
  return orient({ config, soleServer: async () => sole });
}

const { target, plan } = (await configured({ file: sound })).release ?? assert.fail();

test("after a swap the Deployment that is called canary is the one that serves: the roles are exchanged", async () => {
  assert.deepEqual(await oriented("release", "canary"), {
    target: { ...target, stable: target.canary, canary: target.stable },
    plan,
    exchanged: true,
  });
});

test("while stable serves, or both do, or none, the roles are as they were configured", async () => {
  for (const sole of ["stable", undefined] as const)
    assert.deepEqual(await oriented("release", sole), { target, plan, exchanged: false });
});

test("an update exchanges no roles, and asks nobody", async () => {
  const config = await configured({ file: sound, inputs: { promotion: "update" } });
  const soleServer = () => assert.fail("nobody is to be asked");
  const { exchanged } = await orient({ config, soleServer });
  assert.equal(exchanged, false);
});

test("a first deployment has no stages, in plan as in release", async () => {
  const [planned, released] = await Promise.all(
    (["plan", "release"] as const).map((command) => oriented(command, undefined, { "first-deploy": "true" })),
  );
  assert.deepEqual(planned, released);
  assert.deepEqual([planned?.plan.stages, planned?.plan.promotion, planned?.plan.keepOld], [[], "swap", true]);
});
