import assert from "node:assert/strict";
import test from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { type KubernetesClient, KubernetesError } from "../../../src/adapters/kubernetes/kubernetes-client.ts";
import { routeSections } from "../../../src/istio/route-rule.ts";
import { listAt, textAt } from "../../../src/kubernetes/field.ts";
import { resources } from "../../../src/kubernetes/object.ts";
import { DeniedError } from "../../../src/lib/errors.ts";
import type { Router } from "../../../src/ports/router.ts";
import { splitAt } from "../../../src/release/split.ts";
import { routerContract } from "../../contracts/router.ts";
import { virtualServiceContract, virtualServiceMaker } from "../../contracts/virtual-service.ts";
import { type Cluster, inCluster, sandboxWorld, until } from "../../support/cluster.ts";
import { noFence } from "../../support/fences.ts";
import { routesOver, targetOf, virtualService } from "./given.ts";

for (const section of routeSections) routerContract("the sandbox", sandboxWorld, virtualServiceMaker(section));
virtualServiceContract("the sandbox", sandboxWorld);

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

async function begin({ client }: Pick<Cluster, "client">) {
  const routes = routesOver(client);
  return routes.router(target, await routes.capture(target), noFence);
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

test("conflicts without an end are given up after twenty writes", () =>
  inMesh(async (cluster) => {
    const router = await begin(cluster);
    cluster.server.fail({ method: "PATCH", status: 409, times: 100 });
    await assert.rejects(router.write(splitAt(10)), /was changed between reading and writing it, 20 times, and is/);
    assert.equal(patches(cluster), 20);
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
      'virtualservices.networking.istio.io "app" is forbidden: User "job" cannot patch resource "virtualservices" in API group "networking.istio.io" in the namespace "shop"';
    cluster.server.fail({ method: "PATCH", status: 403, times: 99, message });
    await assert.rejects(router.write(splitAt(10)), {
      name: "DeniedError",
      next: `Add {apiGroups: ["networking.istio.io"], resources: [virtualservices], verbs: [patch]} to the job's Role in shop; docs/rbac.yaml has them all.`,
    });
  }));

test("a policy that forbids a write is no missing permission", () =>
  inMesh(async (cluster) => {
    const router = await begin(cluster);
    const message =
      'virtualservices.networking.istio.io "app" is forbidden: ValidatingAdmissionPolicy "freeze" denied request: nothing changes on Fridays';
    cluster.server.fail({ method: "PATCH", status: 403, times: 99, message });
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
    const router = routesOver(deletedMeanwhile).router(target, { VirtualService: before }, noFence);
    await router.finish("stable");
    assert.deepEqual(await router.differences("stable"), ["VirtualService ns1/app is gone: somebody else deleted it"]);
  }));

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

test("a write that meets a conflict while the traffic goes back gives up", () =>
  inMesh(async (cluster) => {
    const { client } = cluster;
    let back: Promise<void> | undefined;
    const router = await begin({
      client: {
        ...client,
        async patch(...args) {
          if (back) return client.patch(...args);
          back = router.finish("stable");
          throw new KubernetesError("the object has been modified", 409, "Conflict");
        },
      },
    });
    await router.write(splitAt(10));
    await back;
    assert.equal(patches(cluster), 0, "nothing is written that would have to be given back");
  }));

/** A DestinationRule of ours, as an earlier release may have left it. */
const ours = (names: readonly string[], host = "app") => ({
  apiVersion: "networking.istio.io/v1",
  kind: "DestinationRule",
  metadata: { name: "istio-canary-app", namespace: "ns1", labels: { "app.kubernetes.io/managed-by": "istio-canary" } },
  spec: { host, subsets: names.map((name) => ({ name, labels: { version: name } })) },
});
const onlyStable = { ...subsets, spec: { ...subsets.spec, subsets: subsets.spec.subsets.slice(0, 1) } };
const { destinationRules } = resources;

/** A release whose canary has no subset yet. */
async function beginWithoutSubset(client: KubernetesClient): Promise<Router> {
  const routes = routesOver(client, async () => ({ version: "v2" }));
  return routes.router(target, await routes.capture(target), noFence);
}

test("our DestinationRule is deleted as the one that was read, and not another of its name", () =>
  inCluster([{ ...object }, onlyStable], async ({ client }) => {
    const router = await beginWithoutSubset(client);
    await router.prepare();
    const uids: unknown[] = [];
    const again = routesOver({
      ...client,
      delete(resource, namespace, name, options) {
        uids.push(options?.uid);
        return client.delete(resource, namespace, name, options);
      },
    });
    const { uid } = (await client.get(destinationRules, "ns1", "istio-canary-app"))?.metadata ?? {};
    const before = { version: "v1", virtualServices: [], missingSubsets: ["canary"] };
    await again.router(target, { VirtualService: before }, noFence).cleanUp("stable");
    assert.ok(uid);
    assert.deepEqual(uids, [uid]);
  }));

for (const step of ["prepare", "clean up"] as const) {
  test(`a subset that somebody adds to our DestinationRule is kept when we ${step}`, () =>
    inCluster([{ ...object }, onlyStable], async ({ client, server }) => {
      const router = await beginWithoutSubset({
        ...client,
        async patch(...args) {
          await addOnce();
          return client.patch(...args);
        },
      });
      if (step === "prepare") server.apply([ours(["v0"])]);
      else server.apply([ours(["v0", "v2"])]);
      const added = step === "prepare" ? ["v0", "theirs"] : ["v0", "v2", "theirs"];
      let isAdded = false;
      const addOnce = async (): Promise<void> => {
        if (isAdded) return;
        isAdded = true;
        server.apply([ours(added)]);
      };
      await (step === "prepare" ? router.prepare() : router.cleanUp("stable"));
      const rule = await client.get(destinationRules, "ns1", "istio-canary-app");
      assert.deepEqual(
        listAt(rule, "spec", "subsets").map((subset) => textAt(subset, "name")),
        step === "prepare" ? ["v0", "theirs", "v2"] : ["v0", "theirs"],
      );
    }));
}

test("a DestinationRule of ours for another host is not touched", () =>
  inCluster([{ ...object }, onlyStable, ours(["v1"], "ratings")], async ({ client }) => {
    const router = await beginWithoutSubset(client);
    await assert.rejects(router.prepare(), {
      name: "DeniedError",
      message:
        "DestinationRule ns1/istio-canary-app is in the way: Istio Canary did not make it for app, so it is not touched.",
    });
  }));
