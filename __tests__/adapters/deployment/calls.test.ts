import assert from "node:assert/strict";
import test from "node:test";
import type { SentObject } from "../../../sandbox/api-server/object.ts";
import { deploymentWorkload } from "../../../src/adapters/deployment/deployment-workload.ts";
import { captureWorkloads } from "../../../src/adapters/deployment/workloads-before.ts";
import type { KubernetesClient, PatchOperation } from "../../../src/adapters/kubernetes/kubernetes-client.ts";
import { nodeClock } from "../../../src/adapters/node/node-clock.ts";
import { readDeployment } from "../../../src/kubernetes/deployment.ts";
import { resources } from "../../../src/kubernetes/object.ts";
import { DeniedError } from "../../../src/lib/errors.ts";
import type { Health } from "../../../src/release/health.ts";
import { splitAt } from "../../../src/release/split.ts";
import type { Target } from "../../../src/release/target.ts";
import { type Cluster, clientOf, inCluster, until } from "../../support/cluster.ts";
import { noFence } from "../../support/fences.ts";
import {
  autoscalerOf,
  deploymentOf,
  destinationRuleOf,
  image,
  serviceOf,
  targetOf,
} from "../../support/workload-objects.ts";

const shop = (...more: readonly SentObject[]): readonly SentObject[] => [
  serviceOf("shop", "reviews", { app: "reviews" }),
  destinationRuleOf("shop", "reviews", { v1: { version: "v1" }, v2: { version: "v2" } }),
  deploymentOf("shop", "reviews-v1", "v1", { replicas: 4 }),
  ...more,
];
const canary = (tag = "v1-old", replicas = 1): SentObject => deploymentOf("shop", "reviews-v2", tag, { replicas });
const clone: Partial<Target> = { source: { from: "clone", labels: {} }, replicas: { kind: "by-weight" } };

/** `ahead`: how far the job's clock is ahead of the cluster's, in seconds. */
async function workload(client: KubernetesClient, more: Partial<Target> = {}, ahead = 0) {
  const target = targetOf("shop", more);
  return deploymentWorkload({
    client,
    target,
    before: await captureWorkloads(client, target, Math.random),
    keepOld: false,
    clock: { ...nodeClock, now: () => Date.now() + ahead * 1_000 },
    fence: noFence,
  });
}

const replicasOf = async (client: KubernetesClient, name: string): Promise<unknown> =>
  ((await client.get(resources.deployments, "shop", name))?.spec as { replicas?: number } | undefined)?.replicas;
const ready = (of: Awaited<ReturnType<typeof workload>>): Promise<Health> =>
  until(
    "the canary is ready",
    () => of.health("canary"),
    ({ ready }) => ready,
  );

test("health is one look at the Deployment and one at its pods, once it is known what is judged", () =>
  inCluster(shop(canary()), async ({ client, requestsOf }) => {
    const it = await workload(client);
    await it.deploy();
    const { build } = await ready(it);
    const looks = ["GET deployments/reviews-v2", "GET pods"];
    const look = () => requestsOf(() => it.health("canary", build));
    assert.deepEqual(await look(), [...looks, `GET replicasets/${build?.replicaSet}`]);
    assert.deepEqual(await look(), looks);
  }));

test("ReplicaSets are read only while pods of two templates live", () =>
  inCluster(shop(canary("v1-old", 2)), async ({ client, requestsOf }) => {
    const it = await workload(client, { image: image("v2-notready") });
    await until(
      "the old canary is ready",
      () => it.health("canary"),
      ({ ready }) => ready,
    );
    await it.deploy();
    await until(
      "a new pod is there",
      () => client.list(resources.pods, "shop"),
      (pods) => JSON.stringify(pods).includes("v2-notready"),
    );
    const asked = await until(
      "the new pod counts",
      () => requestsOf(() => it.health("canary")),
      (requests) => requests.length > 1,
    );
    assert.deepEqual(asked, ["GET deployments/reviews-v2", "GET pods", "GET replicasets"]);
  }));

test("a weight that needs no more pods is two looks and no write", () =>
  inCluster(shop(), async ({ client, requestsOf }) => {
    const it = await workload(client, clone);
    await it.deploy();
    await ready(it);
    assert.deepEqual(await requestsOf(() => it.scale(splitAt(10))), [
      "GET deployments/reviews-v1",
      "GET deployments/reviews-v2",
    ]);
    assert.deepEqual(await requestsOf(() => it.scale(splitAt(50))), [
      "GET deployments/reviews-v1",
      "GET deployments/reviews-v2",
      "PATCH deployments/reviews-v2",
    ]);
  }));

test("a canary whose replicas are to be kept is not even looked at", () =>
  inCluster(shop(canary("v1-old", 2)), async ({ client, requestsOf }) => {
    const it = await workload(client);
    await it.deploy();
    assert.deepEqual(await requestsOf(() => it.scale(splitAt(100))), []);
  }));

test("a canary with an autoscaler keeps its replicas, through the release and after it", () =>
  inCluster(shop(canary("v1-old", 2), autoscalerOf("shop", "reviews-v2")), async ({ client, server }) => {
    const it = await workload(client, { replicas: { kind: "by-weight" } });
    await it.deploy();
    await it.scale(splitAt(100));
    assert.equal(await replicasOf(client, "reviews-v2"), 2);
    server.apply([deploymentOf("shop", "reviews-v2", "v2", { replicas: 7 })]); // as its autoscaler would
    await it.restore();
    assert.equal(await replicasOf(client, "reviews-v2"), 7);
    assert.deepEqual(await it.differences("stable"), []);
  }));

test("all the traffic needs the pods that stable began with, though its autoscaler has taken some away", () =>
  inCluster(shop(), async ({ client, server }) => {
    const it = await workload(client, clone);
    await it.deploy();
    server.apply([deploymentOf("shop", "reviews-v1", "v1", { replicas: 1 })]);
    await it.scale(splitAt(100));
    assert.equal(await replicasOf(client, "reviews-v2"), 4);
  }));

test("an edit that meets somebody else's is read and planned again", () =>
  inCluster(shop(canary()), async ({ client, server, requestsOf }) => {
    const it = await workload(client);
    server.fail({ method: "PATCH", path: "reviews-v2", status: 409, times: 2 });
    assert.equal((await requestsOf(() => it.deploy())).length, 6);
    await ready(it);
  }));

test("an edit that meets somebody else's again and again is given up", () =>
  inCluster(shop(canary()), async ({ client, server, requestsOf }) => {
    const it = await workload(client);
    server.fail({ method: "PATCH", path: "reviews-v2", status: 409, times: 100 });
    const requests = await requestsOf(() => assert.rejects(it.deploy(), DeniedError));
    assert.equal(requests.filter((request) => request.startsWith("PATCH")).length, 20);
  }));

test("an edit that is refused although nothing has changed is not sent again", () =>
  inCluster(shop(canary()), async ({ client, server, requestsOf }) => {
    const it = await workload(client);
    server.fail({ method: "PATCH", path: "reviews-v2", status: 422, times: 100 });
    const requests = await requestsOf(() => assert.rejects(it.deploy(), DeniedError));
    assert.equal(requests.filter((request) => request.startsWith("PATCH")).length, 1);
  }));

test("an edit that a webhook denies is not tried again", () =>
  inCluster(shop(canary()), async ({ client, server, requestsOf }) => {
    const it = await workload(client);
    server.deny({ webhook: "policy.test", because: "images must be signed", name: "reviews-v2" });
    const asked = await requestsOf(() =>
      assert.rejects(
        it.deploy(),
        (error) => error instanceof DeniedError && error.message.includes("images must be signed"),
      ),
    );
    assert.deepEqual(asked, ["GET deployments/reviews-v2", "PATCH deployments/reviews-v2"]);
  }));

test("an answer that got lost while the clone was made is no reason to fail", () =>
  inCluster(shop(), async ({ client, server }) => {
    const it = await workload(client, clone);
    server.fail({ method: "POST", path: "deployments", drop: "after" });
    await it.deploy();
    await ready(it);
    await it.restore();
    assert.deepEqual(await it.differences("stable"), []);
  }));

test("a pod that no node takes is fatal after half a minute, not before", () =>
  inCluster(shop(), async ({ client }) => {
    const now = await workload(client, { ...clone, image: image("v2-unsched") });
    await now.deploy();
    const health = await until(
      "the pod is told of",
      () => now.health("canary"),
      ({ because }) => because.includes("no node takes it"),
    );
    assert.equal(health.fatal, undefined);
    const later = await workload(client, { ...clone, image: image("v2-unsched") }, 31);
    assert.match(
      (await later.health("canary")).fatal ?? "",
      /pod reviews-v2-\S+: no node takes it: 0\/1 nodes are available/,
    );
  }));

test("pods that a quota forbids are fatal after ten seconds, in the quota's words", () =>
  inCluster(shop(), async ({ client, server }) => {
    const now = await workload(client, clone);
    await until(
      "stable has its pods",
      () => client.list(resources.pods, "shop"),
      (pods) => pods.length === 4,
    );
    server.setQuota({ pods: 4 });
    await now.deploy();
    const health = await until(
      "the quota is told of",
      () => now.health("canary"),
      ({ because }) => because.includes("exceeded quota"),
    );
    assert.equal(health.fatal, undefined);
    assert.match(
      (await (await workload(client, clone, 11)).health("canary")).fatal ?? "",
      /^Deployment shop\/reviews-v2: pods cannot be created: pods "reviews-v2-\S+" is forbidden: exceeded quota/,
    );
  }));

test("a missing configuration is fatal", () =>
  inCluster(shop(), async ({ client }) => {
    const it = await workload(client, { ...clone, image: image("v2-configerr") });
    await it.deploy();
    const { fatal } = await until(
      "it is given up",
      () => it.health("canary"),
      ({ fatal }) => fatal !== undefined,
    );
    assert.match(fatal ?? "", /container reviews cannot be created: configmap "reviews-config" not found/);
  }));

test("the log's last lines are told where they may be read, and not missed where they may not", () => {
  const rules = [
    {
      apiGroups: ["*"],
      resources: ["deployments", "pods", "replicasets", "services", "destinationrules", "horizontalpodautoscalers"],
      verbs: ["*"],
    },
  ];
  return inCluster(
    shop(),
    async ({ client, server }) => {
      const it = await workload(client, { ...clone, image: image("v2-crash") });
      await it.deploy();
      const { fatal } = await until(
        "it is given up",
        () => it.health("canary"),
        ({ fatal }) => fatal !== undefined,
      );
      assert.match(
        fatal ?? "",
        /Its last words: .*level=fatal msg="cannot start: environment variable DATABASE_URL is not set"$/,
      );
      const limited = clientOf(server, "limited");
      const other = await workload(limited, { ...clone, image: image("v2-crash") });
      const { fatal: without } = await until(
        "it is given up",
        () => other.health("canary"),
        ({ fatal }) => fatal !== undefined,
      );
      assert.match(without ?? "", /exit code 1\)$/);
    },
    { tokens: { limited: { user: "limited", rules } } },
  );
});

test("the journal gets names, numbers and images, and nothing of the pods' environment", () =>
  inCluster(shop(canary()), async ({ client }) => {
    await until(
      "the canary's ReplicaSet is there",
      () => client.list(resources.replicaSets, "shop"),
      (sets) => sets.length === 2,
    );
    const before = await captureWorkloads(client, targetOf("shop", clone), Math.random);
    assert.ok(!JSON.stringify(before).includes("production"), "MODE=production stands in both templates");
    assert.deepEqual(before.canary?.images, { reviews: image("v1-old") });
    assert.match(before.canary?.replicaSet ?? "", /^reviews-v2-/);
  }));

/** Releases to `target` while somebody does something after the first reading of the canary; gives how often was written. */
async function deployMeddled({ client }: Cluster, target: Target, meddle: () => Promise<unknown>): Promise<number> {
  let meddled = false;
  let writes = 0;
  const watched: KubernetesClient = {
    ...client,
    async get(resource, namespace, name) {
      const object = await client.get(resource, namespace, name);
      if (name === "reviews-v2" && !meddled) await meddle();
      meddled ||= name === "reviews-v2";
      return object;
    },
    patch(...request) {
      writes++;
      return client.patch(...request);
    },
  };
  const before = await captureWorkloads(client, target, Math.random);
  const it = deploymentWorkload({ client: watched, target, before, keepOld: false, clock: nodeClock, fence: noFence });
  await it.deploy();
  await ready(it);
  return writes;
}

const imagesOf = async ({ client }: Cluster): Promise<unknown> =>
  readDeployment((await client.get(resources.deployments, "shop", "reviews-v2")) ?? assert.fail()).containers.map(
    ({ name, image }) => [name, image],
  );

test("a Deployment that was made anew between reading and writing is read again", () =>
  inCluster(shop(canary()), async (cluster) => {
    const writes = await deployMeddled(cluster, targetOf("shop"), async () => {
      await cluster.client.delete(resources.deployments, "shop", "reviews-v2");
      cluster.server.apply([canary()]);
    });
    assert.ok(writes >= 2, `${writes}`); // its controllers write it, too
  }));

test("a container that came before the chosen one between reading and writing does not get its image", () =>
  inCluster(shop(canary()), async (cluster) => {
    const warmer = { name: "warmer", image: image("v1-old") };
    const writes = await deployMeddled(cluster, targetOf("shop", { container: ["reviews"] }), () =>
      cluster.client.patch(resources.deployments, "shop", "reviews-v2", {
        type: "json",
        body: [{ op: "add", path: "/spec/template/spec/containers/0", value: warmer }],
      }),
    );
    assert.ok(writes >= 2, `${writes}`); // its controllers write it, too
    assert.deepEqual(await imagesOf(cluster), [
      ["warmer", image("v1-old")],
      ["reviews", image("v2")],
    ]);
  }));

test("an image that somebody else changed between reading and writing is read again", () =>
  inCluster(shop(canary()), async (cluster) => {
    const writes = await deployMeddled(cluster, targetOf("shop"), () =>
      cluster.client.patch(resources.deployments, "shop", "reviews-v2", {
        type: "json",
        body: [{ op: "replace", path: "/spec/template/spec/containers/0/image", value: image("v1-other") }],
      }),
    );
    assert.ok(writes >= 2, `${writes}`); // its controllers write it, too
    assert.deepEqual(await imagesOf(cluster), [["reviews", image("v2")]]);
  }));

test("restarts from before the release do not count, and stable's all do", () =>
  inCluster(shop(canary()), async ({ client }) => {
    const restarted = (count: number): KubernetesClient => ({
      ...client,
      list: async (...request) => {
        const text = JSON.stringify(await client.list(...request));
        return JSON.parse(text.replaceAll(/"restartCount":\d+/g, `"restartCount":${count}`));
      },
    });
    await until(
      "every pod is there",
      () => client.list(resources.pods, "shop"),
      (pods) => JSON.stringify(pods).match(/"restartCount"/g)?.length === 5,
    );
    const target = targetOf("shop");
    const before = await captureWorkloads(restarted(3), target, Math.random);
    const it = deploymentWorkload({
      client: restarted(5),
      target,
      before,
      keepOld: false,
      clock: nodeClock,
      fence: noFence,
    });
    assert.equal((await it.health("canary")).restarts, 2);
    assert.equal((await it.health("stable")).restarts, 4 * 5);
  }));

test("a canary with an autoscaler that rested at 0 rests again after a rollback", () =>
  inCluster(shop(canary("v1-old", 0), autoscalerOf("shop", "reviews-v2")), async ({ client }) => {
    const it = await workload(client);
    await it.deploy();
    assert.equal(await replicasOf(client, "reviews-v2"), 1);
    assert.deepEqual((await it.differences("stable")).slice(0, 1), [
      "Deployment shop/reviews-v2 is scaled to 1, not 0",
    ]);
    await it.restore();
    assert.equal(await replicasOf(client, "reviews-v2"), 0);
    assert.deepEqual(await it.differences("stable"), []);
  }));

/** The canary's Deployment as the user's manifest has it. */
const manifest = (tag: string, replicas: number): SentObject => {
  const { metadata, ...rest } = deploymentOf("shop", "reviews-v2", tag, {
    replicas,
    containers: [{ name: "reviews", image: image(tag), env: [{ name: "TAG", value: tag }] }],
  });
  return { ...rest, metadata: { name: metadata?.name ?? "" } };
};

const released = (...objects: readonly SentObject[]): Partial<Target> => ({
  source: { from: "manifests", objects },
  replicas: { kind: "count", count: 3 },
});

test("what was applied last is removed first", () =>
  inCluster(shop(), async ({ client, requestsOf }) => {
    const configMaps = ["first", "second"].map((name) => ({ apiVersion: "v1", kind: "ConfigMap", metadata: { name } }));
    const it = await workload(client, released(...configMaps, manifest("v2", 1)));
    await it.deploy();
    await ready(it);
    const requests = await requestsOf(() => it.restore());
    assert.deepEqual(
      requests.filter((request) => request.startsWith("DELETE")),
      ["DELETE deployments/reviews-v2", "DELETE configmaps/second", "DELETE configmaps/first"],
    );
  }));

test("a manifest takes fields back from ourselves, but not while somebody else has some of them, too", () =>
  inCluster(shop(), async ({ client, server }) => {
    const earlier = await workload(client, released(manifest("v1", 1)));
    await earlier.deploy();
    await earlier.scale(splitAt(100)); // by a patch, so that it is another owner of the replicas than the manifest is
    const next = released(manifest("v2", 1));
    await (await workload(client, { ...next, replicas: { kind: "count", count: 4 } })).deploy();
    assert.equal(await replicasOf(client, "reviews-v2"), 4);

    await earlier.scale(splitAt(100));
    await client.patch(resources.deployments, "shop", "reviews-v2", { type: "json", body: [scaledTo(6)] });
    const { replicas: _, ...spec } = Object(manifest("v1-other", 1).spec);
    server.apply([{ ...manifest("v1", 1), metadata: { name: "reviews-v2", namespace: "shop" }, spec }]); // by kubectl
    const third = await workload(client, { ...released(manifest("v3", 1)), replicas: { kind: "count", count: 9 } });
    await assert.rejects(
      third.deploy(),
      (error) =>
        error instanceof DeniedError &&
        /would change what somebody else set: \S*TAG"\]\.value of kubectl's$/.test(error.message),
    );
    assert.equal(await replicasOf(client, "reviews-v2"), 6);
  }));

const scaledTo = (value: number): PatchOperation => ({ op: "add", path: "/spec/replicas", value });

test("a Deployment that somebody's finalizer holds on its way out keeps its pods, and is told of", () =>
  inCluster(shop(), async ({ client }) => {
    const it = await workload(client, clone);
    await it.deploy();
    await client.patch(resources.deployments, "shop", "reviews-v2", {
      type: "merge",
      body: { metadata: { finalizers: ["acme.test/slow"] } },
    });
    await it.restore();
    assert.ok(await client.get(resources.deployments, "shop", "reviews-v2"));
    assert.deepEqual(await it.differences("stable"), [
      "Deployment shop/reviews-v2 is being deleted, and keeps its pods as long as acme.test/slow holds it",
    ]);
  }));

test("pods that a wide selector covers are still told apart, by their names", () => {
  const wide = deploymentOf("shop", "reviews-v1", "v1", { podLabels: { app: "reviews" } });
  return inCluster([wide, deploymentOf("shop", "reviews-v2", "v2-crash")], async ({ client, requestsOf }) => {
    const it = await workload(client);
    await until(
      "the canary crashes",
      () => it.health("canary"),
      ({ fatal }) => fatal !== undefined,
    );
    const stable = await until(
      "stable is ready",
      () => it.health("stable"),
      (health) => health.ready,
    );
    assert.deepEqual([stable.restarts, stable.fatal], [0, undefined]);
    assert.deepEqual(await requestsOf(() => it.health("stable")), ["GET deployments/reviews-v1", "GET pods"]);
  });
});
