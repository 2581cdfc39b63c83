import type { Snapshot } from "./snapshot.ts";

/** A field of an object, `["Deployment/shop-v1", "spec.replicas", 0]`; undefined takes it away. */
export type Edit = readonly [object: string, path: string, value: unknown];

/** A snapshot as it is to be: the same but for these fields. */
export function changed(taken: Snapshot, ...edits: readonly Edit[]): Snapshot {
  const copy = structuredClone(taken) as Record<string, unknown>;
  for (const [object, path, value] of edits) set(copy[object], path.split("."), value, `${object} ${path}`);
  return copy;
}

function set(at: unknown, [key = "", ...rest]: readonly string[], value: unknown, where: string): void {
  if (typeof at !== "object" || at === null) throw new Error(`${where}: there is nothing to change`);
  const fields = at as Record<string, unknown>;
  if (rest.length > 0) set(fields[key], rest, value, where);
  else if (value === undefined) delete fields[key];
  else fields[key] = value;
}
