import { RefusedError } from "../lib/errors.ts";
import { count, plural } from "../lib/numbers.ts";
import type { Redact } from "../lib/redaction.ts";

export type Path = readonly PropertyKey[];

/** One problem of the configuration, while it is still known by its place in the document. */
export type Problem = {
  readonly path: Path;
  readonly problem: string;
  /** What stands there instead. */
  readonly found?: { readonly value: unknown } | undefined;
  /** A place outside the document: a file with its line, or an input. */
  readonly place?: string | undefined;
  /** Of a place in a file: `k8s.yaml:7:3`. */
  readonly position?: string | undefined;
  /** The key that is wrong by itself, below `path`. */
  readonly key?: string | undefined;
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
  /** `canary.yaml:7:3`, where the path leads to in the file. */
  readonly position?: string | undefined;
};

/** Everything that is wrong with the configuration, one line each; of very much, the first. */
export class ConfigError extends RefusedError {
  readonly issues: readonly ConfigIssue[];

  constructor(issues: readonly ConfigIssue[]) {
    super(tellIssues(issues));
    this.issues = issues;
  }
}

/** Somebody reads them: what is wrong everywhere is wrong for one reason. */
const mostLines = 20;
const longestLine = 2_000;

/** A line for each issue, and none twice. */
export function tellIssues(issues: readonly ConfigIssue[]): readonly string[] {
  const lines = [...new Set(issues.map(tellIssue))];
  if (lines.length <= mostLines) return lines;
  const more = lines.length - mostLines + 1;
  return [...lines.slice(0, mostLines - 1), `and ${count(more)} more ${plural(more, "problem")}`];
}

function tellIssue({ path, problem, found, position = "" }: ConfigIssue): string {
  const where = position.startsWith(`${path}:`) ? [position] : [position, path];
  const text = [...where.filter((part) => part !== ""), problem].join(": ");
  // paths may have control characters in them, names of files most of all
  return shortened(found === undefined ? text : `${text}, got ${found}`, longestLine).replaceAll(/\p{Cc}+/gu, " ");
}

/** `stages[2].labels["app.kubernetes.io/name"]` */
export const printPath = (path: Path): string =>
  path.reduce<string>((text, part) => {
    if (typeof part === "number") return `${text}[${part}]`;
    const name = shortened(String(part), longestShown);
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
export function show(value: unknown, redact: Redact = (text) => text): string {
  if (value === undefined || value === null) return "nothing";
  if (typeof value === "number" && !Number.isFinite(value)) return noNumbers[String(value)] ?? "nothing";
  return shortened(redact(JSON.stringify(value)).replaceAll(/\/\/[^/@\s"]+@/g, "//***@"), longestShown);
}

/** As YAML writes them; JSON has no word for them. */
const noNumbers: Readonly<Record<string, string>> = { NaN: ".nan", Infinity: ".inf", "-Infinity": "-.inf" };

const longestShown = 80;

export const shortened = (text: string, longest = longestShown): string =>
  text.length > longest ? `${text.slice(0, longest - 1)}…` : text;
