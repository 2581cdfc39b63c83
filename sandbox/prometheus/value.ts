import type { Instant } from "../../src/lib/duration.ts";

/** A label set; a metric's name is the label `__name__`. A label that is not there counts as empty. */
export type Labels = Readonly<Record<string, string>>;

export type Point = { readonly at: Instant; readonly value: number; readonly histogram?: Histogram | undefined };
/** One that is a histogram has no number as its value. */
export type Sample = { readonly labels: Labels; readonly value: number; readonly histogram?: Histogram | undefined };
/** A native histogram, as far as it is passed on: https://prometheus.io/docs/specs/native_histograms/ */
export type Histogram = {
  readonly count: number;
  readonly sum: number;
  /** Those in which anything is, and none twice. */
  readonly buckets: readonly { readonly from: number; readonly to: number; readonly count: number }[];
};
export type Range = { readonly labels: Labels; readonly points: readonly Point[] };

/** What an expression gives: https://prometheus.io/docs/prometheus/latest/querying/basics/#expression-language-data-types */
export type Value =
  | { readonly type: "scalar"; readonly value: number }
  | { readonly type: "string"; readonly text: string }
  | { readonly type: "vector"; readonly samples: readonly Sample[] }
  /** `start` (excluded) to `end` is the window that was asked for: rates are extrapolated to it. */
  | { readonly type: "matrix"; readonly series: readonly Range[]; readonly start: Instant; readonly end: Instant };

export type ValueType = Value["type"];

/** A query that cannot be answered. `bad_data`: it is wrong as written. `execution`: it went wrong with these series. */
export class QueryError extends Error {
  readonly kind: "bad_data" | "execution";

  constructor(kind: "bad_data" | "execution", message: string) {
    super(message);
    this.kind = kind;
  }
}

/** Label sets are never changed in place, and those of stored series come again and again. */
const keys = new WeakMap<Labels, string>();

/** The same for the same labels, in whichever order. */
export function keyOf(labels: Labels): string {
  let key = keys.get(labels);
  if (key === undefined) {
    key = JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)));
    keys.set(labels, key);
  }
  return key;
}

export const keep = (labels: Labels, names: readonly string[]): Labels =>
  Object.fromEntries(Object.entries(labels).filter(([name]) => names.includes(name)));
export const drop = (labels: Labels, names: readonly string[]): Labels =>
  Object.fromEntries(Object.entries(labels).filter(([name]) => !names.includes(name)));
const nameless = new WeakMap<Labels, Labels>();

export function withoutName(labels: Labels): Labels {
  let rest = nameless.get(labels);
  if (rest === undefined) {
    rest = drop(labels, ["__name__"]);
    nameless.set(labels, rest);
  }
  return rest;
}

/** `{a="b"}`, as error messages show a label set. */
export const show = (labels: Labels): string =>
  `{${Object.entries(labels)
    .map(([name, value]) => `${name}=${JSON.stringify(value)}`)
    .join(", ")}}`;

/** What an operation gives must not have two samples with one label set. */
export function vector(samples: readonly Sample[]): Value {
  if (samples.length > 1 && new Set(samples.map(({ labels }) => keyOf(labels))).size < samples.length)
    throw new QueryError("execution", "vector cannot contain metrics with the same labelset");
  return { type: "vector", samples };
}
