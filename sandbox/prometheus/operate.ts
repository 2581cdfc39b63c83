import { comparisons, type Matching, type Operator, setOperators } from "./expression.ts";
import {
  drop,
  keep,
  keyOf,
  type Labels,
  QueryError,
  type Sample,
  show,
  type Value,
  vector,
  withoutName,
} from "./value.ts";

const arithmetic: Readonly<Record<string, (left: number, right: number) => number>> = {
  "+": (left, right) => left + right,
  "-": (left, right) => left - right,
  "*": (left, right) => left * right,
  "/": (left, right) => left / right,
  "%": (left, right) => left % right,
  "^": (left, right) => left ** right,
  atan2: Math.atan2,
};

const compared: Readonly<Record<string, (left: number, right: number) => boolean>> = {
  "==": (left, right) => left === right,
  "!=": (left, right) => left !== right,
  ">": (left, right) => left > right,
  "<": (left, right) => left < right,
  ">=": (left, right) => left >= right,
  "<=": (left, right) => left <= right,
};

export type Operation = { readonly op: Operator; readonly bool: boolean; readonly matching?: Matching };

/** https://prometheus.io/docs/prometheus/latest/querying/operators/ */
export function operate(operation: Operation, left: Value, right: Value): Value {
  if (left.type === "scalar" && right.type === "scalar")
    return { type: "scalar", value: result({ ...operation, bool: true }, left.value, right.value, 0) ?? Number.NaN };
  if (left.type === "vector" && right.type === "scalar")
    return vector(
      left.samples.flatMap((sample) => combined(operation, sample, sample.value, right.value, sample.value)),
    );
  if (left.type === "scalar" && right.type === "vector")
    return vector(
      right.samples.flatMap((sample) => combined(operation, sample, left.value, sample.value, sample.value)),
    );
  if (left.type !== "vector" || right.type !== "vector")
    throw new QueryError("bad_data", "binary expression must contain only scalar and instant vector types");
  if (setOperators.has(operation.op)) return combineSets(operation, left.samples, right.samples);
  return combineVectors(operation, left.samples, right.samples);
}

/** A comparison lets a sample through as it is (`kept`) or gives nothing; with `bool` it gives 1 or 0. */
function result({ op, bool }: Operation, left: number, right: number, kept: number): number | undefined {
  const compare = compared[op];
  if (compare) return bool ? Number(compare(left, right)) : compare(left, right) ? kept : undefined;
  return arithmetic[op]?.(left, right);
}

function combined(
  operation: Operation,
  { labels }: Sample,
  left: number,
  right: number,
  kept: number,
): readonly Sample[] {
  const value = result(operation, left, right, kept);
  return value === undefined ? [] : [{ labels: dropsName(operation) ? withoutName(labels) : labels, value }];
}

/** What compares stays what it was; what computes is another thing. */
const dropsName = ({ op, bool }: Operation): boolean => bool || !comparisons.has(op);

const everything: Matching = { on: false, labels: [], include: [] };

function matched({ on, labels: names }: Matching, labels: Labels): Labels {
  if (on) return keep(labels, names);
  return names.length === 0 ? withoutName(labels) : drop(labels, [...names, "__name__"]);
}

function combineSets(
  { op, matching = everything }: Operation,
  left: readonly Sample[],
  right: readonly Sample[],
): Value {
  const key = ({ labels }: Sample): string => keyOf(matched(matching, labels));
  const inLeft = new Set(left.map(key));
  const inRight = new Set(right.map(key));
  if (op === "and") return vector(left.filter((sample) => inRight.has(key(sample))));
  if (op === "unless") return vector(left.filter((sample) => !inRight.has(key(sample))));
  return vector([...left, ...right.filter((sample) => !inLeft.has(key(sample)))]);
}

function combineVectors(operation: Operation, left: readonly Sample[], right: readonly Sample[]): Value {
  const { matching = everything } = operation;
  const swapped = matching.many === "right";
  const [many, one] = swapped ? [right, left] : [left, right];
  const ones = oneSide(matching, one, swapped ? "left" : "right");

  const used = new Set<string>();
  const samples = many.flatMap((sample) => {
    const group = keyOf(matched(matching, sample.labels));
    const partner = ones.get(group);
    if (!partner) return [];
    const value = swapped
      ? result(operation, partner.value, sample.value, partner.value)
      : result(operation, sample.value, partner.value, sample.value);
    if (value === undefined) return [];
    const labels = resultLabels(operation, matching, sample.labels, partner.labels);
    const unique = matching.many ? `${group}${keyOf(labels)}` : group;
    if (used.has(unique))
      throw new QueryError(
        "execution",
        matching.many
          ? "multiple matches for labels: grouping labels must ensure unique matches"
          : "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)",
      );
    used.add(unique);
    return [{ labels, value }];
  });
  return vector(samples);
}

function oneSide(matching: Matching, samples: readonly Sample[], side: "left" | "right"): ReadonlyMap<string, Sample> {
  const groups = new Map<string, Sample>();
  for (const sample of samples) {
    const group = matched(matching, sample.labels);
    const other = groups.get(keyOf(group));
    if (other)
      throw new QueryError(
        "execution",
        `found duplicate series for the match group ${show(group)} on the ${side} hand-side of the operation: [${show(sample.labels)}, ${show(other.labels)}];many-to-many matching not allowed: matching labels must be unique on one side`,
      );
    groups.set(keyOf(group), sample);
  }
  return groups;
}

function resultLabels(operation: Operation, matching: Matching, many: Labels, one: Labels): Labels {
  const named = dropsName(operation) ? withoutName(many) : many;
  if (!matching.many) return matching.on ? keep(named, matching.labels) : drop(named, matching.labels);
  return { ...drop(named, matching.include), ...keep(one, matching.include) };
}
