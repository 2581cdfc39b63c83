import type { Source } from "../source.ts";

/** One small change to a file: what stands from `start` to `end` becomes `replacement`. */
export type Mutant = {
  readonly path: string;
  readonly start: number;
  readonly end: number;
  readonly replacement: string;
};

/** What is written for each operator. */
const operators: Readonly<Record<string, string>> = {
  "<": "<=",
  "<=": "<",
  ">": ">=",
  ">=": ">",
  "===": "!==",
  "!==": "===",
  "+": "-",
  "-": "+",
  "*": "/",
  "/": "*",
  "%": "*",
  "&&": "||",
  "||": "&&",
  "??": "&&",
  "+=": "-=",
  "-=": "+=",
  "??=": "=",
};

/** Methods that are another's opposite or neighbour. */
const methods: Readonly<Record<string, string>> = {
  some: "every",
  every: "some",
  min: "max",
  max: "min",
  floor: "ceil",
  ceil: "floor",
  startsWith: "endsWith",
  endsWith: "startsWith",
};

/** What a statement can do that might be forgotten. */
const effects = ["CallExpression", "AssignmentExpression", "UpdateExpression"];

/** Methods whose object does instead of the call. */
const dropped = ["filter", "sort", "toSorted", "reverse", "toReversed", "slice", "trim", "toLowerCase"];

type Span = { readonly start: number; readonly end: number };
type Expression = Span & { readonly type: string; readonly value?: unknown };

/**
 * Every mutant of a file: operators and conditions turned round, statements and elements left out, answers forgotten.
 * Texts and numbers are left as they are: golden files and tables hold the former, and most of the latter are tuning.
 */
export function mutantsOf(source: Source): readonly Mutant[] {
  const { path, text } = source;
  const mutants: Mutant[] = [];
  const types = new Set<number>();
  const replace = ({ start, end }: Span, ...replacements: readonly string[]): void => {
    for (const replacement of replacements) mutants.push({ path, start, end, replacement });
  };
  const swap = (operator: string, left: Span, right: Span): void => {
    const start = text.indexOf(operator, left.end);
    const swapped = operators[operator];
    if (swapped !== undefined && start < right.start) replace({ start, end: start + operator.length }, swapped);
  };
  const remove = (statement: Span): void => replace(statement, ";");
  const decide = (test: Expression | null): void => {
    if (test !== null && test.type !== "Literal") replace(test, "true", "false");
  };
  const stop = (test: Expression | null): void => {
    if (test !== null && test.type !== "Literal") replace(test, "false");
  };

  source.visit({
    TSLiteralType: ({ literal }) => {
      types.add(literal.start);
    },
    BinaryExpression: ({ operator, left, right }) => {
      if (operator === "+" && [left, right].some(isText)) return;
      swap(operator, left, right);
    },
    LogicalExpression: ({ operator, left, right }) => swap(operator, left, right),
    AssignmentExpression: ({ operator, left, right }) => swap(operator, left, right),
    UnaryExpression: ({ operator, start, argument }) => {
      if (operator === "!" || operator === "-") replace({ start, end: argument.start }, "");
    },
    UpdateExpression: ({ operator, start, end, prefix }) => {
      const at = prefix ? start : end - operator.length;
      replace({ start: at, end: at + operator.length }, operator === "++" ? "--" : "++");
    },
    IfStatement: ({ test }) => decide(test),
    ConditionalExpression: ({ test }) => decide(test),
    WhileStatement: ({ test }) => stop(test),
    DoWhileStatement: ({ test }) => stop(test),
    ForStatement: ({ test }) => stop(test),
    ExpressionStatement: (statement) => {
      const { expression } = statement;
      const does = expression.type === "AwaitExpression" ? expression.argument : expression;
      if (effects.includes(does.type)) remove(statement);
    },
    ThrowStatement: remove,
    ReturnStatement: ({ argument }) => {
      if (argument !== null && !isNothing(argument)) replace(argument, "undefined");
    },
    ArrowFunctionExpression: ({ expression, body }) => {
      if (expression && !isNothing(body)) replace(body, "undefined");
    },
    Literal: ({ value, start, end }) => {
      if (typeof value === "boolean" && !types.has(start)) replace({ start, end }, String(!value));
    },
    ArrayExpression: ({ elements }) => {
      for (const [index, element] of elements.entries()) {
        if (element === null || (elements.length > 6 && index > 0)) continue;
        const next = elements[index + 1];
        const previous = elements[index - 1];
        if (next) replace({ start: element.start, end: next.start }, "");
        else replace({ start: previous?.end ?? element.start, end: element.end }, "");
      }
    },
    CallExpression: (call) => {
      const { callee } = call;
      if (callee.type !== "MemberExpression" || callee.property.type !== "Identifier") return;
      const { name } = callee.property;
      // `toString` is every object's.
      const other = Object.hasOwn(methods, name) ? methods[name] : undefined;
      if (other !== undefined) replace(callee.property, other);
      if (dropped.includes(name)) replace({ start: callee.object.end, end: call.end }, "");
    },
  });
  return mutants.sort((a, b) => a.start - b.start);
}

const isText = ({ type, value }: Expression): boolean => type === "TemplateLiteral" || typeof value === "string";

const isNothing = (expression: Expression & { readonly name?: unknown }): boolean => expression.name === "undefined";

export const applied = (text: string, { start, end, replacement }: Mutant): string =>
  text.slice(0, start) + replacement + text.slice(end);

/** Where it is, what became of what, and for an operator the line around it: `src/a.ts:12:7: < → <= in now < end`. */
export function describe(text: string, { path, start, end, replacement }: Mutant): string {
  const before = text.slice(0, start).split("\n");
  const place = `${path}:${before.length}:${(before.at(-1)?.length ?? 0) + 1}`;
  const change = `${oneLine(text.slice(start, end))} → ${replacement.replace(/^;?$/, "nothing")}`;
  return end - start > 3
    ? `${place}: ${change}`
    : `${place}: ${change} in ${text.split("\n")[before.length - 1]?.trim()}`;
}

const oneLine = (text: string): string => {
  const line = text.replace(/\s+/g, " ");
  return line.length > 80 ? `${line.slice(0, 79)}…` : line;
};
