import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { dump } from "js-yaml";
import { jsonPatch, mergePatch, openApiServer } from "./support/api-server.ts";
import { apply } from "./support/apply.ts";
import { bedFromEnvironment, testFolder } from "./support/bed.ts";
import { envoyWeights } from "./support/envoy.ts";
import { kubectl } from "./support/kubectl.ts";
import { newNamespace, rolledOut } from "./support/namespace.ts";
import { queryPrometheus, sumOf } from "./support/prometheus.ts";
import { served } from "./support/served.ts";
import { serviceAccountKubeconfig } from "./support/service-account.ts";
import { shop, twoVersions } from "./support/shop.ts";
import { snapshot } from "./support/snapshot.ts";
import { sendRequests, startTraffic } from "./support/traffic.ts";
import { waitFor } from "./support/wait-for.ts";
import { runWorkflow } from "./support/workflow.ts";

// The bed itself: what the scenarios rely on.

const bed = bedFromEnvironment();
const api = openApiServer(bed.kubeconfig);
const namespace = "bed";
const host = "bed.example.com";
const virtualService = `/apis/networking.istio.io/v1/namespaces/${namespace}/virtualservices/shop`;

/** A host that goes to v2 whatever the weights are. */
const canaryAlone = `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: canary-alone}
spec: {hosts: [bed-canary.example.com], gateways: [istio-system/public], http: [{retries: {attempts: 0}, route: [{destination: {host: shop, subset: v2}}]}]}
`;

describe("the bed", () => {
  let remove: () => Promise<void>;
  let sentBefore: Readonly<Record<string, number>>;

  before(async () => {
    remove = await newNamespace(api, namespace);
    await apply(api, twoVersions({ host, v1: 90, v2: 10 }), namespace);
    await rolledOut(api, namespace, "shop-v1", "shop-v2");
    sentBefore = await served({ url: bed.gateway, host }, 2);
  });

  after(async () => {
    await remove();
    await api.close();
  });

  test("1,000 requests at 90/10 arrive as the weights say, in answers and in Prometheus", async () => {
    const counts = await sendRequests(1_000, { url: bed.gateway, host });
    assert.deepEqual(counts.byStatus, { "200": 1_000 });
    const canary = counts.byVersion.v2 ?? 0;
    // A binomial share of 10% has a standard deviation of 9.5; five of them leave one false alarm in a million runs.
    assert.ok(canary >= 53 && canary <= 147, `${canary} of 1,000 went to v2`);
    const series = `istio_requests_total{destination_service="shop.${namespace}.svc.cluster.local",destination_workload="shop-v2"`;
    const total = (sentBefore.v2 ?? 0) + canary;
    for (const reporter of ["source", "destination"]) {
      await waitFor(
        async () => (await sumOf(bed, `${series},reporter="${reporter}"}`)) === total,
        `${total} requests of v2 by reporter ${reporter}`,
        15_000,
      );
    }
  });

  test("pods of an injected namespace are 2/2, start without restarts, and name their version", async () => {
    const { stdout } = await kubectl(bed, ["-n", namespace, "get", "pods", "-l", "version=v1", "--no-headers"]);
    const rows = stdout
      .trim()
      .split("\n")
      .map((line) => line.split(/\s+/));
    assert.deepEqual(
      rows.map(([, ready, status, restarts]) => [ready, status, restarts]),
      [
        ["2/2", "Running", "0"],
        ["2/2", "Running", "0"],
      ],
    );
  });

  test("istiod's webhook refuses a negative weight through the API server", async () => {
    const { status, body } = await api.call<{ readonly message: string }>(
      "PATCH",
      virtualService,
      [{ op: "replace", path: "/spec/http/0/route/1/weight", value: -1 }],
      jsonPatch,
    );
    assert.equal(status, 400);
    assert.match(body.message, /weight -1 < 0/);
  });

  test("a patch of two weights reaches Envoy", async () => {
    const weights = (v1: number, v2: number): unknown =>
      [v1, v2].map((value, index) => ({ op: "replace", path: `/spec/http/0/route/${index}/weight`, value }));
    await api.expect("PATCH", virtualService, weights(25, 75), jsonPatch);
    await waitFor(async () => (await envoyWeights(bed, host)).v2 === 75, "75% in Envoy", 5_000, 10);
    await api.expect("PATCH", virtualService, weights(90, 10), jsonPatch);
    await waitFor(async () => (await envoyWeights(bed, host)).v2 === 10, "10% in Envoy", 5_000, 10);
    assert.deepEqual(await envoyWeights(bed, host), { v1: 90, v2: 10 });
  });

  test("kubectl shows logs, and those of a crashed container's last run", async () => {
    await apply(api, shop({ version: "v3", image: "shop:v3-crash" }), namespace);
    const pod = await waitFor(() => podWaiting("v3", "CrashLoopBackOff"), "the crash loop", 20_000);
    const previous = await kubectl(bed, [
      "-n",
      namespace,
      "logs",
      pod.metadata.name,
      "-c",
      "shop",
      "--previous",
      "--tail=1",
    ]);
    assert.deepEqual(previous, { code: 0, stdout: "panic: cannot connect to database\n", stderr: "" });
    const alive = await kubectl(bed, ["-n", namespace, "logs", "deployment/shop-v1", "-c", "shop", "--tail=1"]);
    assert.match(alive.stdout, /GET \/ 200/);
    assert.ok((pod.status.containerStatuses.find(({ name }) => name === "shop")?.restartCount ?? 0) >= 1);
  });

  const failures: readonly (readonly [string, string, RegExp])[] = [
    ["pullfail", "ImagePullBackOff", /Back-off pulling image "registry.test\/shop:v4-pullfail"/],
    ["configerr", "CreateContainerConfigError", /configmap "shop-settings" not found/],
  ];
  for (const [word, reason, message] of failures) {
    test(`an image with -${word} waits as ${reason}, with the kubelet's message`, async () => {
      await apply(api, shop({ version: "v4", image: `shop:v4-${word}` }), namespace);
      const pod = await waitFor(() => podWaiting("v4", reason), reason, 20_000);
      assert.match(pod.status.containerStatuses.map(({ state }) => state.waiting?.message ?? "").join(), message);
      await removeVersion("v4");
    });
  }

  test("an image with -start2 is unready at first and ready later", async () => {
    await apply(api, shop({ version: "v5", image: "shop:v5-start2" }), namespace);
    const ready = async (): Promise<readonly string[]> =>
      (await podsOf("v5")).map(({ status }) => status.conditions?.find(({ type }) => type === "Ready")?.status ?? "");
    await waitFor(async () => (await ready())[0] === "False", "an unready pod", 10_000);
    await waitFor(async () => (await ready())[0] === "True", "a ready pod", 10_000);
    await removeVersion("v5");
  });

  test("an image with -err20 fails every fifth request, and one with -slow200 takes that long, in Prometheus too", async () => {
    await apply(api, shop({ version: "v2", image: "shop:v2-err20-slow200" }), namespace);
    await rolledOut(api, namespace, "shop-v2");
    await apply(api, canaryAlone, namespace);
    const canary = { url: bed.gateway, host: "bed-canary.example.com" };
    await waitFor(async () => (await sendRequests(5, canary)).bad === 1, "the new pod's answers", 10_000);
    assert.equal((await sendRequests(100, canary)).bad, 20);
    const series = `destination_service="shop.${namespace}.svc.cluster.local",destination_workload="shop-v2",reporter="source"`;
    await waitFor(
      async () => (await sumOf(bed, `istio_requests_total{${series},response_code="500"}`)) >= 21,
      "21 failures in Prometheus",
      10_000,
    );
    const quantile = `histogram_quantile(0.5, sum by (le) (increase(istio_request_duration_milliseconds_bucket{${series},response_code="500"}[1m])))`;
    const [median] = await waitFor(
      async () => (await queryPrometheus(bed, quantile)).filter(({ value }) => !Number.isNaN(value)),
      "a median",
      10_000,
    );
    assert.ok((median?.value ?? 0) > 100 && (median?.value ?? 0) <= 250, `the median is ${median?.value}ms`);
  });

  test("an image with -die2 serves, then crash-loops, and its pod becomes unready", async () => {
    await apply(api, shop({ version: "v7", image: "shop:v7-die2" }), namespace);
    await rolledOut(api, namespace, "shop-v7");
    const pod = await waitFor(() => podWaiting("v7", "CrashLoopBackOff"), "the crash loop", 20_000);
    assert.equal(pod.status.conditions?.find(({ type }) => type === "Ready")?.status, "False");
    await removeVersion("v7");
  });

  test("an image with -notready runs and never becomes ready", async () => {
    await apply(api, shop({ version: "v8", image: "shop:v8-notready" }), namespace);
    const running = async (): Promise<boolean> =>
      (await podsOf("v8")).some(({ status }) => status.containerStatuses?.every(({ state }) => state.running));
    await waitFor(running, "a running pod", 10_000);
    await waitFor(
      async () => (await kubectl(bed, ["-n", namespace, "logs", "deployment/shop-v8", "-c", "shop"])).code === 0,
      "its log",
      10_000,
    );
    assert.equal((await podsOf("v8"))[0]?.status.conditions?.find(({ type }) => type === "Ready")?.status, "False");
    await removeVersion("v8");
  });

  test("a quota refuses pods, and the ReplicaSet says so", async () => {
    await apply(
      api,
      '{apiVersion: v1, kind: ResourceQuota, metadata: {name: pods}, spec: {hard: {pods: "3"}}}',
      namespace,
    );
    await waitFor(
      async () =>
        (
          await api.get<{ readonly status?: { readonly hard?: object } }>(
            `/api/v1/namespaces/${namespace}/resourcequotas/pods`,
          )
        )?.status?.hard,
      "the quota's status",
      10_000,
    );
    await apply(api, shop({ version: "v6", image: "shop:v6" }), namespace);
    type Events = { readonly items: readonly { readonly reason: string; readonly message: string }[] };
    const refused = await waitFor(
      async () =>
        (await api.expect<Events>("GET", `/api/v1/namespaces/${namespace}/events`)).items.find(
          ({ reason }) => reason === "FailedCreate",
        ),
      "the event FailedCreate",
      10_000,
    );
    assert.match(refused.message, /exceeded quota: pods/);
    await api.expect("DELETE", `/api/v1/namespaces/${namespace}/resourcequotas/pods`);
    await removeVersion("v6");
  });

  test("what happens to a canary that cannot be reached shows as Istio shows it", async (t) => {
    await t.test("a port that refuses: 503 UF, counted for the pod that was chosen", async () => {
      await apply(api, shop({ version: "v2", image: "shop:v2-refuse" }), namespace);
      await rolledOut(api, namespace, "shop-v2");
      await failuresBy("UF", "shop-v2");
    });
    await t.test("no ready pod: 503 UH, counted for nobody", async () => {
      await api.expect(
        "PATCH",
        `/apis/apps/v1/namespaces/${namespace}/deployments/shop-v2`,
        { spec: { replicas: 0 } },
        mergePatch,
      );
      await waitFor(async () => (await podsOf("v2")).length === 0, "the end of v2's pods", 10_000);
      await failuresBy("UH", "unknown");
    });
  });

  test("no request fails while pods of a good version are replaced under load", async () => {
    await apply(api, twoVersions({ host, v1: 100, v2: 0 }), namespace);
    await rolledOut(api, namespace, "shop-v1", "shop-v2");
    await waitFor(async () => (await envoyWeights(bed, host)).v1 === 100, "stable alone in Envoy", 5_000);
    const traffic = startTraffic({ url: bed.gateway, host, perSecond: 50 });
    await waitFor(() => traffic.counts().total > 50, "traffic", 10_000);
    await kubectl(bed, ["-n", namespace, "rollout", "restart", "deployment/shop-v1"]);
    await rolledOut(api, namespace, "shop-v1");
    await kubectl(bed, ["-n", namespace, "scale", "deployment/shop-v1", "--replicas=1"]);
    await rolledOut(api, namespace, "shop-v1");
    await waitFor(() => traffic.counts().total > 200, "more traffic, past the end of the old pods", 10_000);
    const counts = await traffic.stop();
    assert.equal(counts.bad, 0, counts.badSamples.join("\n"));
  });

  test("a service account may do what its Role says and nothing else", async () => {
    const kubeconfig = await serviceAccountKubeconfig(bed, api, namespace, "reader");
    const rights = `
kind: Role
apiVersion: rbac.authorization.k8s.io/v1
metadata: {name: reader}
rules: [{apiGroups: [networking.istio.io], resources: [virtualservices], verbs: [get]}]
---
kind: RoleBinding
apiVersion: rbac.authorization.k8s.io/v1
metadata: {name: reader}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader}
subjects: [{kind: ServiceAccount, name: reader, namespace: ${namespace}}]
`;
    const reader = openApiServer(kubeconfig);
    try {
      assert.equal((await reader.call("GET", virtualService)).status, 403);
      await apply(api, rights, namespace);
      await waitFor(async () => (await reader.call("GET", virtualService)).status === 200, "the Role's effect", 5_000);
      assert.equal((await reader.call("PATCH", virtualService, {}, mergePatch)).status, 403);
    } finally {
      await reader.close();
    }
  });

  test("a snapshot shows what people changed and not what controllers did", async () => {
    const before = await snapshot(api, namespace);
    const deployment = `/apis/apps/v1/namespaces/${namespace}/deployments/shop-v1`;
    await api.expect("PATCH", deployment, { spec: { replicas: 2 } }, mergePatch);
    assert.notDeepEqual(await snapshot(api, namespace), before);
    await api.expect("PATCH", deployment, { spec: { replicas: 1 } }, mergePatch);
    assert.deepEqual(await snapshot(api, namespace), before);
  });

  test("act runs a workflow on this machine, inside the bed's network", async () => {
    const folder = testFolder(bed, "workflow");
    mkdirSync(join(folder, ".github/workflows"), { recursive: true });
    const steps = [
      { run: `curl --silent --output /dev/null --write-out 'the gateway answers %{http_code}\n' ${bed.gateway}` },
    ];
    writeFileSync(
      join(folder, ".github/workflows/look.yml"),
      dump({ on: "workflow_dispatch", jobs: { look: { "runs-on": "ubuntu-latest", steps } } }),
    );
    const { code, stdout, stderr } = await runWorkflow(bed, { folder, workflow: "look.yml" });
    assert.equal(code, 0, stdout + stderr);
    assert.match(stdout, /the gateway answers 404/);
  });
});

type Status = {
  readonly conditions?: readonly { readonly type: string; readonly status: string }[];
  readonly containerStatuses: readonly {
    readonly name: string;
    readonly restartCount: number;
    readonly state: {
      readonly running?: object;
      readonly waiting?: { readonly reason: string; readonly message?: string };
    };
  }[];
};
type Pod = { readonly metadata: { readonly name: string }; readonly status: Status };

const podsOf = async (version: string): Promise<readonly Pod[]> =>
  (
    await api.expect<{ readonly items: readonly Pod[] }>(
      "GET",
      `/api/v1/namespaces/${namespace}/pods?labelSelector=version%3D${version}`,
    )
  ).items;

const podWaiting = async (version: string, reason: string): Promise<Pod | undefined> =>
  (await podsOf(version)).find(({ status }) =>
    status.containerStatuses?.some(({ state }) => state.waiting?.reason === reason),
  );

async function removeVersion(version: string): Promise<void> {
  await api.expect("DELETE", `/apis/apps/v1/namespaces/${namespace}/deployments/shop-${version}`);
  await waitFor(async () => (await podsOf(version)).length === 0, `the end of ${version}'s pods`, 10_000);
}

/** Requests fail until Prometheus has failures with this flag; they are this workload's and no other's. */
async function failuresBy(flag: string, workload: string): Promise<void> {
  const query = `istio_requests_total{reporter="source",destination_service="shop.${namespace}.svc.cluster.local",response_code="503",response_flags=~".*${flag}.*"}`;
  const samples = await waitFor(
    async () => {
      await sendRequests(20, { url: bed.gateway, host });
      const found = await queryPrometheus(bed, query);
      return found.length > 0 && found;
    },
    `503 ${flag} in Prometheus`,
    15_000,
  );
  assert.deepEqual(
    samples.map(({ metric }) => metric.destination_workload),
    [workload],
  );
}
