import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { openApiServer } from "./support/api-server.ts";
import { apply } from "./support/apply.ts";
import { bedFromEnvironment } from "./support/bed.ts";
import { envoyWeights } from "./support/envoy.ts";
import { newNamespace, rolledOut } from "./support/namespace.ts";
import { runProgram, type Wanted } from "./support/program.ts";
import { twoVersions } from "./support/shop.ts";
import { snapshot } from "./support/snapshot.ts";
import { startTraffic } from "./support/traffic.ts";

const bed = bedFromEnvironment();
const api = openApiServer(bed.kubeconfig);
const namespace = "release";
const host = "release.example.com";

const config = {
  namespace,
  service: "shop",
  stable: { deployment: "shop-v1", subset: "v1" },
  canary: { deployment: "shop-v2", subset: "v2" },
  stages: "10:3s, 50:3s",
  gates: [{ errors: { atMost: "5%", minRequests: 20 } }, { latency: { p: 90, timesStable: 2, minRequests: 20 } }],
  metrics: { prometheus: bed.prometheus, interval: "1s" },
  promotion: { model: "swap", drain: "2s" },
};

const release = (image: string, more: Partial<Wanted> = {}) => runProgram(bed, { config, flags: ["--image", `registry.test/${image}`], ...more });

describe("a release of two labelled Deployments", () => {
  let remove: () => Promise<void>;
  before(async () => {
    remove = await newNamespace(api, namespace);
    await apply(api, twoVersions({ host, v1: 100, v2: 0, canary: "shop:v1" }), namespace);
    await rolledOut(api, namespace, "shop-v1", "shop-v2");
  });
  after(async () => {
    await remove();
    await api.close();
  });

  test("a canary with 20 % errors is rolled back, and everything is as it was", async () => {
    const was = await snapshot(api, namespace);
    const traffic = startTraffic({ url: bed.gateway, host, perSecond: 100 });
    const { code, said, outputs } = await release("shop:v2-err20");
    const counts = await traffic.stop();
    console.log(said, outputs, counts);
    assert.equal(code, 1, said);
    assert.deepEqual(await snapshot(api, namespace), was);
  });

  test("a good release moves all traffic without one failed request", async () => {
    const traffic = startTraffic({ url: bed.gateway, host, perSecond: 100 });
    const { code, said, outputs } = await release("shop:v2");
    const counts = await traffic.stop();
    console.log(said, outputs, counts, await envoyWeights(bed, host));
    assert.equal(code, 0, said);
  });
});
