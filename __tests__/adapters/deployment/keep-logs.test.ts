import assert from "node:assert/strict";
import test from "node:test";
import { keepLogs } from "../../../src/adapters/deployment/keep-logs.ts";
import { type KubernetesClient, KubernetesError } from "../../../src/adapters/kubernetes/kubernetes-client.ts";
import { nodeClock } from "../../../src/adapters/node/node-clock.ts";
import type { KubernetesObject } from "../../../src/kubernetes/object.ts";
import { UnreachableError } from "../../../src/lib/errors.ts";
import type { KeptLogs } from "../../../src/release/kept-logs.ts";
import { noFence } from "../../support/fences.ts";
import { stubClient } from "../../support/kubernetes-stub.ts";
import { deploymentOf, image, targetOf } from "../../support/workload-objects.ts";

/* What servers that run pods do not say at once; the rest is in the contract. */

const deployment: KubernetesObject = {
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "reviews-v2", namespace: "shop", uid: "v2", generation: 1 },
  spec: deploymentOf("shop", "reviews-v2", "v2").spec,
  status: { observedGeneration: 1, replicas: 1, updatedReplicas: 1, availableReplicas: 1 },
};

const pod = (name: string, restartCount = 0, more: readonly string[] = []): KubernetesObject => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: {
    name,
    namespace: "shop",
    labels: { app: "reviews", version: "v2", "pod-template-hash": "1" },
    ownerReferences: [{ kind: "ReplicaSet", name: "reviews-v2-1" }],
  },
  spec: { containers: ["reviews", ...more].map((name) => ({ name })), initContainers: [{ name: "istio-init" }] },
  status: {
    conditions: [{ type: "Ready", status: "True" }],
    containerStatuses: [{ name: "reviews", image: image("v2"), imageID: "", restartCount }],
  },
});

/** What is kept of pods whose logs are read so, and which were asked for. */
async function keptOf(pods: readonly KubernetesObject[], log: (pod: string) => Promise<string>) {
  const asked: string[] = [];
  const kept: KeptLogs = { logs: [], left: 0 };
  const client: KubernetesClient = {
    ...stubClient([deployment, ...pods]),
    log: async (_, pod, container, { lines, previous }) => {
      asked.push(`${pod}/${container}${previous ? " before" : ""} ${lines}`);
      return log(pod);
    },
  };
  const parts = { client, target: targetOf("shop"), keepOld: false, clock: nodeClock, fence: noFence };
  const before = {
    release: "r",
    stable: undefined,
    canary: undefined,
    autoscaled: { stable: false, canary: false },
    existed: [],
  };
  const done = keepLogs(
    { ...parts, before, templates: new Map(), keepLogs: (logs) => void Object.assign(kept, logs) },
    0,
    AbortSignal.timeout(60_000),
  );
  return { done, asked, kept: () => kept };
}

test("five pods are read, those in trouble first, and a pod's containers share its lines", async () => {
  const names = ["a", "b", "c", "d", "e", "f"];
  const pods = [...names.map((name) => pod(name)), pod("restarted", 2), pod("two", 1, ["agent", "istio-proxy"])];
  const { done, asked, kept } = await keptOf(pods, async () => "hello\n");
  await done;
  assert.deepEqual(asked, [
    "restarted/reviews before 100",
    "restarted/reviews 100",
    "two/reviews before 66",
    "two/reviews 66",
    "two/agent 66",
    "a/reviews 200",
    "b/reviews 200",
    "c/reviews 200",
  ]);
  assert.equal(kept().left, 3);
  assert.equal(kept().logs.length, asked.length);
});

test("a log that hangs, or may not be read, takes nothing from the others; what is not there is no trouble", async () => {
  const forbidden = new KubernetesError("GET …/pods/b/log: forbidden", 403, "Forbidden");
  const { kept, done } = await keptOf(
    ["a", "b", "c", "d"].map((name) => pod(name)),
    async (pod) => {
      if (pod === "a") return new Promise(() => {});
      if (pod === "b") throw forbidden;
      if (pod === "c") throw new KubernetesError("container is waiting to start", 400, "BadRequest");
      return "hello\n";
    },
  );
  void done;
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(kept().logs, [{ pod: "d", container: "reviews", previous: false, lines: ["hello"] }]);
  assert.match(kept().because ?? "", /forbidden/);
});

test("a pod's logs are lines that do nothing, at most 64 KiB of the newest", async () => {
  const line = `\u001B[31merror\u001B[0m ${"x".repeat(3_000)}`;
  const said = [...Array.from({ length: 100 }, () => line), "##[add-mask]x", "y".repeat(10_000), "last"].join("\n");
  const { done, kept } = await keptOf([pod("a")], async () => said);
  await done;
  const lines = kept().logs[0]?.lines ?? [];
  assert.equal(lines.at(-1), "last");
  assert.equal(lines.at(-2)?.length, 4_000);
  assert.equal(lines.at(-3), "## [add-mask]x");
  assert.match(lines[0] ?? "", /^error x+$/);
  const size = lines.join("\n").length;
  assert.ok(size <= 64 * 1_024 && size > 60 * 1_024, `${size}`);
});

test("where nothing could be read, why is told", async () => {
  const { done, kept } = await keptOf([pod("a")], async () => Promise.reject(new UnreachableError("no answer")));
  await done;
  assert.deepEqual(kept(), { logs: [], left: 0, because: "no answer" });
});
