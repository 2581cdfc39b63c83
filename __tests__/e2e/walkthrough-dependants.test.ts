import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { openApiServer } from "./support/api-server.ts";
import { apply } from "./support/apply.ts";
import { bedFromEnvironment } from "./support/bed.ts";
import { changed } from "./support/changed.ts";
import { envoyRoutes, envoyWeights, weightsIn } from "./support/envoy.ts";
import { newNamespace, rolledOut } from "./support/namespace.ts";
import { type Finished, runProgram } from "./support/program.ts";
import { figures } from "./support/scene.ts";
import { assertShares } from "./support/shares.ts";
import { snapshot, withoutOurs } from "./support/snapshot.ts";
import { type Counts, sendRequests } from "./support/traffic.ts";
import { underTraffic } from "./support/under-traffic.ts";
import { waitFor } from "./support/wait-for.ts";

// A frontend and the backend that it calls, each in two versions: the backend goes to v2 in stages, testers see it before the
// others do, and a new frontend gets the new backend alone. How many pods there are has nothing to do with the split.

const bed = bedFromEnvironment();
const api = openApiServer(bed.kubeconfig);
const namespace = "walkthrough-dependants";
const host = "frontend.example.com";
const backend = `backend.${namespace}.svc.cluster.local`;

const deployment = (app: string, version: string, replicas: number): string => `
apiVersion: apps/v1
kind: Deployment
metadata: {name: ${app}-${version}, labels: {app: ${app}, version: ${version}}}
spec:
  replicas: ${replicas}
  selector: {matchLabels: {app: ${app}, version: ${version}}}
  template:
    metadata: {labels: {app: ${app}, version: ${version}}}
    spec:
      containers:
      - name: ${app}
        image: registry.test/${app}:${version}
        ports: [{containerPort: 8080}]
        env: [{name: BACKEND_URL, value: "${app === "frontend" ? "http://backend" : ""}"}]
`;

const service = (app: string): string => `
apiVersion: v1
kind: Service
metadata: {name: ${app}}
spec: {selector: {app: ${app}}, ports: [{name: http, port: 80, targetPort: 8080}]}
---
apiVersion: networking.istio.io/v1alpha3
kind: DestinationRule
metadata: {name: ${app}}
spec: {host: ${app}.${namespace}.svc.cluster.local, subsets: [{name: v1, labels: {version: v1}}, {name: v2, labels: {version: v2}}]}
`;

const autoscaler = `
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: backend-v1}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: backend-v1}
  minReplicas: 1
  maxReplicas: 10
  metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 50}}}]
`;

const to = (app: string, subset: string, weight?: number): object => ({
  destination: { host: `${app}.${namespace}.svc.cluster.local`, subset, port: { number: 80 } },
  ...(weight === undefined ? {} : { weight }),
});

const virtualService = (
  name: string,
  hosts: readonly string[],
  gateways: readonly string[],
  http: readonly object[],
): string => `
apiVersion: networking.istio.io/v1alpha3
kind: VirtualService
metadata: {name: ${name}}
spec: ${JSON.stringify({ gateways, hosts, http })}
`;

const frontendRoute = (v1: number, v2: number): string =>
  virtualService(
    "frontend",
    [host],
    ["istio-system/public"],
    [{ route: [to("frontend", "v1", v1), to("frontend", "v2", v2)] }],
  );
const backendRoute = (...above: readonly object[]): string =>
  virtualService(
    "backend",
    [backend],
    [],
    [...above, { match: [{}], route: [to("backend", "v1", 100), to("backend", "v2", 0)] }],
  );

const testers = { match: [{ headers: { canary: { exact: "canary-tester" } } }], route: [to("backend", "v2")] };
const newFrontend = { match: [{ sourceLabels: { app: "frontend", version: "v2" } }], route: [to("backend", "v2")] };

/** What a person sees: which frontend answered, and which backend answered it. */
function pairIn(body: string): string {
  const { version, backends } = JSON.parse(body) as {
    readonly version: string;
    readonly backends: readonly { readonly body: { readonly version: string } }[];
  };
  return `${version} -> ${backends[0]?.body.version}`;
}

const ask = (count: number, headers: Readonly<Record<string, string>> = {}): Promise<Counts> =>
  sendRequests(count, { url: bed.gateway, host, headers, versionOf: pairIn });

const stopAt = (weight: number): object => ({ stages: [{ weight, wait: "2s", approval: true }] });

const run = (command: string, app: string, settings: object = {}): Promise<Finished> => {
  const version = (subset: string): object => ({
    deployment: `${app}-${subset}`,
    subset,
    host: `${app}.${namespace}.svc.cluster.local`,
  });
  const config = {
    ...{ namespace, service: app, stable: version("v1"), canary: version("v2"), stages: "10:2s, 50:2s, 100" },
    ...{
      gates: [{ errors: { atMost: "5%", minRequests: 5 } }],
      metrics: { prometheus: bed.prometheus, interval: "1s" },
    },
    promotion: { model: "swap", drain: "1s", keepOld: true },
  };
  return runProgram(bed, { command, config: { ...config, ...settings } });
};

describe("a frontend and its backend", () => {
  let remove: () => Promise<void>;
  let admin = { v1: "", v2: "" };
  before(async () => {
    remove = await newNamespace(api, namespace);
    const deployments = [
      deployment("backend", "v1", 3),
      deployment("backend", "v2", 1),
      deployment("frontend", "v1", 1),
      deployment("frontend", "v2", 2),
    ];
    await apply(
      api,
      [service("frontend"), service("backend"), ...deployments, autoscaler, frontendRoute(100, 0), backendRoute()].join(
        "---\n",
      ),
      namespace,
    );
    await rolledOut(api, namespace, "backend-v1", "backend-v2", "frontend-v1", "frontend-v2");
    admin = { v1: await adminOf("v1"), v2: await adminOf("v2") };
    await routed([{ v1: 100 }]);
    await waitFor(async () => (await envoyWeights(bed, host)).v1 === 100, "the frontend's route", 30_000);
  });
  after(async () => {
    await remove();
    await api.close();
  });

  /** Waits until the sidecar of frontend v1 has these routes to the backend, in order. */
  const routed = (wanted: readonly object[]): Promise<unknown> =>
    waitFor(
      async () => JSON.stringify((await envoyRoutes(bed, backend, admin.v1)).map(weightsIn)) === JSON.stringify(wanted),
      `routes ${JSON.stringify(wanted)}`,
      30_000,
    );

  const place = { bed, api, namespace, host, versionOf: pairIn };

  test("10, 50, 100%: no request fails, and replicas and autoscalers stay as they are", async (t) => {
    const was = await snapshot(api, namespace);
    const seen = await underTraffic({ ...place, weightsOf: { host: backend, admin: admin.v1 } }, () =>
      run("release", "backend"),
    );
    t.diagnostic(figures(seen.counts));
    assert.equal(seen.result.code, 0, seen.result.said);
    assert.equal(seen.counts.bad, 0, seen.counts.badSamples.join("\n"));
    assert.deepEqual(seen.weights, [{ v1: 100 }, { v1: 90, v2: 10 }, { v1: 50, v2: 50 }, { v2: 100 }]);
    assert.deepEqual(
      withoutOurs(await snapshot(api, namespace), "backend"),
      changed(
        was,
        ["VirtualService/backend", "spec.http.0.route.0.weight", 0],
        ["VirtualService/backend", "spec.http.0.route.1.weight", 100],
      ),
    );
    assertShares(await ask(50), { "v1 -> v2": 1 });
  });

  test("testers get v2 by a header, while all others split 90/10", async (t) => {
    await apply(api, backendRoute(testers), namespace);
    await routed([{ v2: 100 }, { v1: 100 }]);
    const was = await snapshot(api, namespace);
    const seen = await underTraffic(place, async () => {
      const { code, said } = await run("release", "backend", stopAt(10));
      assert.equal(code, 0, said);
      await routed([{ v2: 100 }, { v1: 90, v2: 10 }]);
      assertShares(await ask(200), { "v1 -> v1": 0.9, "v1 -> v2": 0.1 });
      assertShares(await ask(50, { canary: "canary-tester" }), { "v1 -> v2": 1 });
      return run("rollback", "backend");
    });
    t.diagnostic(figures(seen.counts));
    assert.equal(seen.result.code, 0, seen.result.said);
    assert.equal(seen.counts.bad, 0, seen.counts.badSamples.join("\n"));
    assert.deepEqual(withoutOurs(await snapshot(api, namespace), "backend"), withoutOurs(was, "backend"));
    await routed([{ v2: 100 }, { v1: 100 }]);
  });

  test("callers by their labels get v2 while all others split 80/20, and nothing is left of that after a rollback", async (t) => {
    await apply(api, [backendRoute(), frontendRoute(50, 50)].join("---\n"), namespace);
    await routed([{ v1: 100 }]);
    await waitFor(async () => (await envoyWeights(bed, host)).v2 === 50, "half for the new frontend", 30_000);
    const was = withoutOurs(await snapshot(api, namespace), "backend");
    const callers = { app: "frontend", version: "v2" };
    const seen = await underTraffic(place, async () => {
      const { code, said } = await run("release", "backend", { testers: { callers }, ...stopAt(20) });
      assert.equal(code, 0, said);
      await routed([{ v1: 80, v2: 20 }]);
      await waitFor(
        async () =>
          JSON.stringify((await envoyRoutes(bed, backend, admin.v2)).map(weightsIn)) === JSON.stringify([{ v2: 100 }]), // what would come behind it, their sidecar is not told
        "the rule for callers in their sidecar",
        30_000,
      );
      assertShares(await ask(400), { "v1 -> v1": 0.4, "v1 -> v2": 0.1, "v2 -> v2": 0.5 });
      return run("rollback", "backend", { testers: { callers } });
    });
    t.diagnostic(figures(seen.counts));
    assert.equal(seen.result.code, 0, seen.result.said);
    assert.equal(seen.counts.bad, 0, seen.counts.badSamples.join("\n"));
    assert.deepEqual(withoutOurs(await snapshot(api, namespace), "backend"), was);
    await apply(api, frontendRoute(100, 0), namespace);
    await waitFor(async () => (await envoyWeights(bed, host)).v1 === 100, "the frontend's route", 30_000);
  });

  test("a new frontend calls the new backend alone, while both are split", async (t) => {
    await apply(api, backendRoute(newFrontend), namespace);
    await routed([{ v1: 100 }]);
    const was = withoutOurs(withoutOurs(await snapshot(api, namespace), "backend"), "frontend");
    const seen = await underTraffic(place, async () => {
      const { code, said } = await run("release", "frontend", stopAt(10));
      assert.equal(code, 0, said);
      await waitFor(async () => (await envoyWeights(bed, host)).v2 === 10, "10% for the new frontend", 10_000);
      assertShares(await ask(200), { "v1 -> v1": 0.9, "v2 -> v2": 0.1 });

      const both = await run("release", "backend", stopAt(50));
      assert.equal(both.code, 0, both.said);
      await routed([{ v1: 50, v2: 50 }]);
      assert.deepEqual((await envoyRoutes(bed, backend, admin.v2)).map(weightsIn), [{ v2: 100 }]);
      assertShares(await ask(400), { "v1 -> v1": 0.45, "v1 -> v2": 0.45, "v2 -> v2": 0.1 });
      return [await run("rollback", "frontend"), await run("rollback", "backend")];
    });
    t.diagnostic(figures(seen.counts));
    assert.deepEqual(
      seen.result.map(({ code }) => code),
      [0, 0],
      seen.result.map(({ said }) => said).join("\n"),
    );
    assert.equal(seen.counts.bad, 0, seen.counts.badSamples.join("\n"));
    assert.deepEqual(withoutOurs(withoutOurs(await snapshot(api, namespace), "backend"), "frontend"), was);
    assertShares(await ask(50), { "v1 -> v1": 1 });
  });
});

/** The admin interface of a frontend's sidecar. */
async function adminOf(version: string): Promise<string> {
  type Pods = { readonly items: readonly { readonly status: { readonly podIP: string } }[] };
  const { items } = await api.expect<Pods>(
    "GET",
    `/api/v1/namespaces/${namespace}/pods?labelSelector=app%3Dfrontend,version%3D${version}`,
  );
  return `http://${items[0]?.status.podIP}:15000`;
}
