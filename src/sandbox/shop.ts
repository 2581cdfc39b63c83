import type { SentObject } from "./api-server/object.ts";

type Labels = Readonly<Record<string, string>>;

export type ShopOptions = {
  /** Default `shop`. */
  readonly namespace?: string;
  /** Pods of the version that serves. Default 2. */
  readonly replicas?: number;
  /** Tag of the image that serves, which says how it behaves. Default `v1`. */
  readonly tag?: string;
};

export const imageOf = (tag: string): string => `registry.example/reviews:${tag}`;

/** The host by which a client in the mesh calls the shop's service. */
export const hostIn = (namespace: string): string => `reviews.${namespace}.svc.cluster.local`;

/** One Deployment `reviews` behind subset `stable`, and a route that sends it everything: where a release by a copy begins. */
export function shopOfOne({ namespace = "shop", replicas = 2, tag = "v1" }: ShopOptions = {}): readonly SentObject[] {
  return [
    deployment(namespace, "reviews", tag, replicas, { app: "reviews", track: "stable" }),
    service(namespace),
    destinationRule(namespace, { stable: { track: "stable" } }),
    virtualService(namespace, [{ destination: { host: "reviews", subset: "stable" } }]),
  ];
}

/** Deployments `reviews-v1` and `reviews-v2` behind subsets, all weight on the first: where a release that swaps them begins. */
export function shopOfTwo({ namespace = "shop", replicas = 2, tag = "v1" }: ShopOptions = {}): readonly SentObject[] {
  return [
    deployment(namespace, "reviews-v1", tag, replicas, { app: "reviews", version: "v1" }),
    deployment(namespace, "reviews-v2", "v0", 1, { app: "reviews", version: "v2" }),
    service(namespace),
    destinationRule(namespace, { v1: { version: "v1" }, v2: { version: "v2" } }),
    virtualService(namespace, [
      { destination: { host: "reviews", subset: "v1" }, weight: 100 },
      { destination: { host: "reviews", subset: "v2" }, weight: 0 },
    ]),
  ];
}

function deployment(namespace: string, name: string, tag: string, replicas: number, labels: Labels): SentObject {
  const app = {
    name: "reviews",
    image: imageOf(tag),
    ports: [{ name: "http", containerPort: 9080 }],
    readinessProbe: { httpGet: { path: "/healthz", port: "http" }, periodSeconds: 1 },
  };
  const sidecar = { name: "istio-proxy", image: "registry.example/istio/proxyv2:1.31.0", args: ["proxy", "sidecar"] };
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name, namespace, labels: { team: "shop" } },
    spec: { replicas, selector: { matchLabels: labels }, template: { metadata: { labels }, spec: { containers: [app, sidecar] } } },
  };
}

const service = (namespace: string): SentObject => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name: "reviews", namespace },
  spec: { selector: { app: "reviews" }, ports: [{ name: "http", port: 9080, targetPort: 9080 }] },
});

const destinationRule = (namespace: string, subsets: Readonly<Record<string, Labels>>): SentObject => ({
  apiVersion: "networking.istio.io/v1",
  kind: "DestinationRule",
  metadata: { name: "reviews", namespace },
  spec: { host: "reviews", subsets: Object.entries(subsets).map(([name, labels]) => ({ name, labels })) },
});

const virtualService = (namespace: string, route: readonly unknown[]): SentObject => ({
  apiVersion: "networking.istio.io/v1",
  kind: "VirtualService",
  metadata: { name: "reviews", namespace },
  spec: { hosts: ["reviews"], http: [{ name: "primary", timeout: "5s", route }] },
});
