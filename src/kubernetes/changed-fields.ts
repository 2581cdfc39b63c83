import { isDeepStrictEqual } from "node:util";

/** What every write changes, and nobody asked for. */
const ofServer: ReadonlySet<string> = new Set([
  "status",
  "apiVersion",
  "metadata.managedFields",
  "metadata.resourceVersion",
  "metadata.generation",
  "metadata.uid",
  "metadata.creationTimestamp",
]);

/** The fields in which two states of an object differ: `.spec.template.spec.containers[app].image`. */
export function changedFields(before: unknown, after: unknown): readonly string[] {
  return differences(before, after, []);
}

type FieldStep = { readonly name: string } | { readonly item: string };

function differences(before: unknown, after: unknown, path: readonly FieldStep[]): readonly string[] {
  if (isDeepStrictEqual(before, after) || ofServer.has(dotted(path))) return [];
  const [was, is] = [partsOf(before), partsOf(after)];
  if (!was || !is) return [printed(path)];
  return [...new Set([...was.keys(), ...is.keys()])].flatMap((key) =>
    differences(was.get(key)?.value, is.get(key)?.value, [
      ...path,
      was.get(key)?.step ?? is.get(key)?.step ?? { name: key },
    ]),
  );
}

type NamedParts = ReadonlyMap<string, { readonly step: FieldStep; readonly value: unknown }>;

/** Fields by name, items of a list by theirs; what has neither is compared as a whole. */
function partsOf(value: unknown): NamedParts | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  if (!Array.isArray(value))
    return new Map(Object.entries(value).map(([name, inner]) => [name, { step: { name }, value: inner }]));
  const names = value.map((item: unknown) => Object(item).name);
  if (names.some((name) => typeof name !== "string") || new Set(names).size < names.length) return undefined;
  return new Map(value.map((item: unknown, at) => [names[at], { step: { item: names[at] }, value: item }]));
}

const dotted = (path: readonly FieldStep[]): string => path.map((step) => ("name" in step ? step.name : "")).join(".");

const printed = (path: readonly FieldStep[]): string =>
  path
    .map((step) => {
      if ("item" in step) return `[${step.item}]`;
      return /^\w+$/.test(step.name) ? `.${step.name}` : `[${JSON.stringify(step.name)}]`;
    })
    .join("");
