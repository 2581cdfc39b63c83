import type { KubernetesObject } from "../../kubernetes/object.ts";

/**
 * Who else wrote an object that is not as it was left: the name that client gave itself. Undefined when nobody wrote
 * after us. Times are whole seconds, so of two within one the other's counts.
 */
export function lastWriter({ metadata }: KubernetesObject, own: string): string | undefined {
  const entries = (Array.isArray(metadata.managedFields) ? metadata.managedFields : [])
    .filter(isEntry)
    .filter(({ subresource }) => !subresource);
  const newest = (ofOurs: boolean): ManagedFields | undefined =>
    entries
      .filter(({ manager }) => (manager === own) === ofOurs)
      .toSorted((a, b) => a.time.localeCompare(b.time))
      .at(-1);
  const [ours, theirs] = [newest(true), newest(false)];
  return theirs && theirs.time >= (ours?.time ?? "") ? theirs.manager : undefined;
}

type ManagedFields = { readonly manager: string; readonly time: string; readonly subresource?: string };

const isEntry = (entry: unknown): entry is ManagedFields =>
  typeof entry === "object" &&
  entry !== null &&
  "manager" in entry &&
  typeof entry.manager === "string" &&
  "time" in entry &&
  typeof entry.time === "string";
