import { isMapping, type Path, type Problem, startsWith } from "./issue.ts";

/** The variables of the process, by name. */
export type Variables = Readonly<Record<string, string | undefined>>;

type Filled = { readonly value: unknown; readonly problems: readonly Problem[] };

/** `${NAME}`, after `$` if it shall stay, and what looks like it and is not: `${NAME:-default}`. */
const reference = /(\$?)\$\{([A-Za-z_]\w*)([^}]*)\}/g;

/**
 * Fills `${NAME}` in every text below `document` but those at `asTheyAre`. Keys are left alone, and `$${NAME}` becomes
 * `${NAME}`.
 */
export function fill(document: unknown, env: Variables, asTheyAre: readonly Path[] = [], path: Path = []): Filled {
  if (asTheyAre.some((other) => startsWith(other, path) && startsWith(path, other)))
    return { value: document, problems: [] };
  if (typeof document === "string") return fillText(document, env, path);
  if (Array.isArray(document)) {
    const items = document.map((item, index) => fill(item, env, asTheyAre, [...path, index]));
    return { value: items.map(({ value }) => value), problems: items.flatMap(({ problems }) => problems) };
  }
  if (!isMapping(document)) return { value: document, problems: [] };
  const entries = Object.entries(document).map(([key, value]) => ({
    key,
    ...fill(value, env, asTheyAre, [...path, key]),
  }));
  return {
    value: Object.fromEntries(entries.map(({ key, value }) => [key, value])),
    problems: entries.flatMap(({ problems }) => problems),
  };
}

function fillText(text: string, env: Variables, path: Path): Filled {
  const problems: Problem[] = [];
  const value = text.replaceAll(reference, (whole: string, dollar: string, name: string, rest: string) => {
    if (dollar !== "") return whole.slice(1);
    if (rest !== "")
      problems.push({
        path,
        problem: `only \${${name}} can be filled in, not ${whole}; write $${whole} to keep it as it is`,
      });
    else if (env[name] === undefined) problems.push({ path, problem: `the environment variable ${name} is not set` });
    return env[name] ?? whole;
  });
  return { value, problems };
}
