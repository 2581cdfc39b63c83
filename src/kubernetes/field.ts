/** Reads raw JSON without believing it: what is absent, or of another type, is undefined or empty, never a crash. */
export function field(value: unknown, ...path: readonly (string | number)[]): unknown {
  let found = value;
  for (const step of path) {
    if (typeof found !== "object" || found === null || !Object.hasOwn(found, step)) return undefined;
    found = Reflect.get(found, step);
  }
  return found;
}

export function textAt(value: unknown, ...path: readonly (string | number)[]): string | undefined {
  const found = field(value, ...path);
  return typeof found === "string" ? found : undefined;
}

export function numberAt(value: unknown, ...path: readonly (string | number)[]): number | undefined {
  const found = field(value, ...path);
  return typeof found === "number" ? found : undefined;
}

export function listAt(value: unknown, ...path: readonly (string | number)[]): readonly unknown[] {
  const found: unknown = field(value, ...path);
  return Array.isArray(found) ? found : [];
}

export function objectAt(value: unknown, ...path: readonly (string | number)[]): Readonly<Record<string, unknown>> {
  const found = field(value, ...path);
  return typeof found === "object" && found !== null && !Array.isArray(found) ? { ...found } : {};
}

/** Labels, annotations and selectors: only texts are kept. */
export function textsAt(value: unknown, ...path: readonly (string | number)[]): Readonly<Record<string, string>> {
  const entries = Object.entries(objectAt(value, ...path)).flatMap(([key, text]) =>
    typeof text === "string" ? [[key, text] as const] : [],
  );
  return Object.fromEntries(entries);
}
