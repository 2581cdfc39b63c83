import { isDeepStrictEqual } from "node:util";
import { isAtomic, keyOfItem, listKeys } from "./lists.ts";
import { isObject, type JsonObject, type ManagedFields } from "./object.ts";

/**
 * The fields that somebody set: paths as fieldsV1 has them (`f:spec`, `k:{"name":"web"}`), joined by a character that no path has.
 * An item of a list with keys is a field itself, besides the fields in it.
 */
export type FieldSet = ReadonlySet<string>;

const joint = "\u0000";

export const pathOf = (parts: readonly string[]): string => parts.join(joint);

/** Not owned by anybody: identity, and what the server sets itself. */
const unowned = new Set(["apiVersion", "kind"]);
const unownedMetadata = new Set([
  "name",
  "namespace",
  "uid",
  "resourceVersion",
  "generation",
  "creationTimestamp",
  "deletionTimestamp",
  "deletionGracePeriodSeconds",
  "managedFields",
]);

/** Values by path: what a field set is made from, and compared by. */
export type FieldValues = ReadonlyMap<string, unknown>;

/** `custom`: every list of a custom resource is one value. */
export function fieldValues(object: Readonly<Record<string, unknown>>, custom: boolean): FieldValues {
  const found = new Map<string, unknown>();
  walk(object, [], [], custom, found);
  return found;
}

function walk(
  value: unknown,
  path: readonly string[],
  fields: readonly string[],
  custom: boolean,
  found: Map<string, unknown>,
): void {
  const own = (): unknown => found.set(pathOf(path), value);
  if (isObject(value)) {
    const entries = Object.entries(value).filter(([field, inner]) => inner !== undefined && !isUnowned(fields, field));
    if (fields.length > 0 && fields.at(-1) !== "metadata" && (entries.length === 0 || (!custom && isAtomic(fields))))
      own();
    else for (const [field, inner] of entries) walk(inner, [...path, `f:${field}`], [...fields, field], custom, found);
    return;
  }
  const keys = Array.isArray(value) && (!custom || fields[0] === "metadata") ? listKeys(fields) : undefined;
  if (!Array.isArray(value) || keys === undefined || value.length === 0) {
    own();
    return;
  }
  for (const item of value) {
    if (!isObject(item)) continue;
    const itemPath = [...path, `k:${JSON.stringify(keyOfItem(item, keys))}`];
    // Some items are one value with a key: who sets an owner reference sets all of it.
    const whole = fields.at(-1) === "ownerReferences";
    found.set(pathOf([...itemPath, "."]), whole ? item : true);
    if (!whole) walk(item, itemPath, fields, custom, found);
  }
}

function isUnowned(fields: readonly string[], field: string): boolean {
  if (fields.length === 0) return unowned.has(field);
  return fields.length === 1 && fields[0] === "metadata" && unownedMetadata.has(field);
}

/** Paths whose value is another one now, or is new; and those that are gone. */
export function compareFields(
  before: FieldValues,
  after: FieldValues,
): { readonly changed: FieldSet; readonly gone: FieldSet } {
  return {
    changed: new Set(
      [...after]
        .filter(([path, value]) => !(before.has(path) && isDeepStrictEqual(before.get(path), value)))
        .map(([path]) => path),
    ),
    gone: new Set([...before.keys()].filter((path) => !after.has(path))),
  };
}

export const toFieldsV1 = (set: FieldSet): JsonObject => nested([...set].sort().map((path) => path.split(joint)));

function nested(paths: readonly (readonly string[])[]): JsonObject {
  const byHead = Map.groupBy(
    paths.filter((path) => path.length > 0),
    ([head = ""]) => head,
  );
  return Object.fromEntries([...byHead].map(([head, below]) => [head, nested(below.map(([, ...rest]) => rest))]));
}

/** Most writes leave most writers' fields as they are. */
const known = new WeakMap<JsonObject, FieldSet>();

export function fromFieldsV1(fields: JsonObject): FieldSet {
  const before = known.get(fields);
  if (before !== undefined) return before;
  const found = readFieldsV1(fields);
  known.set(fields, found);
  return found;
}

function readFieldsV1(fields: JsonObject): FieldSet {
  const found = new Set<string>();
  const visit = (at: JsonObject, path: readonly string[]): void => {
    for (const [part, inner] of Object.entries(at)) {
      const here = [...path, part];
      if (isObject(inner) && Object.keys(inner).length > 0) visit(inner as JsonObject, here);
      else found.add(pathOf(here));
    }
  };
  visit(fields, []);
  return found;
}

/** `.spec.template.spec.containers[name="web"].image`: how conflicts name a field. */
export function fieldPath(path: string): string {
  return path
    .split(joint)
    .filter((part) => part !== ".")
    .map((part) => (part.startsWith("f:") ? `.${part.slice(2)}` : keyPath(part)))
    .join("");
}

function keyPath(part: string): string {
  const key: unknown = JSON.parse(part.slice(2));
  const parts = isObject(key) ? Object.entries(key).map(([name, value]) => `${name}=${JSON.stringify(value)}`) : [];
  return `[${parts.join(",")}]`;
}

const sameWriter = (a: ManagedFields, b: Pick<ManagedFields, "manager" | "operation" | "subresource">): boolean =>
  a.manager === b.manager && a.operation === b.operation && (a.subresource ?? "") === (b.subresource ?? "");

export type Writer = Pick<ManagedFields, "manager" | "operation" | "apiVersion" | "subresource">;

export const fieldsOf = (entries: readonly ManagedFields[], writer: Writer): FieldSet => {
  const entry = entries.find((other) => sameWriter(other, writer));
  return entry === undefined ? new Set() : fromFieldsV1(entry.fieldsV1);
};

export const others = (entries: readonly ManagedFields[], writer: Writer): readonly ManagedFields[] =>
  entries.filter((entry) => !sameWriter(entry, writer));

/** The entry of a writer; undefined when it owns nothing (any more). The time stays when nothing changed. */
export function entryFor(
  writer: Writer,
  fields: FieldSet,
  entries: readonly ManagedFields[],
  time: string,
): ManagedFields | undefined {
  if (fields.size === 0) return undefined;
  const before = entries.find((entry) => sameWriter(entry, writer));
  const fieldsV1 = toFieldsV1(fields);
  if (before !== undefined && isDeepStrictEqual(before.fieldsV1, fieldsV1)) return before;
  const { manager, operation, apiVersion, subresource } = writer;
  return {
    manager,
    operation,
    apiVersion,
    time,
    fieldsType: "FieldsV1",
    fieldsV1,
    ...(subresource === undefined ? {} : { subresource }),
  };
}

/** Another writer's entry without the fields that it lost. */
export function without(entry: ManagedFields, lost: FieldSet): ManagedFields | undefined {
  const fields = fromFieldsV1(entry.fieldsV1);
  const kept = new Set([...fields].filter((path) => !lost.has(path)));
  if (kept.size === fields.size) return entry;
  return kept.size === 0 ? undefined : { ...entry, fieldsV1: toFieldsV1(kept) };
}

/** After an update, by whatever means but apply: who wrote a field last owns it. */
export function afterUpdate(
  entries: readonly ManagedFields[],
  writer: Writer,
  before: FieldValues,
  after: FieldValues,
  time: string,
): readonly ManagedFields[] {
  const { changed, gone } = compareFields(before, after);
  if (changed.size === 0 && gone.size === 0) return entries;
  const own = fieldsOf(entries, writer);
  const fields = new Set([...own, ...changed].filter((path) => !gone.has(path)));
  const lost = new Set([...changed, ...gone]);
  const entry = entries.find((other) => sameWriter(other, writer));
  const isSame = fields.size === own.size && [...fields].every((path) => own.has(path));
  const mine = isSame && entry ? written(entry, changed, writer, time) : entryFor(writer, fields, [], time);
  const rest = others(entries, writer).map((entry) => without(entry, lost));
  return inOrder([...rest, mine]);
}

/** Of a writer that has the same fields as before. */
function written(entry: ManagedFields, changed: FieldSet, { apiVersion }: Writer, time: string): ManagedFields {
  return changed.size === 0 ? entry : { ...entry, apiVersion, time };
}

const orderOf = ({ operation, time, manager, subresource = "" }: ManagedFields): string =>
  [operation, time, manager, subresource].join(" ");

/** Applies come before updates, and earlier ones before later ones. */
export const inOrder = (entries: readonly (ManagedFields | undefined)[]): readonly ManagedFields[] =>
  entries.filter((entry) => entry !== undefined).sort((a, b) => (orderOf(a) < orderOf(b) ? -1 : 1));
