import assert from "node:assert/strict";
import test from "node:test";
import { type MeshAround, meshFindings } from "../../../src/adapters/virtual-service/mesh-rules.ts";
import { readHost } from "../../../src/istio/host.ts";
import type { KubernetesObject } from "../../../src/kubernetes/object.ts";
import { targetOf, virtualService } from "./given.ts";

type Fields = Readonly<Record<string, unknown>>;

const to = (subset: string | undefined, { host = "app", port, weight }: Fields & { host?: string } = {}): Fields => ({
  destination: { host, subset, ...(port ? { port: { number: port } } : {}) },
  weight,
});
const service = (name: string, ports: readonly number[] = [80]): KubernetesObject => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name, namespace: "ns1" },
  spec: { ports: ports.map((port) => ({ port })) },
});
const rule = (host: string, subsets: readonly string[] = []): KubernetesObject => ({
  apiVersion: "networking.istio.io/v1",
  kind: "DestinationRule",
  metadata: { name: "rule", namespace: "ns1" },
  spec: { host, subsets: subsets.map((name) => ({ name })) },
});

const around: MeshAround = {
  target: targetOf({ stable: { host: "app", subset: "v1" }, canary: { host: "app", subset: "v2" } }),
  moved: ["#1"],
  services: { objects: [service("app"), service("two", [80, 90])], isUnread: (namespace) => namespace !== "ns1" },
  destinationRules: { objects: [rule("app", ["v1", "v2"])], isUnread: () => false },
  entries: [readHost("*.example.com", "ns1")],
  waypoint: undefined,
};

const last = { name: "main", route: [to("v1")] };
const at = (match: readonly Fields[], more: Fields = {}): Fields => ({
  name: "first",
  match,
  route: [to("v1")],
  ...more,
});
const uri = (prefix: string, more: Fields = {}): Fields => ({ uri: { prefix }, ...more });
const other = (...route: readonly Fields[]): readonly Fields[] => [{ name: "first", match: [uri("/x")], route }, last];

type Row = {
  readonly http: readonly Fields[];
  readonly spec?: Fields;
  readonly around?: Partial<MeshAround>;
  /** Code, level and a part of each finding. */
  readonly found: readonly (readonly [code: string | undefined, level: string, part: string])[];
};

const rows: Readonly<Record<string, Row>> = {
  "a route to what is there is told of by nobody": { http: other(to("v1")), found: [] },
  "a third host that is nobody's": {
    http: other(to(undefined, { host: "gone" })),
    found: [["IST0101", "warn", "sends to gone, which is no Service"]],
  },
  "… at a weight of 0 is in nobody's configuration": {
    http: other(to("v1", { weight: 100 }), to(undefined, { host: "gone", weight: 0 })),
    found: [],
  },
  "… and is not known where ServiceEntries may not be read, or Services": {
    http: other(to(undefined, { host: "gone" })),
    around: { entries: undefined },
    found: [],
  },
  "a Service of a namespace that may not be read may be there": {
    http: other(to(undefined, { host: "x.ns2.svc.cluster.local" })),
    found: [],
  },
  "a host of a ServiceEntry": { http: other(to(undefined, { host: "api.example.com" })), found: [] },
  "a host outside that no ServiceEntry has": {
    http: other(to(undefined, { host: "api.example.org" })),
    found: [["IST0101", "warn", "sends to api.example.org, which is no Service"]],
  },
  "a name with a dot that Istio does not complete": {
    http: [{ name: "main", route: [to("v1", { host: "app.ns1" })] }],
    found: [["IST0101", "warn", "sends to app.ns1: Istio completes only names without a dot"]],
  },
  "a mirror to nobody": {
    http: [{ ...last, mirror: { host: "gone" } }],
    found: [["IST0101", "warn", "its copies go nowhere"]],
  },
  "a subset that no DestinationRule defines": {
    http: other(to("v9")),
    found: [["IST0101", "warn", "subset v9 of app, which no DestinationRule defines"]],
  },
  "… where they may not be read": {
    http: other(to("v9")),
    around: { destinationRules: { objects: [], isUnread: () => true } },
    found: [],
  },
  "a port that the Service does not have": {
    http: other(to(undefined, { host: "two", port: 81 })),
    found: [["IST0101", "warn", "port 81 of two, which has ports 80, 90 only"]],
  },
  "no port where there are two": {
    http: other(to(undefined, { host: "two" })),
    found: [["IST0112", "warn", "names no port, and two has ports 80, 90"]],
  },
  "a DestinationRule for a name that nobody completes": {
    http: [last],
    around: { destinationRules: { objects: [rule("app.ns1", ["v2"])], isUnread: () => false } },
    found: [["IST0174", "warn", "spec.host app.ns1 is no name that Istio completes"]],
  },
  "conditions that stand above already": {
    http: [at([uri("/a")]), { ...last, match: [uri("/a/b"), uri("/a", { headers: { x: { exact: "1" } } })] }],
    found: [["IST0130", "warn", 'route "main" (spec.http[1].match) is never reached: route "first" above it takes']],
  },
  "… in a rule that stays": {
    http: [at([uri("/a")]), at([uri("/a")], { name: "second" }), last],
    around: { moved: ["#2"] },
    found: [["IST0130", "note", 'route "second" (spec.http[1].match) is never reached']],
  },
  "some conditions that stand above already": {
    http: [at([uri("/a")]), { ...last, match: [uri("/a/b"), uri("/c")] }],
    found: [["IST0131", "note", "some of its conditions are those of route"]],
  },
  "a condition above that asks for more takes nothing away": {
    http: [at([uri("/a", { headers: { x: { exact: "1" } } })]), { ...last, match: [uri("/a")] }],
    found: [],
  },
  "a rule of the canary's that is less patient than the one that moves": {
    http: [at([uri("/x")], { route: [to("v2")], timeout: "1s" }), last],
    found: [[undefined, "warn", "(spec.http[0].timeout) sends to the canary with other timeout than route"]],
  },
  "the gateway that istiod makes of one of the Gateway API": {
    http: [last],
    spec: { gateways: ["edge/public-istio-autogenerated-k8s-gateway"] },
    found: [["IST0165", "warn", "spec.gateways names edge/public-istio-autogenerated-k8s-gateway"]],
  },
  "fields of older days": {
    http: [{ ...last, fault: { delay: { percent: 5, fixedDelay: "1s" } } }],
    found: [["IST0002", "note", "(spec.http[0].fault.delay.percent)"]],
  },
  "labels of callers beside gateways": {
    http: [at([{ sourceLabels: { app: "web" }, gateways: ["mesh"] }]), last],
    found: [[undefined, "warn", "everybody who comes by one of these gets this rule"]],
  },
  "labels of callers where no caller in the mesh follows": {
    http: [at([{ sourceLabels: { app: "web" } }]), last],
    spec: { gateways: ["public"] },
    found: [[undefined, "warn", "no caller in the mesh gets this rule"]],
  },
  "labels of callers at a waypoint": {
    http: [at([{ sourceLabels: { app: "web" } }]), last],
    around: { waypoint: "ns1/waypoint" },
    found: [[undefined, "warn", "which waypoint ns1/waypoint does not know"]],
  },
};

for (const [name, { http, spec = {}, around: more = {}, found }] of Object.entries(rows))
  test(name, () => {
    const findings = meshFindings([virtualService({ hosts: ["app"], http, ...spec })], { ...around, ...more });
    assert.deepEqual(
      findings.map(({ code, level }) => [code, level]),
      found.map(([code, level]) => [code, level]),
      JSON.stringify(findings),
    );
    for (const [index, [, , part]] of found.entries())
      assert.ok(findings[index]?.what.includes(part), findings[index]?.what);
  });

test("what is so after several writes is told once", () => {
  const object = virtualService({ hosts: ["app"], http: other(to(undefined, { host: "gone" })) });
  assert.equal(meshFindings([object, object], around).length, 1);
});
