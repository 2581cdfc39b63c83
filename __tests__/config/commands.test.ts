import assert from "node:assert/strict";
import test from "node:test";
import { commandNamed, commands } from "../../src/config/commands.ts";
import { inputs } from "../../src/config/inputs.ts";

test("a name is one command's, and anything else is none's", () => {
  for (const row of commands)
    assert.deepEqual(
      commands.filter(({ name }) => name === row.name),
      [row],
    );
  assert.equal(commandNamed("plan")?.name, "plan");
  assert.deepEqual(
    [commandNamed("plans"), commandNamed(""), commandNamed(undefined)],
    [undefined, undefined, undefined],
  );
});

test("what may change the cluster is in one, and can tell people of it, as a plan can", () => {
  const telling = inputs.find(({ name }) => name === "comment")?.commands ?? assert.fail();
  for (const { name, changes, inCluster } of commands) {
    assert.ok(inCluster || !changes, name);
    assert.equal(telling.includes(name), changes || name === "plan", name);
  }
});

test("a command reads each group that its columns name, and a second word only as an input that it reads", () => {
  for (const { name, reads, json, inCluster, argument } of commands) {
    const own = inputs.filter(({ commands }) => commands.includes(name)).map((input) => input.name);
    assert.equal(own.includes("namespace"), reads.includes("service"), name);
    assert.equal(own.includes("kubeconfig"), inCluster, name);
    assert.equal(own.includes("json"), json, name);
    if (argument !== undefined) assert.ok(own.includes(argument), name);
  }
});
