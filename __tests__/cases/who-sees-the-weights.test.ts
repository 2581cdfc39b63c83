import assert from "node:assert/strict";
import test, { describe } from "node:test";
import { type CaseOptions, type CaseRun, runCase } from "./support.ts";

/** Issue 10, section 3: what must be seen of a world in which some do not follow the weights. */
type Seen = {
  readonly case: string;
  readonly what?: string;
  readonly exit: 0 | 2;
  readonly said?: RegExp;
  readonly unsaid?: RegExp;
  readonly options?: CaseOptions;
};

const change = (edit: (world: string) => string): CaseOptions => ({ change: { "world.yaml": edit } });
const planned = (edit: (world: string) => string): CaseOptions => ({ ...change(edit), command: "plan" });
const rule = (namespace: string, spec: string): string =>
  `apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: { name: reviews, namespace: ${namespace} }\nspec: ${spec}`;
/** The route is a gateway's elsewhere, and the DestinationRule stays at home. */
function atGateway(world: string): string {
  return `${world
    .replace("  hosts: [reviews]\n", "  hosts: [reviews.example.com]\n  gateways: [istio-ingress/public]\n")
    .replace("  host: reviews\n", '  host: reviews\n  exportTo: ["."]\n')}
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: { name: public, namespace: istio-ingress }
spec: { selector: { istio: ingress }, servers: [{ port: { number: 80, name: http, protocol: HTTP }, hosts: ["*"] }] }`;
}
const onlyGateways = /Only gateways follow/;

const seen: readonly Seen[] = [
  {
    case: "c05-exportto-dot-gateway-elsewhere",
    exit: 0,
    said: /! VirtualService shop\/reviews is exported to shop only \(exportTo\), and Gateway istio-ingress\/public is in istio-ingress/,
  },
  {
    case: "c09-dr-in-gateway-namespace",
    exit: 2,
    said: /✗ For gateway istio-ingress\/public DestinationRule istio-ingress\/reviews counts .* lacks the canary's subset v2: .* 503 \(NC\)\. Add the subset v2 to DestinationRule istio-ingress\/reviews/,
    unsaid: /would be hidden|of our own will have/,
  },
  {
    case: "c09-dr-in-gateway-namespace",
    what: "the way out",
    exit: 0,
    options: change((world) =>
      world.replace(
        "    - {name: v1, labels: {version: v1}}",
        "    - {name: v1, labels: {version: v1}}\n    - {name: v2, labels: {version: v2}}",
      ),
    ),
  },
  {
    case: "c47-dr-exportto-elsewhere",
    exit: 2,
    said: /✗ For clients in shop and clients in other namespaces DestinationRule shop\/reviews counts .*\(DestinationRule shop\/reviews-for-partner has it, and does not count there\)/,
  },
  {
    case: "c47-dr-exportto-elsewhere",
    what: "for some clients only",
    exit: 2,
    said: /✗ For clients in shop and clients in other namespaces DestinationRule shop\/reviews counts/,
    options: change((world) =>
      world.replace("exportTo: [partner]", "workloadSelector: { matchLabels: { app: partner } }"),
    ),
  },
  {
    case: "c47-dr-exportto-elsewhere",
    what: "the way out, with customers",
    exit: 0,
    options: {
      command: "release",
      change: {
        "world.yaml": (world) =>
          world.replace(
            "subsets: [{name: v1, labels: {version: v1}}]",
            "subsets: [{name: v1, labels: {version: v1}}, {name: v2, labels: {version: v2}}]",
          ),
      },
    },
  },
  ...[false, true].map((isMissing) => ({
    case: "two-versions",
    what: `a rule in the callers' own namespace without the canary's subset${isMissing ? ", which the release adds to the service's" : ""}`,
    exit: 2 as const,
    said: /✗ For clients in web DestinationRule web\/reviews counts .* lacks the canary's subset v2/,
    options: planned((world) => {
      const own = isMissing ? world.replace("    - {name: v2, labels: {version: v2}}\n", "") : world;
      return `${own}\n---\n${rule("web", "{ host: reviews.shop.svc.cluster.local, subsets: [{ name: v1, labels: { version: v1 } }] }")}`;
    }),
  })),
  {
    case: "two-versions",
    what: "the canary's subset stands in a rule that the gateway does not see, and stable has a Service of its own",
    exit: 2,
    said: /✗ For gateway istio-ingress\/public no DestinationRule counts for host reviews \(DestinationRule shop\/reviews has the canary's subset v2, and does not count there\)/,
    options: {
      command: "plan",
      change: {
        "world.yaml": (world) =>
          `${atGateway(world).replace("{host: reviews, subset: v1}", "{host: reviews-v1}")}
---
apiVersion: v1
kind: Service
metadata: { name: reviews-v1, namespace: shop }
spec: { selector: { app: reviews, version: v1 }, ports: [{ name: http, port: 9080 }] }`,
        "canary.yaml": (file) => file.replace("reviews-v1, subset: v1", "reviews-v1, host: reviews-v1"),
      },
    },
  },
  {
    case: "two-versions",
    what: "both subsets stand in a rule that the gateway does not see",
    exit: 0,
    said: /! For gateway istio-ingress\/public no DestinationRule counts that has stable's subset v1 .* their requests are answered with 503 \(NC\)/,
    options: planned(atGateway),
  },
  { case: "c06-headless", exit: 0, said: /! Service shop\/reviews is headless \(clusterIP: None\)/ },
  {
    case: "c06-headless",
    what: "PASSTHROUGH",
    exit: 0,
    said: /! DestinationRule shop\/reviews passes requests through to the address that was called/,
    options: change((world) =>
      world
        .replace("  clusterIP: None\n", "")
        .replace("  host: reviews\n", "  host: reviews\n  trafficPolicy: {loadBalancer: {simple: PASSTHROUGH}}\n"),
    ),
  },
  {
    case: "c19-gateway-does-not-exist",
    exit: 0,
    said: /! VirtualService shop\/reviews is for Gateway shop\/reviews-gateway, which does not exist \(IST0101\)/,
  },
  {
    case: "c21-nodeport-service",
    exit: 0,
    said: /! Service shop\/reviews can be reached by its load balancer, .* reach the canary's pods, too \(about 50%\)/,
  },
  {
    case: "c22-second-service-same-pods",
    exit: 0,
    said: /warning: Service shop\/reviews-legacy selects the canary's pods, too, and no route is for it: .* about 50%/,
  },
  {
    case: "c44-ambient-without-waypoint",
    exit: 2,
    said: /✗ Service shop\/reviews is in an ambient mesh and has no waypoint/,
  },
  {
    case: "c44b-injection-disabled-namespace",
    exit: 2,
    said: /✗ The pods of Deployment shop\/reviews-v2 get no sidecar \(injection is switched off for them\)/,
    unsaid: /ambient/,
  },
  { case: "c10-wildcard-mesh-host", exit: 0, unsaid: onlyGateways },
  {
    case: "c121-vs-hosts-another-service",
    exit: 0,
    said: /! In the mesh VirtualService reviews is for productpage only: clients in the mesh that call reviews directly/,
    unsaid: onlyGateways,
  },
  {
    case: "two-versions",
    what: "a route in another namespace whose short host is another's",
    exit: 0,
    said: /! In the mesh VirtualService web\/reviews is for reviews\.web\.svc\.cluster\.local only: clients in the mesh that call reviews directly .* and reviews\.shop\.svc\.cluster\.local to its hosts/,
    options: {
      command: "plan",
      change: {
        "world.yaml": (world) =>
          world
            .replace(/(kind: VirtualService\nmetadata: \{name: reviews, namespace: )shop/, "$1web")
            .replaceAll("{host: reviews, subset", "{host: reviews.shop.svc.cluster.local, subset"),
        "canary.yaml": (file) => `${file}routes: web/reviews\n`,
      },
    },
  },
  ...(
    [
      ["service", 0, /Nothing forbids/],
      [
        "workload",
        2,
        /✗ Service shop\/reviews .* the waypoint infra\/shared, which is for workload and not for services/,
      ],
    ] as const
  ).map(([traffic, exit, said]) => ({
    case: "two-versions",
    what: `a waypoint of another namespace, for ${traffic}`,
    exit,
    said,
    options: planned(
      (world) => `${world}
---
apiVersion: v1
kind: Namespace
metadata: { name: shop, labels: { istio.io/dataplane-mode: ambient, istio.io/use-waypoint: shared, istio.io/use-waypoint-namespace: infra } }
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: { name: shared, namespace: infra, labels: { istio.io/waypoint-for: ${traffic} } }
spec: { gatewayClassName: istio-waypoint, listeners: [{ name: mesh, port: 15008, protocol: HBONE }] }`,
    ),
  })),
  ...(
    [
      [
        "a Sidecar of the callers that knows nothing of the service",
        "networking.istio.io/v1",
        "Sidecar",
        "web",
        '{ egress: [{ hosts: ["./*"] }] }',
        /· Sidecar web\/reviews does not let its clients see VirtualService shop\/reviews/,
      ],
      [
        "a plugin of Istio's own namespace for one version",
        "extensions.istio.io/v1alpha1",
        "WasmPlugin",
        "istio-system",
        "{ selector: { matchLabels: { version: v1 } } }",
        /! WasmPlugin istio-system\/reviews is for the pods of reviews-v1 and not for the canary's/,
      ],
      [
        "an EnvoyFilter for one version",
        "networking.istio.io/v1alpha3",
        "EnvoyFilter",
        "shop",
        "{ workloadSelector: { labels: { version: v2 } } }",
        /! EnvoyFilter shop\/reviews is for the canary's pods and not for those of reviews-v1/,
      ],
    ] as const
  ).map(([what, version, kind, namespace, spec, said]) => ({
    case: "two-versions",
    what,
    exit: 0 as const,
    said,
    options: planned(
      (world) =>
        `${world}\n---\napiVersion: ${version}\nkind: ${kind}\nmetadata: { name: reviews, namespace: ${namespace} }\nspec: ${spec}`,
    ),
  })),
  {
    case: "c07b-subset-uppercase-config",
    exit: 2,
    said: /^(?!.*No VirtualService sends).*no route sends to reviews subset v1-GA/s,
  },
  {
    case: "c07b-subset-uppercase-config",
    what: "where the mesh has them, too",
    exit: 0,
    options: change((world) =>
      world
        .replaceAll("subset: v1", "subset: v1-GA")
        .replaceAll("subset: v2", "subset: v2-RC")
        .replace("name: v1, labels", "name: v1-GA, labels")
        .replace("name: v2, labels", "name: v2-RC, labels"),
    ),
  },
  {
    case: "c07b-subset-uppercase-config",
    what: "where the route has them, and no DestinationRule",
    exit: 0,
    said: /No DestinationRule in namespace shop defines subset v1-GA of reviews, stable's own\. .*503, now and after a rollback/,
    options: change((world) => world.replaceAll("subset: v1", "subset: v1-GA")),
  },
  { case: "c50b-stages-block", exit: 0, said: /50% of the requests for 1s/ },
];

function assertSeen({ exit, said }: CaseRun, expected: Seen): void {
  assert.equal(exit, expected.exit, said);
  if (expected.said) assert.match(said, expected.said);
  if (expected.unsaid) assert.doesNotMatch(said, expected.unsaid);
}

describe("who sees the weights", { concurrency: 4 }, () => {
  for (const one of seen)
    test([one.case, one.what].filter(Boolean).join(": "), async (t) => {
      const run = await runCase(t, one.case, one.options);
      assertSeen(run, one);
      // The second Service's customers are let down by the canary that they should not reach: it is told beforehand.
      if (!one.case.startsWith("c22")) assert.equal(run.traffic.bad, 0, run.said);
    });
});
