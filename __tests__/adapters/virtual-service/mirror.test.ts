import assert from "node:assert/strict";
import test from "node:test";
import { gatewayShape } from "../../../src/adapters/gateway-route/gateway-shape.ts";
import type { KubernetesClient, PatchOperation } from "../../../src/adapters/kubernetes/kubernetes-client.ts";
import { virtualServiceShape as shape } from "../../../src/adapters/virtual-service/virtual-service-shape.ts";
import { destinationRoles } from "../../../src/adapters/weighted-rules/destination-roles.ts";
import { mirrorNotices } from "../../../src/adapters/weighted-rules/mirror-notices.ts";
import { planMoves } from "../../../src/adapters/weighted-rules/plan-moves.ts";
import { rehearse } from "../../../src/adapters/weighted-rules/rehearse.ts";
import { selectRules } from "../../../src/adapters/weighted-rules/select-rules.ts";
import { gatewayGroup } from "../../../src/istio/gateway-route.ts";
import { resourceOf } from "../../../src/kubernetes/resource-of.ts";
import type { RouteKind } from "../../../src/release/route-kind.ts";
import { stubClient } from "../../support/kubernetes-stub.ts";
import { planOf, stageOf } from "../../support/world.ts";
import { beforeWith, patched, targetOf, virtualService } from "./given.ts";

const target = targetOf({ stable: { host: "app", subset: "v1" }, canary: { host: "app", subset: "v2" } });
const [choice = assert.fail()] = target.routes;
const plan = planOf({ stages: [stageOf(0, { mirror: 50 }), stageOf(10)] });
const route = [{ destination: { host: "app", subset: "v1" } }];

function toldOf(spec: object): readonly string[] {
  const object = virtualService({ hosts: ["app"], ...spec });
  const chosen = { choice, object, ...selectRules(shape, object, choice, target) };
  const found = mirrorNotices(shape, chosen, destinationRoles(shape, target), plan, "VS");
  return found.map(({ level, what, next }) => [level, what, next].join(" "));
}

const methods = (...all: readonly object[]) => ({ match: all.map((method) => ({ method })) });
const third = { host: "other" };
const canary = { host: "app", subset: "v2" };

for (const [what, spec, told] of [
  [
    "no condition",
    { http: [{ route }] },
    /^warn VS: route #0 takes writes .* 50% .* every mirrored POST is done twice/,
  ],
  [
    "reads alone",
    { http: [{ route, ...methods({ exact: "GET" }, { regex: "HEAD|OPTIONS" }) }] },
    /^note .* reads\. *$/,
  ],
  ["reads, and writes", { http: [{ route, ...methods({ exact: "GET" }, { exact: "POST" }) }] }, /^warn /],
  ["a path alone", { http: [{ route, match: [{ uri: { prefix: "/" } }] }] }, /^warn /],
  ["copies to another", { http: [{ route, mirrors: [{ destination: third }] }] }, /^warn /],
  ["one copy, to the canary", { http: [{ route, mirror: canary }] }, /^warn /],
  [
    "one copy, to another",
    { http: [{ route, mirror: third }] },
    /^refuse .* spec\.http\[0\]\.mirror already.*spec\.http\[0\]\.mirrors: the release/,
  ],
  ["connections", { tcp: [{ route, match: [{ port: 9000 }] }] }, /^refuse .* divides connections/],
] as const)
  test(`what is said before copies are sent of a rule with ${what}`, () => {
    assert.match(toldOf(spec).join(), told);
  });

const pair = {
  namespace: "shop",
  stable: { deployment: "v1", host: "v1" },
  canary: { deployment: "v2", host: "v2" },
};

function chosenOf(kind: RouteKind) {
  const spec = { rules: [{ backendRefs: [{ name: "v1", port: 80 }] }] };
  const object = { apiVersion: `${gatewayGroup}/v1`, kind, metadata: { namespace: "shop", name: "app" }, spec };
  const choice = { kind, namespace: "shop", name: "app", routes: [] };
  return { choice, object, ...selectRules(gatewayShape(kind), object, choice, pair) };
}

test("an API server that drops the part that is copied would copy everything, and is found before anything is written", async () => {
  const given = chosenOf("HTTPRoute");
  const resource = resourceOf(`${gatewayGroup}/v1`, "HTTPRoute");
  const found = (keeps: (text: string) => string) => {
    const patch: KubernetesClient["patch"] = async (_resource, _namespace, _name, { body }) =>
      JSON.parse(keeps(JSON.stringify(patched(given.object, body as readonly PatchOperation[]))));
    return rehearse(
      { client: { ...stubClient([]), patch }, resource, shape: gatewayShape("HTTPRoute") },
      given,
      { ...targetOf(pair), ...pair },
      plan,
    );
  };
  assert.deepEqual(await found((text) => text), []);
  const [refusal, ...more] = await found((text) => text.replace(',"percent":50', ""));
  assert.match(refusal?.what ?? "", /does not keep what says how many requests are copied/);
  assert.deepEqual(more, []);
});

test("what people call a call of gRPC is no POST, and a TCPRoute sends no copies", () => {
  const told = (kind: RouteKind): string => {
    const own = gatewayShape(kind);
    return mirrorNotices(own, chosenOf(kind), destinationRoles(own, pair), plan, "it")[0]?.what ?? "";
  };
  assert.match(told("GRPCRoute"), /every mirrored call is done twice/);
  assert.match(told("HTTPRoute"), /every mirrored POST is done twice/);
  assert.match(told("TCPRoute"), /of those nobody sends copies/);
});

test("a rule that somebody gives a single mirror meanwhile is written no more, as Istio would refuse it", () => {
  const object = virtualService({ hosts: ["app"], http: [{ route }] });
  const { rules } = selectRules(shape, object, choice, target);
  const changed = virtualService({ hosts: ["app"], http: [{ route, mirror: third }] });
  const aim = { to: "split", canary: 0, mirror: 50 } as const;
  const { troubles } = planMoves(shape, changed, beforeWith(object, rules, plan), target, aim);
  assert.match(troubles.join(), /route #0: it copies its requests by spec\.http\[0\]\.mirror already/);
});
