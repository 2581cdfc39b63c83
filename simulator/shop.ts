import type { SentObject } from "../sandbox/api-server/object.ts";
import { namespace } from "./cluster.ts";
import { anybody, type Caller, serviceOf } from "./routing.ts";
import { imageOf, type Scenario } from "./scenario.ts";

/** The user's two versions, by the names that the configuration gives them. */
export type Names = Readonly<Record<"stable" | "canary", { readonly deployment: string; readonly subset: string }>>;

export const namesOf = ({ shape }: Pick<Scenario, "shape">): Names =>
  shape.startsWith("existing")
    ? { stable: { deployment: "reviews-v1", subset: "v1" }, canary: { deployment: "reviews-v2", subset: "v2" } }
    : {
        stable: { deployment: "reviews", subset: "stable" },
        canary: { deployment: "reviews-canary", subset: "canary" },
      };

const labelsOf = (subset: string) => ({ app: "reviews", version: subset });

/** What the cluster has before the first release. */
export function shopOf(scenario: Scenario): readonly SentObject[] {
  const { stable, canary } = namesOf(scenario);
  const isThere = scenario.shape.startsWith("existing");
  const objects = [
    deployment(stable.deployment, labelsOf(stable.subset), imageOf("v1"), scenario.replicas),
    service("reviews", { app: "reviews" }),
    ...routingOf(scenario),
  ];
  if (isThere) objects.push(deployment(canary.deployment, labelsOf(canary.subset), imageOf("v0"), 1));
  if (scenario.autoscaled) objects.push(autoscaler(stable.deployment));
  return objects;
}

/** What divides the requests: where both versions are there, so are both destinations. */
function routingOf(scenario: Scenario): readonly SentObject[] {
  const { stable, canary } = namesOf(scenario);
  const isThere = scenario.shape.startsWith("existing");
  const destinations: readonly Destined[] = isThere
    ? [
        [stable.subset, 100],
        [canary.subset, 0],
      ]
    : [[stable.subset, undefined]];
  if (scenario.routing === "HTTPRoute") {
    const services = [stable, canary].map(({ subset }) => service(serviceOf(subset), labelsOf(subset)));
    return [...services, httpRoute(destinations)];
  }
  return [destinationRule(destinations.map(([subset]) => subset)), virtualService(destinations)];
}

/** The canary's Deployment where the user brings it along; the release gives it its image. */
export const manifest: string = JSON.stringify(
  deployment("reviews-canary", labelsOf("canary"), "registry.example/reviews:none", 1),
);

/** By what testers are known, as the configuration says it, and their requests as they come. */
const testers = {
  header: { said: { headers: { "x-tester": "yes" } }, comes: { headers: { "x-tester": "yes" } } },
  callers: { said: { callers: { version: "v2-next" } }, comes: { labels: { app: "frontend", version: "v2-next" } } },
} as const;

/** Who calls: a fifth of them are testers where there are any. */
export function callersOf({ testing }: Scenario): readonly Caller[] {
  if (testing === undefined) return [anybody];
  return [
    { ...anybody, share: 0.8 },
    { ...anybody, ...testers[testing.by].comes, share: 0.2 },
  ];
}

/** What comes before the weights. */
function firstStage({ gates, testing }: Scenario) {
  const smoke = { run: { command: ["./smoke.sh"] } };
  const beside = gates === "auto" ? ["auto", smoke] : [...ownGates, smoke];
  const drills = { delay: { delay: "2s" }, abort: { abort: 503 } };
  if (!testing?.alone) return [];
  if (testing.drill === undefined) return [{ weight: 0, wait: "15s", deadline: "90s", gates: beside }];
  return [{ weight: 0, wait: "10s", deadline: "90s", gates: [smoke], drill: drills[testing.drill] }];
}

const ownGates = [{ errors: { atMost: "5%", minRequests: 50 } }, { restarts: {} }];

/** How the canary comes to be, as the configuration says it. */
const sources = {
  existing: { from: "existing", replicas: "same" },
  clone: { from: "clone", labels: { version: "canary" } },
  manifests: { from: { manifests: ["canary.yaml"] }, replicas: "same" },
} as const;

/** The release's configuration, as its user wrote it. */
export function configurationOf(scenario: Scenario, image: string): string {
  const { stable, canary } = namesOf(scenario);
  const [source, model] = scenario.shape.split("-") as [keyof typeof sources, string];
  const stages = scenario.stages.map(({ weight, wait, approval }) => ({
    weight,
    wait: `${wait / 1_000}s`,
    deadline: `${wait / 1_000 + 60}s`,
    approval,
  }));
  return JSON.stringify(
    {
      namespace,
      service: "reviews",
      stable: versionIn(scenario, stable),
      canary: { ...versionIn(scenario, canary), ...sources[source] },
      routes: scenario.routing === "HTTPRoute" ? { httpRoute: "reviews", routes: ["primary"] } : ["reviews"],
      image,
      testers: scenario.testing && testers[scenario.testing.by].said,
      stages: [...firstStage(scenario), ...stages],
      confirm: "settle", // no Envoy is in there
      gates: scenario.gates === "auto" ? "auto" : ownGates,
      evidence: { warmUp: "10s" },
      metrics: { prometheus: "http://prometheus.simulated:9090", interval: `${scenario.interval / 1_000}s` },
      promotion: { model, drain: `${scenario.drain / 1_000}s` },
    },
    undefined,
    1,
  );
}

/** A route of the Gateway API knows Services, and no subsets. */
const versionIn = ({ routing }: Scenario, { deployment, subset }: Names["stable"]) =>
  routing === "HTTPRoute" ? { deployment, host: serviceOf(subset) } : { deployment, subset };

function deployment(
  name: string,
  labels: Readonly<Record<string, string>>,
  image: string,
  replicas: number,
): SentObject {
  const containers = [
    { name: "reviews", image, ports: [{ name: "http", containerPort: 9080 }] },
    { name: "istio-proxy", image: "registry.example/istio/proxyv2:1.31.0" },
  ];
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name, namespace, labels: { team: "shop" }, annotations: { owner: "shop@example.com" } },
    spec: { replicas, selector: { matchLabels: labels }, template: { metadata: { labels }, spec: { containers } } },
  };
}

const service = (name: string, selector: Readonly<Record<string, string>>): SentObject => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name, namespace },
  spec: { selector, ports: [{ name: "http", port: 9080, targetPort: 9080 }] },
});

const destinationRule = (subsets: readonly string[]): SentObject => ({
  apiVersion: "networking.istio.io/v1",
  kind: "DestinationRule",
  metadata: { name: "reviews", namespace },
  spec: { host: "reviews", subsets: subsets.map((name) => ({ name, labels: { version: name } })) },
});

type Destined = readonly [version: string, weight: number | undefined];

/** With a rule that is nobody's business here, and fields that have to stay. */
const virtualService = (destinations: readonly Destined[]): SentObject => ({
  apiVersion: "networking.istio.io/v1",
  kind: "VirtualService",
  metadata: { name: "reviews", namespace, labels: { team: "shop" } },
  spec: {
    hosts: ["reviews"],
    http: [
      { name: "closed", match: [{ headers: { closed: { exact: "yes" } } }], directResponse: { status: 503 } },
      {
        name: "primary",
        timeout: "5s",
        retries: { attempts: 0 },
        route: destinations.map(([subset, weight]) => ({
          destination: { host: "reviews", subset },
          ...(weight === undefined ? {} : { weight }),
        })),
      },
    ],
  },
});

/** The same by the Gateway API, for callers in the mesh. */
const httpRoute = (destinations: readonly Destined[]): SentObject => ({
  apiVersion: "gateway.networking.k8s.io/v1",
  kind: "HTTPRoute",
  metadata: { name: "reviews", namespace, labels: { team: "shop" } },
  spec: {
    parentRefs: [{ group: "", kind: "Service", name: "reviews", port: 9080 }],
    rules: [
      {
        name: "closed",
        matches: [{ headers: [{ name: "closed", value: "yes" }] }],
        filters: [{ type: "RequestRedirect", requestRedirect: { hostname: "closed.example.com", statusCode: 302 } }],
      },
      {
        name: "primary",
        timeouts: { request: "5s" },
        backendRefs: destinations.map(([version, weight]) => ({
          name: serviceOf(version),
          port: 9080,
          ...(weight === undefined ? {} : { weight }),
        })),
      },
    ],
  },
});

const autoscaler = (name: string): SentObject => ({
  apiVersion: "autoscaling/v2",
  kind: "HorizontalPodAutoscaler",
  metadata: { name, namespace },
  spec: { scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name }, minReplicas: 1, maxReplicas: 10 },
});
