import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { behaviourOf } from "../../sandbox/mesh/behaviour.ts";
import { parseMesh } from "../../sandbox/mesh/objects.ts";
import { seeded } from "../../sandbox/mesh/random.ts";
import { choose, route } from "../../sandbox/mesh/route.ts";
import { destinationRule, pod, service, to, virtualService } from "../support/mesh-objects.ts";

type Fields = Readonly<Record<string, unknown>>;
const pods = [pod("reviews-v1", "v1", { ip: "10.0.0.1" }), pod("reviews-v2", "v2", { ip: "10.0.0.2" })];
const meshOf = (virtualServices: readonly unknown[], more: Fields = {}) =>
  parseMesh({ virtualServices, destinationRules: [destinationRule()], services: [service("reviews")], pods, ...more });
const get = (url = "/", headers: Readonly<Record<string, string>> = {}, method = "GET") => ({
  method,
  url,
  authority: headers.host ?? "reviews",
  headers,
});

/** The version that a request gets, or status and flag of the proxy's own answer. */
function outcome(mesh: ReturnType<typeof meshOf>, request = get(), random = () => 0): string {
  const taken = route(mesh, request, random);
  return "pod" in taken ? (taken.pod.metadata.labels.version ?? "?") : `${taken.status} ${taken.flag}`;
}

const byMatch = (...match: readonly Fields[]) =>
  meshOf([virtualService([{ match, route: [to("v2")] }, { route: [to("v1")] }])]);

const matchCases: readonly {
  readonly fact: string;
  readonly match: readonly Fields[];
  readonly hits: readonly ReturnType<typeof get>[];
  readonly misses: readonly ReturnType<typeof get>[];
}[] = [
  {
    fact: "uri exact",
    match: [{ uri: { exact: "/a" } }],
    hits: [get("/a"), get("/a?x=1")],
    misses: [get("/a/"), get("/ab"), get("/A")],
  },
  {
    fact: "uri prefix",
    match: [{ uri: { prefix: "/a" } }],
    hits: [get("/a"), get("/ab"), get("/a/b")],
    misses: [get("/b"), get("/?/a")],
  },
  {
    fact: "uri regex, over the whole path",
    match: [{ uri: { regex: "/v[0-9]+/.*" } }],
    hits: [get("/v12/x"), get("/v1/?q")],
    misses: [get("/v/x"), get("/x/v1/y")],
  },
  {
    fact: "uri without case",
    match: [{ uri: { prefix: "/API" }, ignoreUriCase: true }],
    hits: [get("/api/x")],
    misses: [get("/x")],
  },
  {
    fact: "header exact",
    match: [{ headers: { "x-canary": { exact: "yes" } } }],
    hits: [get("/", { "x-canary": "yes" })],
    misses: [get(), get("/", { "x-canary": "yes please" })],
  },
  {
    fact: "header prefix",
    match: [{ headers: { cookie: { prefix: "tester=" } } }],
    hits: [get("/", { cookie: "tester=me" })],
    misses: [get("/", { cookie: "a=b; tester=me" })],
  },
  {
    fact: "header regex, over the whole value and with RE2's flags",
    match: [{ headers: { "user-agent": { regex: "(?i).*firefox.*" } } }],
    hits: [get("/", { "user-agent": "Mozilla FIREFOX/1" })],
    misses: [get("/", { "user-agent": "curl" })],
  },
  { fact: "header present", match: [{ headers: { "x-any": {} } }], hits: [get("/", { "x-any": "" })], misses: [get()] },
  {
    fact: "without a header",
    match: [{ withoutHeaders: { "x-no": { exact: "1" } } }],
    hits: [get(), get("/", { "x-no": "2" })],
    misses: [get("/", { "x-no": "1" })],
  },
  {
    fact: "without a header, whatever it says",
    match: [{ withoutHeaders: { "x-no": {} } }],
    hits: [get()],
    misses: [get("/", { "x-no": "1" })],
  },
  { fact: "method", match: [{ method: { exact: "POST" } }], hits: [get("/", {}, "POST")], misses: [get()] },
  {
    fact: "query parameter",
    match: [{ queryParams: { beta: { exact: "1" } } }],
    hits: [get("/?beta=1")],
    misses: [get("/?beta=2"), get("/")],
  },
  {
    fact: "the conditions of a block hold together",
    match: [{ uri: { prefix: "/a" }, method: { exact: "POST" } }],
    hits: [get("/a", {}, "POST")],
    misses: [get("/a"), get("/b", {}, "POST")],
  },
  {
    fact: "blocks are alternatives",
    match: [{ uri: { exact: "/a" } }, { method: { exact: "POST" } }],
    hits: [get("/a"), get("/b", {}, "POST")],
    misses: [get("/b")],
  },
  {
    fact: "labels of the client never match: it has none",
    match: [{ sourceLabels: { app: "web" } }],
    hits: [],
    misses: [get()],
  },
];
for (const { fact, match, hits, misses } of matchCases) {
  test(`match: ${fact}`, () => {
    for (const request of hits) assert.equal(outcome(byMatch(...match), request), "v2", request.url);
    for (const request of misses) assert.equal(outcome(byMatch(...match), request), "v1", request.url);
  });
}

const share = (destinations: readonly ReturnType<typeof to>[]) => meshOf([virtualService([{ route: destinations }])]);
const forAll = { ...destinationRule(), spec: { ...destinationRule().spec, host: "*.shop.svc.cluster.local" } };
const withSpec = <T extends { readonly spec: object }>(object: T, more: Fields) => ({
  ...object,
  spec: { ...object.spec, ...more },
});
const atEdge = virtualService([{ route: [to("v2")] }], { hosts: ["x.com"], gateways: ["edge/gw"] });
const atRoot = virtualService([{ route: [to("v2")] }], { hosts: ["x.com"], gateways: ["istio-system/gw"] });
const ruleAt = (namespace: string, subsets: readonly string[]) =>
  withSpec(destinationRule(subsets, { namespace }), { host: "reviews.shop.svc.cluster.local" });
const headless = withSpec(service("reviews"), { clusterIP: "None" });
const ambient = (labels: Fields) => ({
  metadata: { name: "shop", labels: { "istio.io/dataplane-mode": "ambient", ...labels } },
});

const answers: readonly {
  readonly fact: string;
  readonly mesh: ReturnType<typeof meshOf>;
  readonly request?: ReturnType<typeof get>;
  readonly outcome: string;
}[] = [
  {
    fact: "the first rule that matches is taken",
    mesh: meshOf([virtualService([{ route: [to("v2")] }, { route: [to("v1")] }])]),
    outcome: "v2",
  },
  { fact: "a single destination gets everything, even with weight 0", mesh: share([to("v2", 0)]), outcome: "v2" },
  {
    fact: "of several destinations without any weight none is taken",
    mesh: share([to("v1"), to("v2", 0)]),
    outcome: "503 NC",
  },
  {
    fact: "an omitted weight is zero: the other destination gets everything",
    mesh: share([to("v1"), to("v2", 5)]),
    outcome: "v2",
  },
  { fact: "a subset that no DestinationRule has is 503 NC", mesh: share([to("v9")]), outcome: "503 NC" },
  {
    fact: "a missing subset is harmless while its weight is zero",
    mesh: share([to("v1", 100), to("v9", 0)]),
    outcome: "v1",
  },
  { fact: "a host that no Service has is 503 NC", mesh: share([to(undefined, 1, "ratings")]), outcome: "503 NC" },
  {
    fact: "a host with a dot is taken as a full name: reviews.shop is none",
    mesh: share([to("v1", 1, "reviews.shop")]),
    outcome: "503 NC",
  },
  {
    fact: "a subset without ready pods is 503 UH",
    mesh: meshOf([virtualService([{ route: [to("v2")] }])], {
      pods: [pods[0], pod("reviews-v2", "v2", { ready: false, ip: "10.0.0.2" })],
    }),
    outcome: "503 UH",
  },
  {
    fact: "a pod that is being deleted gets nothing",
    mesh: meshOf([virtualService([{ route: [to("v2")] }])], {
      pods: [pod("reviews-v2", "v2", { ip: "10.0.0.2", deletionTimestamp: "2026-01-01T00:00:00Z" })],
    }),
    outcome: "503 UH",
  },
  {
    fact: "a subset takes no pod that the Service does not select",
    mesh: meshOf([virtualService([{ route: [to("v2")] }])], {
      pods: [pod("other", "v2", { ip: "10.0.0.9", labels: { app: "other" } })],
    }),
    outcome: "503 UH",
  },
  {
    fact: "a rule for nothing is 404 NR",
    mesh: meshOf([virtualService([{ match: [{ uri: { prefix: "/a" } }], route: [to("v1")] }])]),
    outcome: "404 NR",
  },
  {
    fact: "a host that nobody knows is 404 NR",
    mesh: meshOf([]),
    request: get("/", { host: "nobody.example.com" }),
    outcome: "404 NR",
  },
  {
    fact: "a Service without a VirtualService is reached by its name",
    mesh: meshOf([]),
    request: get("/", { host: "reviews.shop.svc.cluster.local:9080" }),
    outcome: "v1",
  },
  {
    fact: "a host split reaches the other Service",
    mesh: meshOf([virtualService([{ route: [to(undefined, 100, "reviews-canary")] }])], {
      services: [service("reviews"), service("reviews-canary", { app: "reviews", version: "v2" })],
    }),
    outcome: "v2",
  },
  {
    fact: "a DestinationRule for a wildcard has the subsets of a host that no other names",
    mesh: meshOf([virtualService([{ route: [to("v2")] }])], { destinationRules: [forAll] }),
    outcome: "v2",
  },
  {
    fact: "a DestinationRule for a wildcard is not looked at where another names the host",
    mesh: meshOf([virtualService([{ route: [to("v2")] }])], { destinationRules: [forAll, destinationRule(["v1"])] }),
    outcome: "503 NC",
  },
  {
    fact: "subsets of two DestinationRules add up",
    mesh: meshOf([virtualService([{ route: [to("v2")] }])], {
      destinationRules: [destinationRule(["v1"]), destinationRule(["v2"], { name: "ours" })],
    }),
    outcome: "v2",
  },
  {
    fact: "a VirtualService of the mesh is not served to a gateway's host",
    mesh: meshOf([virtualService([{ route: [to("v2")] }], { hosts: ["shop.example.com"], gateways: ["gw"] })]),
    outcome: "v1",
  },
  {
    fact: "a gateway serves its host",
    mesh: meshOf([virtualService([{ route: [to("v2")] }], { hosts: ["shop.example.com"], gateways: ["gw"] })]),
    request: get("/", { host: "shop.example.com:8080" }),
    outcome: "v2",
  },
  {
    fact: "a wildcard host is served, the exact one first",
    mesh: meshOf([
      virtualService([{ route: [to("v1")] }], { name: "wild", hosts: ["*.example.com"], gateways: ["gw"] }),
      virtualService([{ route: [to("v2")] }], { hosts: ["shop.example.com"], gateways: ["gw"] }),
    ]),
    request: get("/", { host: "shop.example.com" }),
    outcome: "v2",
  },
  {
    fact: "at a gateway a rule without match comes last, whichever VirtualService has it",
    mesh: meshOf([
      virtualService([{ route: [to("v1")] }], { name: "a", hosts: ["x.com"], gateways: ["gw"] }),
      virtualService([{ match: [{ uri: { prefix: "/" } }], route: [to("v2")] }], {
        name: "b",
        hosts: ["x.com"],
        gateways: ["gw"],
      }),
    ]),
    request: get("/", { host: "x.com" }),
    outcome: "v2",
  },
  {
    fact: "in the mesh the oldest VirtualService of a host has the say, also where it has no rule for a request",
    mesh: meshOf([
      virtualService([{ route: [to("v2")] }], { creationTimestamp: "2026-02-01T00:00:00Z" }),
      virtualService([{ match: [{ uri: { prefix: "/old" } }], route: [to("v1")] }], {
        name: "old",
        creationTimestamp: "2026-01-01T00:00:00Z",
      }),
    ]),
    outcome: "404 NR",
  },
  {
    fact: "a rule for the mesh alone is not for the gateway",
    mesh: meshOf([
      virtualService(
        [
          { match: [{ gateways: ["mesh"] }], route: [to("v1")] },
          { match: [{ gateways: ["gw"] }], route: [to("v2")] },
        ],
        { hosts: ["x.com"], gateways: ["mesh", "gw"] },
      ),
    ]),
    request: get("/", { host: "x.com" }),
    outcome: "v2",
  },
  {
    fact: "a gateway to which a VirtualService is not exported does not follow it",
    mesh: meshOf([withSpec(atEdge, { exportTo: ["."] })]),
    request: get("/", { host: "x.com" }),
    outcome: "404 NR",
  },
  {
    fact: "a gateway to which a VirtualService is exported follows it",
    mesh: meshOf([withSpec(atEdge, { exportTo: ["edge"] })]),
    request: get("/", { host: "x.com" }),
    outcome: "v2",
  },
  {
    fact: "a client to whom a VirtualService is not exported calls the Service itself",
    mesh: meshOf([withSpec(virtualService([{ route: [to("v2")] }]), { exportTo: ["edge"] })]),
    outcome: "v1",
  },
  {
    fact: "a gateway takes the DestinationRules of its own namespace, and no others then",
    mesh: meshOf([atEdge], { destinationRules: [destinationRule(), ruleAt("edge", ["v1"])] }),
    request: get("/", { host: "x.com" }),
    outcome: "503 NC",
  },
  {
    fact: "the root's DestinationRules count where neither the client's namespace nor the service's has any",
    mesh: meshOf([atEdge], { destinationRules: [ruleAt("istio-system", ["v2"]), ruleAt("other", ["v1"])] }),
    request: get("/", { host: "x.com" }),
    outcome: "v2",
  },
  {
    fact: "a gateway in the root namespace takes the service's DestinationRules before the root's",
    mesh: meshOf([atRoot], { destinationRules: [destinationRule(), ruleAt("istio-system", ["v1"])] }),
    request: get("/", { host: "x.com" }),
    outcome: "v2",
  },
  {
    fact: "but for those that the root keeps to itself",
    mesh: meshOf([atRoot], {
      destinationRules: [destinationRule(), withSpec(ruleAt("istio-system", ["v1"]), { exportTo: ["."] })],
    }),
    request: get("/", { host: "x.com" }),
    outcome: "503 NC",
  },
  {
    fact: "a DestinationRule that is exported elsewhere does not count",
    mesh: meshOf([virtualService([{ route: [to("v2")] }])], {
      destinationRules: [destinationRule(["v1"]), withSpec(destinationRule(), { exportTo: ["partner"] })],
    }),
    outcome: "503 NC",
  },
  {
    fact: "a DestinationRule for some clients does not count for others",
    mesh: meshOf([virtualService([{ route: [to("v2")] }])], {
      destinationRules: [
        destinationRule(["v1"]),
        withSpec(destinationRule(), { workloadSelector: { matchLabels: {} } }),
      ],
    }),
    outcome: "503 NC",
  },
  {
    fact: "of a headless Service a client has chosen the pod before its sidecar sees the weights",
    mesh: meshOf([virtualService([{ route: [to("v2")] }])], { services: [headless] }),
    outcome: "v1",
  },
  {
    fact: "a gateway chooses a headless Service's pod by the weights",
    mesh: meshOf([atEdge], { services: [headless] }),
    request: get("/", { host: "x.com" }),
    outcome: "v2",
  },
  {
    fact: "PASSTHROUGH leaves the choice to the Service",
    mesh: meshOf([virtualService([{ route: [to("v2")] }])], {
      destinationRules: [withSpec(destinationRule(), { trafficPolicy: { loadBalancer: { simple: "PASSTHROUGH" } } })],
    }),
    outcome: "v1",
  },
  {
    fact: "in an ambient namespace without a waypoint nobody reads routes",
    mesh: meshOf([virtualService([{ route: [to("v2")] }])], { namespaces: [ambient({})] }),
    outcome: "v1",
  },
  {
    fact: "a waypoint reads them",
    mesh: meshOf([virtualService([{ route: [to("v2")] }])], {
      namespaces: [ambient({ "istio.io/use-waypoint": "waypoint" })],
    }),
    outcome: "v2",
  },
  {
    fact: "an abort is answered by the proxy",
    mesh: meshOf([
      virtualService([{ fault: { abort: { httpStatus: 418, percentage: { value: 100 } } }, route: [to("v1")] }]),
    ]),
    outcome: "418 FI",
  },
  {
    fact: "an abort of 0% does not happen",
    mesh: meshOf([
      virtualService([{ fault: { abort: { httpStatus: 418, percentage: { value: 0 } } }, route: [to("v1")] }]),
    ]),
    outcome: "v1",
  },
  {
    fact: "a direct response",
    mesh: meshOf([virtualService([{ directResponse: { status: 410, body: { string: "gone" } } }])]),
    outcome: "410 -",
  },
  {
    fact: "a redirect",
    mesh: meshOf([virtualService([{ redirect: { authority: "new.example.com" } }])]),
    outcome: "301 -",
  },
];
for (const { fact, mesh, request, outcome: expected } of answers)
  test(fact, () => assert.equal(outcome(mesh, request), expected));

test("a prefix is rewritten, the rest of the path and the query stay", () => {
  const mesh = meshOf([
    virtualService([{ match: [{ uri: { prefix: "/api" } }], rewrite: { uri: "/v2" }, route: [to("v1")] }]),
  ]);
  const taken = route(mesh, get("/api/cart?x=1"), () => 0);
  assert.equal("url" in taken && taken.url, "/v2/cart?x=1");
});

test("copies go to every mirror that the percentage meets and somebody serves", () => {
  const copiesOf = (rule: Readonly<Record<string, unknown>>, random = 0.5): readonly string[] => {
    const taken = route(meshOf([virtualService([{ route: [to("v1")], ...rule }])]), get(), () => random);
    return "copies" in taken ? taken.copies.map(({ pod }) => pod.metadata.labels.version ?? "") : [taken.flag];
  };
  const copy = (subset: string, percentage?: object) => ({ destination: { host: "reviews", subset }, percentage });
  assert.deepEqual(copiesOf({}), []);
  assert.deepEqual(copiesOf({ mirror: { host: "reviews", subset: "v2" } }), ["v2"]);
  assert.deepEqual(copiesOf({ mirror: { host: "reviews", subset: "v2" }, mirrorPercentage: { value: 60 } }), ["v2"]);
  assert.deepEqual(copiesOf({ mirror: { host: "reviews", subset: "v2" }, mirrorPercentage: { value: 40 } }), []);
  assert.deepEqual(copiesOf({ mirrors: [copy("v2"), copy("v1", { value: 40 }), copy("v1")] }), ["v2", "v1"]);
  assert.deepEqual(copiesOf({ mirrors: [copy("nobody")] }), []);
});

test("a port of the Service leads to the pod's own port, by number and by name", () => {
  const portOf = (targetPort: number | string) => {
    const taken = route(
      meshOf([], { services: [service("reviews", { app: "reviews" }, [{ port: 80, targetPort }])] }),
      get(),
      () => 0,
    );
    return "port" in taken ? taken.port : taken.flag;
  };
  assert.equal(portOf(9080), 9080);
  assert.equal(portOf("web"), 9080);
  assert.equal(portOf("nothing"), "UH");
});

test("destinations share in proportion to their weights, whatever these sum to", () => {
  const weights = fc
    .array(fc.integer({ min: 0, max: 1_000 }), { minLength: 2, maxLength: 5 })
    .filter((all) => all.some((weight) => weight > 0));
  fc.assert(
    fc.property(weights, fc.integer(), (all, seed) => {
      const sum = all.reduce((total, weight) => total + weight, 0);
      const destinations = all.map((weight, index) => ({ destination: { host: `d${index}` }, weight }));
      const random = seeded(seed);
      const counts = new Map<string, number>();
      for (let n = 0; n < 2_000; n++) {
        const host = choose(destinations, random)?.destination.host ?? "none";
        counts.set(host, (counts.get(host) ?? 0) + 1);
      }
      for (const { destination, weight } of destinations) {
        const expected = (2_000 * weight) / sum;
        const got = counts.get(destination.host) ?? 0;
        if (weight === 0) assert.equal(got, 0);
        // Six standard deviations: with 500 draws of this property a false alarm is a matter of millennia.
        assert.ok(
          Math.abs(got - expected) <= 6 * Math.sqrt(expected * (1 - weight / sum)) + 1,
          `${got} of ${expected}`,
        );
      }
    }),
    { numRuns: 30 },
  );
});

test("the same seed gives the same numbers, another seed others", () => {
  const row = (seed: number) => Array.from({ length: 5 }, seeded(seed));
  assert.deepEqual(row(7), row(7));
  assert.notDeepEqual(row(7), row(8));
});

test("the tag of an image says how its container behaves", () => {
  assert.deepEqual(behaviourOf("localhost:5000/acme/reviews:v2-err20-slow300"), {
    version: "v2",
    errors: 20,
    slow: 300,
    notReady: false,
  });
  assert.deepEqual(behaviourOf("reviews:v3-notready"), { version: "v3", errors: 0, slow: 0, notReady: true });
  assert.deepEqual(behaviourOf("localhost:5000/reviews"), { version: "latest", errors: 0, slow: 0, notReady: false });
});
