import assert from "node:assert/strict";
import test from "node:test";
import type { SentObject } from "../../../sandbox/api-server/object.ts";
import { inspectRoutes } from "../../../src/adapters/virtual-service/inspect-routes.ts";
import type { SubsetLabels } from "../../../src/adapters/virtual-service/subset-need.ts";
import type { Plan } from "../../../src/release/plan.ts";
import type { Target } from "../../../src/release/target.ts";
import { clientOf, inCluster } from "../../support/cluster.ts";
import { evidenceRules } from "../../support/evidence-rules.ts";
import { targetOf } from "./given.ts";

type Fields = Readonly<Record<string, unknown>>;

const planOf = (weights: readonly number[], promotion: Plan["promotion"] = "update"): Plan => ({
  stages: weights.map((weight) => ({ name: `${weight}%`, weight, wait: 0, deadline: 0, gates: [], approval: false })),
  evidence: evidenceRules,
  pollEvery: 0,
  ready: 0,
  meshDelay: 0,
  drain: 0,
  deadline: 0,
  patience: 0,
  promotion,
  keepOld: false,
  drift: "rollback",
});

const target = targetOf({ stable: { host: "app", subset: "v1" }, canary: { host: "app", subset: "v2" } });
const to = (subset: string | undefined, weight?: number, host = "app"): Fields => ({
  destination: { host, ...(subset ? { subset } : {}) },
  ...(weight === undefined ? {} : { weight }),
});

const virtualService = (
  http: readonly Fields[],
  { name = "app", ...more }: Fields & { readonly name?: string } = {},
): SentObject => ({
  apiVersion: "networking.istio.io/v1",
  kind: "VirtualService",
  metadata: { name, namespace: "ns1" },
  spec: { hosts: [name], http, ...more } as NonNullable<SentObject["spec"]>,
});

const rule = (
  subsets: readonly string[],
  { name = "app", host = "app", ...more }: Fields & { readonly name?: string; readonly host?: string } = {},
): SentObject => ({
  apiVersion: "networking.istio.io/v1",
  kind: "DestinationRule",
  metadata: { name, namespace: "ns1" },
  spec: {
    host,
    subsets: subsets.map((subset) => ({ name: subset, labels: { version: subset } })),
    ...more,
  } as NonNullable<SentObject["spec"]>,
});

const fullHost = "app.ns1.svc.cluster.local";

const inNamespace = (namespace: string, object: SentObject): SentObject => ({
  ...object,
  metadata: { ...object.metadata, name: object.metadata?.name ?? "", namespace },
});

/** The route of `alone`, for a gateway of another namespace. */
const byGateway = (more: Fields = {}): SentObject =>
  virtualService([{ name: "primary", route: [to("v1")] }], {
    hosts: ["app.example.com"],
    gateways: ["edge/public"],
    ...more,
  });

const gateway = (
  hosts: readonly string[] = ["*"],
  server: Fields = { port: { number: 80, name: "http", protocol: "HTTP" } },
): SentObject => ({
  apiVersion: "networking.istio.io/v1",
  kind: "Gateway",
  metadata: { name: "public", namespace: "edge" },
  spec: { selector: { istio: "ingress" }, servers: [{ ...server, hosts }] },
});

const tlsGateway = (name: string, hosts: readonly string[], selector: Fields = { istio: "ingress" }): SentObject => ({
  ...gateway(),
  metadata: { name, namespace: "edge" },
  spec: {
    selector,
    servers: [{ port: { number: 443, name: "https", protocol: "HTTPS" }, tls: { mode: "SIMPLE" }, hosts }],
  },
});

const atRoot = (): SentObject => byGateway({ gateways: ["istio-system/public"] });
const gatewayAt = (namespace: string): SentObject => inNamespace(namespace, gateway());

const alone = virtualService([{ name: "primary", route: [to("v1")] }]);
const primary = 'VirtualService ns1/app: the first write takes route "primary" from v1 alone to v1 90, v2 10.';
const bySni = { match: [{ sniHosts: ["app.example.com"] }], route: [to("v1")] };
const bySniMoves = "VirtualService ns1/app: the first write takes tls route #0 from v1 alone to v1 90, v2 10.";
const subsets = rule(["v1", "v2"]);

type Case = {
  readonly objects: readonly SentObject[];
  readonly target?: Partial<Target>;
  readonly plan?: Plan;
  readonly subsetLabels?: SubsetLabels;
  /** Level and words of every finding, in order. */
  readonly found: readonly string[];
};

const cases: Readonly<Record<string, Case>> = {
  "a route that can be moved gets one note, with the first write": {
    objects: [alone, subsets],
    found: [`note ${primary}`],
  },

  "a VirtualService that is not there is refused with those that are": {
    objects: [virtualService([{ route: [to("v1")] }], { name: "other", hosts: ["x"] }), subsets],
    found: [
      "refuse VirtualService ns1/app does not exist (in ns1: other).",
      "warn VirtualService ns1/other sends to the service, too, and is not part of the release: its requests do not follow the stages.",
    ],
  },

  "all that is wrong is told at once": {
    objects: [virtualService([{ name: "primary", route: [to("v1"), to("v2", 5)] }])],
    target: {
      routes: [
        { kind: "VirtualService", namespace: "ns1", name: "app", routes: [] },
        { kind: "VirtualService", namespace: "ns1", name: "absent", routes: [] },
        { kind: "VirtualService", namespace: "ns1", name: "absent", routes: [] },
      ],
    },
    found: [
      "refuse VirtualService ns1/absent is named twice.",
      "refuse VirtualService ns1/absent does not exist (in ns1: app).",
      'refuse VirtualService ns1/app: route "primary" sends 100% of its requests to the canary already (v1 without a weight, v2 5; stable\'s omitted weight counts as 0).',
    ],
  },

  "no VirtualService, and stable and canary in one place": {
    objects: [],
    target: { routes: [], canary: { deployment: "app-v2", host: "app.ns1.svc.cluster.local", subset: "v1" } },
    found: [
      "refuse No VirtualService is named for ns1/app.",
      "refuse Stable and canary are the same destination: app subset v1.",
    ],
  },

  "a live weight that no stage has": {
    objects: [virtualService([{ name: "primary", route: [to("v1", 93), to("v2", 7)] }]), subsets],
    plan: planOf([1, 5, 10]),
    found: [
      'refuse VirtualService ns1/app: route "primary" sends 7% of its requests to the canary already (v1 93, v2 7).',
      'note VirtualService ns1/app: route "primary" gives the canary 7%, which is no weight of this plan (1, 5, 10): no release with these stages wrote it.',
    ],
  },

  "rules of testers, of stable and of delegates stay, and a rule behind one that takes everything is never reached": {
    objects: [
      virtualService([
        { name: "testers", match: [{ headers: { canary: { exact: "yes" } } }], route: [to("v2")] },
        { name: "pinned", match: [{ uri: { prefix: "/pinned" } }], route: [to("v1")] },
        { name: "handed-on", match: [{ uri: { prefix: "/child" } }], delegate: { name: "child" } },
        { name: "everything", match: [{ uri: { prefix: "/" } }], route: [to(undefined, undefined, "other")] },
        { name: "primary", route: [to("v1", 100), to("v2", 0)] },
      ]),
      subsets,
    ],
    found: [
      'note VirtualService ns1/app: the first write takes route "primary" from v1 100, v2 0 to v1 90, v2 10.',
      'warn VirtualService ns1/app: route "primary" is never reached, because route "everything" above it takes every request.',
      'note VirtualService ns1/app: route "testers" sends requests to the canary already, and stays as it is, also after a rollback.',
      'note VirtualService ns1/app: route "pinned" sends to stable and is not moved by this release.',
      'note VirtualService ns1/app: some requests are routed elsewhere (route "handed-on" to VirtualService ns1/child); this release moves them only if that VirtualService is named, too.',
      'warn VirtualService ns1/app: route "everything" (spec.http[3].route) sends to other, which is no Service and no host of a ServiceEntry (IST0101): its requests are answered with 503 (NC).',
    ],
  },

  "a share that is too coarse for the plan": {
    objects: [virtualService([{ name: "primary", route: [to("v1", 10), to("v1", 90, "legacy")] }]), subsets],
    plan: planOf([1, 50]),
    found: [
      'note VirtualService ns1/app: the first write takes route "primary" from app/v1 10, legacy/v1 90 to app/v1 9, v2 1, legacy/v1 90.',
      'warn VirtualService ns1/app: route "primary" leaves the two versions a share of 10, so 1% becomes 10%.',
      'warn VirtualService ns1/app: route "primary" (spec.http[0].route) sends to legacy, which is no Service and no host of a ServiceEntry (IST0101): its requests are answered with 503 (NC).',
    ],
  },

  "another VirtualService for the same service, by a gateway and without subsets": {
    objects: [
      alone,
      subsets,
      virtualService([{ route: [to(undefined)] }], {
        name: "public",
        hosts: ["app.example.com"],
        gateways: ["public-gateway"],
      }),
    ],
    found: [
      `note ${primary}`,
      "warn VirtualService ns1/public sends to the service, too (by public-gateway), and is not part of the release: its requests go to every pod of the service, the canary's among them, whatever the stage.",
    ],
  },

  "two VirtualServices for one host in the mesh": {
    objects: [
      alone,
      subsets,
      virtualService([{ route: [to(undefined, undefined, "other")] }], {
        name: "older",
        hosts: ["app.ns1.svc.cluster.local"],
      }),
    ],
    found: [
      `note ${primary}`,
      "warn VirtualService ns1/app and VirtualService ns1/older have a host in common, and sidecars use only the older of the two (IST0109).",
    ],
  },

  "a gateway's VirtualService may have the same host": {
    objects: [
      alone,
      subsets,
      virtualService([{ route: [to(undefined, undefined, "other")] }], {
        name: "older",
        hosts: ["app"],
        gateways: ["public"],
      }),
    ],
    found: [`note ${primary}`],
  },

  "a gateway that takes the DestinationRule of its own namespace, without the canary's subset": {
    objects: [byGateway(), gateway(), subsets, inNamespace("edge", rule(["v1"], { host: fullHost }))],
    found: [
      `note ${primary}`,
      "refuse For gateway edge/public DestinationRule edge/app counts for host app, and it lacks the canary's subset v2 (DestinationRule ns1/app has it, and does not count there): the canary's share of their requests would be answered with 503 (NC).",
    ],
  },

  "the canary's subset in a DestinationRule for another namespace only": {
    objects: [alone, rule(["v1"]), rule(["v1", "v2"], { name: "partners", exportTo: ["partner"] })],
    found: [
      `note ${primary}`,
      "refuse For clients in ns1 and clients in other namespaces DestinationRule ns1/app counts for host app, and it lacks the canary's subset v2 (DestinationRule ns1/partners has it, and does not count there): the canary's share of their requests would be answered with 503 (NC).",
    ],
  },

  "the canary's subset in a DestinationRule for some clients only": {
    objects: [
      alone,
      rule(["v1"]),
      rule(["v1", "v2"], { name: "web", workloadSelector: { matchLabels: { app: "web" } } }),
    ],
    found: [
      `note ${primary}`,
      "refuse For clients in ns1 and clients in other namespaces DestinationRule ns1/app counts for host app, and it lacks the canary's subset v2 (DestinationRule ns1/web has it, and does not count there): the canary's share of their requests would be answered with 503 (NC).",
    ],
  },

  "a DestinationRule for some clients without the canary's subset": {
    objects: [alone, subsets, rule(["v1"], { name: "web", workloadSelector: { matchLabels: { app: "web" } } })],
    found: [
      `note ${primary}`,
      "refuse For clients in ns1 with app=web DestinationRule ns1/web counts for host app, and it lacks the canary's subset v2 (DestinationRule ns1/app has it, and does not count there): the canary's share of their requests would be answered with 503 (NC).",
    ],
  },

  "a gateway in the root namespace takes the service's rules before the root's": {
    objects: [
      atRoot(),
      gatewayAt("istio-system"),
      subsets,
      inNamespace("istio-system", rule(["v1"], { host: fullHost })),
    ],
    found: [`note ${primary}`],
  },

  "a gateway in the root namespace takes a rule first that the root keeps to itself": {
    objects: [
      atRoot(),
      gatewayAt("istio-system"),
      subsets,
      inNamespace("istio-system", rule(["v1"], { host: fullHost, exportTo: ["."] })),
    ],
    found: [
      `note ${primary}`,
      "refuse For gateway istio-system/public DestinationRule istio-system/app counts for host app, and it lacks the canary's subset v2 (DestinationRule ns1/app has it, and does not count there): the canary's share of their requests would be answered with 503 (NC).",
    ],
  },

  "a rule of the root namespace that one of ours would hide": {
    objects: [alone, inNamespace("istio-system", rule(["v1"], { host: fullHost }))],
    found: [
      `note ${primary}`,
      'note DestinationRule ns1/istio-canary-app of our own will have subset v1 ({"version":"v1"}) and subset v2 ({"version":"v2"}), which no other has; it goes at the end.',
      "warn DestinationRule istio-system/app counts for app now, and DestinationRule ns1/istio-canary-app of our own would hide it with its traffic policy.",
    ],
  },

  "a missing subset gets stable's traffic policy, and that is said": {
    objects: [
      alone,
      rule([], {
        subsets: [
          { name: "v1", labels: { version: "v1" }, trafficPolicy: { connectionPool: { tcp: { maxConnections: 9 } } } },
        ],
      }),
    ],
    found: [
      `note ${primary}`,
      `note DestinationRule ns1/istio-canary-app of our own will have subset v2 ({"version":"v2"}), which no other has; it goes at the end. It has stable's trafficPolicy (connectionPool), and limits in it count for the canary by itself.`,
    ],
  },

  "who sees both subsets, wherever they are, is told of no more": {
    objects: [
      byGateway(),
      gateway(),
      rule(["v1"], { exportTo: ["."] }),
      inNamespace("edge", rule(["v1", "v2"], { host: fullHost })),
      inNamespace("other", rule(["v1"], { host: fullHost, exportTo: ["."] })),
    ],
    found: [
      `note ${primary}`,
      'note DestinationRule ns1/istio-canary-app of our own will have subset v2 ({"version":"v2"}), which no other has; it goes at the end.',
    ],
  },

  "a gateway that does not exist": {
    objects: [byGateway(), subsets],
    found: [
      `note ${primary}`,
      "warn VirtualService ns1/app is for Gateway edge/public, which does not exist (IST0101): nobody follows it there.",
    ],
  },

  "a gateway for other hosts": {
    objects: [byGateway(), gateway(["ns1/*.example.org", "other/*"]), subsets],
    found: [
      `note ${primary}`,
      "warn Gateway edge/public takes requests for none of the hosts of VirtualService ns1/app (app.example.com; IST0132): nobody follows it there.",
    ],
  },

  "another gateway that has TLS for the same host on the same proxies": {
    objects: [
      byGateway(),
      tlsGateway("public", ["*/app.example.com"]),
      tlsGateway("older", ["app.example.com", "b.example.com"]),
      tlsGateway("of-other-proxies", ["app.example.com"], { istio: "internal" }),
      tlsGateway("at-another-host", ["c.example.com"]),
      subsets,
    ],
    found: [
      `note ${primary}`,
      "warn Gateway edge/public and Gateway edge/older both have TLS for app.example.com:443 on the same proxies (IST0145): istiod leaves the younger one's server out, and its requests follow the routes of the other alone.",
    ],
  },

  "a gateway that ends TLS before anybody looks at SNI": {
    objects: [byGateway({ http: undefined, tls: [bySni] }), gateway(), subsets],
    found: [
      `note ${bySniMoves}`,
      "warn Gateway edge/public has no server that passes TLS on as it is (tls.mode: PASSTHROUGH): nobody follows VirtualService ns1/app: tls route #0 there.",
    ],
  },

  "a gateway that passes TLS on": {
    objects: [
      byGateway({ http: undefined, tls: [bySni] }),
      gateway(["*"], { port: { number: 443, name: "tls", protocol: "TLS" }, tls: { mode: "PASSTHROUGH" } }),
      subsets,
    ],
    found: [`note ${bySniMoves}`],
  },

  "a gateway for HTTP alone, and a tcp route": {
    objects: [byGateway({ http: undefined, tcp: [{ route: [to("v1")] }] }), gateway(), subsets],
    found: [
      "note VirtualService ns1/app: the first write takes tcp route #0 from v1 alone to v1 90, v2 10.",
      "warn Gateway edge/public has no server for TCP: nobody follows VirtualService ns1/app: tcp route #0 there.",
    ],
  },

  "a gateway for hosts of which one is meant": {
    objects: [byGateway(), gateway(["ns1/*.example.com"]), subsets],
    found: [`note ${primary}`],
  },

  "a gateway to which the VirtualService is not exported": {
    objects: [byGateway({ exportTo: ["."] }), gateway(), subsets],
    found: [
      `note ${primary}`,
      "warn VirtualService ns1/app is exported to ns1 only (exportTo), and Gateway edge/public is in edge: unless its proxies run in one of those, they see none of its weights.",
    ],
  },

  "a VirtualService of another service is nobody's business": {
    objects: [alone, subsets, virtualService([{ route: [to("v1", undefined, "other")] }], { name: "other" })],
    found: [`note ${primary}`],
  },

  "a missing subset is announced": {
    objects: [alone, rule(["v1"])],
    found: [
      `note ${primary}`,
      'note DestinationRule ns1/istio-canary-app of our own will have subset v2 ({"version":"v2"}), which no other has; it goes at the end.',
    ],
  },

  "a missing subset stays after a swap": {
    objects: [alone, rule(["v1"])],
    plan: planOf([10], "swap"),
    found: [
      `note ${primary}`,
      'note DestinationRule ns1/istio-canary-app of our own will have subset v2 ({"version":"v2"}), which no other has; after a swap it stays, because the routes name it then.',
    ],
  },

  "a clone's own labels are its subset's": {
    objects: [alone, rule(["v1"])],
    target: { source: { from: "clone", labels: { track: "canary" } } },
    subsetLabels: async () => undefined,
    found: [
      `note ${primary}`,
      'note DestinationRule ns1/istio-canary-app of our own will have subset v2 ({"track":"canary"}), which no other has; it goes at the end.',
    ],
  },

  "a missing subset of which nobody knows the labels": {
    objects: [alone, rule(["v1"])],
    subsetLabels: async () => ({}),
    found: [
      `note ${primary}`,
      "refuse No DestinationRule in namespace ns1 has the subset v2 of app, and no label is known that only the pods of app-v2 have.",
    ],
  },

  "stable's subset is missing, too": {
    objects: [alone],
    found: [
      `note ${primary}`,
      'note DestinationRule ns1/istio-canary-app of our own will have subset v1 ({"version":"v1"}) and subset v2 ({"version":"v2"}), which no other has; it goes at the end.',
    ],
  },

  "a wildcard rule would be hidden by one of ours": {
    objects: [alone, rule(["v1"], { host: "*.ns1.svc.cluster.local" })],
    found: [
      "refuse DestinationRule ns1/app for *.ns1.svc.cluster.local has no subset v2, and a rule for app alone would switch off the wide one's settings.",
      `note ${primary}`,
    ],
  },

  "a wildcard rule may have the subsets": {
    objects: [alone, rule(["v1", "v2"], { host: "*.ns1.svc.cluster.local" })],
    found: [`note ${primary}`],
  },

  "a DestinationRule of our name that is not ours": {
    objects: [alone, rule(["v1"], { name: "istio-canary-app" })],
    found: [
      `note ${primary}`,
      "refuse DestinationRule ns1/istio-canary-app is in the way of the one that would add the subset v2.",
    ],
  },
};

const told = (findings: Awaited<ReturnType<typeof inspectRoutes>>): readonly string[] =>
  findings.map(({ level, what }) => `${level} ${what}`);
const byVersion: SubsetLabels = async (of) => ({ version: of === "stable" ? "v1" : "v2" });

for (const [name, { objects, plan = planOf([10]), subsetLabels = byVersion, found, ...given }] of Object.entries(
  cases,
)) {
  test(name, () =>
    inCluster(objects, async ({ client, server }) => {
      const stored = server.store.resourceVersion();
      const findings = await inspectRoutes(client, { ...target, ...given.target }, plan, subsetLabels);
      assert.deepEqual(told(findings), found);
      for (const { level, what, next } of findings)
        assert.ok(level === "note" || next, `nobody is told what to do: ${what}`);
      assert.equal(server.store.resourceVersion(), stored, "a preflight changes nothing");
    }),
  );
}

test("istiod's webhook is asked beforehand, and its words are told", () =>
  inCluster([alone, subsets], async ({ server, client }) => {
    server.deny({ kind: "VirtualService", because: "configuration is invalid: no" });
    const findings = told(await inspectRoutes(client, target, planOf([10]), byVersion));
    assert.match(
      findings.at(-1) ?? "",
      /^refuse VirtualService ns1\/app: the first write would be refused: PATCH \S+: admission webhook "\S+" denied the request: configuration is invalid: no$/,
    );
    assert.equal(server.requests.count({ method: "PATCH", path: "dryRun=All" }), 1);
  }));

test("our DestinationRule is rehearsed, too", () =>
  inCluster([alone, rule(["v1"])], async ({ server, client }) => {
    server.deny({ kind: "DestinationRule", because: "no" });
    const findings = told(await inspectRoutes(client, target, planOf([10]), byVersion));
    assert.match(findings.at(-1) ?? "", /^refuse DestinationRule ns1\/istio-canary-app would be refused: .*: no$/);
  }));

test("who may not list VirtualServices is told what cannot be seen", () => {
  const rules = [
    {
      apiGroups: ["networking.istio.io"],
      resources: ["virtualservices"],
      verbs: ["get", "patch"],
      namespaces: ["ns1"],
    },
    {
      apiGroups: ["networking.istio.io"],
      resources: ["destinationrules"],
      verbs: ["get", "list"],
      namespaces: ["ns1"],
    },
  ];
  return inCluster(
    [alone, subsets],
    async ({ server }) => {
      const client = clientOf(server, "ci");
      const findings = told(await inspectRoutes(client, target, planOf([10]), byVersion));
      assert.deepEqual(findings, [
        `note ${primary}`,
        "note VirtualServices in ns1 may not be listed, so it is not known whether others send to the service, too.",
      ]);
    },
    { tokens: { ci: { user: "ci", rules } } },
  );
});

test("who may not look into other namespaces is told so once, and nothing is held against the release", () => {
  const mayRead = { verbs: ["get", "list", "patch"], namespaces: ["ns1"] };
  const resources = ["virtualservices", "destinationrules"];
  const rules = [{ apiGroups: ["networking.istio.io"], resources, ...mayRead }];
  return inCluster(
    [byGateway(), subsets, inNamespace("edge", rule(["v1"], { host: fullHost }))],
    async ({ server }) => {
      const client = clientOf(server, "ci");
      assert.deepEqual(told(await inspectRoutes(client, target, planOf([10]), byVersion)), [
        `note ${primary}`,
        "note DestinationRules or Gateways of ns1, istio-system, edge may not be listed, so it is not known what gateways and clients there see of the weights.",
      ]);
    },
    { tokens: { ci: { user: "ci", rules } } },
  );
});

test("a cluster without Istio is one finding", async () => {
  await inCluster([], async ({ client }) => {
    const without = { ...client, versions: async () => [] };
    assert.deepEqual(told(await inspectRoutes(without, target, planOf([10]), byVersion)), [
      "refuse The cluster has no VirtualServices: it does not serve networking.istio.io.",
    ]);
  });
});

test("routes that stay as they are count in the observed split, which is told where evidence judges it", async () => {
  const plan = planOf([10]);
  const judged: Plan = {
    ...plan,
    stages: plan.stages.map((stage) => ({ ...stage, gates: [{ kind: "evidence", name: "evidence" }] })),
  };
  const objects = [
    virtualService([
      { name: "pinned", match: [{ uri: { prefix: "/pinned" } }], route: [to("v1")] },
      { name: "primary", route: [to("v1", 100), to("v2", 0)] },
    ]),
    subsets,
  ];
  await inCluster(objects, async ({ client }) => {
    const nextOf = async (plan: Plan): Promise<string | undefined> =>
      (await inspectRoutes(client, target, plan, byVersion)).find(({ what }) => what.includes("is not moved"))?.next;
    assert.equal(await nextOf(plan), undefined);
    assert.match(
      (await nextOf(judged)) ?? "",
      /held, or rolled back, because of it\. Allow the difference with evidence\.splitTolerance/,
    );
  });
});
