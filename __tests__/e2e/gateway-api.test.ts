import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { listAt } from "../../src/kubernetes/field.ts";
import { openApiServer } from "./support/api-server.ts";
import { apply } from "./support/apply.ts";
import { bedFromEnvironment, testFolder } from "./support/bed.ts";
import { newNamespace, rolledOut } from "./support/namespace.ts";
import { type Finished, runProgram } from "./support/program.ts";
import { served } from "./support/served.ts";
import { assertShares } from "./support/shares.ts";
import { service, shop } from "./support/shop.ts";
import { sendRequests, startTraffic } from "./support/traffic.ts";
import { answers } from "./support/under-traffic.ts";
import { waitFor } from "./support/wait-for.ts";

// Releases by routes of the Gateway API on the real mesh: istiod says what it follows, and Envoy divides the requests.

const bed = bedFromEnvironment();
const api = openApiServer(bed.kubeconfig);
/** Port 81 of the ingress gateway's Service, which no Gateway of Istio's has. */
const url = bed.gateway.replace(/:\d+$/, ":18081");

const gateway = `
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: by-gateway-api, namespace: istio-system}
spec:
  gatewayClassName: istio
  addresses: [{type: Hostname, value: istio-ingressgateway.istio-system.svc.cluster.local}]
  listeners: [{name: http, port: 81, protocol: HTTP, allowedRoutes: {namespaces: {from: All}}}]
`;

const route = (kind: string, host: string): string => `
apiVersion: gateway.networking.k8s.io/v1
kind: ${kind}
metadata: {name: shop}
spec:
  parentRefs: [{name: by-gateway-api, namespace: istio-system}]
  hostnames: [${host}]
  rules: [{name: primary, backendRefs: [{name: shop-v1, port: 80}]}]
`;

const objectsFor = (kind: string, host: string): string =>
  [
    service("shop", { app: "shop" }),
    ...["v1", "v2"].map((version) => service(`shop-${version}`, { app: "shop", version })),
    route(kind, host),
    shop({ version: "v1", image: "shop:v1", replicas: 2 }),
    shop({ version: "v2", image: "shop:v1" }),
  ].join("---\n");

const tester = { "x-canary": "yes" };

const release = (namespace: string, key: string, settings: object = {}, image = "shop:v2"): Promise<Finished> =>
  runProgram(bed, {
    command: "release",
    config: {
      namespace,
      service: "shop",
      stable: { deployment: "shop-v1", host: "shop-v1" },
      canary: { deployment: "shop-v2", host: "shop-v2" },
      routes: { [key]: "shop" },
      testers: { headers: tester },
      stages: "10:3s, 50:3s, 100",
      gates: [{ errors: { atMost: "5%", minRequests: 10 } }],
      metrics: { prometheus: bed.prometheus, interval: "1s" },
      promotion: { model: "swap", drain: "1s" },
      ...settings,
    },
    flags: ["--image", `registry.test/${image}`],
  });

describe("routes of the Gateway API", () => {
  before(() => apply(api, gateway, "istio-system"));
  after(async () => {
    await api.call("DELETE", "/apis/gateway.networking.k8s.io/v1/namespaces/istio-system/gateways/by-gateway-api");
    await api.close();
  });

  for (const [kind, key, plural] of [
    ["HTTPRoute", "httpRoute", "httproutes"],
    ["GRPCRoute", "grpcRoute", "grpcroutes"],
  ] as const) {
    const namespace = `by-${kind.toLowerCase()}`;
    const host = `${namespace}.example.com`;
    const path = `/apis/gateway.networking.k8s.io/v1/namespaces/${namespace}/${plural}/shop`;
    const rules = async (): Promise<readonly unknown[]> =>
      listAt(await api.expect<object>("GET", path), "spec", "rules");
    const file = join(testFolder(bed, `${namespace}-${process.pid}`), "seen");
    const held = { run: { name: "seen", command: ["sh", "-c", 'until [ -e "$0" ]; do sleep 0.1; done', file] } };

    test(`${kind}: a bad version goes back, a good one gets everything, and nobody's request fails but by the bad one`, async () => {
      const remove = await newNamespace(api, namespace);
      await apply(api, objectsFor(kind, host), namespace);
      await rolledOut(api, namespace, "shop-v1", "shop-v2");
      await served({ url, host });
      const traffic = startTraffic({ url, host, perSecond: 80 });
      try {
        await answers(traffic, 40);
        const was = await rules();
        const bad = await release(namespace, key, {}, "shop:v3-err50");
        assert.equal(bad.code, 1, bad.said);
        assert.deepEqual(await rules(), was);
        const { bad: failed } = traffic.counts();
        assert.ok(failed > 0);
        const stages = [{ weight: 10, gates: [{ errors: { atMost: "0%", minRequests: 10 } }, held] }, "50:3s", 100];
        const going = release(namespace, key, { stages });
        const early = going.then(({ said }) => Promise.reject(new Error(said)));
        const reached = waitFor(
          async () => (await sendRequests(40, { url, host })).byVersion.v2,
          "the first weight",
          60_000,
        );
        await Promise.race([reached, early]);
        assertShares(await sendRequests(300, { url, host }), { v1: 0.9, v2: 0.1 });
        assertShares(await sendRequests(50, { url, host, headers: tester }), { v2: 1 });
        writeFileSync(file, "");
        const good = await going;
        assert.equal(good.code, 0, good.said);
        const became = JSON.parse(JSON.stringify(was).replaceAll('"shop-v1"', '"shop-v2"')) as unknown;
        assert.deepEqual(await rules(), became);
        await answers(traffic, 80);
        assert.equal(traffic.counts().bad, failed, traffic.counts().badSamples.join("\n"));
        assertShares(await sendRequests(50, { url, host }), { v2: 1 });
      } finally {
        await traffic.stop();
        await remove();
      }
    });
  }
});
