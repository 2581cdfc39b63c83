import { isDeepStrictEqual } from "node:util";
import { keyOfItem, listKeys } from "./lists.ts";
import { isObject } from "./object.ts";

type Fields = Readonly<Record<string, unknown>>;

/**
 * As a merge patch, but lists with keys merge item by item, and `$patch: delete` removes one.
 * `kubectl set image` and `kubectl rollout restart` speak it; it is only for built-in kinds.
 */
export const strategicMergePatch = (target: unknown, patch: unknown): unknown => merge(target, patch, []);

function merge(target: unknown, patch: unknown, path: readonly string[]): unknown {
  if (Array.isArray(patch)) {
    const keys = listKeys(path);
    return keys === undefined || !Array.isArray(target)
      ? patch
      : mergeItems(target.filter(isObject), patch.filter(isObject), mergeKeys(path, keys), path);
  }
  if (!isObject(patch)) return patch;
  if (patch.$patch === "replace")
    return Object.fromEntries(Object.entries(patch).filter(([field]) => field !== "$patch"));
  const merged: Record<string, unknown> = isObject(target) ? { ...target } : {};
  for (const [field, value] of Object.entries(patch)) {
    if (field.startsWith("$")) continue; // hints about order, which nothing of ours depends on
    if (value === null) delete merged[field];
    else merged[field] = merge(merged[field], value, [...path, field]);
  }
  return merged;
}

/** The patch merge key of ports is the number alone, other than server-side apply's. */
const mergeKeys = (path: readonly string[], keys: readonly string[]): readonly string[] =>
  path.at(-1) === "ports" ? keys.slice(0, 1) : keys;

function mergeItems(
  target: readonly Fields[],
  patch: readonly Fields[],
  keys: readonly string[],
  path: readonly string[],
): readonly unknown[] {
  const same = (a: Fields, b: Fields): boolean => isDeepStrictEqual(keyOfItem(a, keys), keyOfItem(b, keys));
  const kept = target.flatMap((item) => {
    const change = patch.find((other) => same(other, item));
    if (change?.$patch === "delete") return [];
    return [change === undefined ? item : merge(item, change, path)];
  });
  return [...patch.filter((item) => item.$patch !== "delete" && !target.some((other) => same(other, item))), ...kept]; // new items come first
}
