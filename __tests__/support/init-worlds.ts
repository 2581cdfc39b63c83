import type { SentObject } from "../../sandbox/api-server/object.ts";

type Fields = Readonly<Record<string, unknown>>;

export const initObject = (apiVersion: string, kind: string, name: string, spec: Fields, metadata: Fields = {}) => ({
  apiVersion,
  kind,
  metadata: { name, namespace: "shop", ...metadata },
  spec,
});

type DeploymentLabels = { readonly selector?: Fields; readonly pods: Fields; readonly kind?: string };

const workload = (name: string, { pods, selector = pods, kind = "Deployment" }: DeploymentLabels): SentObject =>
  initObject("apps/v1", kind, name, {
    replicas: 2,
    selector: { matchLabels: selector },
    template: {
      metadata: { labels: pods },
      spec: {
        containers: [
          { name: "app", image: "registry.example/reviews:1.3.0", ports: [{ name: "http", containerPort: 9080 }] },
        ],
      },
    },
  });

const app = { app: "reviews" };
const one = workload("reviews", { pods: { ...app, version: "v1" } });
const two = ["v1", "v2"].map((version) => workload(`reviews-${version}`, { pods: { ...app, version } }));
const service = (port: Fields = { name: "http", port: 9080 }): SentObject =>
  initObject("v1", "Service", "reviews", { selector: app, ports: [port] });
const namespace = (labels: Fields): SentObject => ({
  apiVersion: "v1",
  kind: "Namespace",
  metadata: { name: "shop", labels: labels as Readonly<Record<string, string>> },
});
const istio = "networking.istio.io/v1";
const virtualService = (name: string, spec: Fields): SentObject => initObject(istio, "VirtualService", name, spec);

/** Two versions as subsets, and a route to these destinations. */
const routedTo = (...route: readonly Fields[]): readonly SentObject[] => [
  service(),
  ...two,
  initObject(istio, "DestinationRule", "reviews", {
    host: "reviews",
    subsets: ["v1", "v2"].map((name) => ({ name, labels: { version: name } })),
  }),
  virtualService("reviews", { hosts: ["reviews"], http: [{ route }] }),
];

/** What a newcomer may have: the objects of a namespace, and what is asked for beside the service's name. */
export type InitWorld = {
  readonly objects: readonly SentObject[];
  readonly inputs?: Readonly<Record<string, string>>;
  /** What its files cannot put right, as a plan tells it. */
  readonly left?: RegExp;
};

export const initWorlds: Readonly<Record<string, InitWorld>> = {
  "one-deployment": { objects: [namespace({ "istio-injection": "enabled" }), service(), one] },
  "no-version-label": { objects: [service(), workload("reviews", { pods: app })] },
  "version-not-in-selector": {
    objects: [service(), workload("reviews", { pods: { ...app, version: "v1" }, selector: app })],
  },
  "unnamed-port": { objects: [service({ port: 9080, targetPort: "http" }), one] },
  "route-without-subset": {
    objects: [
      service(),
      one,
      virtualService("reviews", {
        hosts: ["reviews.shop.svc.cluster.local", "shop.example.com"],
        gateways: ["mesh", "istio-ingress/public"],
        http: [
          {
            name: "old",
            match: [{ uri: { prefix: "/old" } }],
            redirect: { uri: "/new" },
          },
          {
            name: "all",
            timeout: "2s",
            retries: { attempts: 2, perTryTimeout: "1s" },
            route: [{ destination: { host: "reviews", port: { number: 9080 } } }],
          },
        ],
      }),
    ],
  },
  "policy-without-subsets": {
    objects: [
      service(),
      one,
      initObject(istio, "DestinationRule", "reviews-policy", {
        host: "reviews",
        trafficPolicy: { connectionPool: { http: { http1MaxPendingRequests: 10 } } },
      }),
    ],
  },
  "several-routes": {
    objects: [
      service(),
      one,
      virtualService("reviews-mesh", { hosts: ["reviews"], http: [{ route: [{ destination: { host: "reviews" } }] }] }),
      virtualService("reviews-public", {
        hosts: ["shop.example.com"],
        gateways: ["public"],
        http: [{ match: [{ uri: { prefix: "/reviews" } }], route: [{ destination: { host: "reviews" } }] }],
      }),
    ],
  },
  "two-deployments": { objects: [service(), ...two] },
  "two-deployments-one-routed": {
    objects: routedTo({ destination: { host: "reviews", subset: "v2" } }),
  },
  "http-route": {
    objects: [
      service(),
      one,
      initObject("gateway.networking.k8s.io/v1", "HTTPRoute", "reviews-public", {
        parentRefs: [{ name: "public" }, { group: "", kind: "Service", name: "reviews", port: 9080 }],
        rules: [{ matches: [{ path: { value: "/reviews" } }], backendRefs: [{ name: "reviews", port: 9080 }] }],
      }),
    ],
  },
  "http-route-and-host": {
    objects: [service(), ...two],
    inputs: { route: "http-route", host: "shop.example.com" },
  },
  host: { objects: [service(), one], inputs: { host: "shop.example.com" } },
  ambient: { objects: [namespace({ "istio.io/dataplane-mode": "ambient" }), service(), one] },
  "beside-a-stateful-set": {
    objects: [service(), one, workload("reviews-db", { pods: { ...app, role: "db" }, kind: "StatefulSet" })],
  },
  "a-service-for-each": {
    objects: [
      service(),
      ...two,
      ...["v1", "v2"].map((version) =>
        initObject("v1", "Service", `reviews-${version}`, {
          selector: { ...app, version },
          ports: [{ name: "http", port: 9080 }],
        }),
      ),
      virtualService("reviews-hosts", {
        hosts: ["reviews"],
        http: [{ route: [{ destination: { host: "reviews-v1" } }] }],
      }),
    ],
  },
  "half-to-each": {
    objects: routedTo(...["v1", "v2"].map((subset) => ({ destination: { host: "reviews", subset }, weight: 50 }))),
    left: /sends 50% of its requests to the canary already/,
  },
};

/** Of these no release can come, and nothing is written. */
export const unreadyWorlds: Readonly<Record<string, InitWorld & { readonly said: RegExp }>> = {
  "nothing there": {
    objects: [initObject("v1", "Service", "ratings", { selector: { app: "ratings" } })],
    said: /There is no Service reviews in namespace shop of .* \(Services: ratings\)/,
  },
  "a StatefulSet": {
    objects: [service(), workload("reviews", { pods: app, kind: "StatefulSet" })],
    said: /No Deployment in namespace shop .*\(app=reviews\); StatefulSet shop\/reviews has\..*Only Deployments/s,
  },
  "a Service that selects nothing": { objects: [initObject("v1", "Service", "reviews", {})], said: /has no selector/ },
  "another stable than there is": {
    objects: [service(), ...two],
    inputs: { "stable-deployment": "reviews-v7" },
    said: /Deployment reviews-v7 is not behind Service reviews .* \(Deployments: reviews-v1, reviews-v2\)/,
  },
  "a route that leads elsewhere": {
    objects: [
      service(),
      one,
      virtualService("all", {
        hosts: ["reviews"],
        http: [{ route: [{ destination: { host: "proxy.example.com" } }] }],
      }),
    ],
    said: /VirtualService shop\/all is for reviews and sends its requests to proxy\.example\.com/,
  },
  "a route of the other kind": {
    objects: [
      service(),
      one,
      virtualService("all", { hosts: ["reviews"], http: [{ route: [{ destination: { host: "reviews" } }] }] }),
    ],
    inputs: { route: "http-route" },
    said: /VirtualService shop\/all routes the requests of reviews, and Istio supports no second kind/,
  },
  "a namespace that can be none": {
    objects: [{ ...service(), metadata: { name: "reviews", namespace: "../x; true" } }],
    inputs: { namespace: "" },
    said: /for a namespace that can be none/,
  },
  "two namespaces with that service": {
    objects: [service(), { ...service(), metadata: { name: "reviews", namespace: "shop-2" } }],
    inputs: { namespace: "" },
    said: /for namespaces shop, shop-2.*Name the one that is meant: --namespace/s,
  },
};
