import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import type { WeightedDestination } from "../../src/istio/destination.ts";
import {
  addressesIn,
  type Carried,
  carried,
  clusterPattern,
  originOf,
  splitsIn,
  type WrittenRule,
} from "../../src/istio/envoy-config.ts";
import { readHost } from "../../src/istio/host.ts";

/** What the bed's Envoys (1.39, told by istiod 1.31) showed of routes of every kind, each at 90 to 10. */
const shown = JSON.parse(readFileSync("__tests__/istio/envoy-config.json", "utf8"));
const namespace = "captured";

type Weights = Readonly<Record<string, number>>;

/** `v1` is a subset of shop, `shop-v1` a host. */
const destination = (name: string): Pick<WeightedDestination, "host" | "subset" | "port"> =>
  name.startsWith("shop-")
    ? { host: readHost(name, namespace), subset: undefined, port: 80 }
    : { host: readHost("shop", namespace), subset: name, port: undefined };

const destinations = (weights: Weights): readonly WeightedDestination[] =>
  Object.entries(weights).map(([name, counts]) => ({ ...destination(name), weight: counts, counts, raw: {} }));

const rule = (weights: Weights, more: Partial<WrittenRule> = {}): WrittenRule => ({
  section: "http",
  origin: originOf({ namespace, name: "shop" }),
  destinations: destinations(weights),
  is: "moved",
  ...more,
});

const subsets = [destination("v1"), destination("v2")];
const hosts = [destination("shop-v1"), destination("shop-v2")];
const testers = rule({ v2: 1 }, { is: "added" });
const byApi = { origin: undefined };
const overTcp = { section: "tcp", origin: originOf({ namespace, name: "tcp" }) } as const;

type Row = readonly [what: string, who: "gateway" | "sidecar", rules: readonly WrittenRule[], expected: Carried];

const rows: readonly Row[] = [
  ["the weights as they are, and the testers' rule", "gateway", [rule({ v1: 90, v2: 10 }), testers], "all"],
  [
    "the same in a sidecar, whose own routes to the hosts are nobody's",
    "sidecar",
    [rule({ v1: 90, v2: 10 }), testers],
    "all",
  ],
  ["weights in another denominator", "gateway", [rule({ v1: 900, v2: 100 }), testers], "all"],
  ["the next weight", "gateway", [rule({ v1: 80, v2: 20 }), testers], "older"],
  ["a testers' rule that is to go, while Envoy has it", "gateway", [rule({ v1: 90, v2: 10 })], "older"],
  ["everything for stable", "sidecar", [rule({ v1: 1 })], "older"],
  ["everything for the canary, which only testers have", "gateway", [rule({ v1: 0, v2: 100 })], "older"],
  [
    "a rule that is not there yet",
    "gateway",
    [rule({ v1: 90, v2: 10 }), testers, rule({ v1: 1 }, { is: "added" })],
    "older",
  ],
  [
    "a rule of the user's that no proxy has",
    "gateway",
    [rule({ v1: 90, v2: 10 }), testers, rule({ v1: 1 }, { is: "other" })],
    "all",
  ],
  [
    "one of two rules that are moved",
    "gateway",
    [rule({ v1: 90, v2: 10 }), rule({ v1: 70, v2: 10, "shop-v1": 20 }), testers],
    "all",
  ],
  [
    "another VirtualService",
    "gateway",
    [rule({ v1: 90, v2: 10 }, { origin: originOf({ namespace, name: "cart" }) })],
    "absent",
  ],
];

const hostRows: readonly Row[] = [
  ["a route of the Gateway API, whose name is lost", "gateway", [rule({ "shop-v1": 90, "shop-v2": 10 }, byApi)], "all"],
  ["the next weight of it", "gateway", [rule({ "shop-v1": 50, "shop-v2": 50 }, byApi)], "older"],
  ["its end, for which a sidecar's own route to the host is none", "sidecar", [rule({ "shop-v2": 1 }, byApi)], "older"],
];

const tcpRows: readonly Row[] = [
  ["connections of a VirtualService", "gateway", [rule({ v1: 90, v2: 10 }, overTcp)], "all"],
  ["the next weight of it", "gateway", [rule({ v1: 40, v2: 60 }, overTcp)], "older"],
  ["the same at a sidecar that has nothing of it", "sidecar", [rule({ v1: 90, v2: 10 }, overTcp)], "absent"],
];

for (const [of, section, pair, table] of [
  ["routes", "routes", subsets, rows],
  ["routes of the Gateway API", "routes", hosts, hostRows],
  ["listeners", "listeners", subsets, tcpRows],
] as const)
  test(`${of} of a real Envoy have what was written, or not`, () => {
    for (const [what, who, rules, expected] of table)
      assert.equal(carried(splitsIn(shown[who][section]), rules, pair, who === "gateway"), expected, what);
  });

test("a TCPRoute in the mesh has a listener of its own in a sidecar", () => {
  const splits = splitsIn(shown.sidecar.listeners);
  const of = (weights: Weights): Carried =>
    carried(splits, [rule(weights, { section: "tcp", origin: undefined })], hosts, false);
  assert.deepEqual([of({ "shop-v1": 90, "shop-v2": 10 }), of({ "shop-v1": 1, "shop-v2": 1 })], ["all", "older"]);
});

test("a listener that is warming up, and copies, divide nothing", () => {
  const filters = [{ typed_config: { cluster: "outbound|80|v1|shop.captured.svc.cluster.local" } }];
  const mirrored = { request_mirror_policies: [{ cluster: "outbound|80|v2|shop.captured.svc.cluster.local" }] };
  assert.deepEqual(splitsIn({ configs: [{ warming_state: { filters } }, { route: mirrored }] }), []);
  assert.equal(splitsIn({ configs: [{ active_state: { filters } }] }).length, 1);
});

test("whatever stands in a dump is read without harm", () => {
  const deep = JSON.parse(`${'{"a":['.repeat(3_000)}${"]}".repeat(3_000)}`);
  for (const odd of [
    undefined,
    null,
    7,
    "text",
    [],
    {},
    deep,
    { weighted_clusters: 1 },
    { weighted_clusters: { clusters: [null, { name: 3 }] } },
    { cluster: "outbound|80" },
  ]) {
    assert.deepEqual(splitsIn(odd), []);
    assert.deepEqual(addressesIn(odd, destination("v1")), new Set());
  }
});

test("addresses are those of one version, whatever the port, and are asked for by the clusters' names", () => {
  const { endpoints } = shown.gateway;
  const addresses = (name: string): readonly string[] => [...addressesIn(endpoints, destination(name))];
  assert.deepEqual(
    [addresses("v1"), addresses("v2"), addresses("shop-v2"), addresses("v3")],
    [["10.244.1.2", "10.244.1.3"], ["10.244.1.1"], ["10.244.1.1"], []],
  );
  const pattern = new RegExp(`^${clusterPattern(destination("v1"))}$`);
  assert.match("outbound|80|v1|shop.captured.svc.cluster.local", pattern);
  for (const other of [
    "outbound|80|v2|shop.captured.svc.cluster.local",
    "outbound|80||shop.captured.svc.cluster.local",
    "outbound|80|v1|shopXcaptured.svc.cluster.local",
  ])
    assert.doesNotMatch(other, pattern);
});
