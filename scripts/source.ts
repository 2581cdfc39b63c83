import { dirname, join, posix } from "node:path";
import { parseSync, Visitor, type VisitorObject } from "oxc-parser";

type Program = ReturnType<typeof parseSync>["program"];

/** A file as a parser sees it: what stands in strings and comments is no code. */
export type Source = {
  readonly path: string;
  readonly text: string;
  /** The lines as they are written. */
  readonly lines: readonly string[];
  /** For each line whether there is code in it, and not only comments or nothing. */
  readonly isCode: readonly boolean[];
  /** Files that it imports from or exports again, by path; types and `import()` included, packages not. */
  readonly imports: readonly string[];
  visit(visitor: VisitorObject): void;
  /** The number of the line, from 0, in which the character is. */
  lineAt(offset: number): number;
};

export function parseSource(path: string, text: string): Source {
  const { program, comments, errors } = parseSync(path, text);
  if (errors.length > 0) throw new Error(`${path} cannot be parsed: ${errors[0]?.message}`);
  let code = text;
  for (const { start, end } of comments) {
    const blank = text.slice(start, end).replace(/[^\n]/g, " ");
    code = code.slice(0, start) + blank + code.slice(end);
  }
  const ends = [...text.matchAll(/\n/g)].map(({ index }) => index);
  return {
    path,
    text,
    lines: text.split("\n"),
    isCode: code.split("\n").map((line) => line.trim() !== ""),
    imports: importsOf(path, program),
    visit: (visitor) => new Visitor(visitor).visit(program),
    lineAt: (offset) => ends.filter((end) => end < offset).length,
  };
}

function importsOf(path: string, program: Program): readonly string[] {
  const found = new Set<string>();
  const add = (source: { readonly type: string; readonly value?: unknown } | null): void => {
    if (typeof source?.value === "string" && source.value.startsWith(".")) {
      found.add(posix.normalize(join(dirname(path), source.value)));
    }
  };
  new Visitor({
    ImportDeclaration: ({ source }) => add(source),
    ExportNamedDeclaration: ({ source }) => add(source),
    ExportAllDeclaration: ({ source }) => add(source),
    ImportExpression: ({ source }) => add(source),
    TSImportType: ({ source }) => add(source),
  }).visit(program);
  return [...found];
}
