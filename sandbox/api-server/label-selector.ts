import { isObject } from "./object.ts";
import { badRequest } from "./status.ts";

type Labels = Readonly<Record<string, string>>;

export type Selector = (labels: Labels) => boolean;

const requirement = /^\s*(?:(!)\s*([-\w./]+)|([-\w./]+)\s*(?:(==|=|!=)\s*([-\w.]*)|\s(in|notin)\s*\(([^()]*)\))?)\s*$/;

/** Commas separate requirements, but not inside the brackets of `in (a, b)`. */
const split = (text: string): readonly string[] => text.split(/,(?![^(]*\))/);

/** The query's `labelSelector`: https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors */
export function parseLabelSelector(text: string): Selector {
  if (text.trim() === "") return () => true;
  const all = split(text).map(parseRequirement);
  return (labels) => all.every((one) => one(labels));
}

function parseRequirement(text: string): Selector {
  const match = requirement.exec(text);
  if (match === null)
    throw badRequest(`unable to parse requirement: found '${text.trim()}', expected: a label requirement`);
  const [, not, absent, key = "", operator, value = "", setOperator, list = ""] = match;
  if (not !== undefined) return (labels) => labels[absent ?? ""] === undefined;
  const values = list.split(",").map((item) => item.trim());
  if (setOperator === "in") return (labels) => labels[key] !== undefined && values.includes(labels[key]);
  if (setOperator === "notin") return (labels) => labels[key] === undefined || !values.includes(labels[key]);
  if (operator === "!=") return (labels) => labels[key] !== value;
  if (operator !== undefined) return (labels) => labels[key] === value;
  return (labels) => labels[key] !== undefined;
}

const expressions: Readonly<Record<string, (value: string | undefined, values: readonly string[]) => boolean>> = {
  In: (value, values) => value !== undefined && values.includes(value),
  NotIn: (value, values) => value === undefined || !values.includes(value),
  Exists: (value) => value !== undefined,
  DoesNotExist: (value) => value === undefined,
};

/** An object's `selector` with matchLabels and matchExpressions. An empty one selects everything. */
export function selectorOf(selector: unknown): Selector {
  if (!isObject(selector)) return () => false;
  const labels = isObject(selector.matchLabels) ? Object.entries(selector.matchLabels) : [];
  const wanted = Array.isArray(selector.matchExpressions) ? selector.matchExpressions.filter(isObject) : [];
  return (found) =>
    labels.every(([key, value]) => found[key] === value) &&
    wanted.every(
      ({ key, operator, values }) =>
        expressions[String(operator)]?.(found[String(key)], Array.isArray(values) ? values.map(String) : []) ?? false,
    );
}
