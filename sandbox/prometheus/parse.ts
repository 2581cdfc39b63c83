import type { SyntaxNode, Tree } from "@lezer/common";
import { parser } from "@prometheus-io/lezer-promql";
import type { Millis } from "../../src/lib/duration.ts";
import type { Expression, Matching, Operator, When } from "./expression.ts";
import { climb, type Item } from "./precedence.ts";
import type { Matcher } from "./storage.ts";
import { QueryError } from "./value.ts";

/** Reads PromQL with Prometheus's own grammar. Throws a QueryError that says where it is wrong. */
export function parse(query: string): Expression {
  if (query.trim() === "") throw parseError(query, 0, "no expression found in input");
  const tree = parser.parse(query);
  refuseErrors(tree, query);
  const [top] = children(tree.topNode);
  return top ? expression(top, query) : empty(tree.topNode, query);
}

const expression = (node: SyntaxNode, query: string): Expression => climb(items(node, query));

/**
 * The grammar is made for editors and binds `offset`, `@` and `[5m]` to the whole of `a + b` before them, and the sign
 * of `-2 ^ 2` to the 2. So operations are taken apart into operands and operators, and joined again by precedence.
 */
function items(node: SyntaxNode, query: string): readonly Item[] {
  const parts = children(node);
  const [first] = parts;
  switch (node.name) {
    case "BinaryExpr": {
      const [left, operator, ...rest] = parts;
      const right = rest.at(-1);
      if (!left || !operator || !right) throw unexpected(node, query);
      const modifiers = rest.slice(0, -1);
      if (modifiers.some(({ name }) => name.startsWith("Fill")))
        throw parseError(query, node.from, "fill modifiers are not known here");
      const matching = modifiers.find(({ name }) => name === "MatchingModifierClause");
      const item = {
        operator: textOf(operator, query).toLowerCase() as Operator,
        bool: modifiers.some(({ name }) => name === "BoolModifier"),
        ...(matching ? { matching: matchingOf(matching, query) } : {}),
      };
      return [...items(left, query), item, ...items(right, query)];
    }
    case "UnaryExpr": {
      const [sign, operand] = parts;
      if (!sign || !operand) throw unexpected(node, query);
      return [{ sign: textOf(sign, query) }, ...items(operand, query)];
    }
    case "NumberDurationLiteral": {
      const text = textOf(node, query);
      const sign = /^[+-]/.exec(text)?.[0];
      const operand: Item = { operand: { kind: "number", value: numberOf(text.slice(sign?.length ?? 0)) } };
      return sign ? [{ sign }, operand] : [operand];
    }
    case "OffsetExpr":
    case "StepInvariantExpr":
    case "MatrixSelector":
    case "SubqueryExpr": {
      const before = first ? items(first, query) : [];
      const last = before.at(-1);
      if (!last || !("operand" in last)) throw unexpected(node, query);
      return [...before.slice(0, -1), { operand: attach(last.operand, node, query) }];
    }
    case "ParenExpr":
      return [{ operand: first ? expression(first, query) : empty(node, query) }];
    default:
      return [{ operand: operand(node, query) }];
  }
}

function operand(node: SyntaxNode, query: string): Expression {
  const parts = children(node);
  const part = (name: string): SyntaxNode | undefined => parts.find((child) => child.name === name);
  const args = (): readonly Expression[] => children(part("FunctionCallBody")).map((arg) => expression(arg, query));
  switch (node.name) {
    case "StringLiteral":
      return { kind: "string", text: stringOf(textOf(node, query)) };
    case "VectorSelector":
      return {
        kind: "selector",
        matchers: [
          ...nameMatcher(part("Identifier"), query),
          ...children(part("LabelMatchers")).map((matcher) => matcherOf(matcher, query)),
        ],
        when: { offset: 0 },
      };
    case "FunctionCall":
      return { kind: "call", name: textOf(part("FunctionIdentifier"), query), args: args() };
    case "AggregateExpr": {
      const grouping = part("AggregateModifier");
      return {
        kind: "aggregate",
        op: textOf(part("AggregateOp"), query).toLowerCase(),
        args: args(),
        grouping: { by: children(grouping)[0]?.name !== "Without", labels: labelsIn(grouping, query) },
      };
    }
    default:
      throw unexpected(node, query);
  }
}

/** What stands behind a selector: a range, an offset, a fixed time. */
function attach(to: Expression, node: SyntaxNode, query: string): Expression {
  const [, ...parts] = children(node);
  if (node.name === "MatrixSelector") {
    if (to.kind !== "selector") throw parseError(query, node.from, "ranges only allowed for vector selectors");
    return { ...to, kind: "range", range: durationOf(parts[0], query) };
  }
  if (node.name === "SubqueryExpr") {
    const [range, step] = parts;
    return {
      kind: "subquery",
      of: to,
      range: durationOf(range, query),
      ...(step ? { step: durationOf(step, query) } : {}),
      when: { offset: 0 },
    };
  }
  const what = node.name === "OffsetExpr" ? "offset modifier" : "@ modifier";
  if (!("when" in to))
    throw parseError(
      query,
      node.from,
      `${what} must be preceded by an instant vector selector or range vector selector or a subquery`,
    );
  return { ...to, when: { ...to.when, ...whenOf(node, query) } };
}

function whenOf(node: SyntaxNode, query: string): Partial<When> {
  const text = textOf(children(node).at(-1), query);
  if (node.name === "OffsetExpr") return { offset: text.startsWith("-") ? -millisOf(text.slice(1)) : millisOf(text) };
  if (/^(start|end)/.test(text)) return {}; // of an instant query both are the moment of the evaluation
  return { at: numberOf(text) * 1_000 };
}

function matchingOf(node: SyntaxNode, query: string): Matching {
  const parts = children(node);
  const group = parts.findIndex(({ name }) => name === "GroupLeft" || name === "GroupRight");
  const many = parts[group]?.name === "GroupLeft" ? "left" : "right";
  return {
    on: parts[0]?.name === "On",
    labels: labelsIn(parts[1], query),
    include: group < 0 ? [] : labelsIn(parts[group + 1], query),
    ...(group < 0 ? {} : { many }),
  };
}

function labelsIn(node: SyntaxNode | undefined, query: string): readonly string[] {
  const list = node?.name === "GroupingLabels" ? node : children(node).find(({ name }) => name === "GroupingLabels");
  return children(list).map((label) =>
    label.name === "LabelName" ? textOf(label, query) : stringOf(textOf(label, query)),
  );
}

const nameMatcher = (identifier: SyntaxNode | undefined, query: string): readonly Matcher[] =>
  identifier ? [{ label: "__name__", op: "=", text: textOf(identifier, query) }] : [];

function matcherOf(node: SyntaxNode, query: string): Matcher {
  const [label, op, text] = children(node);
  if (node.name === "QuotedLabelName") return { label: "__name__", op: "=", text: stringOf(textOf(node, query)) };
  const name = textOf(label, query);
  return {
    label: node.name === "QuotedLabelMatcher" ? stringOf(name) : name,
    op: textOf(op, query) as Matcher["op"],
    text: stringOf(textOf(text, query)),
  };
}

/** `0x1F`, `1_000`, `Inf`, `5m` (which is 300), `.5e3`. */
function numberOf(text: string): number {
  const plain = text.replaceAll("_", "").toLowerCase();
  if (plain === "inf") return Infinity;
  if (plain === "nan") return Number.NaN;
  return Number.isNaN(Number(plain)) ? millisOf(plain) / 1_000 : Number(plain);
}

const units: Readonly<Record<string, Millis>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
  y: 31_536_000_000,
};

/** `1h30m`, or seconds without a unit. */
function millisOf(text: string): Millis {
  const parts = [...text.matchAll(/(\d+)(ms|[smhdwy])/g)];
  return parts.length === 0
    ? Number(text) * 1_000
    : parts.reduce((sum, [, count, unit]) => sum + Number(count) * (units[unit ?? ""] ?? Number.NaN), 0);
}

function durationOf(node: SyntaxNode | undefined, query: string): Millis {
  const millis = millisOf(textOf(node, query));
  if (!(millis > 0)) throw parseError(query, node?.from ?? 0, "duration must be greater than 0");
  return millis;
}

/** Backticks quote literally; in the other quotes Go's escapes hold, of which JSON knows the usual ones. */
function stringOf(quoted: string): string {
  const inner = quoted.slice(1, -1);
  if (quoted.startsWith("`")) return inner;
  const escaped = /\\(u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|.)/gs;
  return inner.replace(escaped, (whole, code: string) => {
    if (code.length > 1) return String.fromCodePoint(Number.parseInt(code.slice(1), 16));
    const meant = controls[code] ?? (`'"\\`.includes(code) ? code : undefined);
    if (meant === undefined) throw new QueryError("bad_data", `unknown escape sequence ${whole} in string`);
    return meant;
  });
}

const controls: Readonly<Record<string, string>> = { n: "\n", t: "\t", r: "\r", a: "\x07", b: "\b", f: "\f", v: "\v" };

function refuseErrors(tree: Tree, query: string): void {
  tree.iterate({
    enter: ({ type, from, to }) => {
      if (!type.isError) return;
      const called = /([a-zA-Z_]\w*)\s*$/.exec(query.slice(0, from))?.[1];
      if (called && query[from] === "(")
        throw parseError(query, from - called.length, `unknown function with name "${called}"`);
      throw parseError(
        query,
        from,
        from >= query.trimEnd().length
          ? "unexpected end of input"
          : `unexpected ${JSON.stringify(query.slice(from, Math.max(to, from + 1)))}`,
      );
    },
  });
}

/** Prometheus counts lines and columns from one. */
function parseError(query: string, at: number, message: string): QueryError {
  const before = query.slice(0, at).split("\n");
  return new QueryError("bad_data", `${before.length}:${(before.at(-1)?.length ?? 0) + 1}: parse error: ${message}`);
}

const unexpected = (node: SyntaxNode, query: string): QueryError =>
  parseError(query, node.from, `${JSON.stringify(textOf(node, query))} is not known here`);

function empty(node: SyntaxNode, query: string): never {
  throw parseError(query, node.from, "no expression found in input");
}

function children(node: SyntaxNode | undefined): readonly SyntaxNode[] {
  const all: SyntaxNode[] = [];
  for (let child = node?.firstChild ?? null; child; child = child.nextSibling)
    if (child.name !== "LineComment") all.push(child);
  return all;
}

const textOf = (node: SyntaxNode | undefined, query: string): string => (node ? query.slice(node.from, node.to) : "");
