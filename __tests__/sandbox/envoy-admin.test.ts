import assert from "node:assert/strict";
import { createServer } from "node:http";
import { test } from "node:test";
import { serveAdmin } from "../../sandbox/mesh/envoy-admin.ts";
import { parseMesh } from "../../sandbox/mesh/objects.ts";
import { shopOfTwo } from "../../sandbox/shop.ts";
import { addressesIn, clusterPattern, splitsIn } from "../../src/istio/envoy-config.ts";
import { readHost } from "../../src/istio/host.ts";
import { listening } from "../support/listening.ts";

const shop = shopOfTwo() as readonly { readonly kind: string }[];
const ofKind = (kind: string): readonly unknown[] => shop.filter((object) => object.kind === kind);
const httpRoute = {
  kind: "HTTPRoute",
  metadata: { name: "cart", namespace: "shop" },
  spec: { parentRefs: [{ kind: "Service", name: "cart" }], rules: [{ backendRefs: [{ name: "cart-v1" }] }] },
};
const pod = {
  metadata: { name: "reviews-v2-0", namespace: "shop", labels: { app: "reviews", version: "v2" } },
  spec: { containers: [{ name: "web", ports: [{ name: "http", containerPort: 9_080 }] }] },
  status: { podIP: "10.244.0.7", conditions: [{ type: "Ready", status: "True" }] },
};

test("the embedded world's Envoys show routes and addresses as real ones do", async (t) => {
  const mesh = parseMesh({
    virtualServices: ofKind("VirtualService"),
    gatewayRoutes: [httpRoute],
    destinationRules: ofKind("DestinationRule"),
    services: ofKind("Service"),
    pods: [pod],
  });
  const url = await listening(t, createServer(serveAdmin(() => mesh, "mesh")));
  const read = async (query: string): Promise<unknown> => (await fetch(`${url}/config_dump?${query}`)).json();

  const splits = splitsIn(await read("resource=dynamic_route_configs"));
  assert.deepEqual(splits.map(({ origin, parts }) => [origin?.split("/").at(-1), [...parts]]).toSorted(), [
    ["reviews", [["v1|reviews.shop", 1]]],
    ["shop~cart~cart", [["|cart-v1.shop", 1]]],
  ]);
  const canary = { host: readHost("reviews", "shop"), subset: "v2", port: undefined };
  const query = `resource=dynamic_endpoint_configs&include_eds&name_regex=${encodeURIComponent(clusterPattern(canary))}`;
  assert.deepEqual([...addressesIn(await read(query), canary)], ["10.244.0.7"]);
  assert.equal((await fetch(`${url}/config_dump?resource=nothing`)).status, 404);
});
