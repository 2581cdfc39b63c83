import * as z from "zod";

/** The parts of a route of the Gateway API that decide where a request goes. */
const text = z.object({ type: z.string().default("Exact"), name: z.string().default(""), value: z.string() });

const match = z.object({
  path: z.object({ type: z.string().default("PathPrefix"), value: z.string().default("/") }).optional(),
  headers: z.array(text).default([]),
  queryParams: z.array(text).default([]),
  /** A verb of HTTP, or a method of gRPC. */
  method: z.union([z.string(), z.object({ service: z.string().optional(), method: z.string().optional() })]).optional(),
});

const reference = z.object({
  kind: z.string().default("Service"),
  name: z.string(),
  namespace: z.string().optional(),
  port: z.number().optional(),
});

const added = z.object({ name: z.string(), value: z.string() });
const modifier = z.object({ responseHeaderModifier: z.object({ add: z.array(added).default([]) }).optional() });

/** An omitted weight is 1: https://gateway-api.sigs.k8s.io/reference/spec/#backendref */
const backend = z.intersection(
  reference,
  z.object({ weight: z.number().default(1), filters: z.array(modifier).default([]) }),
);

const filter = z.object({
  type: z.string(),
  requestMirror: z.object({ backendRef: reference, percent: z.number().default(100) }).optional(),
  requestRedirect: z.object({ hostname: z.string().optional(), statusCode: z.number().default(302) }).optional(),
});

const routeSchema = z.object({
  kind: z.string().default("HTTPRoute"),
  metadata: z.looseObject({ namespace: z.string().default("default") }),
  spec: z.object({
    parentRefs: z.array(reference.extend({ kind: z.string().default("Gateway") })).default([]),
    hostnames: z.array(z.string()).default([]),
    rules: z
      .array(
        z.object({
          name: z.string().optional(),
          matches: z.array(match).default([]),
          filters: z.array(filter).default([]),
          backendRefs: z.array(backend).default([]),
        }),
      )
      .default([]),
  }),
});

type Route = z.infer<typeof routeSchema>;
type Rule = Route["spec"]["rules"][number];
type Match = z.infer<typeof match>;

/**
 * What istiod makes of a route before it makes Envoy's of it: a VirtualService for each parent
 * (https://github.com/istio/istio/blob/1.28.0/pilot/pkg/config/kube/gateway/conversion.go).
 */
export function asVirtualServices(object: unknown): readonly unknown[] {
  const { kind, metadata, spec } = routeSchema.parse(object);
  if (kind in connections) return forParents(metadata, spec, () => connectionsOf(kind, spec, metadata.namespace));
  const blocks = spec.rules.flatMap((rule) =>
    (rule.matches.length === 0 ? [{ headers: [], queryParams: [] }] : rule.matches).map((one) => ({
      rule,
      match: one,
    })),
  );
  // The most specific goes first, wherever it stands; of equals the first.
  const http = blocks
    .toSorted((one, other) => compare(rankOf(other.match), rankOf(one.match)))
    .map(({ rule, match }) => httpRule(rule, match, metadata.namespace));
  return forParents(metadata, spec, () => ({ http }));
}

type Section = Readonly<Record<string, unknown>>;
type Parent = Route["spec"]["parentRefs"][number];

const forParents = (
  metadata: Route["metadata"],
  { parentRefs, hostnames }: Route["spec"],
  sections: (parent: Parent) => Section,
): readonly unknown[] =>
  parentRefs.map((parent) => {
    const { kind, name, namespace = metadata.namespace } = parent;
    const followed =
      kind === "Gateway"
        ? { hosts: hostnames.length > 0 ? hostnames : ["*"], gateways: [`${namespace}/${name}`] }
        : { hosts: [`${name}.${namespace}.svc.cluster.local`], gateways: ["mesh"] };
    const told = `${namespace}~${name}~${String(metadata.name)}`; // its own name is lost to Envoy
    return { metadata: { ...metadata, name: told }, spec: { ...followed, ...sections(parent) } };
  });

/** The kinds of which a rule is one of connections, and the section that it is one of. */
const connections: Readonly<Record<string, string>> = { TLSRoute: "tls", TCPRoute: "tcp" };

/** Where all weights are 0 connections go nowhere. */
function connectionsOf(kind: string, { hostnames, rules }: Route["spec"], namespace: string): Section {
  const match = kind === "TLSRoute" ? [{ sniHosts: hostnames }] : [];
  const route = rules
    .flatMap(({ backendRefs }) => backendRefs)
    .filter(({ weight }) => weight > 0)
    .map(({ weight, ...to }) => ({ destination: placeOf(to, namespace), weight }));
  return { [connections[kind] ?? kind]: [{ match, route }] };
}

/** https://gateway-api.sigs.k8s.io/reference/spec/#httprouterule */
const rankOf = ({ path, method, headers, queryParams }: Match): readonly number[] => [
  Number(path?.type === "Exact"),
  path?.value.length ?? 0,
  Number(method !== undefined),
  headers.length,
  queryParams.length,
];

const compare = (one: readonly number[], other: readonly number[]): number =>
  one.map((rank, at) => rank - (other[at] ?? 0)).find((difference) => difference !== 0) ?? 0;

function httpRule({ name, filters, backendRefs }: Rule, match: Match, namespace: string): unknown {
  const [redirect] = filters.flatMap(({ requestRedirect }) => requestRedirect ?? []);
  const weighted = backendRefs.filter(({ weight }) => weight > 0);
  return {
    name,
    match: [conditions(match)],
    ...(redirect ? { redirect: { authority: redirect.hostname, redirectCode: redirect.statusCode } } : {}),
    ...(weighted.length === 0 && !redirect ? { directResponse: { status: 500 } } : {}),
    route: weighted.map(({ weight, filters, ...to }) => {
      const adds = filters.flatMap(({ responseHeaderModifier }) => responseHeaderModifier?.add ?? []);
      const add = Object.fromEntries(adds.map(({ name, value }) => [name, value]));
      return { destination: placeOf(to, namespace), weight, headers: { response: { add } } };
    }),
    mirrors: filters.flatMap(({ requestMirror }) =>
      requestMirror
        ? [
            {
              destination: placeOf(requestMirror.backendRef, namespace),
              percentage: { value: requestMirror.percent },
            },
          ]
        : [],
    ),
  };
}

const placeOf = ({ name, namespace: own, port }: z.infer<typeof reference>, namespace: string): unknown => ({
  host: name.includes(".") ? name : `${name}.${own ?? namespace}.svc.cluster.local`,
  ...(port === undefined ? {} : { port: { number: port } }),
});

function conditions({ path, method, headers, queryParams }: Match): unknown {
  const named = (all: Match["headers"]): unknown =>
    Object.fromEntries(
      all.map(({ type, name, value }) => [
        name.toLowerCase(),
        type === "RegularExpression" ? { regex: value } : { exact: value },
      ]),
    );
  return {
    ...(path ? { uri: uriOf(path) } : {}),
    ...(typeof method === "string" ? { method: { exact: method } } : {}),
    ...(typeof method === "object"
      ? { uri: { regex: `/${method.service ?? "[^/]+"}/${method.method ?? "[^/]+"}` } }
      : {}),
    headers: named(headers),
    queryParams: named(queryParams),
  };
}

/** `/foo` is a prefix of `/foo/bar`, and not of `/foobar`. */
function uriOf({ type, value }: NonNullable<Match["path"]>): unknown {
  if (type === "Exact") return { exact: value };
  if (type === "RegularExpression") return { regex: value };
  const prefix = value.replace(/\/$/, "");
  return prefix === "" ? { prefix: "/" } : { regex: `${prefix.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&")}(/.*)?` };
}
