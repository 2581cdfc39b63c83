import * as z from "zod/mini";
import { isMapping, type Path, type Problem, startsWith } from "./issue.ts";
import { type ConfigFile, file, sections } from "./schema.ts";

type Issue = z.core.$ZodIssue;
type Found = Problem & {
  /** The value is of another type, so that this form was hardly meant. */
  readonly otherType: boolean;
  /** Keys that are missing or unknown: the form with the fewest was probably meant. One that is misspelt is half of it. */
  readonly misfit: number;
};

/** The file as far as it is right: a section with a problem counts as not written. */
export type Checked = { readonly file: ConfigFile; readonly problems: readonly Problem[] };

/** Reads a document against the schema. `known` problems are not told again in other words. */
export function check(document: unknown, known: readonly Problem[]): Checked {
  const found = problemsOf(document).filter(
    ({ path }) => !known.some((problem) => problem.path.length > 0 && startsWith(path, problem.path)),
  );
  const problems = [...known, ...found];
  return { file: z.parse(file, without(brokenBy(problems), document)), problems };
}

export const brokenBy = (problems: readonly Problem[]): ReadonlySet<PropertyKey> =>
  new Set(problems.flatMap(({ path }) => path.slice(0, 1)));

function problemsOf(document: unknown): readonly Problem[] {
  const result = z.safeParse(file, document, { reportInput: true });
  if (result.success) return [];
  const found = result.error.issues.flatMap((issue) => findings(issue, []));
  return found.map(({ path, problem, found, key }) => ({ path, problem, found, key }));
}

const without = (broken: ReadonlySet<PropertyKey>, document: unknown): unknown =>
  isMapping(document)
    ? Object.fromEntries(Object.entries(document).filter(([key]) => sections.includes(key) && !broken.has(key)))
    : {};

function findings(issue: Issue, above: Path): readonly Found[] {
  const path = [...above, ...issue.path];
  if (issue.code === "unrecognized_keys")
    return issue.message.split("\n").map((problem, index) => ({
      path,
      problem,
      key: issue.keys[index],
      otherType: false,
      misfit: isMisspelt(problem) ? 0.5 : 1,
    }));
  const own: Found = {
    path,
    problem: issue.message,
    found: { value: issue.input },
    otherType: isOtherType(issue),
    misfit: issue.input === undefined ? 1 : 0,
  };
  return issue.code === "invalid_union"
    ? (likely(
        issue.errors.map((errors) => errors.flatMap((error) => findings(error, path))),
        path.length,
      ) ?? [{ ...own, otherType: true }])
    : [own];
}

const isMisspelt = (problem: string): boolean => problem.includes("did you mean");

/** A mapping where one of a few words is expected is an "invalid value" to zod. */
const isOtherType = (issue: Issue): boolean =>
  issue.code === "invalid_type" || (issue.code === "invalid_value" && typeof issue.input !== "string");

/** The problems of the one form that was probably meant; undefined when that cannot be said. */
function likely(forms: readonly (readonly Found[])[], depth: number): readonly Found[] | undefined {
  const misfits = (form: readonly Found[]): number => form.reduce((sum, { misfit }) => sum + misfit, 0);
  const [best, second] = forms
    .filter((form) => !form.some(({ path, otherType }) => otherType && path.length === depth))
    .sort((a, b) => misfits(a) - misfits(b));
  return best && second && misfits(best) === misfits(second) ? undefined : best && toldOnce(best);
}

/** Who misspelt a key is not told as well that the right one is missing. */
const toldOnce = (form: readonly Found[]): readonly Found[] =>
  form.some(({ misfit }) => misfit === 0.5) ? form.filter(({ misfit, key }) => misfit < 1 || key !== undefined) : form;
