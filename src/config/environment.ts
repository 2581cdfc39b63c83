import { isMapping, type Path, type Problem, startsWith } from "./issue.ts";

/** The variables of the process, by name. */
export type Variables = Readonly<Record<string, string | undefined>>;

/** A `${NAME}` that was met in a document. */
export type Reference = {
  readonly name: string;
  readonly path: Path;
  /** Where its value came from; undefined when it was left as it is. */
  readonly from: "environment" | "configuration" | undefined;
};

export type Filled = {
  readonly value: unknown;
  readonly problems: readonly Problem[];
  readonly references: readonly Reference[];
};

/** What becomes of a text at a place. */
export type FillText = (text: string, path: Path) => Filled;

/** `${NAME}`, after `$` if it shall stay, and what looks like it and is not: `${NAME:-default}`. */
const reference = /(\$?)\$\{([A-Za-z_]\w*)([^}]*)\}/g;

/** With the name, the dollar before it, and what stands behind it in the braces. */
type ReplaceReference = (whole: string, dollar: string, name: string, rest: string) => string;

/** Behind the last brace nothing is looked for: for each `${` there that would be all of the rest. */
function replaceReferences(text: string, replace: ReplaceReference): string {
  const end = text.lastIndexOf("}") + 1;
  return text.slice(0, end).replaceAll(reference, replace) + text.slice(end);
}

/** Fills every text below `document` but those at `asTheyAre`. Keys are left alone. */
export function fill(document: unknown, fillText: FillText, asTheyAre: readonly Path[] = [], path: Path = []): Filled {
  if (asTheyAre.some((other) => startsWith(other, path) && startsWith(path, other)))
    return { value: document, problems: [], references: [] };
  if (typeof document === "string") return fillText(document, path);
  if (Array.isArray(document)) {
    const items = document.map((item, index) => fill(item, fillText, asTheyAre, [...path, index]));
    return { ...gathered(items), value: items.map(({ value }) => value) };
  }
  if (!isMapping(document)) return { value: document, problems: [], references: [] };
  const entries = Object.entries(document).map(([key, value]) => ({
    key,
    ...fill(value, fillText, asTheyAre, [...path, key]),
  }));
  return { ...gathered(entries), value: Object.fromEntries(entries.map(({ key, value }) => [key, value])) };
}

const gathered = (parts: readonly Filled[]): Omit<Filled, "value"> => ({
  problems: parts.flatMap(({ problems }) => problems),
  references: parts.flatMap(({ references }) => references),
});

/** Where the value of a name comes from, and what it is; undefined where it is none of ours to fill. */
export type LookUp = (
  name: string,
) => { readonly from: "environment" | "configuration"; readonly value: string | undefined } | undefined;

/** A name without a value is a problem, and `$${NAME}` becomes `${NAME}`; what is not to be filled stays to the letter. */
export const fillBy =
  (lookUp: LookUp): FillText =>
  (text, path) => {
    const problems: Problem[] = [];
    const references: Reference[] = [];
    const value = replaceReferences(text, (whole, dollar, name, rest) => {
      const found = lookUp(name);
      if (found && dollar !== "") return whole.slice(1);
      references.push({ name, path, from: found?.from });
      if (!found) return whole;
      if (rest !== "") problems.push({ path, problem: isNoDefault(name, whole) });
      else if (found.value === undefined) problems.push({ path, problem: isNotSet(name) });
      return found.value ?? whole;
    });
    return { value, problems, references };
  };

/** Every name is the environment's. */
export const fromEnvironment = (env: Variables): FillText =>
  fillBy((name) => ({ from: "environment", value: env[name] }));

const isNotSet = (name: string): string => `the environment variable ${name} is not set`;

const isNoDefault = (name: string, whole: string): string =>
  `only \${${name}} can be filled in, not ${whole}; write $${whole} to keep it as it is`;
