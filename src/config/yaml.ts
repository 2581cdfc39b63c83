import { load, loadAll, YAMLException } from "js-yaml";
import type { Problem } from "./issue.ts";
import { kubectlSchema } from "./kubectl-yaml.ts";

export type Read<T> =
  | { readonly value: T; readonly problems: readonly [] }
  | { readonly value?: undefined; readonly problems: readonly [Problem] };

/** Reads one YAML document (YAML 1.2: `yes` is text, keys stand once). `name` says where it comes from. */
export const readYaml = (text: string, name: string): Read<unknown> => attempt(text, name, () => load(text));

/**
 * Reads all documents of a file as kubectl does; those with nothing in them are left out. Only where it takes the last
 * of two same keys without a word, this is refused.
 */
export const readManifestYaml = (text: string, name: string): Read<readonly unknown[]> =>
  attempt(text, name, () => loadAll(text, { schema: kubectlSchema }).filter((document) => document !== null));

function attempt<T>(text: string, name: string, read: () => T): Read<T> {
  try {
    return { value: read(), problems: [] };
  } catch (error) {
    if (!(error instanceof YAMLException)) throw error;
    const { mark, reason } = error;
    const position = mark ? `:${mark.line + 1}:${mark.column + 1}` : "";
    // The brace of a variable closes the mapping around it, and YAML's own words do not say so.
    const hint =
      mark && /[{[].*\$\{/.test(text.split("\n")[mark.line] ?? "")
        ? "; between brackets, a value with a variable in it needs quotes"
        : "";
    return {
      problems: [{ path: [], place: `${name}${position}`, problem: `is not YAML that can be read: ${reason}${hint}` }],
    };
  }
}
