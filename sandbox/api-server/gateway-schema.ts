import type { Checked } from "./istio-schema.ts";
import type { Kind } from "./kind.ts";
import { isObject } from "./object.ts";
import type { Cause } from "./status.ts";

type Fields = Readonly<Record<string, unknown>>;

/** The part of a structural schema that counts here. Without `fields` and `items` a value is kept as it is. */
type Node = {
  readonly type?: "object" | "array" | "string" | "integer";
  readonly fields?: Readonly<Record<string, Node>>;
  readonly items?: Node;
  readonly required?: readonly string[];
  readonly usual?: unknown;
  /** Of a number, or of the length of a list. */
  readonly least?: number;
  readonly most?: number;
  /** Of a list. */
  readonly fewest?: number;
  /** Rules that look at an object as a whole, in the server's words. */
  readonly rules?: readonly { readonly holds: (value: Fields) => boolean; readonly message: string }[];
};

const text: Node = { type: "string" };
const any: Node = {};
const usually = (usual: unknown, node: Node = text): Node => ({ ...node, usual });
const listOf = (items: Node, most?: number): Node => ({ type: "array", items, ...(most ? { most } : {}) });
const object = (fields: Readonly<Record<string, Node>>, required: readonly string[] = []): Node => ({
  type: "object",
  fields,
  required,
});

const gatewayGroup = "gateway.networking.k8s.io";
const port: Node = { type: "integer", least: 1, most: 65_535 };

const backend = { group: usually(""), kind: usually("Service"), name: text, namespace: text, port };

/** https://github.com/kubernetes-sigs/gateway-api/blob/v1.4.1/config/crd/standard/gateway.networking.k8s.io_httproutes.yaml */
const filter = object(
  {
    type: text,
    requestHeaderModifier: any,
    responseHeaderModifier: any,
    requestMirror: object(
      {
        backendRef: object(backend, ["name"]),
        percent: { type: "integer", least: 0, most: 100 },
        fraction: any,
      },
      ["backendRef"],
    ),
    requestRedirect: any,
    urlRewrite: any,
    extensionRef: any,
    cors: any,
  },
  ["type"],
);

const backendRef = object(
  { ...backend, weight: { type: "integer", least: 0, most: 1_000_000, usual: 1 }, filters: listOf(filter, 16) },
  ["name"],
);

const parentRef = object(
  { group: usually(gatewayGroup), kind: usually("Gateway"), name: text, namespace: text, port, sectionName: text },
  ["name"],
);

const named = object({ name: text, type: usually("Exact"), value: text }, ["name", "value"]);

const httpMatch = object({
  path: usually({ type: "PathPrefix", value: "/" }, object({ type: usually("PathPrefix"), value: usually("/") })),
  headers: listOf(named, 16),
  queryParams: listOf(named, 16),
  method: text,
});

/** What an exact match of gRPC may say: https://gateway-api.sigs.k8s.io/reference/spec/#grpcmethodmatch */
const exactly = (field: string, pattern: RegExp): NonNullable<Node["rules"]>[number] => ({
  holds: ({ type, [field]: value }) => type !== "Exact" || value === undefined || pattern.test(String(value)),
  message: `${field} must only contain valid characters`,
});

const grpcMatch = object({
  method: {
    ...object({ type: usually("Exact"), service: text, method: text }),
    rules: [
      exactly("service", /^\.?[a-z_][a-z_0-9]*(\.[a-z_][a-z_0-9]*)*$/i),
      exactly("method", /^[A-Za-z_][A-Za-z_0-9]*$/),
    ],
  },
  headers: listOf(named, 16),
});

const routeOf = (match: Node, usualMatches: unknown, more: Readonly<Record<string, Node>>): Node => {
  const matches: Node = { ...listOf(match, 64), ...(usualMatches ? { usual: usualMatches } : {}) };
  const rule = object({
    name: text,
    matches,
    filters: listOf(filter, 16),
    backendRefs: listOf(backendRef, 16),
    sessionPersistence: any,
    ...more,
  });
  return object({ parentRefs: listOf(parentRef, 32), hostnames: listOf(text, 16), rules: listOf(rule, 16) });
};

/** Of connections: one rule, whose backends say their port where they are Services. */
const connectionRoute = (more: Readonly<Record<string, Node>>, required: readonly string[] = []): Node => {
  const { filters: _, ...fields } = backendRef.fields ?? {};
  const backendRefs = {
    ...listOf({ ...object(fields, ["name"]), rules: [hasPort] }, 16),
    fewest: 1,
  };
  const rules = { ...listOf(object({ name: text, backendRefs }, ["backendRefs"]), 1), fewest: 1 };
  return object({ parentRefs: listOf(parentRef, 32), ...more, rules }, ["rules", ...required]);
};

const hasPort = {
  holds: ({ group, kind, port }: Fields) => group !== "" || kind !== "Service" || port !== undefined,
  message: "Must have port for Service reference",
};

/** https://github.com/kubernetes-sigs/gateway-api/blob/v1.6.0/config/crd/standard/gateway.networking.k8s.io_tcproutes.yaml */
const schemas: Readonly<Record<string, Node>> = {
  HTTPRoute: routeOf(httpMatch, [{ path: { type: "PathPrefix", value: "/" } }], { timeouts: any, retry: any }),
  GRPCRoute: routeOf(grpcMatch, undefined, {}),
  TLSRoute: connectionRoute({ hostnames: { ...listOf(text, 1024), fewest: 1 } }, ["hostnames"]),
  TCPRoute: connectionRoute({}),
};

/** Prunes, fills in and checks, as the API server does with a CRD's schema. */
export function checkGatewaySchema({ kind }: Kind, { spec }: Fields): Checked {
  const schema = schemas[kind];
  if (!schema) return { causes: [], spec, unknown: [] };
  const unknown: string[] = [];
  const causes: Cause[] = [];
  return { spec: fit(schema, spec, "spec", { unknown, causes }), unknown: unknown.sort(), causes };
}

type Found = { readonly unknown: string[]; readonly causes: Cause[] };

function fit(node: Node, value: unknown, path: string, found: Found): unknown {
  const { type, fields, items } = node;
  if (type !== undefined && typeOf(value) !== type) {
    const is = JSON.stringify(typeOf(value));
    const message = `Invalid value: ${is}: ${path} in body must be of type ${type}: ${is}`;
    found.causes.push({ field: path, reason: "FieldValueTypeInvalid", message });
    return value;
  }
  found.causes.push(...bounds(node, value, path));
  if (items && Array.isArray(value)) return value.map((item, at) => fit(items, item, `${path}[${at}]`, found));
  if (!fields || !isObject(value)) return value;
  const fitted = fitFields(node, fields, value, path, found);
  for (const { holds, message } of node.rules ?? [])
    if (!holds(fitted))
      found.causes.push({ field: path, reason: "FieldValueInvalid", message: `Invalid value: ${message}` });
  return fitted;
}

function fitFields(
  { required = [] }: Node,
  fields: Readonly<Record<string, Node>>,
  value: Fields,
  path: string,
  found: Found,
): Fields {
  for (const name of Object.keys(value)) if (!Object.hasOwn(fields, name)) found.unknown.push(`${path}.${name}`);
  for (const name of required)
    if (value[name] === undefined)
      found.causes.push({ field: `${path}.${name}`, reason: "FieldValueRequired", message: "Required value" });
  return Object.fromEntries(
    Object.entries(fields).flatMap(([name, inner]) => {
      const given = value[name] ?? inner.usual;
      return given === undefined ? [] : [[name, fit(inner, given, `${path}.${name}`, found)]];
    }),
  );
}

function bounds({ least, most, fewest = 0 }: Node, value: unknown, path: string): readonly Cause[] {
  const cause = (reason: string, message: string): readonly Cause[] => [{ field: path, reason, message }];
  if (Array.isArray(value) && most !== undefined && value.length > most)
    return cause("FieldValueTooMany", `Too many: ${value.length}: must have at most ${most} items`);
  if (Array.isArray(value) && value.length < fewest)
    return cause(
      "FieldValueInvalid",
      `Invalid value: ${value.length}: ${path} in body should have at least ${fewest} items`,
    );
  if (typeof value !== "number") return [];
  const wrong = (than: string): readonly Cause[] =>
    cause("FieldValueInvalid", `Invalid value: ${value}: ${path} in body should be ${than}`);
  if (least !== undefined && value < least) return wrong(`greater than or equal to ${least}`);
  return most !== undefined && value > most ? wrong(`less than or equal to ${most}`) : [];
}

function typeOf(value: unknown): string {
  if (Array.isArray(value)) return "array";
  if (typeof value === "number") return Number.isInteger(value) ? "integer" : "number";
  return value === null ? "null" : typeof value;
}
