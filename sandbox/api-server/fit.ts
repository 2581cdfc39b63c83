import { dotted, fitBuiltIn, type Path } from "./built-in-schema.ts";
import { checkGatewaySchema } from "./gateway-schema.ts";
import { checkIstioSchema } from "./istio-schema.ts";
import type { Kind } from "./kind.ts";
import { keyOfItem, listKeys } from "./lists.ts";
import { isObject, type SentObject } from "./object.ts";
import { ApiError, badRequest, invalid } from "./status.ts";

/** How an object came: as a body, made by a patch, or as the body of an apply, which is strict. */
export type Source = "body" | "patch" | "apply";

export type FitContext = {
  readonly kind: Kind;
  readonly version: string;
  readonly source: Source;
  readonly onWarning: (warning: string) => void;
};

/** The object without the fields that the schema of its kind does not know; each gets a warning. Throws when a value is of a wrong type. */
export const fitToSchema = (context: FitContext, object: SentObject): SentObject =>
  context.kind.custom ? fitCustom(context, object) : fitBuiltInObject(context, object);

const customFields = new Set(["apiVersion", "kind", "metadata", "spec", "status"]);

function fitCustom(context: FitContext, object: SentObject): SentObject {
  const { kind, source, onWarning } = context;
  const extra = Object.keys(object).filter((field) => !customFields.has(field));
  const check = kind.group === "gateway.networking.k8s.io" ? checkGatewaySchema : checkIstioSchema;
  const { causes, spec, unknown } = check(kind, object);
  const unfit = [...extra, ...unknown].sort();
  if (source === "apply" && unfit.length > 0)
    throw notTyped(
      context,
      object,
      unfit.map((field) => `.${field}`),
    );
  for (const field of unfit) onWarning(`unknown field "${field}"`);
  const [first] = causes;
  if (source === "apply" && first?.reason === "FieldValueTypeInvalid")
    throw notTyped(context, object, [`.${first.field}`], "a value of another type is expected");
  if (causes.length > 0) throw invalid(kind, object.metadata?.name ?? "", causes);
  const kept = Object.fromEntries(Object.entries(object).filter(([field]) => !extra.includes(field)));
  return { ...kept, ...(object.spec === undefined ? {} : { spec }) };
}

function fitBuiltInObject(context: FitContext, sent: SentObject): SentObject {
  const { kind, version, source, onWarning } = context;
  const { object, unknown, wrong } = fitBuiltIn(kind, sent);
  if (source === "apply" && unknown.length > 0)
    throw notTyped(
      context,
      sent,
      unknown.map((path) => keyed(sent, path)),
    );
  for (const path of unknown) onWarning(`unknown field "${dotted(path)}"`);
  if (wrong === undefined) return object;
  if (source === "apply") throw notTyped(context, sent, [""], wrong);
  if (source === "patch") throw patchedWrongly(sent, wrong);
  throw badRequest(`${kind.kind} in version "${version}" cannot be handled as a ${kind.kind}: ${wrong}`);
}

function patchedWrongly(object: SentObject, wrong: string): ApiError {
  const message = `Invalid value: ${JSON.stringify(JSON.stringify(object))}: ${wrong}`;
  return new ApiError(422, "Invalid", ` "" is invalid: patch: ${message}`, {
    causes: [{ reason: "FieldValueInvalid", message, field: "patch" }],
  });
}

/** An apply that does not fit the schema is the server's own fault, it says: 500. */
function notTyped(
  { kind, version }: FitContext,
  { metadata = {} }: SentObject,
  fields: readonly string[],
  because = "field not declared in schema",
): ApiError {
  const faults = fields.map((field) => `${field}: ${because}`);
  const told = faults.length === 1 ? faults[0] : `errors:\n${faults.map((fault) => `  ${fault}`).join("\n")}`;
  return new ApiError(
    500,
    "",
    `failed to create typed patch object (${metadata.namespace ?? ""}/${metadata.name ?? ""}; ${kind.group}/${version}, Kind=${kind.kind}): ${told}`,
  );
}

/** `.spec.template.spec.containers[name="web"].zork`: how an apply names a field. */
function keyed(object: unknown, path: Path): string {
  const fields: string[] = [];
  let at: unknown = object;
  let text = "";
  for (const part of path) {
    at = Array.isArray(at) ? at[Number(part)] : isObject(at) ? at[part] : undefined;
    if (typeof part === "string") fields.push(part);
    text += typeof part === "string" ? `.${part}` : itemName(at, part, fields);
  }
  return text;
}

function itemName(item: unknown, index: number, fields: readonly string[]): string {
  const keys = listKeys(fields);
  if (keys === undefined || !isObject(item)) return `[${index}]`;
  return `[${Object.entries(keyOfItem(item, keys))
    .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
    .join(",")}]`;
}
