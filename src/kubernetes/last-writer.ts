import { field } from "./field.ts";
import type { KubernetesObject } from "./object.ts";

/**
 * Who else wrote an object that is not as it was left, or a part of it: the name that client gave itself. Undefined when
 * nobody wrote after us. Times are whole seconds, so of two within one the other's counts.
 */
export function lastWriter(
  { metadata }: KubernetesObject,
  own: string,
  ...part: readonly string[]
): string | undefined {
  const hasPart = ({ fieldsV1 }: ManagedFields): boolean =>
    part.length === 0 || field(fieldsV1, ...part.map((name) => `f:${name}`)) !== undefined;
  const entries = (Array.isArray(metadata.managedFields) ? metadata.managedFields : [])
    .filter(isEntry)
    .filter((entry) => !entry.subresource && hasPart(entry));
  const newest = (ofOurs: boolean): ManagedFields | undefined =>
    entries
      .filter(({ manager }) => (manager === own) === ofOurs)
      .toSorted((a, b) => a.time.localeCompare(b.time))
      .at(-1);
  const [ours, theirs] = [newest(true), newest(false)];
  return theirs && theirs.time >= (ours?.time ?? "") ? theirs.manager : undefined;
}

type ManagedFields = {
  readonly manager: string;
  readonly time: string;
  readonly subresource?: string;
  readonly fieldsV1?: unknown;
};

const isEntry = (entry: unknown): entry is ManagedFields =>
  typeof entry === "object" &&
  entry !== null &&
  "manager" in entry &&
  typeof entry.manager === "string" &&
  "time" in entry &&
  typeof entry.time === "string";
