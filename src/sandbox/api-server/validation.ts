import type { Kind } from "./kind.ts";
import { selectorOf } from "./label-selector.ts";
import { isObject, type SentObject } from "./object.ts";
import { ApiError, badRequest, type Cause, invalid } from "./status.ts";

type Fields = Readonly<Record<string, unknown>>;

const fields = (value: unknown): Fields => (isObject(value) ? value : {});

const required = (field: string, detail = ""): Cause => ({ reason: "FieldValueRequired", message: `Required value${detail}`, field });
const wrong = (field: string, value: unknown, because: string): Cause => ({ reason: "FieldValueInvalid", message: `Invalid value: ${JSON.stringify(value)}: ${because}`, field });

const subdomain = {
  pattern: /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/,
  longest: 253,
  because:
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
};
const label = {
  pattern: /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/,
  longest: 63,
  because:
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')",
};
const nameRules = { subdomain, label, "path-segment": { pattern: /^(?!\.{1,2}$)[^/%]+$/, longest: 253, because: "may not contain '/' or '%'" } } as const;

const labelValue = /^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$/;
const labelBecause =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

function metadataCauses(kind: Kind, { name = "", labels = {} }: NonNullable<SentObject["metadata"]>): readonly Cause[] {
  const rule = nameRules[kind.names];
  const values = Object.values(labels).map(String);
  return [
    ...(name === "" ? [required("metadata.name", ": name or generateName is required")] : []),
    ...(name !== "" && !rule.pattern.test(name) ? [wrong("metadata.name", name, rule.because)] : []),
    ...(name.length > rule.longest ? [wrong("metadata.name", name, `must be no more than ${rule.longest} characters`)] : []),
    ...values.filter((value) => !labelValue.test(value)).map((value) => wrong("metadata.labels", value, labelBecause)),
    ...values.filter((value) => value.length > 63).map((value) => wrong("metadata.labels", value, "must be no more than 63 characters")),
  ];
}

function templateCauses(spec: Fields): readonly Cause[] {
  const template = fields(spec.template);
  const labels = fields(template.metadata).labels;
  const matches = isObject(spec.selector) && selectorOf(spec.selector)(fields(labels) as Readonly<Record<string, string>>);
  const containers = fields(template.spec).containers;
  return [
    ...(spec.selector === undefined ? [required("spec.selector")] : []),
    ...(matches ? [] : [wrong("spec.template.metadata.labels", labels ?? null, "`selector` does not match template `labels`")]),
    ...containerCauses("spec.template.spec.containers", containers),
  ];
}

function containerCauses(path: string, containers: unknown): readonly Cause[] {
  if (!Array.isArray(containers) || containers.length === 0) return [required(path)];
  const names = containers.map((item) => fields(item).name);
  return containers.flatMap((item, at) => [
    ...(fields(item).name === undefined ? [required(`${path}[${at}].name`)] : []),
    ...(names.indexOf(fields(item).name) < at ? [{ reason: "FieldValueDuplicate", message: `Duplicate value: ${JSON.stringify(fields(item).name)}`, field: `${path}[${at}].name` }] : []),
    ...(fields(item).image === undefined ? [required(`${path}[${at}].image`)] : []),
  ]);
}

const negative = (field: string, value: unknown): readonly Cause[] => (typeof value === "number" && value < 0 ? [wrong(field, value, "must be greater than or equal to 0")] : []);

const specCauses: Readonly<Record<string, (spec: Fields) => readonly Cause[]>> = {
  Deployment: (spec) => [...negative("spec.replicas", spec.replicas), ...templateCauses(spec)],
  ReplicaSet: (spec) => [...negative("spec.replicas", spec.replicas), ...templateCauses(spec)],
  Pod: (spec) => containerCauses("spec.containers", spec.containers),
  Lease: ({ leaseDurationSeconds: duration }) => (typeof duration === "number" && duration <= 0 ? [wrong("spec.leaseDurationSeconds", duration, "must be greater than 0")] : []),
};

/** All that is wrong with an object by the rules of its kind. */
export function validate(kind: Kind, object: SentObject): void {
  const causes = [...metadataCauses(kind, object.metadata ?? {}), ...(specCauses[kind.kind]?.(fields(object.spec)) ?? [])];
  if (causes.length > 0) throw invalid(kind, object.metadata?.name ?? "", causes);
}

/** What may not change once the object is there. */
export function validateUpdate(kind: Kind, before: Fields, after: SentObject): void {
  if (kind.kind !== "Deployment" && kind.kind !== "ReplicaSet") return;
  const selector = fields(after.spec).selector;
  if (JSON.stringify(selector) === JSON.stringify(fields(before.spec).selector)) return;
  throw invalid(kind, after.metadata?.name ?? "", [wrong("spec.selector", selector, "field is immutable")]);
}

const microTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/;

type Shape = { readonly [field: string]: "string" | "number" | "boolean" | "micro-time" | "strings" };

/** Fields whose wrong type the server refuses while it decodes, before any rule is asked. */
const shapes: Readonly<Record<string, { readonly of: "spec" | "object"; readonly fields: Shape }>> = {
  ConfigMap: { of: "object", fields: { data: "strings", binaryData: "strings" } },
  Lease: { of: "spec", fields: { holderIdentity: "string", leaseDurationSeconds: "number", acquireTime: "micro-time", renewTime: "micro-time", leaseTransitions: "number" } },
  Deployment: { of: "spec", fields: { replicas: "number", progressDeadlineSeconds: "number", minReadySeconds: "number", paused: "boolean" } },
};

const goTypes: Readonly<Record<string, string>> = { string: "string", number: "int32", boolean: "bool" };

/** As Go's decoder would: wrong types are a 400 before anything else is looked at. */
export function decode(kind: Kind, version: string, object: SentObject): void {
  const shape = shapes[kind.kind];
  if (shape === undefined) return;
  const refuse = (because: string): ApiError => badRequest(`${kind.kind} in version "${version}" cannot be handled as a ${kind.kind}: ${because}`);
  const holder = shape.of === "spec" ? fields(object.spec) : object;
  for (const [field, wanted] of Object.entries(shape.fields)) {
    const value = holder[field];
    if (value === undefined || value === null) continue;
    const name = shape.of === "spec" ? `${kind.kind}Spec.spec.${field}` : `${kind.kind}.${field}`;
    if (wanted === "micro-time") checkMicroTime(value, refuse);
    else if (wanted === "strings") {
      const wrongType = Object.values(fields(value)).find((item) => typeof item !== "string");
      if (wrongType !== undefined) throw refuse(`json: cannot unmarshal ${jsonType(wrongType)} into Go struct field ${name} of type string`);
    } else if (typeof value !== wanted) throw refuse(`json: cannot unmarshal ${jsonType(value)} into Go struct field ${name} of type ${goTypes[wanted]}`);
  }
}

const jsonType = (value: unknown): string => (Array.isArray(value) ? "array" : typeof value === "boolean" ? "bool" : value === null ? "null" : typeof value);

const layout = "2006-01-02T15:04:05.000000Z07:00";

/** metav1.MicroTime reads six digits after the point and nothing else, so that `toISOString()` is refused. */
function checkMicroTime(value: unknown, refuse: (because: string) => ApiError): void {
  const text = String(value);
  const complain = (part: string, wanted: string): ApiError => refuse(`parsing time ${JSON.stringify(text)} as "${layout}": cannot parse ${JSON.stringify(part)} as "${wanted}"`);
  if (!microTime.test(text)) throw complain(text, "2006");
  if (!/\.\d{6}(Z|[+-])/.test(text)) throw complain(text.slice(19), ".000000");
}

