import assert from "node:assert/strict";
import test, { describe } from "node:test";
import type { Sandbox } from "../../sandbox/sandbox.ts";
import { routeIn } from "../../sandbox/shop.ts";
import { resources } from "../../src/kubernetes/object.ts";
import { deploymentOf, routeOf } from "../integration/facts.ts";
import { clientOf } from "../support/cluster.ts";
import { runCase } from "./support.ts";

/* A version that is being deleted, while a finalizer holds it, answers requests, and nobody knows for how long. */

const world = "two-versions";

/** `kubectl delete`, of something that somebody holds. */
async function remove({ api }: Sandbox, name: string): Promise<void> {
  const client = clientOf(api);
  const body = { metadata: { finalizers: ["example.com/hold"] } };
  await client.patch(resources.deployments, "shop", name, { type: "merge", body });
  await client.delete(resources.deployments, "shop", name);
}

const removeAt =
  (route: string, name: string) =>
  (sandbox: Sandbox): void => {
    const timer = setInterval(() => {
      if (routeIn(sandbox.api.store) !== route) return;
      clearInterval(timer);
      void remove(sandbox, name);
    }, 10);
    timer.unref();
  };

describe("what is being deleted is not counted on", { concurrency: 4 }, () => {
  test("a canary that has its image already is refused", async (t) => {
    const { exit, said, sandbox } = await runCase(t, world, {
      change: { "world.yaml": (text) => text.replace("reviews:v0", "reviews:v2") },
      before: (sandbox) => remove(sandbox, "reviews-v2"),
    });
    assert.equal(exit, 2, said);
    assert.match(said, /Deployment shop\/reviews-v2 is being deleted since .* \(held by example.com\/hold\)/);
    assert.equal(routeOf(sandbox), "v1 100, v2 0");
  });

  test("one that goes while it is judged gives its requests back", async (t) => {
    const { exit, said, sandbox, traffic } = await runCase(t, world, {
      before: removeAt("v1 80, v2 20", "reviews-v2"),
    });
    assert.equal(exit, 3, said);
    assert.match(said, /Deployment shop\/reviews-v2 is being deleted, and its pods go with it/);
    assert.match(said, /not as it should be: Deployment shop\/reviews-v2 is gone/);
    assert.equal(routeOf(sandbox), "v1 100, v2 0");
    assert.equal(deploymentOf(sandbox, "reviews-v1")?.replicas, 2);
    assert.equal(traffic.bad, 0, said);
  });

  test("one that goes when it has been promoted takes no pods from the version before", async (t) => {
    const { said, sandbox, traffic } = await runCase(t, world, {
      command: "release --drain=3s",
      before: removeAt("v1 0, v2 100", "reviews-v2"),
    });
    assert.match(said, /Deployment shop\/reviews-v2 is being deleted, and its pods go with it/);
    assert.equal(routeOf(sandbox), "v1 100, v2 0");
    assert.equal(deploymentOf(sandbox, "reviews-v1")?.replicas, 2);
    assert.equal(traffic.bad, 0, said);
  });
});
