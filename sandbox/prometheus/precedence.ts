import type { Expression, Matching, Operator } from "./expression.ts";

/** A piece of an operation, in the order of the text. */
export type Item =
  | { readonly operand: Expression }
  | { readonly sign: string }
  | { readonly operator: Operator; readonly bool: boolean; readonly matching?: Matching };

/** https://prometheus.io/docs/prometheus/latest/querying/operators/#binary-operator-precedence */
const precedence: Readonly<Record<Operator, number>> = {
  or: 1,
  and: 2,
  unless: 2,
  "==": 3,
  "!=": 3,
  ">": 3,
  "<": 3,
  ">=": 3,
  "<=": 3,
  "+": 4,
  "-": 4,
  "*": 5,
  "/": 5,
  "%": 5,
  atan2: 5,
  "^": 6,
};

/** Joins operands and operators by precedence climbing. Only `^` binds to the right. */
export function climb(items: readonly Item[]): Expression {
  let position = 0;

  function operand(): Expression {
    const item = items[position++];
    if (item && "operand" in item) return item.operand;
    if (!item || !("sign" in item)) throw new Error("an operator without an operand passed the grammar");
    const signed = operation(precedence["^"]); // -2 ^ 2 is -(2 ^ 2)
    return item.sign === "-" ? { kind: "negate", of: signed } : signed;
  }

  function operation(least: number): Expression {
    let left = operand();
    for (
      let item = items[position];
      item && "operator" in item && precedence[item.operator] >= least;
      item = items[position]
    ) {
      position += 1;
      const { operator: op, ...modifiers } = item;
      const right = operation(op === "^" ? precedence[op] : precedence[op] + 1);
      left = { kind: "binary", op, left, right, ...modifiers };
    }
    return left;
  }

  return operation(0);
}
