import { load, loadAll, YAMLException } from "js-yaml";
import type { Problem } from "./issue.ts";
import { kubectlSchema } from "./kubectl-yaml.ts";

export type Read<T> =
  | { readonly value: T; readonly problems: readonly [] }
  | { readonly value?: undefined; readonly problems: readonly [Problem] };

/** Of a document, with every alias as what it stands for: more than any release needs, and checked in no time. */
const mostSettings = 10_000;
const mostInManifests = 200_000;

/** Short forms (`10:2m, 100`) are text to the schema: only what is plainly YAML is read as YAML. */
export const isPlainlyYaml = (written: string): boolean => /^\s*(\[|\{|-\s|[A-Za-z]+:\s)/.test(written);

/** Reads one YAML document (YAML 1.2: `yes` is text, keys stand once). `name` says where it comes from. */
export const readYaml = (text: string, name: string): Read<unknown> =>
  attempt(text, name, mostSettings, () => load(text));

/**
 * Reads all documents of a file as kubectl does; those with nothing in them are left out. Only where it takes the last
 * of two same keys without a word, this is refused.
 */
export const readManifestYaml = (text: string, name: string): Read<readonly unknown[]> =>
  attempt(text, name, mostInManifests, () =>
    loadAll(text, { schema: kubectlSchema }).filter((document) => document !== null),
  );

function attempt<T>(text: string, name: string, most: number, read: () => T): Read<T> {
  try {
    const value = read();
    if (holdsAtMost(most, value)) return { value, problems: [] };
    const problem = `has more than ${most.toLocaleString("en")} values, with each alias (*name) as what it stands for`;
    return { problems: [{ path: [], place: name, problem }] };
  } catch (error) {
    if (!(error instanceof YAMLException)) throw error;
    const { mark, reason } = error;
    const position = mark ? `:${mark.line + 1}:${mark.column + 1}` : "";
    const hint = mark ? hintAt(text.split("\n")[mark.line] ?? "") : "";
    return {
      problems: [{ path: [], place: `${name}${position}`, problem: `is not YAML that can be read: ${reason}${hint}` }],
    };
  }
}

/** The brace of a variable closes the mapping around it, and YAML's own words do not say so. */
function hintAt(line: string): string {
  const bracket = line.search(/[{[]/);
  return bracket >= 0 && line.includes("${", bracket + 1)
    ? "; between brackets, a value with a variable in it needs quotes"
    : "";
}

/** An alias may stand for aliases, and 400 bytes for as many values as there are; for itself, even for no end of them. */
function holdsAtMost(most: number, document: unknown): boolean {
  const left = [document];
  for (let seen = 0; left.length > 0; seen++) {
    if (seen >= most) return false;
    const value = left.pop();
    if (typeof value === "object" && value !== null) for (const inner of Object.values(value)) left.push(inner);
  }
  return true;
}
