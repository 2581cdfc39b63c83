import * as models from "@kubernetes/client-node/dist/gen/models/all.js";
import type { Kind } from "./kind.ts";
import { isObject } from "./object.ts";

type Fields = Readonly<Record<string, unknown>>;
type Attribute = { readonly baseName: string; readonly type: string; readonly format: string };

/** Where a value is: `["spec", "containers", 0, "image"]`. */
export type Path = readonly (string | number)[];

export type Fitted = {
  /** The object without unknown fields and without nulls, as Go's structs would hold it. */
  readonly object: Fields;
  readonly unknown: readonly Path[];
  /** What Go's decoder says about the first value of a wrong type. */
  readonly wrong?: string;
};

/** The attributes of each model of Kubernetes's OpenAPI description, by the name that its generated client gives it. */
const attributes = new Map<string, ReadonlyMap<string, Attribute>>(
  Object.entries(models).flatMap(([name, model]) =>
    "getAttributeTypeMap" in model ? [[name, byName(model.getAttributeTypeMap())] as const] : [],
  ),
);

function byName(all: readonly Attribute[]): ReadonlyMap<string, Attribute> {
  return new Map(all.map((attribute) => [attribute.baseName, attribute]));
}

/** What an array, or a map, is of. There are few types, and each is met again and again. */
type Inner = { readonly item: string | undefined; readonly entry: string | undefined };
const inners = new Map<string, Inner>();

function innerOf(type: string): Inner {
  const known = inners.get(type);
  if (known) return known;
  const inner = { item: itemType.exec(type)?.[1], entry: entryType.exec(type)?.[1] };
  inners.set(type, inner);
  return inner;
}

const itemType = /^Array<(.*)>$/;
const entryType = /^\{ \[key: string\]: (.*); \}$/;

const rootModel = ({ kind, versions }: Kind): string =>
  kind === "Event" ? "CoreV1Event" : `V${(versions[0] ?? "v1").slice(1)}${kind}`;

/** Fits an object of a built-in kind to the server's schema. */
export function fitBuiltIn(kind: Kind, object: Fields): Fitted {
  const unknown: Path[] = [];
  const wrong: string[] = [];

  function fit(value: unknown, type: string, format: string, path: Path, holder: string): unknown {
    const { item, entry } = innerOf(type);
    const refuse = (goType: string): void =>
      void wrong.push(
        `json: cannot unmarshal ${jsonType(value)} into Go struct field ${holder}.${fieldNames(path)} of type ${goType}`,
      );
    if (value === null || type === "any") return value;
    if (item !== undefined) {
      if (Array.isArray(value)) return value.map((inner, at) => fit(inner, item, format, [...path, at], holder));
      return refuse(goName(type));
    }
    if (entry !== undefined) {
      if (!isObject(value)) return refuse(goName(type));
      return Object.fromEntries(
        Object.entries(value).map(([key, inner]) => [
          key,
          fit(inner === null && entry === "string" ? "" : inner, entry, format, path, holder),
        ]),
      );
    }
    const known = attributes.get(type);
    if (known !== undefined && format === "")
      return isObject(value) ? fitModel(value, known, path, goStruct(type)) : refuse(`v1.${goStruct(type)}`);
    const fault = scalarFault(value, type, format);
    if (fault === undefined) return value;
    if ("goType" in fault) refuse(fault.goType);
    else wrong.push(fault.message);
    return value;
  }

  function fitModel(value: Fields, known: ReadonlyMap<string, Attribute>, path: Path, holder: string): Fields {
    const fitted = Object.entries(value).flatMap(([field, inner]) => {
      const attribute = known.get(field);
      if (attribute === undefined) unknown.push([...path, field]);
      return attribute === undefined || inner === null || inner === undefined
        ? []
        : [[field, fit(inner, attribute.type, attribute.format, [...path, field], holder)] as const];
    });
    return Object.fromEntries(fitted);
  }

  const fitted = fitModel(object, attributes.get(rootModel(kind)) ?? new Map(), [], kind.kind);
  const [first] = wrong;
  return { object: fitted, unknown, ...(first === undefined ? {} : { wrong: first }) };
}

type Fault = { readonly goType: string } | { readonly message: string };

const microTime = "2006-01-02T15:04:05.000000Z07:00";
const time = "2006-01-02T15:04:05Z07:00";

function scalarFault(value: unknown, type: string, format: string): Fault | undefined {
  if (format === "int-or-string")
    return typeof value === "string" || Number.isInteger(value) ? undefined : { goType: "intstr.IntOrString" };
  if (format === "date-time-micro")
    return typeof value === "string"
      ? timeFault(value, microTime, /^\.\d{6}(Z|[+-]\d\d:\d\d)$/, ".000000")
      : { goType: "string" };
  if (format === "date-time")
    return typeof value === "string"
      ? timeFault(value, time, /^(\.\d+)?(Z|[+-]\d\d:\d\d)$/, "Z07:00")
      : { goType: "string" };
  if (type === "number")
    return typeof value === "number" && (format === "double" || Number.isInteger(value))
      ? undefined
      : { goType: format === "" ? "int32" : format };
  if (type === "boolean") return typeof value === "boolean" ? undefined : { goType: "bool" };
  return type !== "string" || typeof value === "string" ? undefined : { goType: "string" };
}

/** metav1.MicroTime wants six digits after the point, no fewer and no more: what `toISOString()` gives is refused. */
function timeFault(text: string, layout: string, fraction: RegExp, expected: string): Fault | undefined {
  const complain = (part: string, wanted: string): Fault => ({
    message: `parsing time ${JSON.stringify(text)} as "${layout}": cannot parse ${JSON.stringify(part)} as "${wanted}"`,
  });
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d/.test(text)) return complain(text, "2006");
  return fraction.test(text.slice(19)) ? undefined : complain(text.slice(19), expected);
}

const goStruct = (type: string): string => type.replace(/^(?:[A-Z][a-z]+(?=V\d))?V\d+(?:(?:alpha|beta)\d+)?/, "");

const goPrimitives: Readonly<Record<string, string>> = { string: "string", number: "int32", boolean: "bool" };

function goName(type: string): string {
  const { item, entry } = innerOf(type);
  if (item !== undefined) return `[]${goName(item)}`;
  if (entry !== undefined) return `map[string]${goName(entry)}`;
  return goPrimitives[type] ?? `v1.${goStruct(type)}`;
}

const fieldNames = (path: Path): string => path.filter((part) => typeof part === "string").join(".");

function jsonType(value: unknown): string {
  if (Array.isArray(value)) return "array";
  if (typeof value === "boolean") return "bool";
  return typeof value === "number" && !Number.isInteger(value) ? `number ${value}` : typeof value;
}

/** `spec.containers[0].zork`: how warnings name a field. */
export const dotted = (path: Path): string =>
  path.reduce<string>(
    (text, part) => (typeof part === "number" ? `${text}[${part}]` : text === "" ? part : `${text}.${part}`),
    "",
  );
