import assert from "node:assert/strict";
import test from "node:test";
import { followedBy } from "../../../src/adapters/gateway-route/followed.ts";
import { gatewayShape } from "../../../src/adapters/gateway-route/gateway-shape.ts";
import { gatewayGroup } from "../../../src/istio/gateway-route.ts";
import type { KubernetesObject } from "../../../src/kubernetes/object.ts";
import { resourceOf } from "../../../src/kubernetes/resource-of.ts";
import { jumpingClock } from "../../support/clock.ts";
import { stubClient } from "../../support/kubernetes-stub.ts";

type Said = { readonly accepted?: string; readonly resolved?: string; readonly of?: number; readonly parent?: string };

const condition = (type: string, status: string, observedGeneration: number): object => ({
  type,
  status,
  observedGeneration,
  reason: `${type}Reason`,
  message: "as it is",
});

/** A route at generation 3 with two parents, and what is said of some. */
const route = (...said: readonly Said[]): KubernetesObject => ({
  apiVersion: `${gatewayGroup}/v1`,
  kind: "HTTPRoute",
  metadata: { namespace: "shop", name: "reviews", generation: 3 },
  spec: { parentRefs: [{ name: "public" }, { kind: "Service", group: "", name: "reviews" }] },
  status: {
    parents: said.map(({ accepted = "True", resolved = "True", of = 3, parent = "public" }) => ({
      parentRef: parent === "public" ? { name: parent } : { kind: "Service", group: "", name: parent },
      conditions: [condition("Accepted", accepted, of), condition("ResolvedRefs", resolved, of)],
    })),
  },
});

async function wait(...looks: readonly KubernetesObject[]): Promise<number> {
  let asked = 0;
  const client = { ...stubClient([]), get: async () => looks[Math.min(++asked, looks.length - 1)] };
  const store = { client, shape: gatewayShape("HTTPRoute"), resource: resourceOf(`${gatewayGroup}/v1`, "HTTPRoute") };
  await followedBy(store, jumpingClock())(looks[0] ?? assert.fail(), new AbortController().signal);
  return asked;
}

test("a route is followed when each of its parents has accepted this version of it", async () => {
  assert.equal(await wait(route({}, { parent: "reviews" })), 0);
  assert.equal(
    await wait(route({ of: 2 }, { parent: "reviews" }), route({ of: 2 }), route({}, { parent: "reviews" })),
    2,
  );
});

test("one that nobody has ever taken up is waited for by nobody, and neither is a parent that it names no more", async () => {
  assert.equal(await wait(route()), 0);
  assert.equal(await wait(route({}, { parent: "another", of: 1, accepted: "False" })), 0);
});

for (const [what, said, told] of [
  ["does not accept it", { accepted: "False" }, /Gateway shop\/public: Accepted is False: AcceptedReason, as it is/],
  ["cannot resolve it", { resolved: "False" }, /Gateway shop\/public: ResolvedRefs is False: ResolvedRefsReason/],
] as const)
  test(`a parent that ${what} is trouble that lasts; said of an older version it says nothing`, async () => {
    await assert.rejects(wait(route({ of: 2, ...said }), route(said)), { name: "DeniedError", message: told });
    assert.equal(await wait(route({ of: 2, ...said }), route({})), 1);
  });

test("a controller that does not look is waited for within bounds", async () => {
  await assert.rejects(wait(route({ of: 2 })), {
    name: "UnreachableError",
    message: "HTTPRoute shop/reviews was written, and after 10s its weights were not accepted for Gateway shop/public.",
  });
});

test("another aim ends the wait", async () => {
  const superseded = new AbortController();
  const client = {
    ...stubClient([]),
    get: async () => {
      superseded.abort();
      return route({ of: 2 });
    },
  };
  const store = { client, shape: gatewayShape("HTTPRoute"), resource: resourceOf(`${gatewayGroup}/v1`, "HTTPRoute") };
  await followedBy(store, jumpingClock())(route({ of: 2 }), superseded.signal);
});
