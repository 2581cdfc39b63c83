import type { Instant } from "../../src/lib/duration.ts";
import { type Histogram, QueryError, type Value } from "./value.ts";

export type Answer = { readonly status: number; readonly body: unknown };

const statuses = { bad_data: 400, execution: 422 } as const;

/** https://prometheus.io/docs/prometheus/latest/querying/api/#format-overview */
export const success = (value: Value, at: Instant): Answer => ({
  status: 200,
  body: { status: "success", data: shaped(value, at) },
});

export function failure(error: unknown, parameter: "query" | "time"): Answer {
  if (!(error instanceof QueryError)) throw error;
  const message = error.kind === "bad_data" ? `invalid parameter "${parameter}": ${error.message}` : error.message;
  return { status: statuses[error.kind], body: { status: "error", errorType: error.kind, error: message } };
}

function shaped(value: Value, at: Instant): unknown {
  const time = at / 1_000;
  switch (value.type) {
    case "scalar":
      return { resultType: "scalar", result: [time, written(value.value)] };
    case "string":
      return { resultType: "string", result: [time, value.text] };
    case "vector":
      return {
        resultType: "vector",
        result: value.samples.map(({ labels, value, histogram }) =>
          histogram
            ? { metric: labels, histogram: [time, shapedHistogram(histogram)] }
            : { metric: labels, value: [time, written(value)] },
        ),
      };
    case "matrix":
      return {
        resultType: "matrix",
        result: value.series.map(({ labels, points }) => ({
          metric: labels,
          values: points.map((point) => [point.at / 1_000, written(point.value)]),
        })),
      };
  }
}

/** https://prometheus.io/docs/prometheus/latest/querying/api/#native-histograms; 0: the left end is not in a bucket. */
const shapedHistogram = ({ count, sum, buckets }: Histogram) => ({
  count: written(count),
  sum: written(sum),
  buckets: buckets.map(({ from, to, count }) => [0, written(from), written(to), written(count)]),
});

/** As Go writes a float without exponent; values are strings because JSON has no NaN and no infinity. */
export function written(value: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf";
  const [, sign = "", whole = "", fraction = "", exponent = "0"] =
    /^(-?)(\d+)(?:\.(\d+))?(?:e([+-]\d+))?$/.exec(String(value)) ?? [];
  const digits = whole + fraction;
  const point = whole.length + Number(exponent);
  if (point <= 0) return `${sign}0.${"0".repeat(-point)}${digits}`;
  return point >= digits.length
    ? sign + digits + "0".repeat(point - digits.length)
    : `${sign}${digits.slice(0, point)}.${digits.slice(point)}`;
}
