import assert from "node:assert/strict";
import test from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { KubernetesClient } from "../../../src/adapters/kubernetes/kubernetes-client.ts";
import { nodeClock } from "../../../src/adapters/node/node-clock.ts";
import { captureRoutes } from "../../../src/adapters/virtual-service/capture-routes.ts";
import { virtualServiceRouter } from "../../../src/adapters/virtual-service/router.ts";
import { resources } from "../../../src/kubernetes/object.ts";
import { DeniedError, UnreachableError } from "../../../src/lib/errors.ts";
import { splitAt } from "../../../src/release/split.ts";
import { routerContract } from "../../contracts/router.ts";
import { type Cluster, inCluster, sandboxWorld, until } from "../../support/cluster.ts";
import { targetOf, virtualService } from "./given.ts";

routerContract("the sandbox", sandboxWorld);

const given = { stable: { host: "app", subset: "v1" }, canary: { host: "app", subset: "v2" } };
const target = targetOf(given);
const subsets = {
  apiVersion: "networking.istio.io/v1",
  kind: "DestinationRule",
  metadata: { name: "app", namespace: "ns1" },
  spec: { host: "app", subsets: ["v1", "v2"].map((name) => ({ name, labels: { version: name } })) },
};
const object = virtualService({
  hosts: ["app"],
  http: [{ name: "primary", route: [{ destination: { host: "app", subset: "v1" } }] }],
});

async function begin({ client }: Cluster) {
  return virtualServiceRouter({
    clock: nodeClock,
    client,
    target,
    before: await captureRoutes(client, target),
    subsetLabels: async () => undefined,
  });
}

const patches = ({ server }: Cluster): number => server.requests.count({ method: "PATCH", path: "virtualservices" });
const inMesh = (run: (cluster: Cluster) => Promise<void>): Promise<void> =>
  inCluster([{ ...object, metadata: { ...object.metadata } }, subsets], run);

test("istiod's webhook is heard: its words are told, and nothing is tried again", () =>
  inMesh(async (cluster) => {
    const router = await begin(cluster);
    cluster.server.deny({ kind: "VirtualService", because: "configuration is invalid: no" });
    await assert.rejects(router.write(splitAt(10)), (error) => {
      assert.ok(error instanceof DeniedError);
      assert.match(
        error.message,
        /^VirtualService ns1\/app could not be written \(route "primary": v1 90, v2 10\): PATCH \S+: admission webhook "\S+" denied the request: configuration is invalid: no$/,
      );
      return true;
    });
    assert.equal(patches(cluster), 1);
  }));

test("a conflict is answered by reading and planning again", () =>
  inMesh(async (cluster) => {
    const router = await begin(cluster);
    cluster.server.fail({ method: "PATCH", status: 409, times: 2 });
    await router.write(splitAt(10));
    assert.equal(patches(cluster), 3);
  }));

test("conflicts without an end are given up after five writes", () =>
  inMesh(async (cluster) => {
    const router = await begin(cluster);
    cluster.server.fail({ method: "PATCH", status: 409, times: 100 });
    await assert.rejects(router.write(splitAt(10)), /was written 5 times and is still not as it should be/);
    assert.equal(patches(cluster), 5);
  }));

test("a patch that is refused although nothing moved is not sent again", () =>
  inMesh(async (cluster) => {
    const router = await begin(cluster);
    cluster.server.fail({ method: "PATCH", status: 422, times: 100, message: "it is invalid" });
    await assert.rejects(router.write(splitAt(10)), /could not be written .*it is invalid/);
    assert.equal(patches(cluster), 1);
  }));

test("a permission that is missing is named", () =>
  inMesh(async (cluster) => {
    const router = await begin(cluster);
    const message =
      'virtualservices.networking.istio.io "app" is forbidden: User "job" cannot patch resource "virtualservices" in API group "networking.istio.io"';
    cluster.server.fail({ method: "PATCH", status: 403, times: 1, message });
    await assert.rejects(router.write(splitAt(10)), {
      name: "DeniedError",
      next: "Give the job's service account the verb patch on virtualservices in that namespace.",
    });
  }));

test("a policy that forbids a write is no missing permission", () =>
  inMesh(async (cluster) => {
    const router = await begin(cluster);
    const message =
      'virtualservices.networking.istio.io "app" is forbidden: ValidatingAdmissionPolicy "freeze" denied request: nothing changes on Fridays';
    cluster.server.fail({ method: "PATCH", status: 403, times: 1, message });
    await assert.rejects(router.write(splitAt(10)), {
      name: "DeniedError",
      next: undefined,
      message: /nothing changes on Fridays/,
    });
  }));

test("a write whose answer got lost is found done", () =>
  inMesh(async (cluster) => {
    const router = await begin(cluster);
    cluster.server.fail({ method: "PATCH", drop: "after" });
    await router.write(splitAt(10));
    assert.equal(await router.drift(splitAt(10)), undefined);
  }));

test("an object that is deleted between reading and writing does not hold up a rollback", () =>
  inMesh(async (cluster) => {
    const { client } = cluster;
    await (await begin(cluster)).write(splitAt(10));
    const deletedMeanwhile: KubernetesClient = {
      ...client,
      async patch(...args) {
        await client.delete(resources.virtualServices, "ns1", "app");
        return client.patch(...args);
      },
    };
    const before = {
      version: "v1",
      virtualServices: [
        {
          namespace: "ns1",
          name: "app",
          rules: [
            {
              section: "http" as const,
              index: 0,
              name: "primary",
              route: [{ destination: { host: "app", subset: "v1" } }],
            },
          ],
        },
      ],
      missingSubsets: [],
    };
    const router = virtualServiceRouter({
      clock: nodeClock,
      client: deletedMeanwhile,
      target,
      before,
      subsetLabels: async () => undefined,
    });
    await router.finish("stable");
    assert.deepEqual(await router.differences("stable"), ["VirtualService ns1/app is gone: somebody else deleted it"]);
  }));

for (const [other, family] of [
  [new UnreachableError("no answer for b"), UnreachableError],
  [new DeniedError("b is forbidden"), DeniedError],
] as const) {
  test(`of several failures the worst decides: no answer and ${other.name} are ${family.name}`, async () => {
    const reasons = new Map<string, Error>([
      ["a", new UnreachableError("no answer for a")],
      ["b", other],
    ]);
    const client: Pick<KubernetesClient, "get"> = { get: (_, __, name) => Promise.reject(reasons.get(name)) };
    const before = {
      version: "v1",
      virtualServices: ["a", "b"].map((name) => ({ namespace: "ns1", name, rules: [] })),
      missingSubsets: [],
    };
    const router = virtualServiceRouter({
      clock: nodeClock,
      client: client as KubernetesClient,
      target,
      before,
      subsetLabels: async () => undefined,
    });
    await assert.rejects(router.finish("stable"), (error) => {
      assert.ok(error instanceof family);
      assert.equal(error.message, `no answer for a; ${other.message}`);
      return true;
    });
  });
}

for (const version of ["v1", "v1beta1", "v1alpha3"]) {
  test(`an object that was applied as ${version} is moved and given back`, () =>
    inCluster([{ ...object, apiVersion: `networking.istio.io/${version}` }, subsets], async (cluster) => {
      const read = async (): Promise<string> =>
        JSON.stringify((await cluster.client.get({ ...resources.virtualServices, version }, "ns1", "app"))?.spec);
      const original = await read();
      const router = await begin(cluster);
      await router.write(splitAt(10));
      assert.notEqual(await read(), original);
      await router.finish("stable");
      assert.equal(await read(), original);
    }));
}

test("a weight that is still being written when the traffic goes back does not come after it", () =>
  inMesh(async (cluster) => {
    const router = await begin(cluster);
    const was = await cluster.client.get(resources.virtualServices, "ns1", "app");
    cluster.server.fail({ method: "PATCH", path: "virtualservices", delay: 300 });
    cluster.server.requests.clear();
    const late = router.write(splitAt(10));
    await until(
      "the write has read",
      () => cluster.server.requests.count({ method: "GET" }),
      (reads) => reads > 0,
    );
    await sleep(50); // its patch is on its way, and answered much later
    await router.finish("stable");
    await late;
    const is = await cluster.client.get(resources.virtualServices, "ns1", "app");
    assert.deepEqual(is?.spec, was?.spec);
  }));
