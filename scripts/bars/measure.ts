import { basename } from "node:path";
import type { Source } from "../source.ts";

/** How the code of some files is written. Shares are between 0 and 1. */
export type Figures = {
  readonly files: number;
  /** Without comments and empty lines. */
  readonly lines: number;
  readonly ternaries: number;
  /** `...(x ? … : …)` and `...(x && …)`. */
  readonly conditionalSpreads: number;
  /** Lines of more characters than the formatter's width. It cannot break strings. */
  readonly longLines: number;
  /** Lines of code of each function that has a name, from the shortest. What is written into a call has none. */
  readonly functions: readonly number[];
};

/** What is wrong between files, as sentences. */
export type Neighbours = {
  readonly typesTwice: readonly string[];
  readonly namedAlike: readonly string[];
  readonly cycles: readonly string[];
  readonly small: readonly string[];
};

const width = 120;

export function figuresOf(sources: readonly Source[]): Figures {
  const functions = sources.flatMap(functionLengths).sort((a, b) => a - b);
  let lines = 0;
  let longLines = 0;
  let ternaries = 0;
  let conditionalSpreads = 0;
  for (const source of sources) {
    lines += codeLines(source);
    longLines += source.lines.filter((line) => line.length > width).length;
    source.visit({
      ConditionalExpression: () => {
        ternaries += 1;
      },
      SpreadElement: ({ argument }) => {
        if (isConditional(argument)) conditionalSpreads += 1;
      },
    });
  }
  return { files: sources.length, lines, ternaries, conditionalSpreads, longLines, functions };
}

/** The length that this share of functions does not exceed. */
export const quantile = (lengths: readonly number[], share: number): number =>
  lengths[Math.ceil(lengths.length * share) - 1] ?? 0;

export const per1000 = (count: number, lines: number): number => (lines === 0 ? 0 : (1000 * count) / lines);

const codeLines = ({ isCode }: Source, from = 0, to = isCode.length): number =>
  isCode.slice(from, to).filter(Boolean).length;

type Expression = { readonly type: string; readonly expression?: unknown; readonly operator?: string };

function isConditional(argument: Expression): boolean {
  if (argument.type === "ParenthesizedExpression") return isConditional(argument.expression as Expression);
  return argument.type === "ConditionalExpression" || argument.operator === "&&";
}

type Span = { readonly start: number; readonly end: number };

function functionLengths(source: Source): readonly number[] {
  const lengths: number[] = [];
  const count = ({ start, end }: Span): void => {
    lengths.push(codeLines(source, source.lineAt(start), source.lineAt(end) + 1));
  };
  const countValue = (value: (Span & { readonly type: string }) | null): void => {
    if (value?.type === "ArrowFunctionExpression" || value?.type === "FunctionExpression") count(value);
  };
  source.visit({
    FunctionDeclaration: count,
    VariableDeclarator: ({ init }) => countValue(init),
    Property: ({ value }) => countValue(value),
    MethodDefinition: ({ value }) => countValue(value),
    PropertyDefinition: ({ value }) => countValue(value),
  });
  return lengths;
}

export function neighboursOf(sources: readonly Source[]): Neighbours {
  return {
    typesTwice: typesTwice(sources),
    namedAlike: namedAlike(sources),
    cycles: cyclesOf(sources),
    small: smallOf(sources),
  };
}

/** TypeScript's own, which a type of the same name would hide. */
const builtIn = ["Record", "Partial", "Required", "Readonly", "Pick", "Omit", "Exclude", "Extract", "Awaited"];

function typesTwice(sources: readonly Source[]): readonly string[] {
  const places = new Map<string, string[]>(builtIn.map((name) => [name, ["TypeScript"]]));
  for (const source of sources) {
    const add = ({ id }: { readonly id: { readonly name: string } | null }): void => {
      if (id === null) return;
      places.set(id.name, [...(places.get(id.name) ?? []), source.path]);
    };
    source.visit({ TSTypeAliasDeclaration: add, TSInterfaceDeclaration: add, ClassDeclaration: add });
  }
  return repeated(places);
}

/** The same name in two folders, or one and its plural. */
function namedAlike(sources: readonly Source[]): readonly string[] {
  const places = new Map<string, string[]>();
  for (const { path } of sources) {
    const name = basename(path, ".ts").replace(/s$/, "");
    places.set(name, [...(places.get(name) ?? []), path]);
  }
  return repeated(places);
}

const repeated = (places: ReadonlyMap<string, readonly string[]>): readonly string[] =>
  [...places].filter(([, paths]) => paths.length > 1).map(([name, paths]) => `${name}: ${paths.join(", ")}`);

/** Each ring of imports once: the files that reach each other. */
function cyclesOf(sources: readonly Source[]): readonly string[] {
  const imports = new Map(sources.map((source) => [source.path, source.imports]));
  const reach = new Map(sources.map(({ path }) => [path, reachableFrom(path, imports)]));
  const inRing = new Set<string>();
  const rings: string[] = [];
  for (const { path } of sources) {
    if (inRing.has(path) || !reach.get(path)?.has(path)) continue;
    const ring = [...(reach.get(path) ?? [])].filter((other) => reach.get(other)?.has(path));
    for (const file of ring) inRing.add(file);
    rings.push(ring.sort().join(", "));
  }
  return rings;
}

function reachableFrom(path: string, imports: ReadonlyMap<string, readonly string[]>): ReadonlySet<string> {
  const reached = new Set<string>();
  const open = [path];
  for (let file = open.pop(); file !== undefined; file = open.pop()) {
    for (const next of imports.get(file) ?? []) {
      if (reached.has(next)) continue;
      reached.add(next);
      open.push(next);
    }
  }
  return reached;
}

/** Files that might join the only one that imports them. */
function smallOf(sources: readonly Source[]): readonly string[] {
  return sources.flatMap((source) => {
    const importers = sources.filter(({ imports }) => imports.includes(source.path));
    const lines = codeLines(source);
    if (lines >= 25 || importers.length !== 1) return [];
    return [`${source.path} (${lines} lines, only for ${importers[0]?.path})`];
  });
}
