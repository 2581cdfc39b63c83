import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { parseWorld } from "../../../sandbox/world.ts";
import { fileClient } from "../../../src/adapters/kubernetes/file-client.ts";
import type { KubernetesClient } from "../../../src/adapters/kubernetes/kubernetes-client.ts";
import { folderObjects } from "../../../src/config/folder-objects.ts";
import { inspectWithRoutes } from "../../preflight/inspect-cluster.ts";
import { inCluster, until } from "../../support/cluster.ts";
import { shopTarget } from "../../support/shop-target.ts";
import { planOf } from "../../support/world.ts";

const worlds = join(import.meta.dirname, "../../cases/worlds");
/** What is found but for what only a cluster has. */
const foundBy = async (client: KubernetesClient): Promise<readonly string[]> =>
  (await inspectWithRoutes(client, shopTarget, planOf({ promotion: "swap" })))
    .filter(({ unseen }) => unseen === undefined)
    .map(({ level, what }) => `${level} ${what}`);

for (const world of ["two-versions", "c18-mirror-to-canary", "c22-second-service-same-pods", "c01-other-routes-swap"])
  test(`what preflight says of ${world} as files is what it says of it in a cluster`, async () => {
    const text = readFileSync(join(worlds, world, "world.yaml"), "utf8");
    const objects = folderObjects([{ path: "world.yaml", text }], "shop").objects.map(({ object }) => object);
    await inCluster(parseWorld(text), async ({ client }) => {
      await until(
        "the pods are there",
        () => client.list({ group: "apps", version: "v1", plural: "deployments", kind: "Deployment" }, "shop"),
        (all) => all.every(({ status, spec }) => Object(status).availableReplicas === Object(spec).replicas),
      );
      assert.deepEqual(await foundBy(fileClient(objects)), await foundBy(client));
    });
  });

test("what stands in no file may not be read, and what a release is about is missing in it", async () => {
  const client = fileClient([]);
  const kind = (name: string) => ({ group: "", version: "v1", plural: `${name.toLowerCase()}s`, kind: name });
  assert.deepEqual(await client.list(kind("Service"), "shop"), []);
  assert.equal(await client.get(kind("Service"), "shop", "x"), undefined);
  await assert.rejects(client.list(kind("Service"), undefined), { status: 403 });
  await assert.rejects(client.list(kind("Sidecar"), "shop"), { status: 403 });
  await assert.rejects(client.get(kind("Namespace"), undefined, "shop"), { status: 403 });
});

test("a Namespace is known by its name, whatever namespace its file is read for", async () => {
  const object = { apiVersion: "v1", kind: "Namespace", metadata: { name: "shop", namespace: "shop" } };
  const resource = { group: "", version: "v1", plural: "namespaces", kind: "Namespace" };
  assert.equal((await fileClient([object]).get(resource, undefined, "shop"))?.metadata.name, "shop");
});
