import assert from "node:assert/strict";
import test from "node:test";
import { orient } from "../../src/commands/orient.ts";
import { configured, sound } from "../config/configured.ts";

const { target, plan } = (await configured({ file: sound })).release ?? assert.fail();

const asConfigured = { target, exchanged: false };

const servedBy = (sole: "stable" | "canary" | undefined) => ({ soleServer: async () => sole });

test("after a swap the Deployment that is called canary is the one that serves: the roles are exchanged", async () => {
  assert.deepEqual(await orient(servedBy("canary"), target, { ...plan, promotion: "swap" }), {
    target: { ...target, stable: target.canary, canary: target.stable },
    exchanged: true,
  });
});

test("while stable serves, or both do, or none, the roles are as they were configured", async () => {
  for (const sole of ["stable", undefined] as const)
    assert.deepEqual(await orient(servedBy(sole), target, { ...plan, promotion: "swap" }), asConfigured);
});

test("an update exchanges no roles, and asks nobody", async () => {
  const soleServer = () => assert.fail("nobody is to be asked");
  assert.deepEqual(await orient({ soleServer }, target, { ...plan, promotion: "update" }), asConfigured);
});
