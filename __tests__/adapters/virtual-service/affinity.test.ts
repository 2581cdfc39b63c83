import assert from "node:assert/strict";
import test from "node:test";
import { parseMesh } from "../../../sandbox/mesh/objects.ts";
import { seeded } from "../../../sandbox/mesh/random.ts";
import { route } from "../../../sandbox/mesh/route.ts";
import { gatewayShape } from "../../../src/adapters/gateway-route/gateway-shape.ts";
import { responseCookie as ofBackend } from "../../../src/adapters/gateway-route/response-cookie.ts";
import { responseCookie } from "../../../src/adapters/virtual-service/response-cookie.ts";
import { virtualServiceShape as shape } from "../../../src/adapters/virtual-service/virtual-service-shape.ts";
import { withCookie } from "../../../src/adapters/weighted-rules/affinity.ts";
import { affinityNotices } from "../../../src/adapters/weighted-rules/affinity-notices.ts";
import { destinationRoles } from "../../../src/adapters/weighted-rules/destination-roles.ts";
import type { RouteShape } from "../../../src/adapters/weighted-rules/route-shape.ts";
import { selectRules } from "../../../src/adapters/weighted-rules/select-rules.ts";
import type { Raw } from "../../../src/istio/destination.ts";
import { listAt, objectAt } from "../../../src/kubernetes/field.ts";
import { type Aim, aimOf } from "../../../src/release/aim.ts";
import { splitAt } from "../../../src/release/split.ts";
import { destinationRule, virtualService as inMesh, pod, service, to } from "../../support/mesh-objects.ts";
import { planOf } from "../../support/world.ts";
import { beforeWith, patched, patchTo, targetOf, virtualService } from "./given.ts";

const affinity = { cookie: "version", release: "r1" };
const pair = { stable: { host: "reviews", subset: "v1" }, canary: { host: "reviews", subset: "v2" } };
const target = { ...targetOf(pair), namespace: "shop" };
const [choice = assert.fail()] = target.routes;

test("whoever was given a version keeps it whatever the weights do, an older release's cookie means nothing, and a rollback frees everybody", () => {
  const random = seeded(7);
  const { spec } = inMesh([{ route: [to("v1", 100), to("v2", 0)] }]);
  const written = virtualService({ ...spec }, { namespace: "shop" });
  const { rules } = selectRules(shape, written, choice, target);
  const before = beforeWith(written, rules, { affinity });
  let object = written;
  const write = (aim: Aim): void => {
    object = patched(object, patchTo(object, before, target, aim));
  };
  /** Which version answers, and the cookie that comes with it. */
  const ask = (cookie?: string): readonly [version: string, cookie: string | undefined] => {
    const mesh = parseMesh({
      virtualServices: [object],
      destinationRules: [destinationRule()],
      services: [service("reviews")],
      pods: ["v1", "v2"].map((version) => pod(`reviews-${version}`, version, { ip: `10.0.0.${version.slice(1)}` })),
    });
    const headers = cookie === undefined ? {} : { cookie: `a=b; ${cookie}; c=d` };
    const answer = route(mesh, { method: "GET", url: "/", authority: "reviews", headers }, random);
    assert.ok("pod" in answer, JSON.stringify(answer));
    return [answer.pod.metadata.labels.version ?? "", answer.adds?.["Set-Cookie"]?.split(";")[0]];
  };
  const many = (cookie?: string): ReadonlySet<string> => new Set(Array.from({ length: 60 }, () => ask(cookie)[0]));

  write(aimOf({ ...splitAt(30), affinity }));
  const given = new Map(Array.from({ length: 60 }, () => ask()));
  assert.deepEqual(
    given,
    new Map([
      ["v1", "version=r1-stable"],
      ["v2", "version=r1-canary"],
    ]),
  );
  for (const weight of [30, 90, 5]) {
    write(aimOf({ ...splitAt(weight), affinity }));
    assert.deepEqual([[...many("version=r1-stable")], [...many("version=r1-canary")]], [["v1"], ["v2"]]);
    assert.deepEqual(many("version=r0-canary").size, 2, "a cookie of an earlier release is nobody's");
  }
  write({ to: "before" });
  for (const cookie of [undefined, "version=r1-canary", "version=r1-stable"])
    assert.deepEqual([...many(cookie)], ["v1"]);
  assert.deepEqual(object, written);
});

const cookie = "version=r1-stable; Path=/; HttpOnly; SameSite=Lax";
const freed = (own: RouteShape, destination: Raw, before: Raw): Raw =>
  withCookie(own, destination, "stable", { was: affinity, before });

test("a cookie stands beside the headers that a destination has (c113), and leaves them as they were", () => {
  for (const headers of [
    undefined,
    {},
    { response: {} },
    { response: { add: {} } },
    { request: { set: { a: "b" } }, response: { set: { "x-version": "v1" }, add: { "x-a": "1" }, remove: ["server"] } },
  ]) {
    const destination = { destination: { host: "reviews" }, ...(headers && { headers }), weight: 1 };
    const kept = responseCookie.with(destination, cookie);
    assert.equal(JSON.stringify(kept).split("version=r1-stable").length, 2);
    assert.equal(responseCookie.whyNot(destination), undefined);
    assert.match(responseCookie.whyNot(kept) ?? "", /already/);
    assert.deepEqual(freed(shape, kept, destination), destination);
    const changed = { ...kept, headers: { ...objectAt(kept, "headers"), request: { set: { c: "d" } } } };
    const text = JSON.stringify(freed(shape, changed, destination));
    assert.doesNotMatch(text, /r1-/, "also where somebody changed it since");
    assert.match(text, /"c":"d"/);
  }
  const type = "ResponseHeaderModifier";
  for (const filters of [
    undefined,
    [],
    [{ type, responseHeaderModifier: { add: [{ name: "x-a", value: "1" }] } }],
    [{ type, responseHeaderModifier: { remove: ["server"] } }],
  ]) {
    const backend = { name: "v1", port: 80, ...(filters && { filters }) };
    const kept = ofBackend.with(backend, cookie);
    assert.equal(JSON.stringify(kept).split(type).length, 2, "one such filter at most");
    assert.deepEqual(freed(gatewayShape("HTTPRoute"), kept, backend), backend);
    const changed = { ...kept, filters: [...listAt(kept, "filters"), { type: "RequestHeaderModifier" }] };
    assert.doesNotMatch(JSON.stringify(freed(gatewayShape("HTTPRoute"), changed, backend)), /r1-/);
    assert.match(ofBackend.whyNot(kept) ?? "", /already/);
  }
});

for (const [what, spec, told] of [
  ["nothing besides", { http: [{ route: [to("v1")] }] }, /^note .* set the cookie version, and two routes before it/],
  [
    "a cookie of its own",
    { http: [{ route: [{ ...to("v1"), headers: { response: { add: { "set-cookie": "a=b" } } } }] }] },
    /^refuse .* already, and a header is added once/,
  ],
  [
    "a condition on cookies",
    { http: [{ route: [to("v1")], match: [{ headers: { cookie: { regex: "a.*" } } }] }] },
    /^refuse .* no condition asks for both/,
  ],
  ["connections", { tcp: [{ route: [to("v1")], match: [{ port: 9000 }] }] }, /^refuse .* which have no cookies/],
] as const)
  test(`what is said before users are kept by a rule with ${what}`, () => {
    const object = virtualService({ hosts: ["reviews"], ...spec }, { namespace: "shop" });
    const chosen = { choice, object, ...selectRules(shape, object, choice, target) };
    const [finding] = affinityNotices(shape, chosen, destinationRoles(shape, target), { ...planOf(), affinity }, "VS");
    assert.match(`${finding?.level} ${finding?.what}`, told);
  });
