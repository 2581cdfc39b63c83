import assert from "node:assert/strict";
import test from "node:test";
import { connection, type Opening } from "../../sandbox/mesh/connection.ts";
import { parseMesh } from "../../sandbox/mesh/objects.ts";
import { seeded } from "../../sandbox/mesh/random.ts";
import { destinationRule, pod, service, to } from "../support/mesh-objects.ts";

type Fields = Readonly<Record<string, unknown>>;

const host = "reviews.shop.svc.cluster.local";
const pods = [pod("reviews-v1", "v1", { ip: "10.0.0.1" }), pod("reviews-v2", "v2", { ip: "10.0.0.2" })];

const meshWith = (spec: Fields) =>
  parseMesh({
    virtualServices: [{ metadata: { name: "reviews", namespace: "shop" }, spec: { hosts: ["reviews"], ...spec } }],
    destinationRules: [destinationRule()],
    services: [service("reviews")],
    pods,
  });

const port = 9080;
const whom = (spec: Fields, opening: Partial<Opening> = {}, random = () => 0): string | undefined =>
  connection(meshWith(spec), { host, port, ...opening }, random)?.pod.metadata.labels.version;

test("a connection goes by weight, once, as it is opened", () => {
  const random = seeded(7);
  const mesh = meshWith({ tcp: [{ route: [to("v1", 80), to("v2", 20)] }] });
  const all = Array.from(
    { length: 1_000 },
    () => connection(mesh, { host, port }, random)?.pod.metadata.labels.version,
  );
  const canary = all.filter((version) => version === "v2").length;
  assert.ok(canary > 150 && canary < 250, `${canary} of 1000`);
});

for (const [fact, spec, opening, version] of [
  ["the port of a tcp rule", { tcp: [{ match: [{ port: 1 }], route: [to("v1")] }, { route: [to("v2")] }] }, {}, "v2"],
  ["the port that is asked for", { tcp: [{ match: [{ port }], route: [to("v2")] }] }, {}, "v2"],
  [
    "SNI",
    {
      tls: [
        { match: [{ sniHosts: ["other"] }], route: [to("v1")] },
        { match: [{ sniHosts: ["*.shop"] }], route: [to("v2")] },
      ],
    },
    { sni: "web.shop" },
    "v2",
  ],
  [
    "SNI before the port alone",
    { tls: [{ match: [{ sniHosts: ["web.shop"] }], route: [to("v2")] }], tcp: [{ route: [to("v1")] }] },
    { sni: "web.shop" },
    "v2",
  ],
  [
    "the port, where SNI is nobody's",
    { tls: [{ match: [{ sniHosts: ["web.shop"] }], route: [to("v2")] }], tcp: [{ route: [to("v1")] }] },
    { sni: "else" },
    "v1",
  ],
  ["a subset that nobody defines", { tcp: [{ route: [to("v9")] }] }, {}, undefined],
  ["a rule of gateways, from the mesh", { gateways: ["public"], tcp: [{ route: [to("v2")] }] }, {}, "v1"],
] as const)
  test(`a connection is led by ${fact}`, () => assert.equal(whom(spec, opening), version));
