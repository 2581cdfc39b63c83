import assert from "node:assert/strict";
import test, { after, before, describe } from "node:test";
import type { SentObject } from "../../sandbox/api-server/object.ts";
import type { KeepLogs } from "../../src/adapters/deployment/workload-parts.ts";
import type { KubernetesClient } from "../../src/adapters/kubernetes/kubernetes-client.ts";
import { type KubernetesObject, resources } from "../../src/kubernetes/object.ts";
import { DeniedError, TakenOverError } from "../../src/lib/errors.ts";
import type { Fence } from "../../src/ports/fence.ts";
import type { Workload } from "../../src/ports/workload.ts";
import type { Health } from "../../src/release/health.ts";
import type { KeptLogs } from "../../src/release/kept-logs.ts";
import { splitAt } from "../../src/release/split.ts";
import type { Target } from "../../src/release/target.ts";
import { until } from "../support/cluster.ts";
import { fencePassed } from "../support/fences.ts";
import { deploymentOf, destinationRuleOf, image, serviceOf, targetOf } from "../support/workload-objects.ts";

/** A cluster that runs pods by their images' tags, and what somebody with kubectl can do there. */
export type WorkloadWorld = {
  readonly client: KubernetesClient;
  /** A new, empty namespace. */
  readonly createNamespace: () => Promise<string>;
  readonly apply: (objects: readonly SentObject[]) => Promise<void>;
  /** Looks at both versions before a release; what it gives opens the workload for another job of that release. */
  readonly capture: (target: Target, keepOld: boolean) => Promise<(fence?: Fence, keepLogs?: KeepLogs) => Workload>;
  readonly close: () => Promise<void>;
};

/** What every Workload of Deployments has to do, for any adapter of the port, on any API server. */
export function workloadContract(name: string, setUp: () => Promise<WorkloadWorld>): void {
  describe(`workload: ${name}`, () => {
    let world: WorkloadWorld;
    before(async () => {
      world = await setUp();
    });
    after(() => world.close());

    /** A namespace with stable at `replicas` pods, and whatever else there is. */
    async function scene(more: (namespace: string) => readonly SentObject[] = () => [], replicas = 2) {
      const namespace = await world.createNamespace();
      await world.apply([
        serviceOf(namespace, "reviews", { app: "reviews" }),
        destinationRuleOf(namespace, "reviews", { v1: { version: "v1" }, v2: { version: "v2" } }),
        deploymentOf(namespace, "reviews-v1", "v1", { replicas }),
        ...more(namespace),
      ]);
      const get = (deployment: string): Promise<KubernetesObject | undefined> =>
        world.client.get(resources.deployments, namespace, deployment);
      await until(
        "stable is available",
        async () => (await get("reviews-v1")) as { status?: { availableReplicas?: number } },
        ({ status }) => status?.availableReplicas === replicas,
      );

      async function workload(more: Partial<Target> = {}, keepOld = false) {
        const open = await world.capture(targetOf(namespace, more), keepOld);
        return { ...open(), anotherJob: open };
      }
      return { namespace, get, workload };
    }

    const ready = (
      of: { health(of: "stable" | "canary"): Promise<Health> },
      role: "stable" | "canary",
    ): Promise<Health> =>
      until(
        `${role} is ready`,
        () => of.health(role),
        (health) => {
          assert.equal(health.fatal, undefined);
          return health.ready;
        },
      );
    /** What is kept of the canary's logs since a time. */
    async function logsOf(
      { anotherJob }: { anotherJob: Awaited<ReturnType<WorkloadWorld["capture"]>> },
      since: number,
    ) {
      let kept: KeptLogs = { logs: [], left: 0 };
      const it = anotherJob(undefined, (logs) => {
        kept = logs;
      });
      await it.keepLogs(since, AbortSignal.timeout(60_000));
      return kept;
    }

    const fatal = (of: { health(of: "stable" | "canary"): Promise<Health> }): Promise<Health> =>
      until(
        "the canary is given up",
        () => of.health("canary"),
        (health) => health.fatal !== undefined,
      );

    test("an existing Deployment gets the image and nothing else; another job puts it back", async () => {
      const { get, workload } = await scene((namespace) => [
        deploymentOf(namespace, "reviews-v2", "v1-old", { replicas: 1 }),
      ]);
      const before = await get("reviews-v2");
      const it = await workload();
      await it.deploy();
      const health = await ready(it, "canary");
      assert.deepEqual(
        { desired: health.desired, available: health.available, restarts: health.restarts },
        { desired: 1, available: 1, restarts: 0 },
      );
      assert.deepEqual(
        specOf(await get("reviews-v2")),
        JSON.parse(JSON.stringify(specOf(before)).replace(image("v1-old"), image("v2"))),
      );
      assert.deepEqual(await it.differences("stable"), [
        `Deployment ${before?.metadata.namespace}/reviews-v2 has the image ${image("v2")}, not ${image("v1-old")}`,
      ]);

      const other = it.anotherJob();
      await other.restore();
      await other.restore();
      assert.deepEqual(specOf(await get("reviews-v2")), specOf(before));
      assert.deepEqual(await other.differences("stable"), []);
    });

    test("a canary that rests at 0 gets pods before traffic, and rests again after a rollback", async () => {
      const { get, workload } = await scene(
        (namespace) => [deploymentOf(namespace, "reviews-v2", "v1-old", { replicas: 0 })],
        3,
      );
      const it = await workload();
      await it.deploy();
      assert.equal(replicas(await get("reviews-v2")), 1);
      await it.scale(splitAt(50));
      assert.equal(replicas(await get("reviews-v2")), 2);
      await ready(it, "canary");
      await it.restore();
      assert.equal(replicas(await get("reviews-v2")), 0);
    });

    test("a job that lost its release between reading and writing changes no Deployment", async () => {
      const { get, workload } = await scene((namespace) => [deploymentOf(namespace, "reviews-v2", "v1-old")]);
      const it = (await workload({ replicas: { kind: "count", count: 3 } })).anotherJob(fencePassed(0));
      for (const effect of [it.deploy, () => it.scale(splitAt(50)), it.updateStable, () => it.retire("stable")])
        await assert.rejects(effect(), TakenOverError);
      await it.restore().catch(() => undefined);
      assert.equal(replicas(await get("reviews-v1")), 2);
      assert.equal(replicas(await get("reviews-v2")), 1);
      assert.deepEqual(await it.differences("stable"), []);
    });

    test("what was under way when another job took the release over never lands after that job has begun", async () => {
      const { get, workload } = await scene((namespace) => [deploymentOf(namespace, "reviews-v2", "v1-old")]);
      const it = await workload();
      const before = await get("reviews-v1");
      const late = it.anotherJob(fencePassed(1, () => it.fence()));
      await assert.rejects(late.retire("stable"), TakenOverError);
      const { spec, metadata } = (await get("reviews-v1")) ?? assert.fail();
      assert.deepEqual(
        [spec, metadata.labels, metadata.annotations],
        [before?.spec, before?.metadata.labels, before?.metadata.annotations],
      );
      assert.equal(metadata.generation, before?.metadata.generation, "no rollout");
    });

    test("a copy that was made too late is taken away by the job that made it", async () => {
      const { namespace, get, workload } = await scene();
      const it = await workload({ source: { from: "clone", labels: {} } });
      await assert.rejects(it.anotherJob(fencePassed(1)).deploy(), TakenOverError);
      await until(
        "the copy is gone",
        () => get("reviews-v2"),
        (copy) => copy === undefined,
      );
      assert.ok(await world.client.get(resources.deployments, namespace, "reviews-v1"));
    });

    test("a clone has stable's template, labels and pods of its own, and is gone after a rollback", async () => {
      const { get, workload } = await scene();
      const stable = await get("reviews-v1");
      const it = await workload({ source: { from: "clone", labels: {} }, replicas: { kind: "by-weight" } });
      await it.deploy();
      const canary = await get("reviews-v2");
      const spec = JSON.parse(
        JSON.stringify(specOf(stable)).replaceAll('"version":"v1"', '"version":"v2"').replace(image("v1"), image("v2")),
      );
      assert.deepEqual(specOf(canary), { ...spec, replicas: 1 });
      assert.equal(canary?.metadata.labels?.["app.kubernetes.io/managed-by"], "istio-canary");
      assert.deepEqual(specOf(await get("reviews-v1")), specOf(stable));
      await ready(it, "canary");
      await it.restore();
      await it.restore();
      assert.equal(await get("reviews-v2"), undefined);
      assert.deepEqual(await it.differences("stable"), []);
    });

    test("what a canary runs is known when it is ready; what somebody else changes is told, and can be brought back", async () => {
      const { namespace, get, workload } = await scene((namespace) => [
        deploymentOf(namespace, "reviews-v2", "v1-old", { replicas: 1 }),
      ]);
      const edit = (body: object): Promise<unknown> =>
        world.client.patch(resources.deployments, namespace, "reviews-v2", { type: "merge", body });
      const it = await workload();
      await it.deploy();
      const where = `Deployment ${namespace}/reviews-v2`;
      const container = { name: "reviews", image: image("v1-old") };
      await edit({ spec: { template: { spec: { containers: [container] } } } });
      const early = (await it.health("canary")).changed ?? "";
      assert.ok(early.startsWith(`${where} has the image ${image("v1-old")}, not ${image("v2")}`), early);
      await it.deploy();
      const { build: judged, changed } = await ready(it, "canary");
      assert.equal(judged?.image, image("v2"));
      assert.equal(changed, undefined);
      const template = templateIn(await get("reviews-v2"));
      assert.equal((await it.health("canary", judged)).changed, undefined);

      await edit({ spec: { template: { metadata: { annotations: { "kubectl.kubernetes.io/restartedAt": "now" } } } } });
      assert.equal((await it.health("canary", judged)).changed, undefined, "a restart is no change");
      await edit({ spec: { template: { spec: { terminationGracePeriodSeconds: 7 } } } });
      const late = (await it.health("canary", judged)).changed ?? "";
      assert.ok(late.startsWith(`${where} has another pod template than before`), late);
      const other = it.anotherJob();
      assert.match((await other.health("canary", judged)).changed ?? "", /another pod template/);
      await other.deploy(judged);
      assert.deepEqual(templateIn(await get("reviews-v2")), template);
      assert.equal((await other.health("canary", judged)).changed, undefined);
    });

    test("a clone that somebody else changed gets its image again when it is deployed again", async () => {
      const { namespace, workload } = await scene();
      const it = await workload({ source: { from: "clone", labels: {} } });
      await it.deploy();
      const body = [{ op: "replace", path: "/spec/template/spec/containers/0/image", value: image("v9") }] as const;
      await world.client.patch(resources.deployments, namespace, "reviews-v2", { type: "json", body });
      assert.match((await it.health("canary")).changed ?? "", /reviews-v2 has the image \S+:v9, not \S+:v2/);
      await it.deploy();
      assert.equal((await ready(it, "canary")).build?.image, image("v2"));
    });

    test("stable gets the image that was judged, whatever the canary has by then", async () => {
      const { get, workload } = await scene((namespace) => [deploymentOf(namespace, "reviews-v2", "v3")]);
      const it = await workload({ image: undefined });
      await it.updateStable({ image: image("v2"), digests: {} });
      assert.match(JSON.stringify(await get("reviews-v1")), new RegExp(image("v2")));
    });

    test("a stable that somebody scaled to 0 gets the pods that it had, and one that has some is left alone", async () => {
      const { namespace, get, workload } = await scene(undefined, 2);
      const it = await workload();
      const scaleTo = (replicas: number): Promise<unknown> =>
        world.client.patch(resources.deployments, namespace, "reviews-v1", {
          type: "merge",
          body: { spec: { replicas } },
        });
      const { had, untouched, available } = await it.health("stable");
      assert.deepEqual([had, untouched, available], [2, true, 2]);
      await scaleTo(1);
      await it.revive();
      assert.equal(replicas(await get("reviews-v1")), 1);
      await scaleTo(0);
      await it.anotherJob().revive();
      assert.equal(replicas(await get("reviews-v1")), 2);
    });

    test("deploying again changes nothing", async () => {
      const { get, workload } = await scene();
      const it = await workload({ source: { from: "clone", labels: {} }, replicas: { kind: "by-weight" } });
      await it.deploy();
      const { uid, generation } = (await get("reviews-v2"))?.metadata ?? {};
      await it.anotherJob().deploy();
      assert.deepEqual(
        [(await get("reviews-v2"))?.metadata.uid, (await get("reviews-v2"))?.metadata.generation],
        [uid, generation],
      );
    });

    test("a Deployment that came into being since, and not by the release, is left alone and told of", async () => {
      const { namespace, get, workload } = await scene();
      const it = await workload({ source: { from: "clone", labels: {} }, replicas: { kind: "by-weight" } });
      await world.apply([deploymentOf(namespace, "reviews-v2", "v9")]);
      await assert.rejects(it.deploy(), (error) => error instanceof DeniedError && error.message.includes("not by it"));
      await it.restore();
      assert.ok(await get("reviews-v2"));
      assert.deepEqual(await it.differences("stable"), [
        `Deployment ${namespace}/reviews-v2 is still there; it did not exist before the release`,
      ]);
    });

    test("pods come as each weight needs them and are never taken away", async () => {
      const { get, workload } = await scene(() => [], 4);
      const it = await workload({ source: { from: "clone", labels: {} }, replicas: { kind: "by-weight" } });
      await it.deploy();
      const seen: (number | undefined)[] = [];
      for (const weight of [1, 30, 100, 10]) {
        await it.scale(splitAt(weight));
        seen.push(replicas(await get("reviews-v2")));
      }
      assert.deepEqual(seen, [1, 2, 4, 4]);
      assert.equal((await ready(it, "canary")).available, 4);
    });

    test("an image that cannot be pulled is fatal, in the pod's own words", async () => {
      const { workload } = await scene();
      const it = await workload({
        source: { from: "clone", labels: {} },
        replicas: { kind: "by-weight" },
        image: image("v2-pullfail"),
      });
      await it.deploy();
      const { ready, fatal: because = "" } = await fatal(it);
      assert.equal(ready, false);
      assert.match(
        because,
        /^Deployment \S+\/reviews-v2: pod reviews-v2-\S+: cannot pull image registry\.test\/reviews:v2-pullfail: Back-off pulling image/,
      );
      await it.restore();
      assert.deepEqual(await it.differences("stable"), []);
    });

    test("a crash loop is fatal and counts restarts; the old template's pods that still run are no excuse and no cause", async () => {
      const { workload } = await scene((namespace) => [deploymentOf(namespace, "reviews-v2", "v1-old")]);
      const it = await workload({ image: image("v2-crash") });
      await until(
        "the old canary is ready",
        () => it.health("canary"),
        ({ ready }) => ready,
      );
      await it.deploy();
      const health = await fatal(it);
      assert.match(
        health.fatal ?? "",
        /container reviews crashes again and again \(\d+ restarts?, the last run ended with exit code 1\)/,
      );
      assert.ok(health.restarts > 0);
      const kept = await logsOf(it, Date.now() - 600_000);
      assert.equal(kept.because, undefined);
      assert.match(kept.logs[0]?.pod ?? "", /^reviews-v2-/);
      assert.ok(kept.logs[0]?.previous, "what a container said before it crashed comes first");
      assert.ok(kept.logs.every(({ container, lines }) => container === "reviews" && lines.join("") !== ""));
      assert.deepEqual(
        (await logsOf(it, Date.now() + 3_600_000)).logs.filter(({ previous }) => !previous),
        [],
        "nothing that was said before the time that is asked for",
      );
      await it.restore();
      await ready(it, "canary");
    });

    test("a canary whose old pods crashed before the release is not blamed for it", async () => {
      const { namespace, workload } = await scene((namespace) => [deploymentOf(namespace, "reviews-v2", "v1-crash")]);
      await until(
        "the old pods crash",
        () => world.client.list(resources.pods, namespace),
        (pods) => JSON.stringify(pods).includes("CrashLoopBackOff"),
      );
      const it = await workload();
      await it.deploy();
      assert.equal((await ready(it, "canary")).restarts, 0);
    });

    test("a swap scales stable to 0 and leaves the canary; keeping the old version leaves both", async () => {
      const { get, workload } = await scene((namespace) => [
        deploymentOf(namespace, "reviews-v2", "v1-old", { replicas: 2 }),
      ]);
      const kept = await workload({}, true);
      await kept.deploy();
      await ready(kept, "canary");
      await kept.retire("stable");
      assert.equal(replicas(await get("reviews-v1")), 2);
      assert.deepEqual(await kept.differences("canary"), []);

      const it = await workload();
      assert.match((await it.differences("canary")).join(), /reviews-v1 is scaled to 2, not 0/);
      await it.retire("stable");
      await it.retire("stable");
      assert.equal(replicas(await get("reviews-v1")), 0);
      assert.deepEqual(await it.differences("canary"), []);
    });

    test("an update gives stable the image, and the clone goes", async () => {
      const { get, workload } = await scene();
      const it = await workload({ source: { from: "clone", labels: {} }, replicas: { kind: "by-weight" } });
      await it.deploy();
      await ready(it, "canary");
      await it.updateStable();
      await it.updateStable();
      await ready(it, "stable");
      await it.retire("canary");
      await it.retire("canary");
      assert.equal(await get("reviews-v2"), undefined);
      assert.match(JSON.stringify(specOf(await get("reviews-v1"))), /reviews:v2"/);
      assert.deepEqual(await it.differences("stable"), []);
    });

    test("an update leaves an older canary as many pods as it had, with the new image", async () => {
      const { get, workload } = await scene((namespace) => [
        deploymentOf(namespace, "reviews-v2", "v1-old", { replicas: 0 }),
      ]);
      const it = await workload();
      await it.deploy();
      await ready(it, "canary");
      await it.updateStable();
      await ready(it, "stable");
      await it.retire("canary");
      assert.equal(replicas(await get("reviews-v2")), 0);
      assert.match(JSON.stringify(specOf(await get("reviews-v2"))), /reviews:v2"/);
      assert.deepEqual(await it.differences("stable"), []);
    });

    test("the only pods that can serve are not taken away", async () => {
      const { namespace, get, workload } = await scene();
      const it = await workload({ source: { from: "clone", labels: {} }, replicas: { kind: "by-weight" } });
      await it.deploy();
      await ready(it, "canary");
      await world.apply([deploymentOf(namespace, "reviews-v1", "v1", { replicas: 0 })]);
      await until(
        "stable has no pod",
        () => it.health("stable"),
        ({ available }) => available === 0,
      );
      await assert.rejects(
        it.restore(),
        (error) => error instanceof DeniedError && error.message.includes("the pods of reviews-v2 are kept"),
      );
      assert.ok(await get("reviews-v2"));
    });

    test("one that is being deleted cannot be counted on while somebody holds it: it takes nobody's pods", async () => {
      const { namespace, get, workload } = await scene((namespace) => [
        deploymentOf(namespace, "reviews-v2", "v1-old"),
      ]);
      const it = await workload();
      await it.deploy();
      await ready(it, "canary");
      const hold = (finalizers: readonly string[]) => (name: string) =>
        world.client.patch(resources.deployments, namespace, name, {
          type: "json",
          body: [{ op: "add", path: "/metadata/finalizers", value: finalizers }],
        });
      const names = ["reviews-v1", "reviews-v2"];
      await Promise.all(names.map(hold(["example.com/hold"])));
      await Promise.all(names.map((name) => world.client.delete(resources.deployments, namespace, name)));
      const because = (name: string): string =>
        `Deployment ${namespace}/${name} is being deleted, and its pods go with it`;
      const [stable, canary] = [await it.health("stable"), await it.health("canary")];
      assert.deepEqual(
        [stable, canary].map(({ ready, available, fatal, terminating }) => [ready, available, fatal, terminating]),
        [
          [false, 2, because("reviews-v1"), true],
          [false, 1, because("reviews-v2"), true],
        ],
      );
      await assert.rejects(it.restore(), /reviews-v1 is being deleted, so the pods of reviews-v2 are kept/);
      await assert.rejects(it.retire("stable"), /reviews-v2 is being deleted, so the pods of reviews-v1 are kept/);
      await hold([])("reviews-v2");
      await until(
        "it is gone",
        () => get("reviews-v2"),
        (left) => left === undefined,
      );
      await hold([])("reviews-v1");
    });

    test("manifests are applied in order; a rollback takes away what they made and leaves the rest", async () => {
      const { namespace, get, workload } = await scene((namespace) => [
        { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "shared", namespace }, data: { a: "1" } },
      ]);
      const objects = [
        { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "shared" }, data: { b: "2" } },
        {
          apiVersion: "v1",
          kind: "Service",
          metadata: { name: "reviews-canary" },
          spec: { selector: { app: "reviews", version: "v2" }, ports: [{ port: 9080 }] },
        },
        withoutNamespace(deploymentOf(namespace, "reviews-v2", "template", { replicas: 2 })),
      ];
      const it = await workload({ source: { from: "manifests", objects } });
      await it.deploy();
      await it.deploy();
      await ready(it, "canary");
      assert.match(JSON.stringify(specOf(await get("reviews-v2"))), /reviews:v2"/);
      assert.equal(replicas(await get("reviews-v2")), 2);
      await it.restore();
      await it.restore();
      const [shared, service] = await Promise.all([
        world.client.get(resources.configMaps, namespace, "shared"),
        world.client.get(resources.services, namespace, "reviews-canary"),
      ]);
      assert.deepEqual([shared?.data, service, await get("reviews-v2")], [{ a: "1", b: "2" }, undefined, undefined]);
      assert.deepEqual(await it.differences("stable"), []);
    });

    test("a canary's Deployment that manifests changed gets its old pod template back", async () => {
      const { namespace, get, workload } = await scene();
      const manifest = (tag: string) => [
        withoutNamespace(
          deploymentOf(namespace, "reviews-v2", tag, {
            containers: [{ name: "reviews", image: image(tag), env: [{ name: "TAG", value: tag }] }],
          }),
        ),
      ];
      const earlier = await workload({
        source: { from: "manifests", objects: manifest("v1-old") },
        image: image("v1-old"),
        replicas: { kind: "by-weight" },
      });
      await earlier.deploy();
      await earlier.scale(splitAt(100));
      await ready(earlier, "canary");
      const before = await get("reviews-v2");

      const it = await workload({
        source: { from: "manifests", objects: manifest("v2") },
        replicas: { kind: "count", count: 3 },
      });
      await it.deploy(); // over our own patch of the replicas
      await ready(it, "canary");
      assert.match(JSON.stringify(specOf(await get("reviews-v2"))), /"value":"v2"/);
      await it.restore();
      await ready(it, "canary");
      assert.deepEqual(specOf(await get("reviews-v2")), specOf(before));
      assert.deepEqual(await it.differences("stable"), []);
    });

    const manifestOf = (namespace: string, name: string, more: Parameters<typeof deploymentOf>[3] = {}) =>
      withoutNamespace(deploymentOf(namespace, name, "v2", more));

    test("a manifest takes no field from somebody else, and says from whom it would", async () => {
      const { namespace, get, workload } = await scene((namespace) => [
        deploymentOf(namespace, "reviews-v2", "v1-old"),
      ]);
      const before = await get("reviews-v2");
      const container = { name: "reviews", image: image("v2"), env: [{ name: "MODE", value: "other" }] };
      const objects = [manifestOf(namespace, "reviews-v2", { containers: [container] })];
      const it = await workload({ source: { from: "manifests", objects } });
      await assert.rejects(
        it.deploy(),
        (error) =>
          error instanceof DeniedError &&
          /^the manifest of Deployment \S+\/reviews-v2 would change what somebody else set: \S*env\[name="MODE"\]\.value of kubectl\S*'s$/.test(
            error.message,
          ),
      );
      assert.deepEqual(specOf(await get("reviews-v2")), specOf(before));
    });

    test("what the release sets itself in the canary's Deployment is taken over from kubectl, and given back", async () => {
      const { namespace, get, workload } = await scene((namespace) => [
        deploymentOf(namespace, "reviews-v2", "v1-old"),
      ]);
      const before = await get("reviews-v2");
      const objects = [manifestOf(namespace, "reviews-v2", { replicas: 2 })];
      const it = await workload({ source: { from: "manifests", objects } });
      await it.deploy();
      await ready(it, "canary");
      assert.equal(replicas(await get("reviews-v2")), 2);
      assert.match(JSON.stringify(specOf(await get("reviews-v2"))), /reviews:v2"/);
      await it.restore();
      assert.deepEqual(specOf(await get("reviews-v2")), specOf(before));
      assert.deepEqual(await it.differences("stable"), []);
    });

    test("image and replicas of any other Deployment are not taken from kubectl", async () => {
      const { namespace, workload } = await scene((namespace) => [deploymentOf(namespace, "helper", "v1")]);
      const objects = [manifestOf(namespace, "helper"), manifestOf(namespace, "reviews-v2")];
      const it = await workload({ source: { from: "manifests", objects } });
      await assert.rejects(it.deploy(), /the manifest of Deployment \S+\/helper would change .*\.image of kubectl/);
    });

    test("what an export has of the server is no obstacle", async () => {
      const { namespace, get, workload } = await scene();
      const { metadata, ...rest } = manifestOf(namespace, "reviews-v2");
      const ofServer = { uid: "1", resourceVersion: "7", generation: 3, creationTimestamp: null, managedFields: [] };
      const objects = [{ ...rest, metadata: { ...metadata, ...ofServer }, status: { replicas: 5 } }];
      const it = await workload({ source: { from: "manifests", objects } });
      await it.deploy();
      await ready(it, "canary");
      assert.notEqual((await get("reviews-v2"))?.metadata.uid, "1");
    });

    test("an init container with the same image gets the new one, and the old one back", async () => {
      const withMigration = (namespace: string, name: string, tag: string) =>
        deploymentOf(namespace, name, tag, {
          template: { initContainers: [{ name: "migrate", image: image(tag) }] },
        });
      const { namespace, get, workload } = await scene((namespace) => [
        withMigration(namespace, "reviews-v2", "v1-old"),
      ]);
      await world.apply([withMigration(namespace, "reviews-v1", "v1")]);
      const before = await get("reviews-v2");
      const it = await workload();
      await it.deploy();
      await ready(it, "canary");
      const images = (name: string) =>
        get(name).then((found) =>
          [...JSON.stringify(specOf(found)).matchAll(/reviews:([^"]*)"/g)].map(([, tag]) => tag),
        );
      assert.deepEqual(await images("reviews-v2"), ["v2", "v2"]);
      assert.equal((await it.health("stable")).untouched, true);
      await it.updateStable();
      assert.deepEqual(await images("reviews-v1"), ["v2", "v2"]);
      assert.equal((await it.health("stable")).untouched, false);
      await it.restore();
      assert.deepEqual(specOf(await get("reviews-v2")), specOf(before));

      const copied = await workload({
        source: { from: "clone", labels: {} },
        canary: { deployment: "reviews-v3", host: "reviews", subset: "v3" },
        image: image("v3"),
        container: ["reviews"],
      });
      await copied.deploy();
      assert.deepEqual((await images("reviews-v3")).sort(), ["v2", "v3"]);
    });

    test("after a swap the same manifests go the other way round, and back again", async () => {
      const { namespace, get, workload } = await scene();
      const container = { name: "reviews", image: image("v2"), env: [{ name: "MODE", value: "new" }] };
      const objects = [manifestOf(namespace, "reviews-v2", { replicas: 2, containers: [container] })];
      const source = { from: "manifests", objects } as const;
      const first = await workload({ source });
      await first.deploy();
      await ready(first, "canary");
      await first.retire("stable");

      const { stable, canary } = targetOf(namespace);
      const second = await workload({ source, stable: canary, canary: stable, image: image("v3") });
      const before = await get("reviews-v1");
      await second.deploy();
      await second.anotherJob().deploy();
      await ready(second, "canary");
      const after = JSON.stringify(specOf(await get("reviews-v1")));
      assert.match(after, /"value":"new"/);
      assert.match(after, /reviews:v3"/);
      assert.match(after, /"version":"v1"/);
      assert.equal(replicas(await get("reviews-v1")), 2);
      assert.match(JSON.stringify(specOf(await get("reviews-v2"))), /reviews:v2"/);
      await second.restore();
      assert.deepEqual(specOf(await get("reviews-v1")), specOf(before));

      await second.deploy();
      await ready(second, "canary");
      await second.retire("stable");
      assert.deepEqual(await second.differences("canary"), []);
      const third = await workload({ source, image: image("v4") });
      await third.deploy();
      await ready(third, "canary");
      assert.match(JSON.stringify(specOf(await get("reviews-v2"))), /reviews:v4"/);
    });

    test("after a swap the roles change: the old Deployment becomes a copy of the new one", async () => {
      const { get, workload } = await scene((namespace) => [
        deploymentOf(namespace, "reviews-v2", "v2", {
          replicas: 0,
          containers: [{ name: "reviews", image: image("v0"), ports: [{ name: "http", containerPort: 9080 }] }],
        }),
      ]);
      const before = await get("reviews-v2");
      const it = await workload({
        source: { from: "clone", labels: {} },
        replicas: { kind: "by-weight" },
        image: image("v3"),
      });
      await it.deploy();
      await ready(it, "canary");
      const text = JSON.stringify(specOf(await get("reviews-v2")));
      assert.match(text, /"MODE"/);
      assert.match(text, /reviews:v3"/);
      assert.match(text, /"version":"v2"/);
      await it.restore();
      assert.deepEqual(specOf(await get("reviews-v2")), specOf(before));
      assert.deepEqual(await it.differences("stable"), []);
    });

    test("a Deployment that somebody deleted is told of and does not stop a rollback", async () => {
      const { namespace, workload } = await scene((namespace) => [deploymentOf(namespace, "reviews-v2", "v1-old")]);
      const it = await workload();
      await it.deploy();
      await world.client.delete(resources.deployments, namespace, "reviews-v2");
      assert.equal((await it.health("canary")).fatal, `Deployment ${namespace}/reviews-v2 is gone`);
      await it.restore();
      assert.deepEqual(await it.differences("stable"), [`Deployment ${namespace}/reviews-v2 is gone`]);
    });
  });
}

const specOf = (object: KubernetesObject | undefined): unknown => object?.spec;
const templateIn = (object: KubernetesObject | undefined): unknown =>
  (object?.spec as { template?: unknown } | undefined)?.template;
const replicas = (object: KubernetesObject | undefined): number | undefined =>
  (object?.spec as { replicas?: number } | undefined)?.replicas;

function withoutNamespace(object: SentObject & { readonly spec: Readonly<Record<string, unknown>> }) {
  const { namespace: _, labels: __, annotations: ___, ...metadata } = object.metadata ?? {};
  return { ...object, metadata };
}
