import { aggregations, withParameter } from "./aggregate.ts";
import { comparisons, type Expression, setOperators } from "./expression.ts";
import { functions } from "./functions.ts";
import { type Matcher, matchesEmpty } from "./storage.ts";
import { QueryError, type ValueType } from "./value.ts";

const spoken: Readonly<Record<ValueType, string>> = {
  scalar: "scalar",
  string: "string",
  vector: "instant vector",
  matrix: "range vector",
};

/** The type of what an expression gives. Throws a QueryError where it could never be computed. */
export function typeOf(expression: Expression): ValueType {
  switch (expression.kind) {
    case "number":
      return "scalar";
    case "string":
      return "string";
    case "selector":
      refuseEmpty(expression.matchers);
      return "vector";
    case "range":
      refuseEmpty(expression.matchers);
      return "matrix";
    case "subquery":
      expect(expression.of, "vector", "subquery is only allowed on instant vector, got");
      return "matrix";
    case "negate": {
      const type = typeOf(expression.of);
      if (type !== "scalar" && type !== "vector")
        throw wrong(
          `unary expression only allowed on expressions of type scalar or instant vector, got "${spoken[type]}"`,
        );
      return type;
    }
    case "call":
      return call(expression);
    case "aggregate":
      return aggregation(expression);
    case "binary":
      return operation(expression);
  }
}

function call({ name, args }: Extract<Expression, { kind: "call" }>): ValueType {
  const known = functions[name];
  if (!known) throw wrong(`the function "${name}" is not known to this stand-in for Prometheus`);
  const { takes, optional = 0, gives } = known;
  if (args.length > takes.length || args.length < takes.length - optional)
    throw wrong(`expected ${takes.length} argument(s) in call to "${name}", got ${args.length}`);
  for (const [index, arg] of args.entries())
    expect(
      arg,
      takes[index] ?? "vector",
      `expected type ${spoken[takes[index] ?? "vector"]} in call to function "${name}", got`,
    );
  return gives;
}

function aggregation({ op, args }: Extract<Expression, { kind: "aggregate" }>): ValueType {
  if (!aggregations.has(op)) throw wrong(`the aggregation "${op}" is not known to this stand-in for Prometheus`);
  const wanted: readonly ValueType[] = withParameter.has(op) ? ["scalar", "vector"] : ["vector"];
  if (args.length !== wanted.length)
    throw wrong(
      `wrong number of arguments for aggregate expression provided, expected ${wanted.length}, got ${args.length}`,
    );
  for (const [index, arg] of args.entries())
    expect(
      arg,
      wanted[index] ?? "vector",
      index === wanted.length - 1
        ? "expected type instant vector in aggregation expression, got"
        : "expected type scalar in aggregation parameter, got",
    );
  return "vector";
}

function operation({ op, left, right, bool, matching }: Extract<Expression, { kind: "binary" }>): ValueType {
  const types = [typeOf(left), typeOf(right)];
  if (types.some((type) => type !== "scalar" && type !== "vector"))
    throw wrong("binary expression must contain only scalar and instant vector types");
  const scalars = types.filter((type) => type === "scalar").length;
  if (setOperators.has(op) && scalars > 0) throw wrong(`set operator "${op}" not allowed in binary scalar expression`);
  if (bool && !comparisons.has(op)) throw wrong("bool modifier can only be used on comparison operators");
  if (scalars === 2 && comparisons.has(op) && !bool) throw wrong("comparisons between scalars must use BOOL modifier");
  if (matching && scalars > 0) throw wrong("vector matching only allowed between instant vectors");
  if (matching?.many && setOperators.has(op)) throw wrong(`no grouping allowed for "${op}" operation`);
  return scalars === 2 ? "scalar" : "vector";
}

function expect(expression: Expression, wanted: ValueType, complaint: string): void {
  const type = typeOf(expression);
  if (type !== wanted) throw wrong(`${complaint} ${spoken[type]}`);
}

function refuseEmpty(matchers: readonly Matcher[]): void {
  const names = matchers.filter(({ label, op }) => label === "__name__" && op === "=");
  if (names.length > 1)
    throw wrong(`metric name must not be set twice: ${names.map(({ text }) => JSON.stringify(text)).join(" or ")}`);
  if (matchers.every(matchesEmpty)) throw wrong("vector selector must contain at least one non-empty matcher");
}

const wrong = (message: string): QueryError => new QueryError("bad_data", `parse error: ${message}`);
