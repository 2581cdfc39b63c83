import { isDeepStrictEqual } from "node:util";
import { isAtomic, keyOfItem, listKeys } from "./lists.ts";
import {
  compareFields,
  entryFor,
  type FieldSet,
  fieldPath,
  fieldsOf,
  fieldValues,
  fromFieldsV1,
  inOrder,
  others,
  pathOf,
  type Writer,
  without,
} from "./managed-fields.ts";
import { isObject, type ManagedFields } from "./object.ts";
import { ApiError } from "./status.ts";

type Fields = Readonly<Record<string, unknown>>;

/** The object that an apply makes of the live one, and who owns its fields then. */
export type Applied = { readonly object: Fields; readonly managedFields: readonly ManagedFields[] };

/**
 * Server-side apply: https://kubernetes.io/docs/reference/using-api/server-side-apply/
 * The writer gets what it names, loses what it names no more (gone from the object when nobody else has it),
 * and is refused when it would change a field of somebody else's, unless it forces.
 */
export function serverSideApply(
  live: Fields,
  sent: Fields,
  entries: readonly ManagedFields[],
  writer: Writer,
  options: { readonly force: boolean; readonly custom: boolean; readonly time: string },
): Applied {
  const { custom, force, time } = options;
  const wanted: FieldSet = new Set(fieldValues(sent, custom).keys());
  const rest = others(entries, writer);
  const held = new Set(rest.flatMap((entry) => [...fromFieldsV1(entry.fieldsV1)]));
  const dropped = new Set([...fieldsOf(entries, writer)].filter((path) => !wanted.has(path) && !held.has(path)));
  const merged = mergeApplied(prune(live, dropped, custom), sent, [], custom);
  const object: Fields = isObject(merged) ? merged : sent;
  const { changed } = compareFields(fieldValues(live, custom), fieldValues(object, custom));
  const conflicts = rest.flatMap((entry) =>
    [...fromFieldsV1(entry.fieldsV1)]
      .filter((path) => changed.has(path) && wanted.has(path))
      .map((path) => ({ entry, path })),
  );
  if (conflicts.length > 0 && !force) throw conflictError(conflicts);
  const taken = new Set(conflicts.map(({ path }) => path));
  const mine = entryFor(writer, wanted, entries, time);
  return { object, managedFields: inOrder([mine, ...rest.map((entry) => without(entry, taken))]) };
}

function conflictError(conflicts: readonly { readonly entry: ManagedFields; readonly path: string }[]): ApiError {
  const causes = conflicts.map(({ entry, path }) => ({
    reason: "FieldManagerConflict",
    message: `conflict with "${entry.manager}"${entry.subresource ? ` with subresource "${entry.subresource}"` : ""}${entry.operation === "Update" ? ` using ${entry.apiVersion}` : ""}`,
    field: fieldPath(path),
  }));
  const [first] = causes;
  const message =
    causes.length === 1 && first !== undefined
      ? `Apply failed with 1 conflict: ${first.message}: ${first.field}`
      : `Apply failed with ${causes.length} conflicts: ${grouped(causes)}`;
  return new ApiError(409, "Conflict", message, { causes });
}

function grouped(causes: readonly { readonly message: string; readonly field: string }[]): string {
  const by = [...Map.groupBy(causes, ({ message }) => message)].sort(([a], [b]) => (a < b ? -1 : 1));
  return by
    .map(
      ([message, of]) =>
        `${message.replace("conflict", "conflicts")}:\n${of
          .map(({ field }) => `- ${field}`)
          .sort()
          .join("\n")}`,
    )
    .join("\n");
}

/** Objects merge, lists with keys merge by key, everything else is taken as sent. */
function mergeApplied(live: unknown, sent: unknown, fields: readonly string[], custom: boolean): unknown {
  if (isObject(live) && isObject(sent) && (custom || !isAtomic(fields))) {
    const merged: Record<string, unknown> = { ...live };
    for (const [field, value] of Object.entries(sent))
      merged[field] = mergeApplied(live[field], value, [...fields, field], custom);
    return merged;
  }
  const keys = custom && fields[0] !== "metadata" ? undefined : listKeys(fields);
  if (!Array.isArray(live) || !Array.isArray(sent) || keys === undefined) return sent;
  return mergeItems(live.filter(isObject), sent.filter(isObject), keys, (before, after) =>
    mergeApplied(before, after, fields, custom),
  );
}

function mergeItems(
  live: readonly Fields[],
  sent: readonly Fields[],
  keys: readonly string[],
  merge: (before: Fields, after: Fields) => unknown,
): readonly unknown[] {
  const same = (a: Fields, b: Fields): boolean => isDeepStrictEqual(keyOfItem(a, keys), keyOfItem(b, keys));
  const kept = live.map((item) => {
    const update = sent.find((other) => same(other, item));
    return update === undefined ? item : merge(item, update);
  });
  return [...kept, ...sent.filter((item) => !live.some((other) => same(other, item)))];
}

/** The object without these fields, and without objects and items that have become empty by it. */
function prune(value: Fields, dropped: FieldSet, custom: boolean): Fields {
  const pruned = pruneValue(value, [], [], dropped, custom);
  return isObject(pruned) ? pruned : {};
}

function pruneValue(
  value: unknown,
  path: readonly string[],
  fields: readonly string[],
  dropped: FieldSet,
  custom: boolean,
): unknown {
  if (dropped.has(pathOf(path))) return undefined;
  if (isObject(value)) {
    const before = Object.entries(value);
    const after = before
      .map(
        ([field, inner]) =>
          [field, pruneValue(inner, [...path, `f:${field}`], [...fields, field], dropped, custom)] as const,
      )
      .filter(([, inner]) => inner !== undefined);
    return before.length > 0 && after.length === 0 ? undefined : Object.fromEntries(after);
  }
  const keys = custom && fields[0] !== "metadata" ? undefined : listKeys(fields);
  if (!Array.isArray(value) || keys === undefined) return value;
  const items = value.filter(isObject).map((item) => {
    const itemPath = [...path, `k:${JSON.stringify(keyOfItem(item, keys))}`];
    return dropped.has(pathOf([...itemPath, "."])) ? undefined : pruneValue(item, itemPath, fields, dropped, custom);
  });
  const kept = items.filter((item) => item !== undefined);
  return value.length > 0 && kept.length === 0 ? undefined : kept;
}
