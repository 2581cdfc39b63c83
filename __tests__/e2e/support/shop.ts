// Objects of a service `shop`, as a user would write them.

type Labels = Readonly<Record<string, string>>;

export const deployment = (name: string, labels: Labels, image: string, replicas = 1): string => `
apiVersion: apps/v1
kind: Deployment
metadata: {name: ${name}}
spec:
  replicas: ${replicas}
  progressDeadlineSeconds: 60
  selector: {matchLabels: ${JSON.stringify(labels)}}
  template:
    metadata: {labels: ${JSON.stringify(labels)}}
    spec:
      containers:
      - name: shop
        image: ${image}
        ports: [{name: http, containerPort: 9080}]
        readinessProbe: {httpGet: {path: /healthz, port: http}, periodSeconds: 1}
`;

export const service = (name: string, selector: Labels): string => `
apiVersion: v1
kind: Service
metadata: {name: ${name}}
spec: {selector: ${JSON.stringify(selector)}, ports: [{name: http, port: 80, targetPort: 9080}]}
`;

export const destinationRule = (host: string, subsets: Readonly<Record<string, Labels>>): string => `
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: ${host}}
spec: ${JSON.stringify({ host, subsets: Object.entries(subsets).map(([name, labels]) => ({ name, labels })) })}
`;

/** One destination of the route, of port 80. */
export type Destination = { readonly host: string; readonly subset?: string; readonly weight?: number };

/** A VirtualService `shop` on the gateway with one route. */
export const virtualService = (host: string, destinations: readonly Destination[]): string => `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: shop}
spec:
  hosts: [${host}]
  gateways: [istio-system/public]
  http:
  - name: primary
    retries: {attempts: 0} # Istio's default retries some failures twice and would blur the counts
    route: ${JSON.stringify(destinations.map(({ weight, ...destination }) => ({ destination: { ...destination, port: { number: 80 } }, ...(weight === undefined ? {} : { weight }) })))}
`;

/** A Deployment `shop-VERSION`. */
export const shop = ({
  version,
  image,
  replicas = 1,
}: {
  readonly version: string;
  readonly image: string;
  readonly replicas?: number;
}): string => deployment(`shop-${version}`, { app: "shop", version }, `registry.test/${image}`, replicas);

export type TwoVersions = {
  readonly host: string;
  readonly v1: number;
  readonly v2: number;
  readonly stable?: string;
  readonly canary?: string;
};

/** A Service `shop` with a stable and a canary Deployment, subsets `v1` and `v2`, and a VirtualService on the gateway. */
export const twoVersions = ({ host, v1, v2, stable = "shop:v1", canary = "shop:v2" }: TwoVersions): string =>
  [
    service("shop", { app: "shop" }),
    destinationRule("shop", { v1: { version: "v1" }, v2: { version: "v2" } }),
    virtualService(host, [
      { host: "shop", subset: "v1", weight: v1 },
      { host: "shop", subset: "v2", weight: v2 },
    ]),
    shop({ version: "v1", image: stable, replicas: 2 }),
    shop({ version: "v2", image: canary }),
  ].join("---\n");

/** A DestinationRule `shop` by which Envoy takes a pod out that fails three times in a row, also when it is a version's last. */
export const ejection = `
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: shop}
spec:
  host: shop
  trafficPolicy: {outlierDetection: {consecutive5xxErrors: 3, interval: 1s, baseEjectionTime: 60s, maxEjectionPercent: 100}}
  subsets: [{name: v1, labels: {version: v1}}, {name: v2, labels: {version: v2}}]
`;
