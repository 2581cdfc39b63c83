import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { field } from "../../src/kubernetes/field.ts";
import { openApiServer } from "./support/api-server.ts";
import { apply } from "./support/apply.ts";
import { bedFromEnvironment } from "./support/bed.ts";
import { envoyWeights } from "./support/envoy.ts";
import { assertRefused, assertRolledBack, figures, image, type Scene, saying, withScene } from "./support/scene.ts";
import { service } from "./support/shop.ts";
import { sendRequests } from "./support/traffic.ts";
import { waitFor } from "./support/wait-for.ts";

// Whom a swap would leave without pods: it is refused by name, and goes on by the ways out that the refusal offers.

const bed = bedFromEnvironment();
const api = openApiServer(bed.kubeconfig);

const to = (subset: string, weight?: number): object => ({
  destination: { host: "shop", subset, port: { number: 80 } },
  ...(weight === undefined ? {} : { weight }),
});
const both = { name: "primary", retries: { attempts: 0 }, route: [to("v1", 100), to("v2", 0)] };
const rules = (host: string, spec: object, name = "shop"): string => `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: ${name}}
spec: ${JSON.stringify({ hosts: [host], gateways: ["istio-system/public"], ...spec })}
`;

const onlyV1 = { name: "front", route: [to("v1")] };
const keepOld = { promotion: { model: "swap", drain: "1s", keepOld: true } };

/** Whoever calls this host now is answered by this version alone. */
async function assertServed(host: string, version: string): Promise<void> {
  const { byStatus, byVersion, badSamples } = await sendRequests(20, { url: bed.gateway, host });
  assert.deepEqual(
    { byStatus, byVersion },
    { byStatus: { "200": 20 }, byVersion: { [version]: 20 } },
    badSamples.join("\n"),
  );
}

const routed = (host: string, version: string): Promise<unknown> =>
  waitFor(async () => (await envoyWeights(bed, host))[version] === 100, `${host} in Envoy`, 30_000);

/** It succeeds, and no request of the customers fails. */
async function assertReleased(scene: Scene, settings: object): Promise<void> {
  const { code, said } = await scene.start(settings, { flags: image("v2") }).ended;
  assert.equal(code, 0, said);
  const { counts } = await scene.end();
  assert.equal(counts.bad, 0, `${figures(counts)}\n${counts.badSamples.join("\n")}`);
}

describe("a swap strands nobody", { concurrency: 2 }, () => {
  after(() => api.close());

  test("a rule for stable alone beside one that moves is refused, and moves when it is named", () => {
    const name = "stranded-rules";
    const static_ = { name: "static", match: [{ uri: { prefix: "/static" } }], route: [to("v1")] };
    const objects = rules(`${name}.example.com`, { http: [static_, both] });
    return withScene(bed, api, { name, objects }, async (scene) => {
      const refused = await scene.start({}, { flags: image("v2") }).ended;
      await assertRefused(scene, refused, /route "static" sends 100% of its requests to shop subset v1/);
      for (const way of ["routes: [{ virtualService:", "[static, primary]", "keepOld: true", "promotion: update"])
        assert.ok(refused.said.includes(way), refused.said);
      await assertReleased(scene, { routes: [{ virtualService: "shop", routes: ["static", "primary"] }] });
      await assertServed(scene.host, "v2");
    });
  });

  test("a VirtualService of another host is refused, and moves when it is named", () => {
    const name = "stranded-host";
    const host = `other.${name}.example.com`;
    return withScene(bed, api, { name, objects: rules(host, { http: [onlyV1] }, "public") }, async (scene) => {
      await routed(host, "v1");
      const refused = await scene.start({}, { flags: image("v2") }).ended;
      await assertRefused(scene, refused, new RegExp(`VirtualService ${name}/public: route "front"`));
      await assertReleased(scene, { routes: ["shop", "public"] });
      await assertServed(host, "v2");
    });
  });

  test("a tls rule is refused, and the old pods can be kept for it", () => {
    const name = "stranded-tls";
    const tls = [{ match: [{ port: 443, sniHosts: [`${name}.example.com`] }], route: [to("v1", 100), to("v2", 0)] }];
    const objects = rules(`${name}.example.com`, { http: [both], tls });
    return withScene(bed, api, { name, objects }, async (scene) => {
      const refused = await scene.start({}, { flags: image("v2") }).ended;
      await assertRefused(scene, refused, /tls route #0 sends 100% of its requests to shop subset v1/);
      await assertReleased(scene, keepOld);
      assert.equal(field((await scene.now())["Deployment/shop-v1"], "spec", "replicas"), 2);
    });
  });

  test("a Service for stable alone and a route of the Gateway API to it are refused", () => {
    const name = "stranded-service";
    const httpRoute = `
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: front}
spec: {rules: [{backendRefs: [{name: shop-v1, port: 80}]}]}
`;
    const objects = [service("shop-v1", { app: "shop", version: "v1" }), httpRoute].join("---\n");
    return withScene(bed, api, { name, objects }, async (scene) => {
      const refused = await scene.start({}, { flags: image("v2") }).ended;
      await assertRefused(scene, refused, /Service \S+\/shop-v1 selects the pods of shop-v1 alone/);
      assert.match(refused.said, /HTTPRoute \S+\/front: rule #0 sends 100% of its requests to shop-v1/);
    });
  });

  test("a rule that somebody makes while the release runs keeps the pods that it needs", () => {
    const name = "stranded-late";
    const host = `other.${name}.example.com`;
    return withScene(bed, api, { name }, async (scene) => {
      const program = scene.start({}, { flags: image("v2") });
      await saying(program, /giving the canary 50%/);
      await apply(api, rules(host, { http: [onlyV1] }, "late"), name);
      const { code, said, outputs } = await program.ended;
      assert.equal(code, 3, said);
      assert.equal(outputs.settled, "false");
      assert.match(
        outputs.because ?? "",
        /stable keeps its pods, .* VirtualService stranded-late\/late: route "front"/,
      );
      await routed(host, "v1");
      await assertServed(host, "v1");
      await assertServed(scene.host, "v2");
    });
  });

  const mirror = { host: "shop", subset: "v2", port: { number: 80 } };
  const mirrored = { ...both, mirror, mirrorPercentage: { value: 100 } };

  test("a mirror to the canary is gone after a swap", () => {
    const name = "stranded-mirror";
    const objects = rules(`${name}.example.com`, { http: [mirrored] });
    return withScene(bed, api, { name, objects }, async (scene) => {
      await assertReleased(scene, {});
      const rule = field((await scene.now())["VirtualService/shop"], "spec", "http", 0);
      assert.deepEqual([field(rule, "mirror"), field(rule, "mirrorPercentage")], [undefined, undefined]);
    });
  });

  test("and comes back with a rollback", () => {
    const name = "stranded-mirror-back";
    const objects = rules(`${name}.example.com`, { http: [mirrored] });
    return withScene(bed, api, { name, objects }, async (scene) => {
      const finished = await scene.start({}, { flags: image("v2-err50") }).ended;
      await assertRolledBack(scene, finished, /errors: \d+ of \d+ canary requests failed/);
    });
  });
});
