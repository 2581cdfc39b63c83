import assert from "node:assert/strict";
import test from "node:test";
import { gatewayShape } from "../../../src/adapters/gateway-route/gateway-shape.ts";
import { grantsAreThere } from "../../../src/adapters/gateway-route/reference-grants.ts";
import { KubernetesError } from "../../../src/adapters/kubernetes/kubernetes-client.ts";
import { gatewayGroup } from "../../../src/istio/gateway-route.ts";
import type { KubernetesObject } from "../../../src/kubernetes/object.ts";
import type { Target } from "../../../src/release/target.ts";
import { stubClient } from "../../support/kubernetes-stub.ts";
import { targetOf } from "../../support/workload-objects.ts";

const shape = gatewayShape("HTTPRoute");
const choice = { kind: "HTTPRoute", namespace: "ingress", name: "shop", routes: [] } as const;
const base = targetOf("shop", {});
const target: Target = {
  ...base,
  stable: { ...base.stable, host: "reviews-v1", subset: undefined },
  canary: { ...base.canary, host: "reviews-v2", subset: undefined },
  routes: [choice],
};

const grant = (from: object, to: object): KubernetesObject => ({
  apiVersion: `${gatewayGroup}/v1beta1`,
  kind: "ReferenceGrant",
  metadata: { namespace: "shop", name: "reviews" },
  spec: { from: [from], to: [to] },
});
const httpRoutes = { group: gatewayGroup, kind: "HTTPRoute", namespace: "ingress" };
const services = { group: "", kind: "Service" };

const look = (objects: readonly KubernetesObject[], namespace = "ingress"): ReturnType<typeof grantsAreThere> =>
  grantsAreThere(
    { ...stubClient(objects), versions: async () => ["v1", "v1beta1"] },
    shape,
    { choice: { ...choice, namespace }, rules: [], problems: [], object: grant({}, {}) },
    target,
  );

for (const [what, objects, level] of [
  ["no grant", [], "refuse"],
  ["a grant for all Services", [grant(httpRoutes, services)], undefined],
  ["a grant for the canary's Service", [grant(httpRoutes, { ...services, name: "reviews-v2" })], undefined],
  ["a grant for stable's Service alone", [grant(httpRoutes, { ...services, name: "reviews-v1" })], "refuse"],
  ["a grant for another kind", [grant({ ...httpRoutes, kind: "TCPRoute" }, services)], "refuse"],
  ["a grant for another namespace", [grant({ ...httpRoutes, namespace: "other" }, services)], "refuse"],
] as const)
  test(`a canary in another namespace than its route, with ${what}`, async () => {
    const [finding] = await look(objects);
    assert.equal(finding?.level, level);
    if (finding)
      assert.match(finding.what, /^HTTPRoute ingress\/shop would send to Service shop\/reviews-v2, which no/);
  });

test("beside its Services a route needs no grant, and what may not be listed is told", async () => {
  assert.deepEqual(await look([], "shop"), []);
  const denied = async (): Promise<never> => {
    throw new KubernetesError("no", 403, "Forbidden");
  };
  const client = { ...stubClient([]), versions: async () => ["v1beta1"], list: denied };
  const [finding] = await grantsAreThere(
    client,
    shape,
    { choice, rules: [], problems: [], object: grant({}, {}) },
    target,
  );
  assert.equal(finding?.level, "note");
});
