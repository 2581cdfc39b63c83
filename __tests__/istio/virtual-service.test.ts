import assert from "node:assert/strict";
import test from "node:test";
import type { RouteRule } from "../../src/istio/route-rule.ts";
import { gatewaysOf, hostsOf, isForMesh, rulesOf } from "../../src/istio/virtual-service.ts";
import type { KubernetesObject } from "../../src/kubernetes/object.ts";

const virtualService = (spec: unknown): KubernetesObject => ({
  apiVersion: "networking.istio.io/v1",
  kind: "VirtualService",
  metadata: { name: "reviews", namespace: "shop" },
  spec,
});
const to = (host: string) => ({ route: [{ destination: { host } }] });
const only = (spec: unknown): RouteRule => rulesOf(virtualService(spec))[0] ?? assert.fail("there is no rule");

test("rules of every section are read, each with its place, and only those of http have names", () => {
  const rules = rulesOf(
    virtualService({
      tcp: [to("redis")],
      tls: [{ name: "ignored", match: [{ sniHosts: ["a.example.com"] }], ...to("reviews") }],
      http: [{ name: "api", ...to("reviews") }, to("ratings")],
    }),
  );
  assert.deepEqual(
    rules.map(({ section, index, place, name }) => ({ section, index, place, name })),
    [
      { section: "http", index: 0, place: "#0", name: "api" },
      { section: "http", index: 1, place: "#1", name: undefined },
      { section: "tls", index: 0, place: "tls#0", name: undefined },
      { section: "tcp", index: 0, place: "tcp#0", name: undefined },
    ],
  );
});

test("a destination is read with its host's namespace, an empty subset is none, and every field is kept", () => {
  const raw = { destination: { host: "reviews", subset: "", port: { number: 80 } }, weight: "9", somethingNew: true };
  const [destination = assert.fail()] = only({ http: [{ route: [raw] }] }).destinations;
  assert.deepEqual(destination.host.service, { namespace: "shop", name: "reviews" });
  assert.deepEqual([destination.subset, destination.port, destination.weight], [undefined, 80, "9"]);
  assert.deepEqual(destination.raw, raw);
});

test("what is no rule and no destination is borne", () => {
  assert.deepEqual(rulesOf(virtualService(undefined)), []);
  assert.deepEqual(rulesOf(virtualService({ http: "x" })), []);
  const [first = assert.fail(), second] = rulesOf(virtualService({ http: [null, { route: [null] }] }));
  assert.deepEqual(first.destinations, []);
  assert.equal(second?.index, 1, "the place in the list is the place in a patch");
  assert.equal(second.destinations[0]?.host.text, "");
});

for (const [what, rule, instead] of [
  ["a route", to("reviews"), undefined],
  ["a redirect", { redirect: { uri: "/x" } }, "redirect"],
  ["an answer", { directResponse: { status: 404 } }, "directResponse"],
  ["a delegate", { delegate: { name: "child" } }, "delegate"],
] as const) {
  test(`${what} ${instead === undefined ? "divides requests" : `does ${instead} instead of dividing requests`}`, () =>
    assert.equal(only({ http: [rule] }).instead, instead));
}

test("a delegate is in the root's namespace unless it says otherwise", () => {
  const delegates = rulesOf(
    virtualService({ http: [{ delegate: { name: "child" } }, { delegate: { name: "child", namespace: "other" } }] }),
  ).map(({ delegate }) => delegate);
  assert.deepEqual(delegates, [
    { namespace: "shop", name: "child" },
    { namespace: "other", name: "child" },
  ]);
});

for (const [what, spec, everything] of [
  ["http without match", { http: [to("a")] }, true],
  ["http with an empty match", { http: [{ match: [], ...to("a") }] }, true],
  ["http for every path", { http: [{ match: [{ name: "all", uri: { prefix: "/" } }], ...to("a") }] }, true],
  ["http for one path", { http: [{ match: [{ uri: { prefix: "/a" } }], ...to("a") }] }, false],
  ["http for one path exactly", { http: [{ match: [{ uri: { exact: "/" } }], ...to("a") }] }, false],
  ["http for every path with a header", { http: [{ match: [{ uri: { prefix: "/" }, headers: {} }] }] }, false],
  ["http for one path or everything", { http: [{ match: [{ uri: { exact: "/x" } }, {}], ...to("a") }] }, true],
  ["tls for one name", { tls: [{ match: [{ sniHosts: ["a.example.com"] }], ...to("a") }] }, false],
  ["tls for every name", { tls: [{ match: [{ sniHosts: ["*"] }], ...to("a") }] }, true],
  ["tls for every name at one port", { tls: [{ match: [{ sniHosts: ["*"], port: 443 }], ...to("a") }] }, false],
  ["tcp without match", { tcp: [to("a")] }, true],
  ["tcp at one port", { tcp: [{ match: [{ port: 6379 }], ...to("a") }] }, false],
] as const) {
  test(`a rule of ${what} ${everything ? "takes everything" : "leaves something to the next"}`, () =>
    assert.equal(only(spec).takesEverything, everything));
}

test("hosts and gateways are texts, and without gateways a VirtualService is for the mesh", () => {
  const both = virtualService({ hosts: ["reviews", 7], gateways: ["public", "mesh"] });
  assert.deepEqual(
    hostsOf(both).map(({ text }) => text),
    ["reviews"],
  );
  assert.deepEqual(gatewaysOf(both), ["public", "mesh"]);
  assert.deepEqual([both, virtualService({ gateways: ["public"] }), virtualService({})].map(isForMesh), [
    true,
    false,
    true,
  ]);
});
