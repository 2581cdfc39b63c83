import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { openApiServer } from "./support/api-server.ts";
import { apply } from "./support/apply.ts";
import { bedFromEnvironment } from "./support/bed.ts";
import { envoyWeights } from "./support/envoy.ts";
import { newNamespace, rolledOut } from "./support/namespace.ts";
import { type Finished, runProgram } from "./support/program.ts";
import { deployment, destinationRule, service, twoVersions, virtualService } from "./support/shop.ts";
import { sendRequests } from "./support/traffic.ts";
import { waitFor } from "./support/wait-for.ts";

// Who would not follow the weights is refused or named before a release, and the mesh really is as the preflight says.

const bed = bedFromEnvironment();
const api = openApiServer(bed.kubeconfig);
const namespace = "sight";
const host = "sight.example.com";
const rules = "/apis/networking.istio.io/v1/namespaces";

const config = {
  ...{
    namespace,
    service: "shop",
    stable: { deployment: "shop-v1", subset: "v1" },
    canary: { deployment: "shop-v2", subset: "v2" },
  },
  ...{ image: "registry.test/shop:v2", stages: "50:1s", gates: [{ restarts: {} }] },
  metrics: { prometheus: bed.prometheus, interval: "1s" },
};

const run = (command: string, flags: readonly string[] = []): Promise<Finished> =>
  runProgram(bed, { command, config, flags });

/** A DestinationRule `shop-NAME` besides the shop's. */
const otherRule = (name: string, subsets: readonly string[], more: object): string =>
  JSON.stringify({
    apiVersion: "networking.istio.io/v1",
    kind: "DestinationRule",
    metadata: { name: `shop-${name}` },
    spec: {
      host: `shop.${namespace}.svc.cluster.local`,
      subsets: subsets.map((version) => ({ name: version, labels: { version } })),
      ...more,
    },
  });

const routed = (v1: number, v2: number): string =>
  virtualService(host, [
    { host: "shop", subset: "v1", weight: v1 },
    { host: "shop", subset: "v2", weight: v2 },
  ]);

describe("who sees the weights", () => {
  let remove: () => Promise<void>;
  before(async () => {
    remove = await newNamespace(api, namespace);
    await apply(api, twoVersions({ host, v1: 100, v2: 0 }), namespace);
    await rolledOut(api, namespace, "shop-v1", "shop-v2");
    await waitFor(async () => (await envoyWeights(bed, host)).v1 === 100, "the route in Envoy", 30_000);
  });
  after(async () => {
    await api.call("DELETE", `${rules}/istio-system/destinationrules/shop-edge`);
    await remove();
    await api.close();
  });

  test("a gateway that takes a DestinationRule without the canary's subset answers 503 for it, and is refused", async () => {
    await apply(api, otherRule("edge", ["v1"], { exportTo: ["."] }), "istio-system");
    await apply(api, routed(0, 100), namespace);
    const lost = async (): Promise<boolean> => (await sendRequests(5, { url: bed.gateway, host })).bad === 5;
    await waitFor(lost, "503 for the subset that the gateway does not see", 30_000);
    await apply(api, routed(100, 0), namespace);

    const refused = await run("release");
    assert.equal(refused.code, 2, refused.said);
    assert.match(
      refused.said,
      /For gateway istio-system\/public DestinationRule istio-system\/shop-edge counts for host shop, and it lacks the canary's subset v2/,
    );
    await apply(api, otherRule("edge", ["v1", "v2"], { exportTo: ["."] }), "istio-system");
    const planned = await run("plan");
    assert.equal(planned.code, 0, planned.said);
    await api.call("DELETE", `${rules}/istio-system/destinationrules/shop-edge`);
  });

  test("a subset in a DestinationRule for another namespace is nobody's here", async () => {
    await apply(api, destinationRule("shop", { v1: { version: "v1" } }), namespace);
    await apply(api, otherRule("partner", ["v1", "v2"], { exportTo: ["partner"] }), namespace);
    await apply(api, routed(0, 100), namespace);
    const lost = async (): Promise<boolean> => (await sendRequests(5, { url: bed.gateway, host })).bad === 5;
    await waitFor(lost, "503 for the subset that is exported elsewhere", 30_000);
    await apply(api, routed(100, 0), namespace);

    const refused = await run("plan");
    assert.equal(refused.code, 2, refused.said);
    assert.match(refused.said, /DestinationRule sight\/shop counts for host shop, and it lacks the canary's subset v2/);
    await apply(api, destinationRule("shop", { v1: { version: "v1" }, v2: { version: "v2" } }), namespace);
    await api.call("DELETE", `${rules}/${namespace}/destinationrules/shop-partner`);
    const planned = await run("plan");
    assert.equal(planned.code, 0, planned.said);
  });

  test("a second Service over the same pods is named", async () => {
    await apply(api, service("shop-legacy", { app: "shop" }), namespace);
    const { said } = await run("plan");
    assert.match(said, /Service sight\/shop-legacy selects the canary's pods, too, and no route is for it/);
    await api.call("DELETE", `/api/v1/namespaces/${namespace}/services/shop-legacy`);
  });

  test("a first deployment of a service that a Deployment of another name serves is refused, by plan as by release", async () => {
    await apply(api, deployment("shop-old", { app: "shop", version: "v0" }, "registry.test/shop:v0"), namespace);
    await rolledOut(api, namespace, "shop-old");
    for (const command of ["plan", "release"]) {
      const { code, said } = await run(command, ["--stable-deployment", "shop-v9", "--first-deploy", "true"]);
      assert.equal(code, 2, said);
      assert.match(said, /This is not the first deployment of sight\/shop: Service sight\/shop is served by 3 pods/);
    }
    await api.call("DELETE", `/apis/apps/v1/namespaces/${namespace}/deployments/shop-old`);
  });
});
