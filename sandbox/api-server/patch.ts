import { isDeepStrictEqual } from "node:util";
import { isObject } from "./object.ts";
import { badRequest, patchRefused } from "./status.ts";

/** RFC 7396: null removes, objects merge, everything else replaces. */
export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isObject(patch))
    throw badRequest(
      `error decoding patch: json: cannot unmarshal ${Array.isArray(patch) ? "array" : typeof patch} into Go value of type map[string]interface {}`,
    );
  return merge(target, patch);
}

function merge(target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch;
  const merged: Record<string, unknown> = isObject(target) ? { ...target } : {};
  for (const [field, value] of Object.entries(patch)) {
    if (value === null) delete merged[field];
    else merged[field] = merge(merged[field], value);
  }
  return merged;
}

/**
 * RFC 6902 as the real server has it, which is laxer than the RFC: `replace` of a field that is not there adds it,
 * and `test` for null passes where nothing is. https://github.com/evanphx/json-patch/blob/v4.13.0/patch.go
 * Whatever does not apply, a failed `test` too, gets the one sentence that the real server has for it.
 */
export function jsonPatch(target: unknown, patch: unknown): unknown {
  if (!Array.isArray(patch))
    throw badRequest(
      "error decoding patch: json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp",
    );
  return patch.reduce<unknown>(applyOperation, target);
}

function applyOperation(target: unknown, operation: unknown): unknown {
  if (!isObject(operation)) throw patchRefused();
  const { op, value = null } = operation;
  const path = pointer(operation.path);
  switch (op) {
    case "add":
      return changeAt(target, path, (holder, key) =>
        Array.isArray(holder) ? inserted(holder, key, value) : { ...holder, [key]: value },
      );
    case "replace":
      return changeAt(target, path, (holder, key) =>
        Array.isArray(holder) ? holder.with(indexIn(holder, key), value) : { ...holder, [key]: value },
      );
    case "remove":
      return removeAt(target, path);
    case "test":
      if (!passes(valueAt(target, path), value)) throw patchRefused();
      return target;
    case "move":
      return applyOperation(removeAt(target, pointer(operation.from)), {
        op: "add",
        path: operation.path,
        value: valueAt(target, pointer(operation.from)),
      });
    case "copy":
      return applyOperation(target, {
        op: "add",
        path: operation.path,
        value: valueAt(target, pointer(operation.from)) ?? null,
      });
    default:
      throw patchRefused();
  }
}

const passes = (found: unknown, wanted: unknown): boolean =>
  found === undefined || found === null ? wanted === null : isDeepStrictEqual(found, wanted);

function pointer(path: unknown): readonly string[] {
  if (typeof path !== "string" || !path.includes("/")) throw patchRefused();
  return path
    .split("/")
    .slice(1)
    .map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
}

type Holder = Readonly<Record<string, unknown>> | readonly unknown[];

const isHolder = (value: unknown): value is Holder => Array.isArray(value) || isObject(value);

/** The value with what `change` makes of the object or array that holds the end of the path. */
function changeAt(value: unknown, path: readonly string[], change: (holder: Holder, key: string) => unknown): unknown {
  const [key, ...rest] = path;
  if (key === undefined || !isHolder(value)) throw patchRefused();
  if (rest.length === 0) return change(value, key);
  if (Array.isArray(value)) return value.with(indexIn(value, key), changeAt(value[indexIn(value, key)], rest, change));
  return { ...value, [key]: changeAt(read(value, key), rest, change) };
}

const removeAt = (target: unknown, path: readonly string[]): unknown =>
  changeAt(target, path, (holder, key) => {
    if (Array.isArray(holder)) return holder.toSpliced(indexIn(holder, key), 1);
    if (!(key in holder)) throw patchRefused();
    return Object.fromEntries(Object.entries(holder).filter(([field]) => field !== key));
  });

/** Undefined for a field that is not there; what holds it must be. */
function valueAt(value: unknown, path: readonly string[]): unknown {
  const [key, ...rest] = path;
  if (key === undefined) return value;
  if (!isHolder(value)) throw patchRefused();
  return valueAt(read(value, key), rest);
}

const read = (holder: Holder, key: string): unknown =>
  Array.isArray(holder) ? holder[indexIn(holder, key)] : (holder as Readonly<Record<string, unknown>>)[key];

function indexIn(list: readonly unknown[], key: string): number {
  const index = /^-?\d+$/.test(key) ? Number(key) : Number.NaN;
  const from = index < 0 ? index + list.length : index; // counted from the end, as the server's library does
  if (!(from >= 0 && from < list.length)) throw patchRefused();
  return from;
}

const inserted = (list: readonly unknown[], key: string, value: unknown): readonly unknown[] =>
  key === "-" || key === String(list.length) ? [...list, value] : list.toSpliced(indexIn(list, key), 0, value);
