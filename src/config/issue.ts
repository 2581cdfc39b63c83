import { RefusedError } from "../lib/errors.ts";

export type Path = readonly PropertyKey[];

/** One problem of the configuration, while it is still known by its place in the document. */
export type Problem = {
  readonly path: Path;
  readonly problem: string;
  /** What stands there instead. */
  readonly found?: { readonly value: unknown } | undefined;
  /** A place outside the document: a file with its line, or an input. */
  readonly place?: string | undefined;
  /** Nothing is wrong with what stands there: it is only not enough for a release. */
  readonly missing?: true | undefined;
};

/** One problem of the configuration, as it is told. */
export type ConfigIssue = {
  /** `stages[2].gates[0].errors.atMost`, the name of an input, or a file with its line. */
  readonly path: string;
  readonly problem: string;
  /** The value that was found, as text; absent where it is secret, or where there is none to show. */
  readonly found?: string | undefined;
};

/** Everything that is wrong with the configuration, one line each. */
export class ConfigError extends RefusedError {
  readonly issues: readonly ConfigIssue[];

  constructor(issues: readonly ConfigIssue[]) {
    super(issues.map(tellIssue).join("\n"));
    this.issues = issues;
  }
}

export const tellIssue = ({ path, problem, found }: ConfigIssue): string =>
  `${path === "" ? "" : `${path}: `}${problem}${found === undefined ? "" : `, got ${found}`}`;

/** `stages[2].labels["app.kubernetes.io/name"]` */
export const printPath = (path: Path): string =>
  path.reduce<string>((text, part) => {
    if (typeof part === "number") return `${text}[${part}]`;
    const name = String(part);
    if (!/^[\w-]+$/.test(name)) return `${text}[${JSON.stringify(name)}]`;
    return text === "" ? name : `${text}.${name}`;
  }, "");

export const startsWith = (path: Path, start: Path): boolean => start.every((part, index) => path[index] === part);

export const isMapping = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

export const at = (document: unknown, path: Path): unknown =>
  path.reduce<unknown>((value, part) => {
    if (Array.isArray(value)) return typeof part === "number" ? value[part] : undefined;
    return isMapping(value) && Object.hasOwn(value, part) ? value[String(part)] : undefined;
  }, document);

/** A value as an error shows it: short, and without the password that a URL may carry. */
export function show(value: unknown): string {
  if (value === undefined || value === null) return "nothing";
  const text = JSON.stringify(value).replaceAll(/\/\/[^/@\s"]+@/g, "//***@");
  return text.length > 80 ? `${text.slice(0, 79)}…` : text;
}
