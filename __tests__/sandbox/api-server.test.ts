import assert from "node:assert/strict";
import test, { type TestContext } from "node:test";
import { connect, type KubernetesClient } from "../../src/kubernetes/client.ts";
import { resources } from "../../src/kubernetes/object.ts";
import { type ApiServer, type ApiServerOptions, startApiServer } from "../../src/sandbox/api-server/api-server.ts";

async function start(t: TestContext, options: ApiServerOptions = {}): Promise<{ readonly server: ApiServer; readonly client: KubernetesClient }> {
  const server = await startApiServer(options);
  const client = connect({ server: server.url, authorize: async () => ({ headers: { authorization: `Bearer ${server.adminToken}` }, tls: { ca: server.ca } }) });
  t.after(async () => {
    await client.close();
    await server.close();
  });
  return { server, client };
}

const virtualService = (weights: readonly number[]) => ({
  apiVersion: "networking.istio.io/v1",
  kind: "VirtualService",
  metadata: { name: "reviews" },
  spec: { hosts: ["reviews"], http: [{ route: weights.map((weight, at) => ({ destination: { host: "reviews", subset: `v${at + 1}` }, weight })) }] },
});

test("the request log counts calls by method and path, with their answers", async (t) => {
  const { server, client } = await start(t);
  await client.create(resources.virtualServices, "default", virtualService([100, 0]));
  await client.get(resources.virtualServices, "default", "reviews");
  await client.get(resources.virtualServices, "default", "nobody");
  assert.equal(server.requests.count({ method: "GET", path: "/virtualservices/" }), 2);
  assert.deepEqual(
    server.requests.all().map(({ method, status }) => [method, status]),
    [["POST", 201], ["GET", 200], ["GET", 404]],
  );
});

test("a webhook that is told to refuse refuses as often as it was told, and nothing is stored", async (t) => {
  const { server, client } = await start(t);
  server.deny({ kind: "VirtualService", because: "the freeze holds until Monday", times: 1 });
  await assert.rejects(client.create(resources.virtualServices, "default", virtualService([100, 0])), /denied the request: the freeze holds until Monday/);
  assert.equal(await client.get(resources.virtualServices, "default", "reviews"), undefined);
  await client.create(resources.virtualServices, "default", virtualService([100, 0]));
});
