import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { listAt, numberAt, textAt } from "../../src/kubernetes/field.ts";
import { openApiServer } from "./support/api-server.ts";
import { apply } from "./support/apply.ts";
import { bedFromEnvironment } from "./support/bed.ts";
import { newNamespace, rolledOut } from "./support/namespace.ts";
import { type Finished, runProgram } from "./support/program.ts";
import { served } from "./support/served.ts";
import { service, shop } from "./support/shop.ts";
import { sendRequests, startTraffic } from "./support/traffic.ts";
import { answers } from "./support/under-traffic.ts";

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

const release = (namespace: string, key: string, settings: object = {}, image = "shop:v2"): Promise<Finished> =>
  runProgram(bed, {
    command: "release",
    config: {
      namespace,
      service: "shop",
      stable: { deployment: "shop-v1", host: "shop-v1" },
      canary: { deployment: "shop-v2", host: "shop-v2" },
      routes: { [key]: "shop" },
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
    const backends = async (): Promise<string> =>
      listAt(await api.expect<object>("GET", path), "spec", "rules", 0, "backendRefs")
        .map((one) => `${textAt(one, "name")} ${numberAt(one, "weight")}`)
        .join(", ");

    test(`${kind}: a bad version goes back, a good one gets everything, and nobody's request fails but by the bad one`, async () => {
      const remove = await newNamespace(api, namespace);
      await apply(api, objectsFor(kind, host), namespace);
      await rolledOut(api, namespace, "shop-v1", "shop-v2");
      await served({ url, host });
      const traffic = startTraffic({ url, host, perSecond: 80 });
      try {
        await answers(traffic, 40);
        const bad = await release(namespace, key, {}, "shop:v3-err50");
        assert.equal(bad.code, 1, bad.said);
        assert.equal(await backends(), "shop-v1 1");
        const { bad: failed } = traffic.counts();
        assert.ok(failed > 0);
        const good = await release(namespace, key);
        assert.equal(good.code, 0, good.said);
        assert.equal(await backends(), "shop-v2 1");
        await answers(traffic, 80);
        assert.equal(traffic.counts().bad, failed, traffic.counts().badSamples.join("\n"));
        const { byVersion } = await sendRequests(50, { url, host });
        assert.deepEqual(Object.keys(byVersion), ["v2"]);
      } finally {
        await traffic.stop();
        await remove();
      }
    });
  }
});
