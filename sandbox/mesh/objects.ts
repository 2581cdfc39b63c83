import * as z from "zod";
import { asVirtualServices } from "./gateway-route.ts";

/** The parts of Kubernetes' and Istio's objects that decide where a request goes. What else they say is not read. */
const labels = z.record(z.string(), z.string()).default({});

const metadata = z.object({
  name: z.string(),
  namespace: z.string().default("default"),
  uid: z.string().default(""),
  creationTimestamp: z.string().default(""),
  deletionTimestamp: z.string().optional(),
  labels,
  ownerReferences: z
    .array(z.object({ kind: z.string(), name: z.string(), controller: z.boolean().default(false) }))
    .default([]),
});

const container = z.object({
  name: z.string(),
  image: z.string().default(""),
  ports: z.array(z.object({ name: z.string().optional(), containerPort: z.number() })).default([]),
});

export const podSchema = z.object({
  metadata,
  spec: z.object({ containers: z.array(container), initContainers: z.array(container).default([]) }),
  status: z
    .object({
      podIP: z.string().optional(),
      conditions: z.array(z.object({ type: z.string(), status: z.string() })).default([]),
    })
    .default({ conditions: [] }),
});

const serviceSchema = z.object({
  metadata,
  spec: z.object({
    clusterIP: z.string().optional(),
    selector: z.record(z.string(), z.string()).optional(),
    ports: z
      .array(
        z.object({
          name: z.string().optional(),
          port: z.number(),
          targetPort: z.union([z.number(), z.string()]).optional(),
        }),
      )
      .default([]),
  }),
});

/** Without any of the three it asks for the header's presence. */
const stringMatch = z.object({
  exact: z.string().optional(),
  prefix: z.string().optional(),
  regex: z.string().optional(),
});

const requestMatch = z.object({
  uri: stringMatch.optional(),
  ignoreUriCase: z.boolean().default(false),
  method: stringMatch.optional(),
  authority: stringMatch.optional(),
  scheme: stringMatch.optional(),
  headers: z.record(z.string(), stringMatch).default({}),
  withoutHeaders: z.record(z.string(), stringMatch).default({}),
  queryParams: z.record(z.string(), stringMatch).default({}),
  gateways: z.array(z.string()).optional(),
  sourceLabels: z.record(z.string(), z.string()).default({}),
  sourceNamespace: z.string().optional(),
});

const place = z.object({
  host: z.string(),
  subset: z.string().optional(),
  port: z.object({ number: z.number() }).optional(),
});

/** An omitted weight is zero: https://istio.io/latest/docs/reference/config/networking/virtual-service/#HTTPRouteDestination */
const destination = z.object({
  destination: place,
  weight: z.number().default(0),
  headers: z
    .object({ response: z.object({ add: z.record(z.string(), z.string()).default({}) }).optional() })
    .optional(),
});

const percentage = z.object({ value: z.number().default(0) }).default({ value: 100 });

const httpRule = z.object({
  name: z.string().optional(),
  match: z.array(requestMatch).default([]),
  route: z.array(destination).default([]),
  rewrite: z.object({ uri: z.string().optional(), authority: z.string().optional() }).optional(),
  redirect: z
    .object({ uri: z.string().optional(), authority: z.string().optional(), redirectCode: z.number().default(301) })
    .optional(),
  directResponse: z
    .object({ status: z.number(), body: z.object({ string: z.string().default("") }).default({ string: "" }) })
    .optional(),
  mirror: place.optional(),
  mirrorPercentage: percentage,
  mirrors: z.array(z.object({ destination: place, percentage })).default([]),
  fault: z
    .object({
      abort: z.object({ httpStatus: z.number().default(503), percentage }).optional(),
      delay: z.object({ fixedDelay: z.string(), percentage }).optional(),
    })
    .optional(),
});

/** A rule of tls or tcp. */
const connectionRule = z.object({
  match: z
    .array(
      z.object({
        port: z.number().optional(),
        sniHosts: z.array(z.string()).default([]),
        gateways: z.array(z.string()).optional(),
      }),
    )
    .default([]),
  route: z.array(destination).default([]),
});

/** The namespaces that see an object: none is all, `.` is its own. */
const exportTo = z.array(z.string()).default([]);

const trafficPolicy = z.object({ loadBalancer: z.object({ simple: z.string().default("") }).optional() }).optional();

const virtualServiceSchema = z.object({
  metadata,
  spec: z.object({
    hosts: z.array(z.string()).default([]),
    gateways: z.array(z.string()).default(["mesh"]),
    exportTo,
    http: z.array(httpRule).default([]),
    tls: z.array(connectionRule).default([]),
    tcp: z.array(connectionRule).default([]),
  }),
});

const destinationRuleSchema = z.object({
  metadata,
  spec: z.object({
    host: z.string(),
    exportTo,
    /** Only for clients with these labels, and the client here has none. */
    workloadSelector: z.unknown().optional(),
    trafficPolicy,
    subsets: z.array(z.object({ name: z.string(), labels, trafficPolicy })).default([]),
  }),
});

const namespaceSchema = z.object({ metadata });

export type Pod = z.infer<typeof podSchema>;
export type Service = z.infer<typeof serviceSchema>;
export type VirtualService = z.infer<typeof virtualServiceSchema>;
export type DestinationRule = z.infer<typeof destinationRuleSchema>;
export type ConnectionRule = z.infer<typeof connectionRule>;
export type HttpRule = z.infer<typeof httpRule>;
export type RequestMatch = z.infer<typeof requestMatch>;
export type StringMatch = z.infer<typeof stringMatch>;
export type Place = z.infer<typeof place>;
export type WeightedDestination = z.infer<typeof destination>;

/** Objects as the API server has them. */
export type Objects = {
  readonly virtualServices: readonly unknown[];
  /** Routes of the Gateway API. */
  readonly gatewayRoutes?: readonly unknown[];
  readonly destinationRules: readonly unknown[];
  readonly services: readonly unknown[];
  readonly pods: readonly unknown[];
  readonly namespaces?: readonly unknown[];
};

/** What the proxies know at one moment. */
export type Mesh = {
  readonly virtualServices: readonly VirtualService[];
  readonly destinationRules: readonly DestinationRule[];
  readonly services: readonly Service[];
  readonly pods: readonly Pod[];
  /** Those in which nobody reads routes: ambient, without a waypoint. */
  readonly routeless: readonly string[];
};

/** Older objects come first, as where Istio prefers the oldest. */
export function parseMesh({
  virtualServices,
  gatewayRoutes = [],
  destinationRules,
  services,
  pods,
  namespaces = [],
}: Objects): Mesh {
  const all = [...virtualServices, ...gatewayRoutes.flatMap(asVirtualServices)];
  return {
    virtualServices: byAge(z.array(virtualServiceSchema).parse(all)),
    destinationRules: byAge(z.array(destinationRuleSchema).parse(destinationRules)),
    services: z.array(serviceSchema).parse(services),
    pods: z.array(podSchema).parse(pods),
    routeless: z
      .array(namespaceSchema)
      .parse(namespaces)
      .filter(({ metadata: { labels } }) => labels["istio.io/dataplane-mode"] === "ambient")
      .filter(({ metadata: { labels } }) => (labels["istio.io/use-waypoint"] ?? "none") === "none")
      .map(({ metadata }) => metadata.name),
  };
}

const byAge = <T extends { readonly metadata: { readonly creationTimestamp: string } }>(
  objects: readonly T[],
): readonly T[] => objects.toSorted((a, b) => a.metadata.creationTimestamp.localeCompare(b.metadata.creationTimestamp));

export const selects = (selector: Readonly<Record<string, string>>, { metadata }: Pod): boolean =>
  Object.entries(selector).every(([key, value]) => metadata.labels[key] === value);
