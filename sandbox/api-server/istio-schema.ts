import {
  DestinationRule,
  Gateway,
  ServiceEntry,
  Sidecar,
  VirtualService,
  WorkloadEntry,
} from "@kubernetes-models/istio/networking.istio.io/v1";
import {
  AuthorizationPolicy,
  PeerAuthentication,
  RequestAuthentication,
} from "@kubernetes-models/istio/security.istio.io/v1";
import type { Kind } from "./kind.ts";
import { isObject } from "./object.ts";
import type { Cause } from "./status.ts";

type Fields = Readonly<Record<string, unknown>>;
type SchemaError = {
  readonly instancePath: string;
  readonly keyword: string;
  readonly params: Fields;
  readonly message?: string;
};

const models = {
  VirtualService,
  DestinationRule,
  Gateway,
  ServiceEntry,
  Sidecar,
  WorkloadEntry,
  AuthorizationPolicy,
  PeerAuthentication,
  RequestAuthentication,
} as const;

export type Checked = {
  readonly causes: readonly Cause[];
  /** The spec without the fields that the schema does not know: the server prunes them. */
  readonly spec: unknown;
  /** `spec.http[0].bogus` */
  readonly unknown: readonly string[];
};

/**
 * Validates a spec by the CRD's schema.
 * The schema is there only as a compiled validator; that reads the fields which the schema names and no others, so what it never reads is unknown.
 */
export function checkIstioSchema(kind: Kind, sent: Fields): Checked {
  const object = { ...sent, spec: withoutNulls(sent.spec) };
  if (!Object.hasOwn(models, kind.kind) || !kind.group.endsWith(".istio.io"))
    return { causes: [], spec: object.spec, unknown: [] };
  const reads = new Map<object, Set<string>>();
  const errors = validate(kind, object, (target, field) =>
    reads.set(target, (reads.get(target) ?? new Set()).add(field)),
  );
  const unknown: string[] = [];
  const spec = prune(object.spec, "spec", reads, unknown);
  return { causes: causes(errors, object), spec, unknown: unknown.sort() };
}

/**
 * A null for a field that may be none is as if it were not there:
 * https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#defaulting-and-nullable
 */
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (!isObject(value)) return value;
  const present = Object.entries(value).filter(([, inner]) => inner !== null);
  return Object.fromEntries(present.map(([field, inner]) => [field, withoutNulls(inner)]));
}

function validate(kind: Kind, object: Fields, onRead: (target: object, field: string) => void): readonly SchemaError[] {
  const Model = Object.entries(models).find(([name]) => name === kind.kind)?.[1];
  if (Model === undefined) return [];
  const model = new Model();
  Object.assign(model, object, {
    apiVersion: `${kind.group}/v1`,
    metadata: { name: "checked-elsewhere" },
    spec: watched(object.spec, onRead),
    status: undefined,
  });
  try {
    model.validate();
    return [];
  } catch (error) {
    if (error instanceof Error && "errors" in error && Array.isArray(error.errors))
      return error.errors as readonly SchemaError[];
    throw error;
  }
}

function watched(value: unknown, onRead: (target: object, field: string) => void): unknown {
  if (typeof value !== "object" || value === null) return value;
  return new Proxy(value, {
    get(target, field) {
      if (typeof field === "string") onRead(target, field);
      return watched(Reflect.get(target, field), onRead);
    },
  });
}

function prune(
  value: unknown,
  path: string,
  reads: ReadonlyMap<object, ReadonlySet<string>>,
  unknown: string[],
): unknown {
  if (Array.isArray(value)) return value.map((item, at) => prune(item, `${path}[${at}]`, reads, unknown));
  if (!isObject(value)) return value;
  const known = Object.entries(value).filter(([field]) => {
    const isKnown = reads.get(value)?.has(field) ?? false;
    if (!isKnown) unknown.push(`${path}.${field}`);
    return isKnown;
  });
  return Object.fromEntries(known.map(([field, inner]) => [field, prune(inner, `${path}.${field}`, reads, unknown)]));
}

const unchecked: Cause = {
  field: "<nil>",
  reason: "FieldValueInvalid",
  message:
    "Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation",
};

function causes(errors: readonly SchemaError[], object: Fields): readonly Cause[] {
  const alternatives = new Set(
    errors.filter(({ keyword }) => keyword === "oneOf").map(({ instancePath }) => instancePath),
  );
  // The branches of a choice complain as well; the real server names the choice alone.
  const told = errors.filter(({ keyword, instancePath }) => keyword === "oneOf" || !alternatives.has(instancePath));
  const structural = told.some(({ keyword }) => keyword === "type" || keyword === "required" || keyword === "enum");
  return [...told.map((error) => cause(error, object)), ...(structural ? [unchecked] : [])];
}

function cause({ keyword, instancePath, params, message }: SchemaError, object: Fields): Cause {
  const field = fieldName(instancePath);
  if (keyword === "required")
    return {
      field: `${field}.${String(params.missingProperty)}`,
      reason: "FieldValueRequired",
      message: "Required value",
    };
  if (keyword === "type") {
    const found = JSON.stringify(typeName(at(object, instancePath)));
    return {
      field,
      reason: "FieldValueTypeInvalid",
      message: `Invalid value: ${found}: ${field} in body must be of type ${String(params.type)}: ${found}`,
    };
  }
  if (keyword === "oneOf") {
    const found = Array.isArray(params.passingSchemas)
      ? `Found ${params.passingSchemas.length} valid alternatives`
      : "Found none valid";
    return {
      field: "<nil>",
      reason: "FieldValueInvalid",
      message: `Invalid value: "": "${field}" must validate one and only one schema (oneOf). ${found}`,
    };
  }
  if (keyword === "enum") {
    const supported = Array.isArray(params.allowedValues)
      ? params.allowedValues.map((value) => JSON.stringify(value)).join(", ")
      : "";
    return {
      field,
      reason: "FieldValueNotSupported",
      message: `Unsupported value: ${JSON.stringify(at(object, instancePath))}: supported values: ${supported}`,
    };
  }
  if (keyword === "format" && params.format === "int32") {
    return {
      field: "<nil>",
      reason: "FieldValueInvalid",
      message: `Invalid value: "": Checked value must be of type integer with format int32 in ${field}`,
    };
  }
  return {
    field,
    reason: "FieldValueInvalid",
    message: `Invalid value: ${JSON.stringify(at(object, instancePath))}: ${message ?? keyword}`,
  };
}

const parts = (path: string): readonly string[] =>
  path
    .split("/")
    .slice(1)
    .map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));

const fieldName = (path: string): string =>
  parts(path).reduce(
    (name, part) => (/^\d+$/.test(part) ? `${name}[${part}]` : name === "" ? part : `${name}.${part}`),
    "",
  );

const at = (object: Fields, path: string): unknown =>
  parts(path).reduce<unknown>(
    (value, part) => (typeof value === "object" && value !== null ? (value as Fields)[part] : undefined),
    object,
  );

function typeName(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  return typeof value === "number" ? (Number.isInteger(value) ? "integer" : "float64") : typeof value;
}
