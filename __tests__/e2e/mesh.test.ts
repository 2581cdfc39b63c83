import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { request } from "undici";
import { openApiServer } from "./support/api-server.ts";
import { apply } from "./support/apply.ts";
import { bedFromEnvironment } from "./support/bed.ts";
import { newNamespace, rolledOut } from "./support/namespace.ts";
import { sumOf } from "./support/prometheus.ts";
import { served } from "./support/served.ts";
import { waitFor } from "./support/wait-for.ts";

// Services of the bed that call each other, with sidecars and without.

const bed = bedFromEnvironment();
const api = openApiServer(bed.kubeconfig);

const deployment = (
  app: string,
  version: string,
  {
    calls,
    annotations = {},
  }: { readonly calls?: string; readonly annotations?: Readonly<Record<string, string>> } = {},
): string => `
apiVersion: apps/v1
kind: Deployment
metadata: {name: ${app}-${version}}
spec:
  selector: {matchLabels: {app: ${app}, version: ${version}}}
  template:
    metadata: {labels: {app: ${app}, version: ${version}}, annotations: ${JSON.stringify(annotations)}}
    spec: {containers: [{name: ${app}, image: "registry.test/${app}:${version}", ports: [{containerPort: 8080}], env: ${JSON.stringify(calls === undefined ? [] : [{ name: "BACKEND_URL", value: calls }])}}]}
`;

const service = (app: string, port = 80): string => `
apiVersion: v1
kind: Service
metadata: {name: ${app}}
spec: {selector: {app: ${app}}, ports: [{name: http, port: ${port}, targetPort: 8080}]}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: ${app}}
spec: {host: ${app}, subsets: [{name: v1, labels: {version: v1}}, {name: v2, labels: {version: v2}}]}
`;

const frontendRoute = (host: string): string => `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: frontend}
spec:
  hosts: [${host}]
  gateways: [istio-system/public]
  http: [{route: [{destination: {host: frontend, subset: v1}, weight: 50}, {destination: {host: frontend, subset: v2}, weight: 50}]}]
`;

const bySource = (namespace: string): string => `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: backend}
spec:
  hosts: [backend.${namespace}.svc.cluster.local]
  http:
  - match: [{sourceLabels: {app: frontend, version: v2}}]
    route: [{destination: {host: backend.${namespace}.svc.cluster.local, subset: v2}}]
  - match: [{headers: {end-user: {exact: tester}}}]
    route: [{destination: {host: backend.${namespace}.svc.cluster.local, subset: v2}}]
  - route: [{destination: {host: backend.${namespace}.svc.cluster.local, subset: v1}}]
`;

type Answer = {
  readonly version: string;
  readonly backends: readonly { readonly status: number; readonly body: { readonly version: string } }[];
};

async function ask(host: string, headers: Readonly<Record<string, string>> = {}): Promise<string> {
  const response = await request(bed.gateway, { headers: { host, ...headers } });
  const { version, backends } = (await response.body.json()) as Answer;
  return `frontend ${version} -> backend ${backends[0]?.body.version}`;
}

const pairs = async (
  host: string,
  count: number,
  headers?: Readonly<Record<string, string>>,
): Promise<readonly string[]> => {
  const seen = new Set<string>();
  for (let turn = 0; turn < count; turn++) seen.add(await ask(host, headers));
  return [...seen].sort();
};

async function scene(namespace: string, host: string, injection: boolean, port: number): Promise<() => Promise<void>> {
  const remove = await newNamespace(api, namespace, injection);
  const versions = ["v1", "v2"].flatMap((version) => [
    deployment("backend", version),
    deployment("frontend", version, { calls: `http://backend:${port}` }),
  ]);
  await apply(
    api,
    [service("frontend"), service("backend", port), frontendRoute(host), bySource(namespace), ...versions].join(
      "---\n",
    ),
    namespace,
  );
  await rolledOut(api, namespace, "backend-v1", "backend-v2", "frontend-v1", "frontend-v2");
  await served({ url: bed.gateway, host }, 2);
  return remove;
}

describe("services with sidecars", () => {
  const namespace = "bed-mesh";
  let remove: () => Promise<void>;
  before(async () => {
    remove = await scene(namespace, "mesh.example.com", true, 9080);
  });
  after(() => remove());

  test("a caller's labels choose its backend", async () => {
    assert.deepEqual(await pairs("mesh.example.com", 30), ["frontend v1 -> backend v1", "frontend v2 -> backend v2"]);
  });

  test("a header chooses the backend, because callers hand it on", async () => {
    assert.deepEqual(await pairs("mesh.example.com", 30, { "end-user": "tester" }), [
      "frontend v1 -> backend v2",
      "frontend v2 -> backend v2",
    ]);
  });

  test("a sidecar counts what it sends, by the name of its Deployment", async () => {
    await ask("mesh.example.com");
    const query = `istio_requests_total{reporter="source",source_workload=~"frontend-.*",source_workload_namespace="${namespace}",destination_service="backend.${namespace}.svc.cluster.local",response_code="200"}`;
    await waitFor(async () => (await sumOf(bed, query)) >= 61, "61 requests of the frontends", 15_000);
  });

  test("a native sidecar counts as a container of its pod", async () => {
    await apply(
      api,
      deployment("native", "v1", { annotations: { "sidecar.istio.io/nativeSidecar": "true" } }),
      namespace,
    );
    await rolledOut(api, namespace, "native-v1");
    type Pods = {
      readonly items: readonly {
        readonly status: {
          readonly initContainerStatuses?: readonly { readonly name: string; readonly ready: boolean }[];
          readonly containerStatuses: readonly unknown[];
        };
      }[];
    };
    const { items } = await api.expect<Pods>("GET", `/api/v1/namespaces/${namespace}/pods?labelSelector=app%3Dnative`);
    assert.deepEqual(
      items[0]?.status.initContainerStatuses?.map(({ name, ready }) => ({ name, ready })),
      [{ name: "istio-proxy", ready: true }],
    );
    assert.equal(items[0]?.status.containerStatuses.length, 1);
  });
});

describe("services without sidecars", () => {
  let remove: () => Promise<void>;
  before(async () => {
    remove = await scene("bed-plain", "plain.example.com", false, 80);
  });
  after(async () => {
    await remove();
    await api.close();
  });

  test("a route of the mesh has no effect, and Kubernetes mixes the versions", async () => {
    const all = ["v1", "v2"].flatMap((frontend) =>
      ["v1", "v2"].map((backend) => `frontend ${frontend} -> backend ${backend}`),
    );
    await waitFor(
      async () => (await pairs("plain.example.com", 40)).join() === all.join(),
      "every frontend with every backend",
      15_000,
    );
  });

  test("pods count nothing by themselves, and the gateway still knows their Deployments", async () => {
    await waitFor(
      async () =>
        (await sumOf(
          bed,
          'istio_requests_total{reporter="source",destination_workload="frontend-v2",destination_workload_namespace="bed-plain"}',
        )) > 0,
      "the gateway's count",
      15_000,
    );
    assert.equal(
      await sumOf(bed, 'istio_requests_total{reporter="destination",destination_workload_namespace="bed-plain"}'),
      0,
    );
  });
});
