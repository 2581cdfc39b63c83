import type { Instant, Millis } from "../../src/lib/duration.ts";
import { aggregate } from "./aggregate.ts";
import { typeOf } from "./check.ts";
import type { Expression, When } from "./expression.ts";
import { functions, samplesOf } from "./functions.ts";
import { operate } from "./operate.ts";
import { parse } from "./parse.ts";
import type { Matcher, Storage } from "./storage.ts";
import { keyOf, type Labels, type Point, QueryError, type Range, type Value, vector, withoutName } from "./value.ts";

/** Of subqueries that name none: Prometheus's evaluation interval. */
const defaultStep: Millis = 60_000;

/** The answer to a query at one moment. Throws a QueryError. */
export function ask(query: string, storage: Storage, at: Instant): Value {
  return evaluate(expressionOf(query), storage, at);
}

/** Queries are asked again and again. */
const known = new Map<string, Expression>();

function expressionOf(query: string): Expression {
  const before = known.get(query);
  if (before !== undefined) return before;
  const expression = parse(query);
  typeOf(expression);
  if (known.size < 1_000) known.set(query, expression);
  return expression;
}

function evaluate(expression: Expression, storage: Storage, at: Instant): Value {
  const value = (of: Expression): Value => evaluate(of, storage, at);
  switch (expression.kind) {
    case "number":
      return { type: "scalar", value: expression.value };
    case "string":
      return { type: "string", text: expression.text };
    case "selector":
      return { type: "vector", samples: storage.instant(expression.matchers, moment(expression.when, at)) };
    case "range": {
      const end = moment(expression.when, at);
      const start = end - expression.range;
      return { type: "matrix", series: storage.range(expression.matchers, start, end), start, end };
    }
    case "subquery":
      return subquery(expression, storage, at);
    case "negate": {
      const negated = value(expression.of);
      return negated.type === "scalar"
        ? { type: "scalar", value: -negated.value }
        : vector(samplesOf(negated).map(({ labels, value }) => ({ labels: withoutName(labels), value: -value })));
    }
    case "call":
      return call(expression, storage, at);
    case "aggregate": {
      const [first, second] = expression.args.map(value);
      return aggregate(expression.op, samplesOf(second ?? first), second && first, expression.grouping);
    }
    case "binary":
      return operate(expression, value(expression.left), value(expression.right));
  }
}

const moment = ({ offset, at: fixed }: When, at: Instant): Instant => (fixed ?? at) - offset;

function call({ name, args }: Extract<Expression, { kind: "call" }>, storage: Storage, at: Instant): Value {
  const [first] = args;
  if (name === "timestamp" && first?.kind === "selector") return timestamps(first, storage, at);
  const answer = functions[name]?.run(
    args.map((arg) => evaluate(arg, storage, at)),
    at,
  );
  if (!answer) throw new QueryError("execution", `the function "${name}" is not known to this stand-in for Prometheus`);
  return name.startsWith("absent") && answer.type === "vector" && first
    ? vector(answer.samples.map(({ value }) => ({ value, labels: labelsAsked(first) })))
    : answer;
}

/** When each sample was taken. */
function timestamps(
  { matchers, when }: Extract<Expression, { kind: "selector" }>,
  storage: Storage,
  at: Instant,
): Value {
  const alive = new Set(storage.instant(matchers, moment(when, at)).map(({ labels }) => keyOf(labels)));
  const all = storage.range(matchers, -Infinity, moment(when, at)).filter(({ labels }) => alive.has(keyOf(labels)));
  return vector(
    all.map(({ labels, points }) => ({
      labels: withoutName(labels),
      value: (points.at(-1)?.at ?? Number.NaN) / 1_000,
    })),
  );
}

/** `absent(x{a="b"})` gives what the selector asked for by `=`, unless it names a label twice. */
function labelsAsked(of: Expression): Labels {
  const matchers: readonly Matcher[] = of.kind === "selector" || of.kind === "range" ? of.matchers : [];
  const once = matchers.filter(
    ({ label, op }) =>
      op === "=" && label !== "__name__" && matchers.filter((other) => other.label === label).length === 1,
  );
  return Object.fromEntries(once.map(({ label, text }) => [label, text]));
}

/** Steps lie on multiples of the step, whenever one asks. */
function subquery(
  { of, range, step = defaultStep, when }: Extract<Expression, { kind: "subquery" }>,
  storage: Storage,
  at: Instant,
): Value {
  const end = moment(when, at);
  const start = end - range;
  const series = new Map<string, { readonly labels: Labels; readonly points: Point[] }>();
  for (let now = (Math.floor(start / step) + 1) * step; now <= end; now += step) {
    for (const { labels, value } of samplesOf(evaluate(of, storage, now))) {
      const key = keyOf(labels);
      const one = series.get(key) ?? { labels, points: [] };
      series.set(key, one);
      one.points.push({ at: now, value });
    }
  }
  const all: readonly Range[] = [...series.values()];
  return { type: "matrix", series: all, start, end };
}
