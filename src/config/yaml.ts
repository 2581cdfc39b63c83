import { load, loadAll, YAMLException } from "js-yaml";
import type { Problem } from "./issue.ts";

export type Read<T> = { readonly value: T; readonly problems: readonly [] } | { readonly value?: undefined; readonly problems: readonly [Problem] };

/** Reads one YAML document (YAML 1.2: `yes` is text, keys stand once). `name` says where it comes from. */
export const readYaml = (text: string, name: string): Read<unknown> => attempt(name, () => load(text));

/** Reads all documents of a file; those with nothing in them are left out. */
export const readAllYaml = (text: string, name: string): Read<readonly unknown[]> => attempt(name, () => loadAll(text).filter((document) => document !== null));

function attempt<T>(name: string, read: () => T): Read<T> {
  try {
    return { value: read(), problems: [] };
  } catch (error) {
    if (!(error instanceof YAMLException)) throw error;
    const line = error.mark ? `:${error.mark.line + 1}:${error.mark.column + 1}` : "";
    return { problems: [{ path: [], place: `${name}${line}`, problem: `is not YAML that can be read: ${error.reason}` }] };
  }
}
