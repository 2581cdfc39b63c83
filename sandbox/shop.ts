import { kindNamed } from "./api-server/kind.ts";
import type { SentObject } from "./api-server/object.ts";
import type { Store } from "./api-server/store.ts";
import { parseMesh } from "./mesh/objects.ts";

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

/** Where the shop's route sends requests now: `stable 80, canary 20`, or `stable` alone. */
export function routeIn(store: Store, namespace = "shop"): string {
  const found = store.get(kindNamed("virtualservices"), namespace, "reviews");
  const { virtualServices } = parseMesh({ virtualServices: [found], destinationRules: [], services: [], pods: [] });
  const route = virtualServices[0]?.spec.http[0]?.route ?? [];
  return route
    .map(({ destination, weight }) => (route.length === 1 ? destination.subset : `${destination.subset} ${weight}`))
    .join(", ");
}

/** What a workflow writes under `with:`. */
export type Inputs = Readonly<Record<string, string>>;

/** The release of a new image by a copy of Deployment `reviews`. */
export const releaseOfOne = (tag: string): Inputs => ({
  namespace: "shop",
  service: "reviews",
  "stable-deployment": "reviews",
  "stable-subset": "stable",
  "canary-from": "clone",
  "canary-subset": "canary",
  "canary-labels": "track=canary",
  image: imageOf(tag),
});

/** The release of a new image by Deployment `reviews-v2`, which is the new stable then. */
export const releaseOfTwo = (tag: string): Inputs => ({
  namespace: "shop",
  service: "reviews",
  "stable-deployment": "reviews-v1",
  "stable-subset": "v1",
  "canary-deployment": "reviews-v2",
  "canary-subset": "v2",
  "canary-replicas": "same",
  image: imageOf(tag),
});

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
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [app, sidecar] } },
    },
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
