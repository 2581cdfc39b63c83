/** A Deployment `shop-VERSION` of a service `shop`, as a user would write it. */
export const shop = ({ version, image, replicas = 1 }: { readonly version: string; readonly image: string; readonly replicas?: number }): string => `
apiVersion: apps/v1
kind: Deployment
metadata: {name: shop-${version}}
spec:
  replicas: ${replicas}
  progressDeadlineSeconds: 60
  selector: {matchLabels: {app: shop, version: ${version}}}
  template:
    metadata: {labels: {app: shop, version: ${version}}}
    spec:
      containers:
      - name: shop
        image: registry.test/${image}
        ports: [{name: http, containerPort: 9080}]
        readinessProbe: {httpGet: {path: /healthz, port: http}, periodSeconds: 1}
`;

/** A Service `shop` with a stable and a canary Deployment, subsets `v1` and `v2`, and a VirtualService on the gateway. */
export const twoVersions = ({
  host,
  v1,
  v2,
  canary = "shop:v2",
}: {
  readonly host: string;
  readonly v1: number;
  readonly v2: number;
  readonly canary?: string;
}): string =>
  [
    `
apiVersion: v1
kind: Service
metadata: {name: shop}
spec: {selector: {app: shop}, ports: [{name: http, port: 80, targetPort: 9080}]}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: shop}
spec: {host: shop, subsets: [{name: v1, labels: {version: v1}}, {name: v2, labels: {version: v2}}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: shop}
spec:
  hosts: [${host}]
  gateways: [istio-system/public]
  http:
  - name: primary
    retries: {attempts: 0} # Istio's default retries some failures twice and would blur the counts
    route:
    - {destination: {host: shop, subset: v1, port: {number: 80}}, weight: ${v1}}
    - {destination: {host: shop, subset: v2, port: {number: 80}}, weight: ${v2}}
`,
    shop({ version: "v1", image: "shop:v1", replicas: 2 }),
    shop({ version: "v2", image: canary }),
  ].join("---\n");
