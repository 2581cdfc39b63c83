import type { SentObject } from "../sandbox/api-server/object.ts";
import { namespace } from "./cluster.ts";
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
    service,
    destinationRule(isThere ? [stable.subset, canary.subset] : [stable.subset]),
    virtualService(
      isThere
        ? [
            [stable.subset, 100],
            [canary.subset, 0],
          ]
        : [[stable.subset, undefined]],
    ),
  ];
  if (isThere) objects.push(deployment(canary.deployment, labelsOf(canary.subset), imageOf("v0"), 1));
  if (scenario.autoscaled) objects.push(autoscaler(stable.deployment));
  return objects;
}

/** The canary's Deployment where the user brings it along; the release gives it its image. */
export const manifest: string = JSON.stringify(
  deployment("reviews-canary", labelsOf("canary"), "registry.example/reviews:none", 1),
);

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
      stable,
      canary: { ...canary, ...sources[source] },
      image,
      stages,
      gates: scenario.gates === "auto" ? "auto" : [{ errors: { atMost: "5%", minRequests: 50 } }, { restarts: {} }],
      evidence: { warmUp: "10s" },
      metrics: { prometheus: "http://prometheus.simulated:9090", interval: `${scenario.interval / 1_000}s` },
      promotion: { model, drain: `${scenario.drain / 1_000}s` },
    },
    undefined,
    1,
  );
}

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

const service: SentObject = {
  apiVersion: "v1",
  kind: "Service",
  metadata: { name: "reviews", namespace },
  spec: { selector: { app: "reviews" }, ports: [{ name: "http", port: 9080, targetPort: 9080 }] },
};

const destinationRule = (subsets: readonly string[]): SentObject => ({
  apiVersion: "networking.istio.io/v1",
  kind: "DestinationRule",
  metadata: { name: "reviews", namespace },
  spec: { host: "reviews", subsets: subsets.map((name) => ({ name, labels: { version: name } })) },
});

/** With a rule that is nobody's business here, and fields that have to stay. */
const virtualService = (
  destinations: readonly (readonly [subset: string, weight: number | undefined])[],
): SentObject => ({
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

const autoscaler = (name: string): SentObject => ({
  apiVersion: "autoscaling/v2",
  kind: "HorizontalPodAutoscaler",
  metadata: { name, namespace },
  spec: { scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name }, minReplicas: 1, maxReplicas: 10 },
});
