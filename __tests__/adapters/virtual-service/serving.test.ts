import assert from "node:assert/strict";
import test from "node:test";
import { soleServer } from "../../../src/adapters/virtual-service/serving.ts";
import { inCluster } from "../../support/cluster.ts";
import { targetOf, virtualService } from "./given.ts";

const target = targetOf({ stable: { host: "app", subset: "v1" }, canary: { host: "app", subset: "v2" } });
const to = (subset: string, weight: number) => ({ destination: { host: "app", subset }, weight });
const routed = (v1: number, v2: number) =>
  virtualService({ hosts: ["app"], http: [{ route: [to("v1", v1), to("v2", v2)] }] });

for (const [v1, v2, serves] of [
  [100, 0, "stable"],
  [0, 100, "canary"],
  [50, 50, undefined],
] as const) {
  test(`at ${v1}/${v2} the sole server is ${serves ?? "neither"}`, () =>
    inCluster([routed(v1, v2)], async ({ client }) => {
      assert.equal(await soleServer(client, target), serves);
    }));
}

test("routes that may not be read tell nothing: the preflight names the permission", () =>
  inCluster([routed(0, 100)], async ({ client, server }) => {
    server.fail({ method: "GET", path: "/virtualservices/", status: 403 });
    assert.equal(await soleServer(client, target), undefined);
    server.fail({ method: "GET", path: "/virtualservices/", status: 400 });
    await assert.rejects(soleServer(client, target), { name: "KubernetesError" });
  }));
