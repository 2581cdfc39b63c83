import { listAt, textAt, textsAt } from "./field.ts";

export type Labels = Readonly<Record<string, string>>;

/**
 * Which pods a Deployment (or a ReplicaSet, a PodDisruptionBudget) means:
 * https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors
 */
export type Selector = {
  readonly matchLabels: Labels;
  readonly matchExpressions: readonly {
    readonly key: string;
    readonly operator: string;
    readonly values: readonly string[];
  }[];
};

export function readSelector(selector: unknown): Selector {
  return {
    matchLabels: textsAt(selector, "matchLabels"),
    matchExpressions: listAt(selector, "matchExpressions").map((expression) => ({
      key: textAt(expression, "key") ?? "",
      operator: textAt(expression, "operator") ?? "",
      values: listAt(expression, "values").map(String),
    })),
  };
}

/** Whether every one of these labels is there with the same value. No labels at all are always there. */
export const carries = (labels: Labels, some: Labels): boolean =>
  Object.entries(some).every(([key, value]) => labels[key] === value);

const operators: Readonly<Record<string, (value: string | undefined, values: readonly string[]) => boolean>> = {
  In: (value, values) => value !== undefined && values.includes(value),
  NotIn: (value, values) => value === undefined || !values.includes(value),
  Exists: (value) => value !== undefined,
  DoesNotExist: (value) => value === undefined,
};

export const selects = ({ matchLabels, matchExpressions }: Selector, labels: Labels): boolean =>
  carries(labels, matchLabels) &&
  matchExpressions.every(({ key, operator, values }) => operators[operator]?.(labels[key], values) ?? false);

const queries: Readonly<Record<string, (key: string, values: readonly string[]) => string>> = {
  In: (key, values) => `${key} in (${values.join(",")})`,
  NotIn: (key, values) => `${key} notin (${values.join(",")})`,
  Exists: (key) => key,
  DoesNotExist: (key) => `!${key}`,
};

/** The selector as the `labelSelector` of a list request. */
export const asQuery = ({ matchLabels, matchExpressions }: Selector): string =>
  [
    ...Object.entries(matchLabels).map(([key, value]) => `${key}=${value}`),
    ...matchExpressions.map(({ key, operator, values }) => queries[operator]?.(key, values) ?? key),
  ].join(",");

/** `app=reviews, version=v1`, or "no labels". */
export const showLabels = (labels: Labels): string =>
  Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .join(", ") || "no labels";
