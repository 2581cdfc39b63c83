import assert from "node:assert/strict";
import test from "node:test";
import { inCluster } from "../../support/cluster.ts";
import { routesOver, targetOf, virtualService } from "./given.ts";

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
      assert.equal(await routesOver(client).soleServer(target), serves);
    }));
}

test("routes that may not be read tell nothing: the preflight names the permission", () =>
  inCluster([routed(0, 100)], async ({ client, server }) => {
    const allow = server.fail({ method: "GET", path: "/virtualservices/", status: 403, times: 99 });
    assert.equal(await routesOver(client).soleServer(target), undefined);
    allow();
    server.fail({ method: "GET", path: "/virtualservices/", status: 400 });
    await assert.rejects(routesOver(client).soleServer(target), { name: "KubernetesError" });
  }));

test("only the rules that the target chooses count", () => {
  const rules = [
    { name: "primary", route: [to("v1", 100), to("v2", 0)] },
    { name: "testers", match: [{ headers: { canary: { exact: "yes" } } }], route: [to("v2", 100)] },
  ];
  return inCluster([virtualService({ hosts: ["app"], http: rules })], async ({ client }) => {
    const soleServer = (...routes: readonly string[]) =>
      routesOver(client).soleServer({ ...target, routes: target.routes.map((choice) => ({ ...choice, routes })) });
    assert.deepEqual(
      [await soleServer("primary"), await soleServer("#1"), await soleServer("primary", "#1"), await soleServer()],
      ["stable", "canary", undefined, undefined],
    );
  });
});
