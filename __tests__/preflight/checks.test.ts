import assert from "node:assert/strict";
import test, { describe } from "node:test";
import type { KubernetesObject } from "../../src/kubernetes/object.ts";
import type { Answerer, Uncounted } from "../../src/ports/metrics.ts";
import type { Finding } from "../../src/ports/preflight.ts";
import type { Gate } from "../../src/release/gate.ts";
import type { Plan } from "../../src/release/plan.ts";
import type { Target } from "../../src/release/target.ts";
import { stubClient } from "../support/kubernetes-stub.ts";
import { image, targetOf } from "../support/workload-objects.ts";
import { planOf } from "../support/world.ts";
import { inspectCluster } from "./inspect-cluster.ts";

type Labels = Readonly<Record<string, string>>;
type Fields = Readonly<Record<string, unknown>>;

const object = (kind: string, name: string, spec: Fields, metadata: Fields = {}): KubernetesObject => ({
  apiVersion: "x/v1",
  kind,
  metadata: { name, namespace: "shop", ...metadata },
  spec,
});

type DeploymentMore = {
  readonly replicas?: number;
  readonly status?: Fields;
  readonly labels?: Labels;
  readonly containers?: readonly Fields[];
  readonly template?: Fields;
  readonly metadata?: Fields;
  readonly paused?: boolean;
};

function deployment(
  name: string,
  tag: string,
  {
    replicas = 2,
    status,
    labels = { app: "reviews", version: name.replace("reviews-", "") },
    containers,
    template = {},
    metadata = {},
    paused,
  }: DeploymentMore = {},
): KubernetesObject {
  const ports = [{ name: "http", containerPort: 9080 }];
  return {
    ...object("Deployment", name, {
      replicas,
      ...(paused ? { paused } : {}),
      selector: { matchLabels: labels },
      template: {
        metadata: { labels, ...template },
        spec: { containers: containers ?? [{ name: "reviews", image: image(tag), ports }] },
      },
    }),
    metadata: { name, namespace: "shop", generation: 1, ...metadata },
    status: { observedGeneration: 1, replicas, updatedReplicas: replicas, availableReplicas: replicas, ...status },
  };
}

const pod = (of: string, containers: readonly string[] = ["reviews"]): KubernetesObject =>
  object(
    "Pod",
    `${of}-hash-1`,
    { containers: containers.map((name) => ({ name })) },
    { labels: { "pod-template-hash": "hash" }, ownerReferences: [{ kind: "ReplicaSet", name: `${of}-hash` }] },
  );

const readyPod = (name: string): KubernetesObject => ({
  ...object("Pod", name, { containers: [{ name: "app" }] }, { labels: { app: "reviews" } }),
  status: { conditions: [{ type: "Ready", status: "True" }] },
});

const service = (name: string, selector: Labels, more: Fields = {}): KubernetesObject =>
  object("Service", name, { selector, ports: [{ name: "http", port: 9080, targetPort: "http" }], ...more });
const subsets = (host: string, all: Readonly<Record<string, Labels>>, name = host): KubernetesObject =>
  object("DestinationRule", name, {
    host,
    subsets: Object.entries(all).map(([subset, labels]) => ({ name: subset, labels })),
  });
const route = (...destinations: readonly Fields[]): Fields => ({
  route: destinations.map((destination) => ({ destination })),
});
const virtualService = (spec: Fields, metadata: Fields = {}, name = "reviews"): KubernetesObject =>
  object("VirtualService", name, { hosts: ["reviews"], ...spec }, metadata);
const namespace = (labels: Labels = {}): KubernetesObject => ({
  apiVersion: "v1",
  kind: "Namespace",
  metadata: { name: "shop", labels },
});
const autoscaler = (of: string): KubernetesObject =>
  object("HorizontalPodAutoscaler", of, { scaleTargetRef: { kind: "Deployment", name: of } });

/** A service that can be released: the canary is there, the route pins stable. */
const parts = {
  namespace: namespace(),
  service: service("reviews", { app: "reviews" }),
  stable: deployment("reviews-v1", "v1"),
  canary: deployment("reviews-v2", "v1-old"),
  rule: subsets("reviews", { v1: { version: "v1" }, v2: { version: "v2" } }),
  route: virtualService({ http: [route({ host: "reviews", subset: "v1" })] }),
  stablePod: pod("reviews-v1"),
  canaryPod: pod("reviews-v2"),
};

type Parts = { readonly [part in keyof typeof parts]?: KubernetesObject | undefined } & {
  readonly [more: string]: KubernetesObject | undefined;
};
type Setting = {
  readonly target?: Partial<Target>;
  readonly plan?: Partial<Plan>;
  readonly firstDeploy?: boolean;
  readonly undo?: boolean;
  readonly answerers?: readonly Answerer[] | Uncounted;
};

async function inspect(
  changed: Parts = {},
  { target = {}, plan = {}, firstDeploy = false, undo = false, answerers = [] }: Setting = {},
): Promise<readonly Finding[]> {
  const objects = Object.values({ ...parts, ...changed }).filter((one) => one !== undefined);
  return inspectCluster(stubClient(objects), {
    target: targetOf("shop", target),
    plan: planOf(plan),
    firstDeploy,
    undo,
    answerers,
  });
}

const stableSubset = { host: "reviews", subset: "v1" };
const judgedBy = (...gates: readonly Gate[]): Partial<Plan> => ({
  stages: planOf().stages.map((stage) => ({ ...stage, gates })),
});
const clone: Partial<Target> = { source: { from: "clone", labels: {} }, replicas: { kind: "by-weight" } };
const passThrough = { loadBalancer: { simple: "PASSTHROUGH" } };
const exported = (one: KubernetesObject, to: string): KubernetesObject => ({
  ...one,
  metadata: { ...one.metadata, annotations: { "networking.istio.io/exportTo": to } },
});
const toHosts: Partial<Target> = {
  stable: { deployment: "reviews-v1", host: "reviews" },
  canary: { deployment: "reviews-v2", host: "reviews-canary" },
};
const hostParts: Parts = {
  service: service("reviews", { app: "reviews", version: "v1" }),
  canaryService: service("reviews-canary", { app: "reviews", version: "v2" }),
  rule: undefined,
  route: virtualService({ http: [route({ host: "reviews" })] }),
};
const manifests = (...objects: readonly Fields[]): Partial<Target> => ({ source: { from: "manifests", objects } });
const asManifest = ({ metadata: { name }, spec }: KubernetesObject): Fields => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name },
  spec,
});

const policy = (kind: string, name: string, spec: Fields): KubernetesObject => object(kind, name, spec);
const ofV1 = { matchLabels: { version: "v1" } };
const ofV2 = { matchLabels: { version: "v2" } };
const ofBoth = { matchLabels: { app: "reviews" } };
const gets = [{ to: [{ operation: { methods: ["GET"] } }] }];
const fromWeb = [{ from: [{ podSelector: { matchLabels: { app: "web" } } }] }];

const withLabels = (one: KubernetesObject, labels: Labels): KubernetesObject => ({
  ...one,
  metadata: { ...one.metadata, labels },
});
const withWaypoint = (labels: Labels = {}): KubernetesObject =>
  namespace({ "istio.io/dataplane-mode": "ambient", "istio.io/use-waypoint": "waypoint", ...labels });
const waypoint = (labels: Labels = {}, status: Fields = {}, of = "shop", name = "waypoint"): KubernetesObject => ({
  ...object("Gateway", name, { gatewayClassName: "istio-waypoint" }, { namespace: of, labels }),
  status,
});
const sidecar = (of: string, spec: Fields): KubernetesObject => object("Sidecar", "default", spec, { namespace: of });
const inRoot = (one: KubernetesObject): KubernetesObject => ({
  ...one,
  metadata: { ...one.metadata, namespace: "istio-system" },
});
const inFull = "reviews.shop.svc.cluster.local";
const withPolicies = (v1: Fields | undefined, v2: Fields | undefined): KubernetesObject =>
  object("DestinationRule", "reviews", {
    host: "reviews",
    subsets: [
      { name: "v1", labels: { version: "v1" }, ...(v1 ? { trafficPolicy: v1 } : {}) },
      { name: "v2", labels: { version: "v2" }, ...(v2 ? { trafficPolicy: v2 } : {}) },
    ],
  });

const silent: readonly (readonly [string, Parts, Setting])[] = [
  ["an existing canary beside a route that pins stable", {}, {}],
  ["a clone that finds its labels in the subset", { canary: undefined, canaryPod: undefined }, { target: clone }],
  [
    "a clone whose subset the release will add",
    { canary: undefined, canaryPod: undefined, rule: subsets("reviews", { v1: { version: "v1" } }) },
    { target: clone },
  ],
  ["a host split with Services that select one version each", hostParts, { target: toHosts }],
  [
    "a clone for a host split",
    { ...hostParts, canary: undefined, canaryPod: undefined },
    { target: { ...toHosts, ...clone } },
  ],
  [
    "a canary's manifest",
    { canary: undefined, canaryPod: undefined },
    { target: manifests(asManifest(deployment("reviews-v2", "v2"))) },
  ],
  [
    "versions by full host names",
    {},
    {
      target: {
        stable: { deployment: "reviews-v1", host: "reviews.shop.svc.cluster.local", subset: "v1" },
        canary: { deployment: "reviews-v2", host: "reviews.shop.svc.cluster.local", subset: "v2" },
      },
    },
  ],
  [
    "a route in another namespace",
    {
      route: virtualService(
        {
          hosts: ["reviews.shop.svc.cluster.local"],
          http: [route({ host: "reviews.shop.svc.cluster.local", subset: "v1" })],
        },
        { namespace: "edge" },
      ),
    },
    { target: { routes: [{ kind: "VirtualService", namespace: "edge", name: "reviews", routes: [] }] } },
  ],
  [
    "a delegate that the mesh's VirtualService names",
    {
      route: object("VirtualService", "reviews", { http: [route({ host: "reviews", subset: "v1" })] }),
      root: virtualService({ http: [{ delegate: { name: "reviews" } }] }, {}, "root"),
    },
    {},
  ],
  [
    "a delegate that a root in another namespace names",
    {
      route: virtualService(
        { hosts: ["reviews.shop.svc.cluster.local"], http: [{ delegate: { name: "child", namespace: "shop" } }] },
        { namespace: "edge" },
      ),
      child: object("VirtualService", "child", { http: [route({ host: "reviews", subset: "v1" })] }),
    },
    {
      target: {
        routes: [
          { kind: "VirtualService", namespace: "edge", name: "reviews", routes: [] },
          { kind: "VirtualService", namespace: "shop", name: "child", routes: [] },
        ],
      },
    },
  ],
  [
    "a VirtualService for every host of the namespace",
    {
      route: virtualService({ hosts: ["*.shop.svc.cluster.local"], http: [route({ host: "reviews", subset: "v1" })] }),
    },
    {},
  ],
  [
    "sidecars that both have",
    {
      stablePod: pod("reviews-v1", ["istio-proxy", "reviews"]),
      canaryPod: pod("reviews-v2", ["istio-proxy", "reviews"]),
      namespace: namespace({ "istio-injection": "enabled" }),
    },
    {},
  ],
  [
    "a canary behind a Service of its own, whatever routes stable",
    {
      ...hostParts,
      rule: subsets("reviews", { v1: { version: "v1" } }),
      route: virtualService({ gateways: ["istio-system/public"], http: [route({ host: "reviews", subset: "v1" })] }),
    },
    { target: { canary: { deployment: "reviews-v2", host: "reviews-canary" } } },
  ],
  [
    "a sidecar that stands in the canary's template",
    {
      stablePod: pod("reviews-v1", ["istio-proxy"]),
      canary: deployment("reviews-v2", "v1", {
        containers: [
          { name: "reviews", image: "x", ports: [{ name: "http" }] },
          { name: "istio-proxy", image: "auto" },
        ],
      }),
    },
    {},
  ],
  [
    "a third version's destination, which is not the release's",
    {
      route: virtualService({
        http: [
          route({ host: "reviews", subset: "v1" }),
          route({ host: "reviews", subset: "v3", port: { number: 80 } }),
        ],
      }),
    },
    {},
  ],
  [
    "another Service that a route of the mesh is for",
    {
      legacy: service("reviews-legacy", { app: "reviews" }),
      route: virtualService({
        hosts: ["reviews", "reviews-legacy"],
        http: [route({ host: "reviews", subset: "v1" })],
      }),
    },
    {},
  ],
  [
    "a VirtualService for as many as the Service is for",
    {
      service: exported(service("reviews", { app: "reviews" }), "."),
      route: virtualService({ exportTo: ["."], http: [route({ host: "reviews", subset: "v1" })] }),
    },
    {},
  ],
  ["an ambient namespace with a waypoint", { namespace: withWaypoint(), waypoint: waypoint() }, {}],
  [
    "a waypoint for everything in another namespace, which the Service's own labels name",
    {
      namespace: withWaypoint(),
      service: withLabels(parts.service, {
        "istio.io/use-waypoint": "shared",
        "istio.io/use-waypoint-namespace": "infra",
      }),
      waypoint: waypoint({ "istio.io/waypoint-for": "all" }, {}, "infra", "shared"),
    },
    {},
  ],
  [
    "Sidecars whose clients see the route, or everything, or nothing at all",
    {
      own: sidecar("shop", { egress: [{ hosts: ["./*", "istio-system/*"] }] }),
      web: sidecar("web", {
        egress: [{ hosts: ["istio-system/*"] }, { hosts: ["shop/reviews.shop.svc.cluster.local"] }],
      }),
      any: sidecar("any", { egress: [{ hosts: ["*/*"] }] }),
      ingress: sidecar("plain", { ingress: [{}] }),
      closed: sidecar("closed", { egress: [{ hosts: ["./*"] }], outboundTrafficPolicy: { mode: "REGISTRY_ONLY" } }),
    },
    {},
  ],
  [
    "plugins for both versions, and those of Istio's own namespace for others",
    {
      both: policy("WasmPlugin", "auth", { selector: ofBoth }),
      filter: policy("EnvoyFilter", "buffer", { workloadSelector: { labels: { app: "reviews" } } }),
      root: inRoot(policy("AuthorizationPolicy", "gateways", { selector: { matchLabels: { istio: "ingress" } } })),
      everywhere: inRoot(policy("PeerAuthentication", "default", { mtls: { mode: "STRICT" } })),
    },
    {},
  ],
  [
    "the same traffic policy in both subsets",
    { rule: withPolicies({ tls: { mode: "ISTIO_MUTUAL" } }, { tls: { mode: "ISTIO_MUTUAL" } }) },
    {},
  ],
  [
    "policies for both versions",
    {
      nothing: policy("AuthorizationPolicy", "allow-nothing", {}),
      some: policy("AuthorizationPolicy", "gets", { selector: ofBoth, rules: gets }),
      none: policy("NetworkPolicy", "default-deny", { podSelector: {} }),
      web: policy("NetworkPolicy", "web", { podSelector: ofBoth, ingress: fromWeb }),
    },
    {},
  ],
  [
    "the same policy for each version",
    {
      one: policy("AuthorizationPolicy", "v1", { selector: ofV1, rules: gets }),
      two: policy("AuthorizationPolicy", "v2", { selector: ofV2, rules: gets }),
    },
    {},
  ],
  [
    "a policy for a waypoint, which has no pods",
    { one: policy("AuthorizationPolicy", "waypoint", { targetRefs: [{ kind: "Gateway", name: "waypoint" }] }) },
    {},
  ],
  ["somebody else's pods with sidecars", { otherPod: pod("ratings", ["istio-proxy"]) }, {}],
  ["an autoscaler for each version", { hpa: autoscaler("reviews-v1"), other: autoscaler("reviews-v2") }, {}],
];

describe("nothing stands in the way of", () => {
  for (const [what, changed, setting] of silent) {
    test(what, async () =>
      assert.deepEqual(
        (await inspect(changed, setting)).filter(({ level }) => level !== "note"),
        [],
      ),
    );
  }
});

type Row = readonly [
  fact: string,
  changed: Parts,
  setting: Setting,
  level: Finding["level"],
  what: RegExp,
  next?: RegExp,
];

const going = (one: KubernetesObject, metadata: Fields = {}): KubernetesObject => ({
  ...one,
  metadata: {
    ...one.metadata,
    deletionTimestamp: "2026-11-28T04:00:00Z",
    finalizers: ["example.com/hold"],
    ...metadata,
  },
});

const ownedBy = (one: KubernetesObject, kind: string): KubernetesObject => ({
  ...one,
  metadata: { ...one.metadata, ownerReferences: [{ apiVersion: "apps.example.com/v1", kind, name: "w", uid: "u" }] },
});

const seesNone =
  /their requests go to every pod of the Service, the canary's among them; nobody else follows the route\.$/;

const sightRows: readonly Row[] = [
  [
    "a waypoint that only a label names",
    { namespace: withWaypoint() },
    {},
    "refuse",
    /^Service shop\/reviews is in an ambient mesh and is to use the waypoint shop\/waypoint, which does not exist, /,
    /^Make it: istioctl waypoint apply -n shop --name waypoint\./,
  ],
  [
    "a waypoint of another namespace that is not there, whatever the own one has",
    {
      namespace: withWaypoint({ "istio.io/use-waypoint-namespace": "infra" }),
      waypoint: waypoint(),
    },
    {},
    "refuse",
    /to use the waypoint infra\/waypoint, which does not exist/,
    /^Make it: istioctl waypoint apply -n infra --name waypoint\./,
  ],
  [
    "a waypoint for workloads",
    { namespace: withWaypoint(), waypoint: waypoint({ "istio.io/waypoint-for": "workload" }) },
    {},
    "refuse",
    seesNone,
    /kubectl label gateways\.gateway\.networking\.k8s\.io waypoint -n shop istio\.io\/waypoint-for=service/,
  ],
  [
    "a waypoint that does not let the Service in",
    {
      namespace: withWaypoint({ "istio.io/use-waypoint-namespace": "infra" }),
      service: {
        ...parts.service,
        status: { conditions: [{ type: "istio.io/WaypointBound", status: "False", message: "not allowed from here" }] },
      },
      waypoint: waypoint({}, {}, "infra"),
    },
    {},
    "refuse",
    /is not bound to the waypoint infra\/waypoint \(not allowed from here; IST0171\)/,
    /allowedRoutes/,
  ],
  [
    "a waypoint that is not ready",
    { namespace: withWaypoint(), waypoint: waypoint({}, { conditions: [{ type: "Programmed", status: "False" }] }) },
    {},
    "warn",
    /^The waypoint shop\/waypoint of Service shop\/reviews is not ready \(Programmed; IST0171\)/,
    /kubectl get gateways\.gateway\.networking\.k8s\.io waypoint -n shop/,
  ],
  [
    "a Sidecar by which callers know the Service, and not the route of another namespace",
    {
      route: virtualService(
        { hosts: ["reviews.shop.svc.cluster.local"], http: [route({ host: inFull, subset: "v1" })] },
        { namespace: "edge" },
      ),
      web: sidecar("web", { egress: [{ hosts: ["./*", "shop/*"] }] }),
    },
    { target: { routes: [{ kind: "VirtualService", namespace: "edge", name: "reviews", routes: [] }] } },
    "warn",
    /^Sidecar web\/default lets its clients see Service shop\/reviews, and not VirtualService edge\/reviews \(egress\.hosts\)/,
    /^Add edge\/\* to its egress\.hosts\.$/,
  ],
  [
    "a Sidecar by which some callers know neither",
    {
      web: sidecar("web", {
        workloadSelector: { labels: { app: "web" } },
        egress: [{ hosts: ["web/*", "shop/ratings"] }],
      }),
    },
    {},
    "note",
    /^Sidecar web\/default \(app=web\) does not let its clients see VirtualService shop\/reviews, nor Service shop\/reviews/,
  ],
  [
    "the Sidecar of all, in Istio's own namespace, by which each knows its own",
    { root: sidecar("istio-system", { egress: [{ hosts: ["./*", "istio-system/*"] }] }) },
    {},
    "note",
    /^Sidecar istio-system\/default does not let its clients see VirtualService shop\/reviews/,
  ],
  [
    "a policy of Istio's own namespace for one version, that allows nothing",
    { root: inRoot(policy("AuthorizationPolicy", "nothing", { selector: ofV2 })) },
    {},
    "refuse",
    /^AuthorizationPolicy istio-system\/nothing allows nothing: the canary \(reviews-v2\) would answer every request with 403/,
  ],
  ...(
    [
      ["RequestAuthentication", { selector: ofV1 }, /they may differ in which tokens they take/],
      ["PeerAuthentication", { selector: ofV1 }, /in whether they take requests without mutual TLS/],
      ["WasmPlugin", { selector: ofV1 }, /in what their proxies do with requests/],
      ["EnvoyFilter", { workloadSelector: { labels: { version: "v1" } } }, /in what their proxies do with requests/],
    ] as const
  ).flatMap(([kind, spec, differ]): readonly Row[] =>
    [policy(kind, "some", spec), inRoot(policy(kind, "some", spec))].map((one) => [
      `a ${kind} of ${one.metadata.namespace} for stable's pods`,
      { one },
      {},
      "warn",
      new RegExp(
        `^${kind} ${one.metadata.namespace}/some is for the pods of reviews-v1 and not for the canary's \\(it selects version=v1\\), .*${differ.source}`,
      ),
    ]),
  ),
  [
    "a Sidecar for stable's pods",
    { one: sidecar("shop", { workloadSelector: { labels: { version: "v1" } }, egress: [{ hosts: ["*/*"] }] }) },
    {},
    "warn",
    /^Sidecar shop\/default is for the pods of reviews-v1 and not for the canary's .* differ in whom they reach/,
  ],
  [
    "a traffic policy for one subset",
    { rule: withPolicies({ outlierDetection: { consecutive5xxErrors: 1 } }, undefined) },
    {},
    "warn",
    /^DestinationRule shop\/reviews treats the two versions differently \(trafficPolicy: outlierDetection\), so pods of one are left out .*: outlierDetection\.consecutive5xxErrors: 1 for stable, nothing for the canary\.$/,
  ],
  [
    "other limits for one subset",
    {
      rule: withPolicies(
        { connectionPool: { http: { maxRetries: 3, http1MaxPendingRequests: 9 } } },
        { connectionPool: { http: { maxRetries: 1, http1MaxPendingRequests: 9 } } },
      ),
    },
    {},
    "warn",
    /one of them refuses requests \(503 UO\).*: connectionPool\.http\.maxRetries: 3 for stable, 1 for the canary\.$/,
  ],
];

const ownerRows: readonly Row[] = [
  [
    "an owner that does not call itself the controller",
    { stable: ownedBy(parts.stable, "WebApp") },
    {},
    "warn",
    /^Deployment shop\/reviews-v1 belongs to WebApp w .*: its operator may write image and replicas back/,
  ],
  [
    "the route's owner",
    { route: ownedBy(parts.route, "Model") },
    {},
    "warn",
    /^VirtualService shop\/reviews belongs to Model w .* the weights back/,
  ],
  [
    "the subsets' owner",
    { rule: ownedBy(parts.rule, "Model") },
    {},
    "warn",
    /^DestinationRule shop\/reviews belongs to Model w .* the subsets back/,
  ],
  [
    "the Service's owner",
    { service: ownedBy(parts.service, "Model") },
    {},
    "warn",
    /^Service shop\/reviews belongs to Model w .* the selector back/,
  ],
];

const goingRows: readonly Row[] = [
  [
    "a canary that is being deleted",
    { canary: going(parts.canary) },
    {},
    "refuse",
    /^Deployment shop\/reviews-v2 is being deleted since 2026-11-28T04:00:00Z \(held by example.com\/hold\): Kubernetes rolls nothing out for it any more, and its pods go with it\.$/,
    /^Wait until it is gone, .* kubectl get deployment reviews-v2 -n shop -o yaml/,
  ],
  [
    "one that an earlier release has left",
    { canary: going(parts.canary, { annotations: { "istio-canary/release": "run-1" } }) },
    { target: clone },
    "refuse",
    /^Deployment shop\/reviews-v2, left over from an earlier release, is being deleted/,
  ],
  [
    "a stable that is being deleted",
    { stable: going(parts.stable) },
    {},
    "refuse",
    /^Deployment shop\/reviews-v1 is being/,
  ],
  [
    "one that an undo leaves",
    { stable: going(parts.stable) },
    { undo: true },
    "warn",
    /^Deployment shop\/reviews-v1 is being deleted/,
    /^The undo goes on/,
  ],
  [
    "a Service that is being deleted",
    { service: going(parts.service) },
    {},
    "refuse",
    /^Service shop\/reviews is being deleted .*: when it is gone, no request reaches its pods/,
  ],
  [
    "a VirtualService of the release that is being deleted",
    { route: going(parts.route) },
    {},
    "refuse",
    /^VirtualService shop\/reviews is being deleted .*: when it is gone, nobody divides the requests/,
  ],
  [
    "a DestinationRule that is being deleted",
    { rule: going(parts.rule) },
    {},
    "refuse",
    /^DestinationRule shop\/reviews is being deleted .*: when it is gone, requests for its subsets get 503/,
  ],
];

const policyRows: readonly Row[] = [
  [
    "nothing that is allowed to the canary",
    {
      nothing: policy("AuthorizationPolicy", "allow-nothing", {}),
      some: policy("AuthorizationPolicy", "gets", { selector: ofV1, rules: gets }),
    },
    {},
    "refuse",
    /^AuthorizationPolicy shop\/allow-nothing allows nothing, and AuthorizationPolicy shop\/gets is for stable's pods only: the canary \(reviews-v2\) would answer every request with 403\.$/,
    /Let it select what the pods of both versions have/,
  ],
  [
    "everything denied to the canary",
    { deny: policy("AuthorizationPolicy", "not-yet", { selector: ofV2, action: "DENY", rules: [{}] }) },
    {},
    "refuse",
    /^AuthorizationPolicy shop\/not-yet denies every request to the canary's pods alone/,
  ],
  [
    "requests that are allowed to stable only",
    { some: policy("AuthorizationPolicy", "gets", { selector: ofV1, rules: gets }) },
    {},
    "warn",
    /^AuthorizationPolicy shop\/gets is for the pods of reviews-v1 and not for the canary's \(it selects version=v1\), so they may differ in which requests they answer with 403\.$/,
  ],
  [
    "requests that are denied to the canary only",
    { some: policy("AuthorizationPolicy", "gets", { selector: ofV2, action: "DENY", rules: gets }) },
    {},
    "warn",
    /^AuthorizationPolicy shop\/gets is for the canary's pods and not for those of reviews-v1/,
  ],
  [
    "tokens that stable alone takes",
    { jwt: policy("RequestAuthentication", "jwt", { selector: ofV1, jwtRules: [] }) },
    {},
    "warn",
    /^RequestAuthentication shop\/jwt is for the pods of reviews-v1 .* which tokens they take\.$/,
  ],
  [
    "mutual TLS that the canary alone asks for",
    { strict: policy("PeerAuthentication", "strict", { selector: ofV2, mtls: { mode: "STRICT" } }) },
    {},
    "warn",
    /^PeerAuthentication shop\/strict is for the canary's pods .* requests without mutual TLS\.$/,
  ],
  [
    "a network that is closed to the canary",
    {
      none: policy("NetworkPolicy", "default-deny", { podSelector: {}, policyTypes: ["Ingress"] }),
      web: policy("NetworkPolicy", "web", { podSelector: ofV1, ingress: fromWeb }),
    },
    {},
    "refuse",
    /^NetworkPolicy shop\/default-deny lets nothing through, and NetworkPolicy shop\/web is for stable's pods only: no request would reach the canary's pods\.$/,
  ],
  [
    "a network that the canary cannot get out to",
    {
      none: policy("NetworkPolicy", "default-deny", { podSelector: {}, policyTypes: ["Egress"] }),
      all: policy("NetworkPolicy", "out", { podSelector: ofV1, policyTypes: ["Egress"], egress: [{}] }),
    },
    {},
    "refuse",
    /^NetworkPolicy shop\/default-deny lets nothing through, .*: the canary's pods would reach nobody/,
  ],
  [
    "a network that is open to stable",
    { web: policy("NetworkPolicy", "web", { podSelector: ofV1, ingress: fromWeb }) },
    {},
    "warn",
    /^NetworkPolicy shop\/web is for the pods of reviews-v1 .* who reaches them, and whom they reach\.$/,
  ],
  [
    "a database that knows stable's pods only",
    {
      data: policy("NetworkPolicy", "database", {
        podSelector: { matchLabels: { app: "database" } },
        ingress: [{ from: [{ podSelector: { matchLabels: { app: "reviews", version: "v1" } } }] }],
      }),
    },
    {},
    "warn",
    /^NetworkPolicy shop\/database lets the pods of reviews-v1 through and not the canary's \(app=reviews, version=v2\)/,
  ],
];

const rows: readonly Row[] = [
  // objects
  ["a namespace that does not exist", { namespace: undefined }, {}, "refuse", /^Namespace shop does not exist\.$/],
  [
    "a service that does not exist, with those that do",
    { service: service("ratings", {}) },
    {},
    "refuse",
    /^Service shop\/reviews does not exist \(found: ratings\)\.$/,
  ],
  [
    "a canary host that is no Service",
    {},
    { target: { ...toHosts, canary: { deployment: "reviews-v2", host: "*" } } },
    "refuse",
    /^Host \* is the name of no Service\.$/,
  ],
  [
    "a Service in another namespace",
    {},
    { target: { stable: { deployment: "reviews-v1", host: "reviews.other.svc.cluster.local", subset: "v1" } } },
    "refuse",
    /^Service other\/reviews is in another namespace than the Deployments \(shop\)/,
  ],
  [
    "a Service without a selector",
    { service: object("Service", "reviews", { ports: [] }) },
    {},
    "refuse",
    /Service shop\/reviews has no selector/,
  ],
  [
    "no stable version yet",
    { stable: undefined, stablePod: undefined },
    {},
    "refuse",
    /^There is no stable version yet: Deployment shop\/reviews-v1 does not exist \(found: reviews-v2\)\.$/,
    /first-deploy: true/,
  ],
  [
    "a first deployment",
    { stable: undefined, stablePod: undefined },
    { firstDeploy: true },
    "note",
    /all requests at once, without stages/,
  ],
  [
    "a first deployment that is not the first",
    {},
    { firstDeploy: true },
    "refuse",
    /reviews-v1 \(stable\) exists, so this is not the first deployment/,
  ],
  [
    "a first deployment by copying",
    { stable: undefined, stablePod: undefined },
    { firstDeploy: true, target: clone },
    "refuse",
    /no stable version to copy/,
  ],
  [
    "a first deployment of a service whose requests somebody answers",
    { stable: undefined, stablePod: undefined },
    { firstDeploy: true, answerers: [{ workload: "reviews", namespace: "vms" }] },
    "refuse",
    /^This is not the first deployment of shop\/reviews: in the last five minutes vms\/reviews answered requests/,
  ],
  [
    "a first deployment of which nobody counts who serves",
    { stable: undefined, stablePod: undefined },
    { firstDeploy: true, answerers: { because: "Prometheus does not answer" } },
    "warn",
    /^Nobody counts whether the service is served already: Prometheus does not answer\.$/,
  ],
  [
    "a first deployment beside pods of nobody's",
    { stable: undefined, stablePod: readyPod("reviews-0") },
    { firstDeploy: true },
    "refuse",
    /^This is not the first deployment of shop\/reviews: Service shop\/reviews is served by 1 pod \(reviews-0\)\.$/,
  ],
  [
    "a first deployment of which a rule for its host gives another service a part",
    {
      stable: undefined,
      stablePod: undefined,
      route: virtualService({
        http: [
          {
            route: [
              { destination: { host: "reviews", subset: "v1" }, weight: 20 },
              { destination: { host: "legacy" }, weight: 80 },
            ],
          },
        ],
      }),
    },
    { firstDeploy: true },
    "refuse",
    /VirtualService shop\/reviews: http route #0 sends its requests to legacy\.$/,
  ],
  [
    "a canary that does not exist",
    { canary: undefined },
    {},
    "refuse",
    /^Deployment shop\/reviews-v2 \(canary\) does not exist \(found: reviews-v1\)\.$/,
    /from: clone/,
  ],
  [
    "a canary that is paused",
    { canary: deployment("reviews-v2", "v1", { paused: true }) },
    {},
    "refuse",
    /\(canary\) is paused/,
    /kubectl rollout resume deployment reviews-v2 -n shop/,
  ],
  [
    "a canary at 0",
    { canary: deployment("reviews-v2", "v1", { replicas: 0 }) },
    {},
    "note",
    /\(canary\) is scaled to 0; it gets pods before it gets requests/,
  ],
  [
    "a copy over a Deployment that is no canary",
    { canary: deployment("reviews-v2", "v1", { labels: { app: "ratings" } }) },
    { target: clone },
    "refuse",
    /exists already, and its pods \(app=ratings\) are not those of the canary \(version=v2\)/,
  ],
  [
    "a copy over an older copy",
    { canary: deployment("reviews-v2", "v0", { replicas: 0 }) },
    { target: clone },
    "note",
    /exists already, scaled to 0: the release gives it stable's pod template/,
  ],
  [
    "manifests without the canary",
    { canary: undefined },
    { target: manifests({ apiVersion: "v1", kind: "Service", metadata: { name: "x" } }) },
    "refuse",
    /^None of the manifests is Deployment reviews-v2 \(found: Service x\)\.$/,
  ],
  [
    "a manifest for another namespace",
    {},
    {
      target: manifests(asManifest(deployment("reviews-v2", "v2")), {
        apiVersion: "v1",
        kind: "ConfigMap",
        metadata: { name: "x", namespace: "other" },
      }),
    },
    "refuse",
    /^Manifest ConfigMap x is for namespace other, not shop\.$/,
  ],
  [
    "a manifest twice",
    {},
    { target: manifests(asManifest(deployment("reviews-v2", "v2")), asManifest(deployment("reviews-v2", "v2"))) },
    "refuse",
    /two manifests of Deployment reviews-v2/,
  ],
  [
    "a manifest without a kind",
    {},
    { target: manifests(asManifest(deployment("reviews-v2", "v2")), { metadata: { name: "x" } }) },
    "refuse",
    /^Manifest 2 of 2 lacks apiVersion, kind or metadata\.name\.$/,
  ],

  // versions
  [
    "a stable version at 0, while the canary serves",
    { stable: deployment("reviews-v1", "v1", { replicas: 0 }) },
    {},
    "refuse",
    /\(stable\) is scaled to 0/,
    /^reviews-v2 has 2: if it is what serves, exchange stable and canary in the configuration; if not, scale reviews-v1 up\.$/,
  ],
  [
    "a stable version without an available pod",
    { stable: deployment("reviews-v1", "v1", { status: { availableReplicas: 0 } }) },
    {},
    "refuse",
    /\(stable\) has no available pod/,
  ],
  [
    "a stable version that is being rolled out",
    { stable: deployment("reviews-v1", "v1", { status: { updatedReplicas: 1 } }) },
    {},
    "refuse",
    /being rolled out: 1 of 2 pods run its newest template, 1 an older one/,
  ],
  [
    "a stable version with a pod of an old template left",
    { stable: deployment("reviews-v1", "v1", { status: { replicas: 3 } }) },
    {},
    "refuse",
    /being rolled out: 2 of 2 pods run its newest template, 1 an older one/,
  ],
  ...(["availableReplicas", "updatedReplicas"] as const).map(
    (field): Row => [
      `an undo of a version with ${field} of 0`,
      { stable: deployment("reviews-v1", "v1", { status: { [field]: 0 } }) },
      { undo: true },
      "warn",
      /Deployment shop\/reviews-v1 \(stable\)/,
    ],
  ),
  [
    "a stable version that lacks a pod",
    { stable: deployment("reviews-v1", "v1", { status: { availableReplicas: 1 } }) },
    {},
    "warn",
    /1 of 2 pods are available/,
  ],
  [
    "two containers, none named",
    {
      canary: deployment("reviews-v2", "v1", {
        containers: [
          { name: "a", image: "a" },
          { name: "b", image: "b" },
        ],
      }),
    },
    {},
    "refuse",
    /^Deployment shop\/reviews-v2: it is not clear which container gets the image \(containers: a, b\)\.$/,
  ],
  [
    "two containers in stable, which is to be updated",
    {
      stable: deployment("reviews-v1", "v1", {
        containers: [
          { name: "a", image: "a" },
          { name: "b", image: "b", ports: [{ name: "http" }] },
        ],
      }),
    },
    { plan: { promotion: "update" } },
    "refuse",
    /Deployment shop\/reviews-v1: it is not clear/,
  ],
  [
    "a paused stable, which is to be updated",
    { stable: deployment("reviews-v1", "v1", { paused: true }) },
    { plan: { promotion: "update" } },
    "refuse",
    /\(stable\) is paused/,
  ],
  [
    "an image that stable has",
    { stable: deployment("reviews-v1", "v2") },
    {},
    "note",
    /^Stable runs registry\.test\/reviews:v2 already/,
  ],
  [
    "a copy without an image",
    { canary: undefined },
    { target: { ...clone, image: undefined } as unknown as Partial<Target> },
    "warn",
    /copy of stable without another image/,
  ],
  [
    "a canary with fewer pods at the end",
    { canary: deployment("reviews-v2", "v1", { replicas: 1 }) },
    {},
    "warn",
    /^At 100% the canary serves with 1 pod what stable serves with 2 now\.$/,
  ],
  [
    "more pods than the first weight needs",
    { stable: deployment("reviews-v1", "v1", { replicas: 5 }), canary: undefined, canaryPod: undefined },
    { target: { ...clone, replicas: { kind: "by-weight", least: 3 } } },
    "note",
    /^At 5% the canary has 3 pods, where its share needs 1: with fewer, what is a node's /,
  ],
  [
    "one pod of the canary beside several",
    {
      stable: deployment("reviews-v1", "v1", { replicas: 5 }),
      canary: deployment("reviews-v2", "v1", { replicas: 1 }),
    },
    { target: { replicas: { kind: "count", count: 1 } } },
    "note",
    /^At 5% the canary has 1 pod beside 5 of stable: what is a node's or a cache's doing passes for the version's/,
  ],
  [
    "a number of pods that is too small at the end",
    { canary: undefined, canaryPod: undefined },
    { target: { ...clone, replicas: { kind: "count", count: 1 } } },
    "warn",
    /^At 100% the canary serves with 1 pod what stable serves with 2 now\.$/,
  ],

  // pods behind destinations
  [
    "a Service that does not select stable's pods",
    { service: service("reviews", { app: "other" }) },
    {},
    "refuse",
    /^Service shop\/reviews does not select the pods of Deployment shop\/reviews-v1 \(app=reviews, version=v1\): it selects app=other\.$/,
  ],
  [
    "a canary subset that selects other pods",
    { rule: subsets("reviews", { v1: { version: "v1" }, v2: { version: "two" } }) },
    {},
    "refuse",
    /subset v2 of reviews \(version=two\) does not select the pods of Deployment shop\/reviews-v2 \(app=reviews, version=v2\) \(IST0173\)/,
  ],
  [
    "a stable subset that selects the canary, too",
    { rule: subsets("reviews", { v1: {}, v2: { version: "v2" } }) },
    {},
    "refuse",
    /^Stable's destination, subset v1 of reviews \(no labels\), would select the canary's pods .* a weight of 5% would really be 37%\.$/,
  ],
  [
    "a canary subset that selects stable, too",
    { rule: subsets("reviews", { v1: { version: "v1" }, v2: { app: "reviews" } }) },
    {},
    "refuse",
    /^The canary's destination, subset v2 of reviews \(app=reviews\), selects the pods of Deployment shop\/reviews-v1/,
  ],
  [
    "a stable Service that selects the canary, too",
    { ...hostParts, service: service("reviews", { app: "reviews" }) },
    { target: toHosts },
    "refuse",
    /^Stable's destination, Service shop\/reviews \(app=reviews\), would select the canary's pods/,
    /split by subsets/,
  ],
  [
    "a third Deployment in the canary's subset",
    { third: deployment("reviews-v3", "v3", { labels: { app: "reviews", version: "v2", x: "y" } }) },
    {},
    "warn",
    /^The canary's destination, subset v2 of reviews \(version=v2\), also selects the pods of reviews-v3/,
  ],
  [
    "a stable subset that is nowhere",
    { rule: subsets("reviews", { v2: { version: "v2" } }) },
    {},
    "warn",
    /No DestinationRule in namespace shop defines subset v1 of reviews/,
  ],
  [
    "a subset defined twice, differently",
    { again: subsets("reviews", { v2: { version: "v2", app: "reviews" } }, "again") },
    {},
    "warn",
    /Subset v2 of reviews is defined with different labels: DestinationRule shop\/reviews \(version=v2\), DestinationRule shop\/again \(version=v2, app=reviews\)/,
  ],
  [
    "a copy that nobody can name",
    { canary: undefined, rule: undefined },
    { target: clone },
    "refuse",
    /^The labels of the canary's pods are not known: no DestinationRule for reviews defines subset v2, nor stable's v1\.$/,
  ],
  [
    "a copy that stable would select",
    {
      canary: undefined,
      stable: deployment("reviews-v1", "v1", { labels: { app: "reviews" } }),
      rule: subsets("reviews", { v1: { app: "reviews" }, v2: { version: "v2" } }),
    },
    { target: clone },
    "refuse",
    /would select the pods of its copy/,
  ],

  // pinning
  [
    "a copy that nothing keeps requests from (W1)",
    { canary: undefined, canaryPod: undefined, route: virtualService({ http: [route({ host: "reviews" })] }) },
    { target: clone },
    "refuse",
    /^No VirtualService sends the requests for reviews to stable's subset v1, and the Service selects the canary's pods, too: they would get about 33% of the requests at once/,
  ],
  [
    "a canary at 0 that nothing keeps requests from",
    {
      canary: deployment("reviews-v2", "v1", { replicas: 0 }),
      route: undefined,
      other: virtualService({ http: [] }, {}, "other"),
    },
    {},
    "refuse",
    /they would get about 33%/,
  ],
  [
    "a canary that has requests already",
    { route: undefined, other: virtualService({ http: [] }, {}, "other") },
    {},
    "warn",
    /they get about 50% of the requests already/,
  ],
  [
    "a rule beside the pinned one without a subset",
    {
      route: virtualService({
        http: [{ name: "admin", ...route({ host: "reviews" }) }, route({ host: "reviews", subset: "v1" })],
      }),
    },
    {},
    "warn",
    /^VirtualService shop\/reviews: route "admin" sends to reviews without a subset/,
  ],
  [
    "a pin at gateways only",
    { route: virtualService({ gateways: ["istio-system/public"], http: [route({ host: "reviews", subset: "v1" })] }) },
    {},
    "warn",
    /^Only gateways follow VirtualService reviews: clients in the mesh that call reviews directly reach the canary's pods, too \(about 50% of their requests with 2 beside 2\)/,
  ],
  [
    "a pin at gateways only, beside a manifest that brings its number of pods",
    {
      canary: undefined,
      canaryPod: undefined,
      route: virtualService({ gateways: ["istio-system/public"], http: [route({ host: "reviews", subset: "v1" })] }),
    },
    { target: { ...manifests(asManifest(deployment("reviews-v2", "v2"))), replicas: { kind: "keep" } } },
    "warn",
    /\(about 50% of their requests with 2 beside 2\)/,
  ],
  [
    "a copy that begins with a number of pods, and that nothing keeps requests from",
    { canary: undefined, canaryPod: undefined, route: virtualService({ http: [route({ host: "reviews" })] }) },
    { target: { ...clone, replicas: { kind: "count", count: 6 } } },
    "refuse",
    /they would get about 75% of the requests at once/,
  ],
  [
    "another Service over a canary that comes with its number of pods",
    { canary: undefined, canaryPod: undefined, legacy: service("reviews-legacy", { app: "reviews" }) },
    { target: { ...clone, replicas: { kind: "count", count: 6 } } },
    "warn",
    /reaches the canary's pods with about 75%/,
  ],
  [
    "a pin by a delegate that nobody names",
    {
      route: undefined,
      stray: object("VirtualService", "stray", { http: [route({ host: "reviews", subset: "v1" })] }),
    },
    {},
    "warn",
    /No VirtualService sends the requests/,
  ],

  [
    "copies of requests, which pin nothing",
    {
      route: virtualService({
        http: [
          {
            route: [{ destination: { host: "ratings" } }],
            mirrors: [{ destination: { host: "reviews", subset: "v1" } }],
          },
        ],
      }),
    },
    {},
    "warn",
    /No VirtualService sends the requests/,
  ],

  [
    "a pin for another host in the mesh",
    { route: virtualService({ hosts: ["productpage"], http: [route({ host: "reviews", subset: "v1" })] }) },
    {},
    "warn",
    /^In the mesh VirtualService reviews is for productpage only: clients in the mesh that call reviews directly/,
  ],

  // who sees the weights
  [
    "an ambient namespace without a waypoint",
    { namespace: namespace({ "istio.io/dataplane-mode": "ambient" }) },
    {},
    "refuse",
    /^Service shop\/reviews is in an ambient mesh and has no waypoint, .*; nobody else follows the route\.$/,
    /istioctl waypoint apply -n shop --enroll-namespace/,
  ],
  [
    "an ambient namespace whose waypoint has no name",
    { namespace: namespace({ "istio.io/dataplane-mode": "ambient", "istio.io/use-waypoint": "" }) },
    {},
    "refuse",
    /^Service shop\/reviews is in an ambient mesh and has no waypoint, .*; nobody else follows the route\.$/,
    /istioctl waypoint apply -n shop --enroll-namespace/,
  ],
  [
    "an ambient namespace that has switched its waypoint off, and a gateway",
    {
      namespace: namespace({ "istio.io/dataplane-mode": "ambient", "istio.io/use-waypoint": "none" }),
      route: virtualService({ gateways: ["mesh", "public"], http: [route({ host: "reviews", subset: "v1" })] }),
    },
    {},
    "warn",
    /^Service shop\/reviews is in an ambient mesh and has no waypoint, .*Nobody but gateways follows the route\.$/,
  ],
  [
    "a VirtualService that is not exported to all",
    { route: virtualService({ exportTo: ["."], http: [route({ host: "reviews", subset: "v1" })] }) },
    {},
    "warn",
    /^VirtualService shop\/reviews is exported to shop only \(exportTo\): clients in other namespaces see none/,
    /kubectl annotate service reviews -n shop networking\.istio\.io\/exportTo=shop/,
  ],
  [
    "a canary's Service that clients elsewhere do not know",
    { ...hostParts, canaryService: exported(service("reviews-canary", { app: "reviews", version: "v2" }), ".") },
    { target: toHosts },
    "refuse",
    /^Service shop\/reviews-canary is not exported to other namespaces .* answered with 503 \(NC\)\.$/,
  ],
  [
    "another Service over the same pods",
    { legacy: service("reviews-legacy", { app: "reviews" }) },
    {},
    "warn",
    /^Service shop\/reviews-legacy selects the canary's pods, too, and no route is for it: whoever calls it reaches the canary's pods with about 50%/,
  ],
  [
    "another name for the Service",
    { alias: object("Service", "books", { type: "ExternalName", externalName: "reviews.shop.svc.cluster.local" }) },
    {},
    "warn",
    /^Service shop\/books is another name for reviews, and no route is for it: .* about 50%/,
  ],
  [
    "pods that are ambient by themselves",
    {
      stable: deployment("reviews-v1", "v1", {
        labels: { app: "reviews", version: "v1", "istio.io/dataplane-mode": "ambient" },
      }),
    },
    {},
    "refuse",
    /^Service shop\/reviews is in an ambient mesh and has no waypoint/,
  ],
  [
    "a Service of the canary's pods alone",
    { preview: service("reviews-preview", { version: "v2" }) },
    {},
    "note",
    /^Service shop\/reviews-preview selects the canary's pods alone/,
  ],
  ...[{ type: "LoadBalancer" }, { type: "NodePort" }, { externalIPs: ["192.0.2.1"] }].map(
    (more): Row => [
      `a Service that is open to the outside by ${Object.keys(more)} ${Object.values(more)}`,
      { service: service("reviews", { app: "reviews" }, more) },
      {},
      "warn",
      /^Service shop\/reviews can be reached by its (load balancer|node port|external addresses), which goes around the route/,
    ],
  ),
  [
    "an Ingress that knows no route",
    {
      ingress: object("Ingress", "shop", {
        rules: [{ http: { paths: [{ path: "/", backend: { service: { name: "reviews", port: { number: 80 } } } }] } }],
      }),
    },
    {},
    "warn",
    /^Service shop\/reviews can be reached by Ingress shop\/shop, which goes around the route/,
  ],
  [
    "a route of the Gateway API to the pods of both",
    {
      gatewayRoute: object("HTTPRoute", "shop", { rules: [{ backendRefs: [{ name: "reviews", port: 9080 }] }] }),
    },
    {},
    "warn",
    /^Service shop\/reviews can be reached by HTTPRoute shop\/shop: rule #0, which goes around the route/,
  ],
  [
    "a headless Service",
    { service: service("reviews", { app: "reviews" }, { clusterIP: "None" }) },
    {},
    "warn",
    /^Service shop\/reviews is headless/,
  ],
  ...[
    { trafficPolicy: passThrough },
    { trafficPolicy: { portLevelSettings: [{ port: { number: 9080 }, ...passThrough }] } },
    { subsets: [{ name: "v1", labels: { version: "v1" }, trafficPolicy: passThrough }] },
  ].map(
    (more): Row => [
      `requests that are passed through by ${Object.keys(more)} ${Object.keys(Object.values(more)[0] ?? {})}`,
      { rule: { ...parts.rule, spec: { ...Object(parts.rule.spec), ...more } } },
      {},
      "warn",
      /^DestinationRule shop\/reviews passes requests through to the address that was called/,
    ],
  ),
  [
    "pods of a StatefulSet in the canary's subset",
    {
      stranger: {
        ...readyPod("reviews-0"),
        metadata: {
          name: "reviews-0",
          namespace: "shop",
          labels: { app: "reviews", version: "v2" },
          ownerReferences: [{ kind: "StatefulSet", name: "reviews", controller: true }],
        },
      },
    },
    {},
    "warn",
    /^The canary's destination, subset v2 of reviews \(version=v2\), also selects the pods of StatefulSet reviews/,
  ],

  // policies
  ...goingRows,
  ...sightRows,
  ...ownerRows,
  ...policyRows,

  // ports
  [
    "a port that the Service does not have",
    { route: virtualService({ http: [route({ host: "reviews", subset: "v1", port: { number: 80 } })] }) },
    {},
    "refuse",
    /^VirtualService shop\/reviews: http route #0 sends to port 80, which Service shop\/reviews does not have \(ports: 9080; IST0101\)\.$/,
  ],
  [
    "a port that the canary's Service does not have",
    {
      ...hostParts,
      canaryService: service(
        "reviews-canary",
        { app: "reviews", version: "v2" },
        { ports: [{ name: "http", port: 80, targetPort: 9080 }] },
      ),
      route: virtualService({ http: [route({ host: "reviews", port: { number: 9080 } })] }),
    },
    { target: toHosts },
    "refuse",
    /sends to port 9080, which Service shop\/reviews-canary does not have \(ports: 80/,
  ],
  [
    "no port where there are several",
    {
      service: service(
        "reviews",
        { app: "reviews" },
        {
          ports: [
            { name: "http", port: 80 },
            { name: "http-admin", port: 81 },
          ],
        },
      ),
    },
    {},
    "warn",
    /names no port, and Service shop\/reviews has several \(80, 81\).*IST0112/,
  ],
  [
    "a port that is declared as tcp",
    { service: service("reviews", { app: "reviews" }, { ports: [{ name: "tcp-web", port: 9080 }] }) },
    {},
    "warn",
    /port 9080 \(tcp-web\) is declared as tcp, so http routes do not apply/,
  ],
  [
    "a port without a protocol",
    { service: service("reviews", { app: "reviews" }, { ports: [{ port: 9080 }] }) },
    {},
    "note",
    /port 9080 does not say its protocol .*IST0118/,
  ],
  [
    "another Service that reads the same port by another protocol",
    { other: service("metrics", { app: "reviews" }, { ports: [{ name: "tcp", port: 9080, targetPort: "http" }] }) },
    {},
    "warn",
    /Service shop\/metrics, Service shop\/reviews select .*reviews-v2, and declare port 9080 as .*\(IST0116\)/,
  ],
  [
    "another Service with another port to the same targetPort",
    { other: service("short", { app: "reviews" }, { ports: [{ name: "http", port: 80, targetPort: "http" }] }) },
    {},
    "warn",
    /Service shop\/reviews, Service shop\/short select .* to the same targetPort http \(IST0137\)/,
  ],
  [
    "a tcp route on a port that is declared as http",
    { route: virtualService({ tcp: [route(stableSubset)] }) },
    { plan: judgedBy({ kind: "run", name: "smoke", tolerate: 0, noData: "wait" }) },
    "warn",
    /port 9080 \(http\) is declared as http, so tcp routes do not apply to it in the mesh/,
  ],
  [
    "connections alone, judged by gates that count requests",
    { route: virtualService({ tls: [{ match: [{ sniHosts: ["reviews"] }], ...route(stableSubset) }] }) },
    { plan: judgedBy({ kind: "evidence", name: "evidence" }, { kind: "restarts", name: "restarts", atMost: 0 }) },
    "refuse",
    /reviews: tls route #0 divides connections, of which proxies see no answer: the gate evidence would never have data/,
  ],
  [
    "connections beside requests, which evidence judges",
    {
      route: virtualService({
        http: [route(stableSubset)],
        tcp: [{ match: [{ port: 9000 }], ...route(stableSubset) }],
      }),
    },
    {
      target: { routes: [{ kind: "VirtualService", namespace: "shop", name: "reviews", routes: ["#0", "tcp:9000"] }] },
      plan: judgedBy({ kind: "evidence", name: "evidence" }),
    },
    "warn",
    /reviews: tcp route #0 divides connections, of which proxies see no answer: nothing but restarts and pods that are not/,
  ],
  [
    "connections that a gate of the user's own judges",
    { route: virtualService({ tcp: [route(stableSubset)] }) },
    { plan: judgedBy({ kind: "run", name: "smoke", tolerate: 0, noData: "wait" }) },
    "warn",
    /tcp route #0 divides connections, of which proxies see no answer: gates of your own and restarts and pods/,
  ],
  [
    "a named targetPort that the canary lacks",
    {
      canary: deployment("reviews-v2", "v1", {
        containers: [{ name: "reviews", image: "x", ports: [{ name: "web", containerPort: 9080 }] }],
      }),
    },
    {},
    "refuse",
    /container port named http, which the pods of Deployment shop\/reviews-v2 do not have \(names: web\)/,
  ],

  // sidecars
  [
    "injection that is switched off for the canary",
    {
      stablePod: pod("reviews-v1", ["istio-proxy"]),
      canary: deployment("reviews-v2", "v1", { template: { annotations: { "sidecar.istio.io/inject": "false" } } }),
    },
    {},
    "refuse",
    /get no sidecar \(injection is switched off for them\), while the pods of reviews-v1 have istio-proxy/,
  ],
  [
    "canary pods without a sidecar",
    { stablePod: pod("reviews-v1", ["istio-proxy"]), namespace: namespace({ "istio-injection": "enabled" }) },
    {},
    "warn",
    /run without a sidecar \(reviews-v2-hash-1\).*the new ones will get one/,
  ],
  [
    "nothing that promises a sidecar",
    { stablePod: pod("reviews-v1", ["istio-proxy"]), canary: undefined, canaryPod: undefined },
    { target: clone },
    "warn",
    /Nothing says that the pods of Deployment shop\/reviews-v2 get a sidecar/,
  ],

  // owners
  [
    "Flagger's VirtualService",
    {
      route: virtualService(
        { http: [route({ host: "reviews", subset: "v1" })] },
        { ownerReferences: [{ apiVersion: "flagger.app/v1beta1", kind: "Canary" }] },
      ),
    },
    {},
    "refuse",
    /^Flagger controls VirtualService shop\/reviews:/,
  ],
  [
    "Argo Rollouts' DestinationRule",
    {
      rule: {
        ...parts.rule,
        metadata: {
          ...parts.rule.metadata,
          annotations: { "argo-rollouts.argoproj.io/managed-by-rollouts": "reviews" },
        },
      },
    },
    {},
    "refuse",
    /^Argo Rollouts controls DestinationRule shop\/reviews:/,
  ],
  [
    "Argo CD's objects",
    {
      stable: deployment("reviews-v1", "v1", { metadata: { annotations: { "argocd.argoproj.io/tracking-id": "x" } } }),
      route: virtualService(
        { http: [route({ host: "reviews", subset: "v1" })] },
        { managedFields: [{ manager: "argocd-controller" }] },
      ),
    },
    {},
    "warn",
    /^Argo CD keeps VirtualService shop\/reviews, Deployment shop\/reviews-v1 as Git has it/,
    /^Pause it for the release \(kubectl annotate applications\.argoproj\.io x -n argocd argocd\.argoproj\.io\/skip-reconcile=true --overwrite.*\), and let it go on afterwards \(kubectl annotate applications\.argoproj\.io x -n argocd argocd\.argoproj\.io\/skip-reconcile-/,
  ],
  [
    "Flux's objects",
    {
      route: virtualService(
        { http: [route({ host: "reviews", subset: "v1" })] },
        { labels: { "kustomize.toolkit.fluxcd.io/name": "apps" } },
      ),
    },
    {},
    "warn",
    /^Flux keeps VirtualService shop\/reviews/,
    /^Pause it for the release \(flux suspend kustomization apps -n flux-system\), and let it go on afterwards \(flux resume kustomization apps -n flux-system\)\. Before it goes on, Git has to say/,
  ],

  [
    "what Argo CD marks by the label of older versions",
    {
      route: {
        ...parts.route,
        metadata: {
          ...parts.route.metadata,
          labels: { "app.kubernetes.io/instance": "shop-app" },
          managedFields: [{ manager: "argocd-controller" }],
        },
      },
    },
    {},
    "warn",
    /^Argo CD keeps VirtualService shop\/reviews/,
    /applications\.argoproj\.io shop-app -n argocd .*preservedFields\.annotations/,
  ],
  [
    "what somebody's Helm has put there",
    {
      rule: {
        ...parts.rule,
        metadata: {
          ...parts.rule.metadata,
          labels: { "app.kubernetes.io/managed-by": "Helm" },
          annotations: { "meta.helm.sh/release-name": "shop" },
        },
      },
    },
    {},
    "note",
    /^Helm \(release shop\) has put DestinationRule shop\/reviews there: a helm upgrade in the middle of a release/,
    /^Run none meanwhile\./,
  ],
  ...(
    [
      ["Config Sync", { annotations: { "configmanagement.gke.io/managed": "enabled" } }, /mutation: ignore/],
      ["Fleet", { labels: { "objectset.rio.cattle.io/hash": "a1" } }, /"paused":true/],
      ["kapp", { labels: { "kapp.k14s.io/app": "17" } }, /kapp-controller .*"paused":true/],
    ] as const
  ).map(
    ([who, metadata, next]): Row => [
      `${who}'s objects`,
      { route: { ...parts.route, metadata: { ...parts.route.metadata, ...metadata } } },
      {},
      "warn",
      new RegExp(`^${who} keeps VirtualService shop/reviews as Git has it`),
      next,
    ],
  ),
  [
    "what Helm gets from Flux",
    {
      route: virtualService(
        { http: [route({ host: "reviews", subset: "v1" })] },
        { labels: { "helm.toolkit.fluxcd.io/name": "shop", "helm.toolkit.fluxcd.io/namespace": "shop" } },
      ),
    },
    {},
    "warn",
    /^Flux keeps VirtualService shop\/reviews/,
    /flux suspend helmrelease shop -n shop/,
  ],
  [
    "an Application of another namespace than Argo CD's",
    {
      route: virtualService(
        { http: [route({ host: "reviews", subset: "v1" })] },
        {
          annotations: {
            "argocd.argoproj.io/tracking-id": "team_shop:networking.istio.io/VirtualService:shop/reviews",
          },
        },
      ),
    },
    {},
    "warn",
    /^Argo CD keeps VirtualService shop\/reviews/,
    /kubectl annotate applications\.argoproj\.io shop -n team argocd/,
  ],

  // autoscalers, budgets, names in Kiali
  [
    "an autoscaler of stable, which a swap leaves behind",
    { hpa: autoscaler("reviews-v1") },
    { plan: { promotion: "swap" } },
    "warn",
    /reviews-v2 will be the new stable and has no HorizontalPodAutoscaler; reviews-v1 has one/,
  ],
  [
    "an autoscaler of the canary",
    { hpa: autoscaler("reviews-v2") },
    {},
    "note",
    /scales reviews-v2: its replicas are left alone/,
  ],
  [
    "a budget of stable's pods alone",
    { budget: object("PodDisruptionBudget", "reviews", { selector: { matchLabels: { version: "v1" } } }) },
    {},
    "note",
    /protects reviews-v1 and not reviews-v2/,
  ],
  [
    "a budget over both",
    { budget: object("PodDisruptionBudget", "reviews", { selector: { matchLabels: { app: "reviews" } } }) },
    {},
    "note",
    /counts the pods of both versions/,
  ],
  [
    "one canonical revision for both",
    {
      stable: deployment("reviews-v1", "v1", {
        labels: { app: "reviews", version: "v1", "app.kubernetes.io/version": "1.0" },
      }),
      canary: deployment("reviews-v2", "v1", {
        labels: { app: "reviews", version: "v2", "app.kubernetes.io/version": "1.0" },
      }),
    },
    {},
    "note",
    /Both versions have the canonical revision 1\.0 \(label app\.kubernetes\.io\/version\)/,
  ],
];

test("before a first deployment, rules of other paths beside the service's own and a canary that is gone are nobody", async () => {
  const answerers = [{ workload: "reviews-v2", namespace: "shop" }];
  const route = virtualService({
    http: [
      { match: [{ uri: { prefix: "/ratings" } }], route: [{ destination: { host: "ratings" } }] },
      { route: [{ destination: { host: "reviews", subset: "v1" } }] },
    ],
  });
  const findings = await inspect({ stable: undefined, stablePod: undefined, route }, { firstDeploy: true, answerers });
  assert.deepEqual(
    findings.filter(({ level }) => level !== "note"),
    [],
  );
});

describe("told before a release:", () => {
  for (const [fact, changed, setting, level, what, next] of rows) {
    test(`${fact} (${level})`, async () => {
      const findings = await inspect(changed, setting);
      const found = findings.find((finding) => what.test(finding.what));
      assert.ok(found, `found only:\n${findings.map((finding) => `${finding.level}: ${finding.what}`).join("\n")}`);
      assert.equal(found.level, level);
      if (next) assert.match(found.next ?? "", next);
      if (level !== "note") assert.ok(found.next, "it says what to do");
    });
  }
});

test("without the namespace nothing else is said", async () => {
  assert.deepEqual(
    (await inspect({ namespace: undefined, service: undefined, stable: undefined })).map(({ what }) => what),
    ["Namespace shop does not exist."],
  );
});

test("after a swap nobody is told to send all requests to a version without pods", async () => {
  const findings = await inspect({
    stable: deployment("reviews-v1", "v1", { replicas: 0 }),
    route: undefined,
    other: virtualService({ http: [] }, {}, "other"),
  });
  assert.ok(findings.some(({ what }) => /\(stable\) is scaled to 0/.test(what)));
  assert.deepEqual(
    findings.filter(({ what }) => /of the requests already/.test(what)),
    [],
  );
});

test("what forbids a release comes first, and nothing comes twice", async () => {
  const findings = await inspect({
    canary: undefined,
    service: service("reviews", { app: "other" }),
    hpa: autoscaler("reviews-v1"),
  });
  const order = { refuse: 0, warn: 1, note: 2 };
  assert.deepEqual(
    findings,
    findings.toSorted((a, b) => order[a.level] - order[b.level]),
  );
  assert.equal(new Set(findings.map(({ what }) => what)).size, findings.length);
  assert.ok(findings.filter(({ level }) => level === "refuse").length > 1, "all at once");
});

test("what Argo CD would ignore for ever is the list that the release writes, in each kind of route", async () => {
  const tracked = { annotations: { "argocd.argoproj.io/tracking-id": "shop:x" } };
  const lists: unknown[] = [];
  for (const spec of [{ http: [route(stableSubset)] }, { tcp: [route(stableSubset)] }]) {
    const findings = await inspect({ route: virtualService(spec, tracked) });
    lists.push(
      /To ignore (\S+) for ever/.exec(findings.find(({ what }) => what.startsWith("Argo CD"))?.next ?? "")?.[1],
    );
  }
  const onlyStable = await inspect({ stable: deployment("reviews-v1", "v1", { metadata: tracked }) });
  lists.push(onlyStable.find(({ what }) => what.startsWith("Argo CD"))?.next?.includes("To ignore"));
  assert.deepEqual(lists, [".spec.http", ".spec.tcp", false]);
});
