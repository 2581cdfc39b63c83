import assert from "node:assert/strict";
import test, { describe } from "node:test";
import { kindNamed } from "../../sandbox/api-server/kind.ts";
import type { Sandbox } from "../../sandbox/sandbox.ts";
import { type CaseOptions, runCase } from "./support.ts";

/** Releases whose weights divide connections: the world of the Gateway API, with another route in it. */
const world = "gateway-api";

const httpRoute = /apiVersion: gateway.networking.k8s.io\/v1\nkind: HTTPRoute\n[\s\S]*/;

const parents = `
  parentRefs:
    - {group: "", kind: Service, name: reviews, port: 9080}`;
const rules = `
  rules: [{name: primary, backendRefs: [{name: reviews-v1, port: 9080}]}]`;

const ofGatewayApi = (kind: string, more = ""): string =>
  `apiVersion: gateway.networking.k8s.io/v1\nkind: ${kind}\nmetadata: {name: reviews, namespace: shop}\nspec:${more}${parents}${rules}\n`;

const virtualService = (section: string): string =>
  `apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: reviews, namespace: shop}\nspec: {hosts: [reviews], ${section}}\n`;

const to = "route: [{destination: {host: reviews-v1, port: {number: 9080}}}]";

type Kind = { readonly key: string; readonly plural: string; readonly route: string; readonly sni?: string };

const kinds: Readonly<Record<string, Kind>> = {
  "tcp routes of a VirtualService": {
    key: "{ virtualService: reviews, routes: ['tcp:9080'] }",
    plural: "virtualservices",
    route: virtualService(`tcp: [{match: [{port: 9080}], ${to}}]`),
  },
  "tls routes of a VirtualService": {
    key: "{ virtualService: reviews, routes: ['tls:reviews.shop.svc.cluster.local'] }",
    plural: "virtualservices",
    route: virtualService(`tls: [{match: [{sniHosts: [reviews.shop.svc.cluster.local]}], ${to}}]`),
    sni: "reviews.shop.svc.cluster.local",
  },
  "a TCPRoute": { key: "{ tcpRoute: reviews }", plural: "tcproutes", route: ofGatewayApi("TCPRoute") },
  "a TLSRoute": {
    key: "{ tlsRoute: reviews }",
    plural: "tlsroutes",
    route: ofGatewayApi("TLSRoute", "\n  hostnames: [reviews.example.com]"),
    sni: "reviews.example.com",
  },
};

/** How many of 200 connections went to the new version, each time the mesh had looked at the routes. */
function watch(
  { gateway }: Sandbox,
  sni: string | undefined,
): { readonly seen: number[]; readonly lost: () => number } {
  const seen: number[] = [];
  let lost = 0;
  const opening = { host: "reviews.shop.svc.cluster.local", port: 9080, ...(sni === undefined ? {} : { sni }) };
  gateway.events.on("followed", () => {
    const pods = Array.from({ length: 200 }, () => gateway.connect(opening)?.pod);
    lost += pods.filter((pod) => pod === undefined).length;
    seen.push(pods.filter((pod) => pod?.startsWith("reviews-v2")).length);
  });
  return { seen, lost: () => lost };
}

const inWorld = ({ key, route }: Kind, gates = "gates: [restarts: {}]"): CaseOptions => ({
  change: {
    "world.yaml": (text) => text.replace(httpRoute, route),
    "canary.yaml": (text) => text.replace("{ httpRoute: reviews }", key).replace(/gates: .*/, gates),
  },
});

describe("connections", { concurrency: 4 }, () => {
  for (const [what, kind] of Object.entries(kinds)) {
    test(`${what} divide connections in steps until the new version has all, and none is lost`, async (t) => {
      let watched: ReturnType<typeof watch> | undefined;
      const run = await runCase(t, world, {
        ...inWorld(kind),
        before(sandbox) {
          watched = watch(sandbox, kind.sni);
        },
      });
      assert.equal(run.exit, 0, run.said);
      const { seen = [], lost = () => 0 } = watched ?? {};
      assert.equal(lost(), 0);
      assert.equal(seen[0], 0);
      assert.equal(seen.at(-1), 200);
      assert.ok(
        seen.some((canary) => canary > 15 && canary < 75),
        `never about 20%: ${seen.join(" ")}`,
      );
      assert.match(run.said, /connections, of which proxies see no answer: nothing but restarts and pods that are not/);
      const route = run.sandbox.api.store.get(kindNamed(kind.plural), "shop", "reviews") ?? assert.fail();
      assert.match(JSON.stringify(route.spec), /"reviews-v2"/);
      assert.doesNotMatch(JSON.stringify(route.spec), /"reviews-v1"/);
    });

    test(`${what}, judged by evidence, are refused, and nothing is changed`, async (t) => {
      const run = await runCase(t, world, inWorld(kind, "gates: auto"));
      assert.equal(run.exit, 2, run.said);
      assert.match(run.said, /the gate evidence would never have data, and no stage would pass/);
    });
  }
});
