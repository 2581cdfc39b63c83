/** Reads raw JSON without believing it: what is absent, or of another type, is undefined or empty, never a crash. */
export function field(value: unknown, ...path: readonly (string | number)[]): unknown {
  let inner = value;
  for (const step of path) {
    if (typeof inner !== "object" || inner === null || !Object.hasOwn(inner, step)) return undefined;
    inner = Reflect.get(inner, step);
  }
  return inner;
}

export function textAt(value: unknown, ...path: readonly (string | number)[]): string | undefined {
  const inner = field(value, ...path);
  if (typeof inner === "string") return inner;
  return undefined;
}

export function numberAt(value: unknown, ...path: readonly (string | number)[]): number | undefined {
  const inner = field(value, ...path);
  if (typeof inner === "number") return inner;
  return undefined;
}

export function listAt(value: unknown, ...path: readonly (string | number)[]): readonly unknown[] {
  const inner: unknown = field(value, ...path);
  if (Array.isArray(inner)) return inner;
  return [];
}

export function objectAt(value: unknown, ...path: readonly (string | number)[]): Readonly<Record<string, unknown>> {
  const inner = field(value, ...path);
  if (typeof inner === "object" && inner !== null && !Array.isArray(inner)) return { ...inner };
  return {};
}

/** Labels, annotations and selectors: only texts are kept. */
export function textsAt(value: unknown, ...path: readonly (string | number)[]): Readonly<Record<string, string>> {
  const all = objectAt(value, ...path);
  if (Object.values(all).every(isText)) return all as Readonly<Record<string, string>>;
  return Object.fromEntries(Object.entries(all).filter((entry): entry is [string, string] => isText(entry[1])));
}

const isText = (value: unknown): value is string => typeof value === "string";
