import type { SentObject } from "../../sandbox/api-server/object.ts";
import type { Target } from "../../src/release/target.ts";

/** A service with a stable Deployment and subsets for two versions, as many teams have it. */
export const image = (tag: string): string => `registry.test/reviews:${tag}`;

type More = {
  readonly replicas?: number;
  readonly labels?: Readonly<Record<string, string>>;
  readonly podLabels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly containers?: readonly Readonly<Record<string, unknown>>[];
  readonly template?: Readonly<Record<string, unknown>>;
  readonly spec?: Readonly<Record<string, unknown>>;
};

export function deploymentOf(
  namespace: string,
  name: string,
  tag: string,
  { replicas = 1, labels = {}, podLabels, annotations = {}, containers, template = {}, spec = {} }: More = {},
): SentObject & { readonly spec: Readonly<Record<string, unknown>> } {
  const own = podLabels ?? { app: "reviews", version: name.split("-").at(-1) ?? name };
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name, namespace, labels, annotations },
    spec: {
      replicas,
      selector: { matchLabels: own },
      template: {
        metadata: { labels: own },
        spec: {
          ...template,
          containers: containers ?? [
            {
              name: "reviews",
              image: image(tag),
              env: [{ name: "MODE", value: "production" }],
              ports: [{ name: "http", containerPort: 9080 }],
              readinessProbe: { httpGet: { path: "/healthz", port: "http" }, periodSeconds: 1 },
            },
          ],
        },
      },
      ...spec,
    },
  };
}

export const serviceOf = (
  namespace: string,
  name: string,
  selector: Readonly<Record<string, string>>,
  ports: readonly unknown[] = [{ name: "http", port: 9080, targetPort: 9080 }],
): SentObject => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name, namespace },
  spec: { selector, ports },
});

export const destinationRuleOf = (
  namespace: string,
  host: string,
  subsets: Readonly<Record<string, Readonly<Record<string, string>>>>,
): SentObject => ({
  apiVersion: "networking.istio.io/v1",
  kind: "DestinationRule",
  metadata: { name: host, namespace },
  spec: { host, subsets: Object.entries(subsets).map(([name, labels]) => ({ name, labels })) },
});

export const autoscalerOf = (namespace: string, deployment: string): SentObject => ({
  apiVersion: "autoscaling/v2",
  kind: "HorizontalPodAutoscaler",
  metadata: { name: deployment, namespace },
  spec: {
    scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: deployment },
    minReplicas: 1,
    maxReplicas: 10,
  },
});

export const targetOf = (namespace: string, more: Partial<Target> = {}): Target => ({
  namespace,
  service: "reviews",
  stable: { deployment: "reviews-v1", host: "reviews", subset: "v1" },
  canary: { deployment: "reviews-v2", host: "reviews", subset: "v2" },
  routes: [{ kind: "VirtualService", namespace, name: "reviews", routes: [] }],
  source: { from: "existing" },
  replicas: { kind: "keep" },
  image: image("v2"),
  ...more,
});
