import { applyPatch, type Patch } from "rfc6902";
import { isObject } from "./object.ts";
import { badRequest, patchRefused } from "./status.ts";

/** RFC 7396: null removes, objects merge, everything else replaces. */
export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch;
  const merged: Record<string, unknown> = isObject(target) ? { ...target } : {};
  for (const [field, value] of Object.entries(patch)) {
    if (value === null) delete merged[field];
    else merged[field] = mergePatch(merged[field], value);
  }
  return merged;
}

/** RFC 6902. Whatever does not apply, a failed `test` too, gets the one sentence that the real server has for it. */
export function jsonPatch(target: unknown, patch: unknown): unknown {
  if (!Array.isArray(patch)) throw badRequest("error decoding patch: json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp");
  const patched = structuredClone(target);
  for (const operation of patch) {
    const [error] = applyPatch(patched, [operation] as Patch);
    if (error !== null || pastTheEnd(patched, operation)) throw patchRefused();
  }
  return patched;
}

/** rfc6902 lets an `add` beyond the end of an array make a hole, which the RFC forbids. */
function pastTheEnd(target: unknown, operation: unknown): boolean {
  if (!isObject(operation) || operation.op !== "add" || typeof operation.path !== "string") return false;
  return holes(target, operation.path.split("/").slice(1));
}

function holes(value: unknown, path: readonly string[]): boolean {
  if (Array.isArray(value) && Object.keys(value).length !== value.length) return true;
  const [head, ...rest] = path;
  if (head === undefined || typeof value !== "object" || value === null) return false;
  return holes((value as Readonly<Record<string, unknown>>)[head.replaceAll("~1", "/").replaceAll("~0", "~")], rest);
}
