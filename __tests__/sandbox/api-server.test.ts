import assert from "node:assert/strict";
import test from "node:test";
import { Agent, request } from "undici";
import { manualClock } from "../../sandbox/api-server/clock.ts";
import { findCluster } from "../../src/adapters/kubernetes/kubeconfig.ts";
import { KubernetesError } from "../../src/adapters/kubernetes/kubernetes-client.ts";
import { nodeWorld } from "../../src/adapters/node/node-world.ts";
import { resources } from "../../src/kubernetes/object.ts";
import { startForTest } from "../support/api-server.ts";

const virtualService = (weights: readonly number[]) => ({
  apiVersion: "networking.istio.io/v1",
  kind: "VirtualService",
  metadata: { name: "reviews", namespace: "shop" },
  spec: {
    hosts: ["reviews"],
    http: [
      { route: weights.map((weight, at) => ({ destination: { host: "reviews", subset: `v${at + 1}` }, weight })) },
    ],
  },
});

const configMap = (name: string) => ({ apiVersion: "v1", kind: "ConfigMap", metadata: { name }, data: {} });

test("the request log counts calls by method and path, with their answers and bodies", async (t) => {
  const { server, client } = await startForTest(t, { namespaces: ["shop"] });
  await client.create(resources.virtualServices, "shop", virtualService([100, 0]));
  await client.get(resources.virtualServices, "shop", "reviews");
  await client.get(resources.virtualServices, "shop", "nobody");
  assert.equal(server.requests.count({ method: "GET", path: "/virtualservices/" }), 2);
  assert.equal(server.requests.count({ path: /\/virtualservices\/nobody$/ }), 1);
  assert.deepEqual(
    server.requests.all().map(({ method, status, user }) => [method, status, user]),
    [
      ["POST", 201, "kubernetes-admin"],
      ["GET", 200, "kubernetes-admin"],
      ["GET", 404, "kubernetes-admin"],
    ],
  );
  assert.deepEqual(JSON.parse(server.requests.all({ method: "POST" })[0]?.body ?? ""), virtualService([100, 0]));
  server.requests.clear();
  assert.equal(server.requests.count(), 0);
});

test("a webhook that is told to refuse refuses as often as it was told, and nothing is stored", async (t) => {
  const { server, client } = await startForTest(t, { namespaces: ["shop"] });
  server.deny({ kind: "VirtualService", because: "the freeze holds until Monday", times: 1 });
  await client.create(resources.configMaps, "shop", configMap("other"));
  await assert.rejects(
    client.create(resources.virtualServices, "shop", virtualService([100, 0])),
    /admission webhook "rev\.validation\.istio\.io" denied the request: the freeze holds until Monday/,
  );
  assert.equal(await client.get(resources.virtualServices, "shop", "reviews"), undefined);
  await client.create(resources.virtualServices, "shop", virtualService([100, 0]));
});

test("a webhook may look at what would be stored, and be taken back", async (t) => {
  const { server, client } = await startForTest(t);
  server.apply([virtualService([100, 0])]);
  const takeBack = server.deny({
    when: ({ spec }) => JSON.stringify(spec).includes('"weight":50'),
    because: "no halves",
  });
  const halves = { type: "json", body: [{ op: "replace", path: "/spec/http/0/route/0/weight", value: 50 }] } as const;
  await assert.rejects(client.patch(resources.virtualServices, "shop", "reviews", halves), /no halves/);
  takeBack();
  await client.patch(resources.virtualServices, "shop", "reviews", halves);
});

test("requests fail with a status as often as was said, and then work", async (t) => {
  const { server, client } = await startForTest(t, { namespaces: ["shop"] });
  server.fail({ method: "POST", path: "/configmaps", status: 409, message: "somebody was faster", times: 2 });
  const create = () => client.create(resources.configMaps, "shop", configMap("wanted"));
  await assert.rejects(create, /somebody was faster/);
  await assert.rejects(
    create,
    (error: unknown) => error instanceof KubernetesError && error.status === 409 && error.reason === "Conflict",
  );
  await create();
});

test("a connection that breaks before the effect leaves nothing, one that breaks after it leaves the effect", async (t) => {
  const { server } = await startForTest(t, { namespaces: ["shop"] });
  const post = (name: string) =>
    fetchFrom(server, "/api/v1/namespaces/shop/configmaps", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(configMap(name)),
    });
  for (const [name, drop, kept] of [
    ["before", "before", 404],
    ["after", "after", 200],
  ] as const) {
    server.fail({ method: "POST", path: "/configmaps", drop });
    await assert.rejects(post(name));
    const { statusCode } = await fetchFrom(server, `/api/v1/namespaces/shop/configmaps/${name}`);
    assert.equal(statusCode, kept);
  }
  assert.deepEqual(
    server.requests.all({ method: "POST" }).map(({ status }) => status),
    [0, 0],
  );
});

test("a delayed request is answered when its time has come", async (t) => {
  const clock = manualClock();
  const arrival = Promise.withResolvers<void>();
  const after: typeof clock.after = (delay, run) => {
    if (delay === 5_000) arrival.resolve();
    return clock.after(delay, run);
  };
  const { server, client } = await startForTest(t, { clock: { ...clock, after } });
  server.fail({ path: "/namespaces/", delay: 5_000 });
  const answer = client.get(resources.namespaces, undefined, "default");
  await arrival.promise;
  await clock.advance(4_999);
  assert.equal(server.requests.count(), 0);
  await clock.advance(1);
  assert.equal((await answer)?.metadata.name, "default");
});

test("a token that nobody knows is unauthorized", async (t) => {
  const { as } = await startForTest(t);
  await assert.rejects(
    as("nonsense").get(resources.namespaces, undefined, "default"),
    (error: unknown) => error instanceof KubernetesError && error.status === 401,
  );
});

test("a token may do what its rules say, in their namespaces", async (t) => {
  const rules = [{ apiGroups: [""], resources: ["configmaps"], verbs: ["get", "create"], namespaces: ["shop"] }];
  const { as } = await startForTest(t, {
    namespaces: ["default", "shop"],
    tokens: { "let-me-in": { user: "release", rules } },
  });
  const client = as("let-me-in");
  await client.create(resources.configMaps, "shop", configMap("mine"));
  await assert.rejects(
    client.create(resources.configMaps, "default", configMap("mine")),
    /User "release" cannot create resource "configmaps" in API group "" in the namespace "default"/,
  );
  await assert.rejects(
    client.delete(resources.configMaps, "shop", "mine"),
    /configmaps "mine" is forbidden: User "release" cannot delete/,
  );
});

test("a service account may do what a RoleBinding gives it", async (t) => {
  const { server, as } = await startForTest(t, {
    tokens: { sa: { user: "system:serviceaccount:shop:release", rules: [] } },
  });
  const rbac = "rbac.authorization.k8s.io";
  const metadata = { name: "release", namespace: "shop" };
  server.apply([
    {
      apiVersion: `${rbac}/v1`,
      kind: "Role",
      metadata,
      rules: [{ apiGroups: [""], resources: ["pods/log"], verbs: ["get"] }],
    },
    {
      apiVersion: `${rbac}/v1`,
      kind: "RoleBinding",
      metadata,
      roleRef: { apiGroup: rbac, kind: "Role", name: "release" },
      subjects: [{ kind: "ServiceAccount", name: "release" }],
    },
  ]);
  const client = as("sa");
  await assert.rejects(
    client.log("shop", "nobody", "web", { lines: 1, previous: false }),
    (error: unknown) => error instanceof KubernetesError && error.status === 404,
  );
  await assert.rejects(client.list(resources.pods, "shop"), /cannot list resource "pods"/);
});

test("the kubeconfig leads to the server", async (t) => {
  const { server, client } = await startForTest(t);
  const { server: url, authorize } = findCluster({
    kubeconfig: server.kubeconfig(),
    env: {},
    registerSecret: () => {},
    clock: nodeWorld().clock,
  });
  assert.equal(url, server.url);
  assert.equal(
    (await authorize()).headers.authorization ?? (await authorize()).headers.Authorization,
    `Bearer ${server.adminToken}`,
  );
  assert.ok(await client.get(resources.namespaces, undefined, "default"));
});

test("seeding makes the namespace that it needs, and changes what is there", async (t) => {
  const { server, client } = await startForTest(t);
  server.apply([virtualService([100, 0])]);
  server.apply([virtualService([90, 10])]);
  const { spec, metadata } = (await client.get(resources.virtualServices, "shop", "reviews")) ?? assert.fail();
  assert.deepEqual(spec, virtualService([90, 10]).spec);
  assert.equal(metadata.generation, 2);
});

test("an apply with a field that the schema does not have fails as the server's own error, and names the field", async (t) => {
  const { server } = await startForTest(t, { namespaces: ["shop"] });
  const container = { name: "web", image: "registry.test/web:v1", bogus: 1 };
  const body = {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "web" },
    spec: { template: { spec: { containers: [container] } } },
  };
  const headers = { "content-type": "application/apply-patch+yaml" };
  const { statusCode, body: answer } = await fetchFrom(
    server,
    "/apis/apps/v1/namespaces/shop/deployments/web?fieldManager=test",
    {
      method: "PATCH",
      headers,
      body: JSON.stringify(body),
    },
  );
  assert.equal(statusCode, 500);
  const { message } = (await answer.json()) as { readonly message: string };
  assert.equal(
    message,
    'failed to create typed patch object (/web; apps/v1, Kind=Deployment): .spec.template.spec.containers[name="web"].bogus: field not declared in schema',
  );
});

test("a server that is closed answers nobody", async (t) => {
  const { server } = await startForTest(t);
  await server.close();
  await assert.rejects(fetchFrom(server, "/version"));
});

function fetchFrom(
  server: { readonly url: string; readonly ca: string; readonly adminToken: string },
  path: string,
  options: {
    readonly method?: "POST" | "PATCH";
    readonly headers?: Readonly<Record<string, string>>;
    readonly body?: string;
  } = {},
) {
  const dispatcher = new Agent({ connect: { ca: server.ca }, pipelining: 0 });
  return request(server.url + path, {
    ...options,
    dispatcher,
    headers: { authorization: `Bearer ${server.adminToken}`, ...options.headers },
  });
}
