import assert from "node:assert/strict";
import test, { type TestContext } from "node:test";
import type { ApiServerOptions } from "../../sandbox/api-server/api-server.ts";
import { manualClock } from "../../sandbox/api-server/clock.ts";
import type { PodRunner } from "../../sandbox/api-server/controllers/kubelet.ts";
import { kindNamed } from "../../sandbox/api-server/kind.ts";
import {
  type Condition,
  type ContainerStatus,
  isDeployment,
  isPod,
  type Pod,
} from "../../sandbox/api-server/workload.ts";
import { deploymentOf, startForTest } from "../support/api-server.ts";

async function world(t: TestContext, options: ApiServerOptions = {}) {
  const clock = manualClock();
  const started = await startForTest(t, { clock, namespaces: ["shop"], ...options });
  const { store } = started.server;
  const pods = (): readonly Pod[] => store.list(kindNamed("pods"), "shop").filter(isPod);
  const deployment = (name: string) => {
    const found = store.get(kindNamed("deployments"), "shop", name);
    return found !== undefined && isDeployment(found) ? found : assert.fail(`${name} is not there`);
  };
  return { ...started, clock, pods, deployment };
}

const [pod, status]: readonly [(pods: readonly Pod[]) => Pod, (pod: Pod) => ContainerStatus] = [
  (pods) => pods[0] ?? assert.fail("there is no pod"),
  (of) => of.status?.containerStatuses?.[0] ?? assert.fail("the container has no status"),
];

const waitingReason = ({ state }: ContainerStatus): string | undefined =>
  "waiting" in state ? state.waiting.reason : undefined;
const condition = (conditions: readonly Condition[] | undefined, type: string): Condition | undefined =>
  conditions?.find((one) => one.type === type);

test("a pod is ready when its time has come, and not before", async (t) => {
  const { server, clock, pods } = await world(t, { podTimes: { becomesReady: 3_000 } });
  server.apply([deploymentOf("web", "v2")]);
  await clock.advance(2_999);
  assert.deepEqual([pod(pods()).status?.phase, status(pod(pods())).ready], ["Running", false]);
  await clock.advance(1);
  assert.equal(status(pod(pods())).ready, true);
  assert.equal(condition(pod(pods()).status?.conditions, "Ready")?.status, "True");
});

test("a container without its config waits and says what is missing", async (t) => {
  const { server, clock, pods } = await world(t);
  server.apply([deploymentOf("web", "v2-configerr")]);
  await clock.advance(1_000);
  assert.deepEqual(status(pod(pods())).state, {
    waiting: { reason: "CreateContainerConfigError", message: 'configmap "web-config" not found' },
  });
  assert.equal(pod(pods()).status?.phase, "Pending");
});

test("an image that cannot be pulled is an error first and a back-off then", async (t) => {
  const { server, clock, pods } = await world(t, { podTimes: { pullBackOff: 1_000 } });
  server.apply([deploymentOf("web", "v2-pullfail")]);
  await clock.advance(500);
  assert.equal(waitingReason(status(pod(pods()))), "ErrImagePull");
  await clock.advance(500);
  assert.equal(waitingReason(status(pod(pods()))), "ImagePullBackOff");
});

test("a pod that fits on no node has no node, no address, and a reason", async (t) => {
  const { server, clock, pods } = await world(t);
  server.apply([deploymentOf("web", "v2-unsched")]);
  await clock.advance(1_000);
  const { spec, status: of } = pod(pods());
  assert.deepEqual([spec.nodeName, of?.podIP, of?.phase], [undefined, undefined, "Pending"]);
  assert.deepEqual(
    [condition(of?.conditions, "PodScheduled")?.status, condition(of?.conditions, "PodScheduled")?.reason],
    ["False", "Unschedulable"],
  );
});

test("a crashing container is restarted at once, then after 10s, 20s, 40s", async (t) => {
  const { server, clock, pods } = await world(t, { podTimes: { crashes: 100 } });
  server.apply([deploymentOf("web", "v2-crash")]);
  const restartsAfter = async (millis: number): Promise<number> => {
    await clock.advance(millis);
    return status(pod(pods())).restartCount;
  };
  assert.equal(await restartsAfter(50), 0);
  assert.equal(await restartsAfter(60), 1);
  assert.equal(await restartsAfter(1_000), 1);
  assert.equal(waitingReason(status(pod(pods()))), "CrashLoopBackOff");
  assert.equal(status(pod(pods())).lastState.terminated?.exitCode, 1);
  assert.equal(await restartsAfter(10_000), 2);
  assert.equal(await restartsAfter(15_000), 2);
  assert.equal(await restartsAfter(6_000), 3);
  assert.equal(await restartsAfter(37_000), 3);
  assert.equal(await restartsAfter(2_000), 4);
  assert.equal(pod(pods()).status?.phase, "Running");
});

test("a container that dies after ten seconds was ready until then, and never is again", async (t) => {
  const { server, clock, pods } = await world(t, { podTimes: { becomesReady: 500 } });
  server.apply([deploymentOf("web", "v2-die10")]);
  await clock.advance(10_000);
  assert.equal(status(pod(pods())).ready, true);
  await clock.advance(1_000);
  assert.deepEqual([status(pod(pods())).ready, status(pod(pods())).restartCount], [false, 1]);
  await clock.advance(60_000);
  assert.equal(status(pod(pods())).ready, false);
  assert.ok(status(pod(pods())).restartCount >= 3);
});

test("the log of a crash ends with its reason; before there is one, the server says why", async (t) => {
  const { server, client, clock, pods } = await world(t);
  server.apply([deploymentOf("web", "v2-crash"), deploymentOf("unpulled", "v2-pullfail")]);
  await clock.advance(5_000);
  const [unpulled, web] = pods().map(({ metadata }) => metadata.name);
  const tail = await client.log("shop", web ?? "", "web", { lines: 1, previous: true });
  assert.match(tail, /^level=fatal msg=".*DATABASE_URL is not set"\n$/);
  assert.equal(
    (await client.log("shop", web ?? "", "web", { lines: 50, previous: false })).trimEnd().split("\n").length,
    3,
  );
  await assert.rejects(
    client.log("shop", unpulled ?? "", "web", { lines: 1, previous: false }),
    /container "web" in pod "unpulled-.*" is waiting to start: trying and failing to pull image/,
  );
  await assert.rejects(
    client.log("shop", unpulled ?? "", "web", { lines: 1, previous: true }),
    /previous terminated container "web" in pod "unpulled-.*" not found/,
  );
  await assert.rejects(
    client.log("shop", web ?? "", "other", { lines: 1, previous: false }),
    /container other is not valid for pod web-/,
  );
});

test("a runner runs what starts, gives it its address, and stops it when it ends", async (t) => {
  const calls: string[] = [];
  const podRunner: PodRunner = {
    async start({ metadata }) {
      calls.push(`start ${metadata.name}`);
      return { ip: "127.9.9.9" };
    },
    async stop({ metadata }) {
      calls.push(`stop ${metadata.name}`);
    },
  };
  const { server, client, clock, pods } = await world(t, { podRunner, podTimes: { terminates: 2_000 } });
  server.apply([deploymentOf("web", "v2"), deploymentOf("crashing", "v2-crash")]);
  await clock.advance(1_000);
  const web = pods().find(({ metadata }) => metadata.labels?.app === "web") ?? assert.fail();
  assert.deepEqual(calls, [`start ${web.metadata.name}`]);
  assert.equal(web.status?.podIP, "127.9.9.9");
  await client.delete({ group: "apps", version: "v1", plural: "deployments", kind: "Deployment" }, "shop", "web");
  await clock.advance(1_000);
  assert.deepEqual(calls, [`start ${web.metadata.name}`]);
  assert.ok(pods().find(({ metadata }) => metadata.uid === web.metadata.uid)?.metadata.deletionTimestamp);
  await clock.advance(2_000);
  assert.deepEqual(calls, [`start ${web.metadata.name}`, `stop ${web.metadata.name}`]);
  assert.deepEqual(
    pods().map(({ metadata }) => metadata.labels?.app),
    ["crashing"],
  );
});

test("a pod that dies is stopped at its runner", async (t) => {
  const calls: string[] = [];
  const podRunner: PodRunner = {
    start: async () => {
      calls.push("start");
      return { ip: "127.9.9.9" };
    },
    stop: async () => void calls.push("stop"),
  };
  const { server, clock } = await world(t, { podRunner });
  server.apply([deploymentOf("web", "v2-die10")]);
  await clock.advance(30_000);
  assert.deepEqual(calls, ["start", "stop"]);
});

test("sidecars that are init containers run beside the others", async (t) => {
  const { server, clock, pods } = await world(t);
  const template = (tag: string) => ({
    metadata: { labels: { app: "web" } },
    spec: {
      initContainers: [{ name: "istio-proxy", image: "registry.test/proxy:v1", restartPolicy: "Always" }],
      containers: [{ name: "web", image: `registry.test/web:${tag}` }],
    },
  });
  server.apply([deploymentOf("web", "v2", { template: template("v2") })]);
  await clock.advance(1_000);
  const { initContainerStatuses } = pod(pods()).status as {
    readonly initContainerStatuses: readonly ContainerStatus[];
  };
  assert.deepEqual(
    initContainerStatuses.map(({ name, ready, state }) => [name, ready, "running" in state]),
    [["istio-proxy", true, true]],
  );
});

test("a quota keeps pods away, in the words of Kubernetes, until one goes", async (t) => {
  const { server, client, clock, pods, deployment } = await world(t, { quota: { pods: 2 } });
  server.apply([deploymentOf("stable", "v1", { replicas: 2 }), deploymentOf("canary", "v2")]);
  await clock.advance(3_000);
  assert.equal(pods().length, 2);
  const failure = condition(deployment("canary").status?.conditions, "ReplicaFailure");
  assert.deepEqual([failure?.status, failure?.reason], ["True", "FailedCreate"]);
  assert.match(
    failure?.message ?? "",
    /^pods "canary-[a-z0-9]+-[a-z0-9]{5}" is forbidden: exceeded quota: quota, requested: pods=1, used: pods=2, limited: pods=2$/,
  );
  await client.patch({ group: "apps", version: "v1", plural: "deployments", kind: "Deployment" }, "shop", "stable", {
    type: "merge",
    body: { spec: { replicas: 1 } },
  });
  await clock.advance(3_000);
  assert.equal(condition(deployment("canary").status?.conditions, "ReplicaFailure"), undefined);
  assert.equal(deployment("canary").status?.availableReplicas, 1);
});

test("a Deployment that shrinks loses the pods that are not ready first", async (t) => {
  const { server, clock, pods } = await world(t, { podTimes: { becomesReady: 1_000 } });
  server.apply([deploymentOf("web", "v1", { replicas: 2 })]);
  await clock.advance(2_000);
  const ready = pods()
    .map(({ metadata }) => metadata.name)
    .sort();
  server.apply([deploymentOf("web", "v1", { replicas: 4 })]);
  await clock.advance(100);
  assert.equal(pods().length, 4);
  server.apply([deploymentOf("web", "v1", { replicas: 2 })]);
  await clock.advance(5_000);
  assert.deepEqual(
    pods()
      .map(({ metadata }) => metadata.name)
      .sort(),
    ready,
  );
});

test("a pod that somebody deletes is replaced", async (t) => {
  const { server, client, clock, pods } = await world(t);
  server.apply([deploymentOf("web", "v1")]);
  await clock.advance(1_000);
  const first = pod(pods()).metadata;
  await client.delete({ group: "", version: "v1", plural: "pods", kind: "Pod" }, "shop", first.name);
  await clock.advance(1_000);
  assert.equal(pods().length, 1);
  assert.notEqual(pod(pods()).metadata.uid, first.uid);
  assert.equal(status(pod(pods())).ready, true);
});

test("when the server is closed, nothing happens any more", async (t) => {
  const { server, clock, pods } = await world(t, { podTimes: { becomesReady: 1_000 } });
  server.apply([deploymentOf("web", "v1")]);
  await clock.advance(500);
  await server.close();
  await clock.advance(5_000);
  assert.equal(status(pod(pods())).ready, false);
});
