import * as z from "zod/mini";
import { placeOf } from "../../lib/credentials.ts";
import type { Instant, Millis } from "../../lib/duration.ts";
import { tell } from "../../lib/errors.ts";
import { type JsonAnswer, requestJson } from "../../world/request-json.ts";
import type { Network } from "../../world/world.ts";

export type PrometheusAddress = {
  readonly network: Network;
  /** The root of the API, a path before `/api/v1` included. */
  readonly url: string;
  /** Sent with every query. Values are secrets. */
  readonly headers: Readonly<Record<string, string>>;
  /** Of one query. */
  readonly timeout: Millis;
};

export type SampleLabels = Readonly<Record<string, string>>;
export type Sample = { readonly labels: SampleLabels; readonly value: number };

/** Why there is no answer. `query`: Prometheus understood, and refuses this query; another one may be answered. */
export type NoAnswer = { readonly because: string; readonly fault: "prometheus" | "query" };

export type Answered =
  | { readonly kind: "scalar"; readonly value: number }
  | { readonly kind: "vector"; readonly samples: readonly Sample[] };

/** A series with its values by time. */
export type TimeSeries = { readonly labels: SampleLabels; readonly values: ReadonlyMap<Instant, number> };

/** The answer to a query at one moment. Rejects only when aborted. */
export async function instantQuery(
  prometheus: PrometheusAddress,
  query: string,
  at: Instant,
  signal: AbortSignal,
): Promise<Answered | NoAnswer> {
  const answer = await ask(prometheus, query, at, signal);
  if ("because" in answer || answer.kind !== "matrix") return answer;
  return { because: "the query gives a range vector; wrap it in a function such as increase()", fault: "query" };
}

/** The answer to a subquery, which ends at one moment. Rejects only when aborted. */
export async function subquery(
  prometheus: PrometheusAddress,
  query: string,
  at: Instant,
  signal: AbortSignal,
): Promise<readonly TimeSeries[] | NoAnswer> {
  const answer = await ask(prometheus, query, at, signal);
  if ("because" in answer) return answer;
  if (answer.kind === "matrix") return answer.series;
  return { because: `Prometheus answered a subquery with a ${answer.kind}`, fault: "prometheus" };
}

/** Prometheus, as it is at one moment. */
export type Ask = (query: string) => Promise<Answered | NoAnswer>;

/** The values that a label has, each once. */
export const valuesOf = (samples: readonly Sample[], label: string): readonly string[] =>
  [...new Set(samples.map(({ labels }) => labels[label] ?? ""))].filter((value) => value !== "").sort();

/** None where there was no answer, or one number alone. */
export const samplesOf = (answer: Answered | NoAnswer): readonly Sample[] =>
  "kind" in answer && answer.kind === "vector" ? answer.samples : [];

type Matrix = { readonly kind: "matrix"; readonly series: readonly TimeSeries[] };

async function ask(
  prometheus: PrometheusAddress,
  query: string,
  at: Instant,
  signal: AbortSignal,
): Promise<Answered | Matrix | NoAnswer> {
  const { headers, timeout } = prometheus;
  try {
    // One more try: the next poll comes soon, and a release that waits for Prometheus does not look at its pods.
    const answer = await requestJson(prometheus.network, {
      method: "GET",
      url: queryUrl(prometheus.url, query, at),
      headers,
      timeout,
      signal,
      retries: 1,
    });
    return read(answer, placeOf(prometheus.url));
  } catch (error) {
    signal.throwIfAborted();
    return { because: `Prometheus did not answer: ${tell(error)}`, fault: "prometheus" };
  }
}

function queryUrl(base: string, query: string, at: Instant): URL {
  const url = new URL(base);
  url.pathname = `${url.pathname.replace(/\/$/, "")}/api/v1/query`;
  url.searchParams.set("query", query);
  url.searchParams.set("time", String(at / 1_000));
  return url;
}

/** Seconds and a number, as text because JSON has no NaN and no infinity. */
const point = z.pipe(
  z.tuple([z.number(), z.string()]),
  z.transform(([seconds, text]): readonly [Instant, number] => [
    Math.round(seconds * 1_000),
    { "+Inf": Infinity, "-Inf": -Infinity }[text] ?? Number(text),
  ]),
);
const number = z.pipe(
  point,
  z.transform(([, value]) => value),
);
const labels = z.record(z.string(), z.string());

const success = z.object({
  status: z.literal("success"),
  warnings: z._default(z.array(z.string()), []),
  data: z.discriminatedUnion("resultType", [
    z.object({ resultType: z.literal("scalar"), result: number }),
    // A native histogram comes with `histogram` instead of a value.
    z.object({
      resultType: z.literal("vector"),
      result: z.array(z.object({ metric: labels, value: z._default(number, Number.NaN) })),
    }),
    z.object({
      resultType: z.literal("matrix"),
      result: z.array(z.object({ metric: labels, values: z._default(z.array(point), []) })),
    }),
    z.object({ resultType: z.literal("string"), result: z.unknown() }),
  ]),
});

const refusal = z.object({ status: z.literal("error"), errorType: z.string(), error: z.string() });

function read({ status, headers, body }: JsonAnswer, place: string): Answered | Matrix | NoAnswer {
  const failed = refusal.safeParse(body).data;
  if (failed) return refused(failed, status, place);
  const prometheus = (said: string): NoAnswer => ({ because: `Prometheus at ${place} ${said}`, fault: "prometheus" });
  if (status >= 300 && status < 400)
    return prometheus(`answered ${status} and points to ${headers.location?.replace(/[?#].*/, "") ?? "nowhere"}`);
  if (status !== 200) return prometheus(`answered ${status}${excerpt(body)}`);

  const parsed = success.safeParse(body);
  if (!parsed.success) return prometheus(`answered what is no answer of its API${excerpt(body)}`);
  const { data, warnings } = parsed.data;
  // Thanos, Mimir and others answer with what they have when a part of them is away; a part may be everything but the
  // errors.
  if (warnings.length > 0) return prometheus(`answered with warnings: ${warnings.join("; ")}`);
  switch (data.resultType) {
    case "scalar":
      return { kind: "scalar", value: data.result };
    case "vector":
      return { kind: "vector", samples: data.result.map(({ metric, value }) => ({ labels: metric, value })) };
    case "matrix":
      return {
        kind: "matrix",
        series: data.result.map(({ metric, values }) => ({ labels: metric, values: new Map(values) })),
      };
    case "string":
      return { because: "the query gives a text", fault: "query" };
  }
}

/** https://prometheus.io/docs/prometheus/latest/querying/api/#format-overview */
function refused({ errorType, error }: z.infer<typeof refusal>, status: number, place: string): NoAnswer {
  if (errorType === "bad_data" || errorType === "execution")
    return { because: `Prometheus refuses the query: ${error}`, fault: "query" };
  return { because: `Prometheus at ${place} answered ${status}: ${error}`, fault: "prometheus" };
}

/** The beginning of what was answered; proxies answer in HTML. */
function excerpt(body: unknown = ""): string {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const plain = text
    .replace(/<[^>]*>/g, " ")
    .replace(/\s+/g, " ")
    .trim();
  if (plain === "") return "";
  return plain.length > 200 ? `: ${plain.slice(0, 200)}…` : `: ${plain}`;
}
