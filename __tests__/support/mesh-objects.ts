/** Objects of a small shop, as an API server would have them: service `reviews` with versions v1 and v2. */
type Fields = Readonly<Record<string, unknown>>;

export const service = (
  name: string,
  selector: Fields = { app: name },
  ports: readonly Fields[] = [{ name: "http", port: 9080 }],
) => ({
  metadata: { name, namespace: "shop" },
  spec: { selector, ports },
});

export const pod = (
  name: string,
  version: string,
  {
    image = `acme/reviews:${version}`,
    ready = true,
    labels = {},
    ip,
    sidecar = false,
    ...metadata
  }: Fields & {
    readonly image?: string;
    readonly ready?: boolean;
    readonly labels?: Fields;
    readonly ip?: string;
    readonly sidecar?: boolean;
  } = {},
) => ({
  metadata: {
    name: `${name}-7d9f-x1`,
    namespace: "shop",
    uid: `uid-${name}`,
    labels: { app: "reviews", version, "pod-template-hash": "7d9f", ...labels },
    ownerReferences: [{ kind: "ReplicaSet", name: `${name}-7d9f`, controller: true }],
    ...metadata,
  },
  spec: {
    containers: [
      { name: "app", image, ports: [{ name: "web", containerPort: 9080 }] },
      ...(sidecar ? [{ name: "istio-proxy" }] : []),
    ],
  },
  status: {
    ...(ip === undefined ? {} : { podIP: ip }),
    conditions: [{ type: "Ready", status: ready ? "True" : "False" }],
  },
});

export const destinationRule = (subsets: readonly string[] = ["v1", "v2"], more: Fields = {}) => ({
  metadata: { name: "reviews", namespace: "shop", ...more },
  spec: { host: "reviews", subsets: subsets.map((name) => ({ name, labels: { version: name } })) },
});

export const to = (subset: string | undefined, weight?: number, host = "reviews") => ({
  destination: { host, ...(subset === undefined ? {} : { subset }) },
  ...(weight === undefined ? {} : { weight }),
});

export const virtualService = (
  http: readonly Fields[],
  {
    name = "reviews",
    hosts = ["reviews"],
    gateways,
    ...metadata
  }: Fields & {
    readonly name?: string;
    readonly hosts?: readonly string[];
    readonly gateways?: readonly string[];
  } = {},
) => ({
  metadata: { name, namespace: "shop", ...metadata },
  spec: { hosts, ...(gateways ? { gateways } : {}), http },
});
