import * as z from "zod/mini";
import type { SeriesLabels } from "../../istio/counted-request.ts";
import { placeOf } from "../../lib/credentials.ts";
import type { Instant, Millis } from "../../lib/duration.ts";
import { tell } from "../../lib/errors.ts";
import type { Redact } from "../../lib/redaction.ts";
import { type JsonAnswer, requestJson } from "../../world/request-json.ts";
import type { Network } from "../../world/world.ts";
import type { Answered, NativeHistogram, NoAnswer, NoNumber, Sample, TimeSeries } from "./answered.ts";
import { notPassedOn } from "./not-passed-on.ts";

export type PrometheusAddress = {
  readonly network: Network;
  /** The root of the API, a path before `/api/v1` included. */
  readonly url: string;
  /** Sent with every query. Values are secrets. */
  readonly headers: Readonly<Record<string, string>>;
  /** Of one query. */
  readonly timeout: Millis;
  /** Takes secrets out of an answer that is told, before it is cut. */
  readonly redact?: Redact | undefined;
  /** How far its clock is ahead of ours, where that was measured. Every query is asked in its time. */
  readonly ahead?: Millis | undefined;
};

/** A moment of ours by Prometheus's clock. */
export const theirs = ({ ahead = 0 }: Pick<PrometheusAddress, "ahead">, at: Instant): Instant => at + ahead;

/** The answer to a query at one moment; undefined is Prometheus's own now. Rejects only when aborted. */
export async function instantQuery(
  prometheus: PrometheusAddress,
  query: string,
  at: Instant | undefined,
  signal: AbortSignal,
): Promise<Answered | NoAnswer> {
  const answer = await ask(prometheus, query, at, signal);
  if (!("series" in answer)) return ofMoment(answer, at === undefined ? undefined : theirs(prometheus, at), prometheus);
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
  if ("series" in answer) return answer.series;
  return { because: "Prometheus answered a subquery with numbers of one moment", fault: "prometheus" };
}

/** Prometheus, as it is at one moment. */
export type Ask = (query: string) => Promise<Answered | NoAnswer>;

type Matrix = { readonly series: readonly TimeSeries[] };

async function ask(
  prometheus: PrometheusAddress,
  query: string,
  at: Instant | undefined,
  signal: AbortSignal,
): Promise<Answered | Matrix | NoAnswer> {
  const { headers, timeout } = prometheus;
  try {
    // One more try: the next poll comes soon, and a release that waits for Prometheus does not look at its pods.
    const answer = await requestJson(prometheus.network, {
      method: "GET",
      url: queryUrl(prometheus, query, at),
      headers,
      timeout,
      signal,
      retries: 1,
    });
    return read(answer, prometheus);
  } catch (error) {
    signal.throwIfAborted();
    return { because: `Prometheus did not answer: ${tell(error)}`, fault: "prometheus" };
  }
}

function queryUrl(prometheus: PrometheusAddress, query: string, at: Instant | undefined): URL {
  const url = new URL(prometheus.url);
  url.pathname = `${url.pathname.replace(/\/$/, "")}/api/v1/query`;
  url.searchParams.set("query", query);
  if (at !== undefined) url.searchParams.set("time", String(theirs(prometheus, at) / 1_000));
  return url;
}

/** Some answer a little beside the question: on the grid of their steps, or a second late. */
const beside: Millis = 5_000;

/** What was true at another moment is no answer. */
function ofMoment(
  answer: Answered | NoAnswer,
  asked: Instant | undefined,
  { url }: PrometheusAddress,
): Answered | NoAnswer {
  if ("because" in answer || answer.at === undefined || asked === undefined) return answer;
  if (Math.abs(answer.at - asked) <= beside) return answer;
  const [said, wanted] = [answer.at, asked].map((at) => new Date(at).toISOString());
  return {
    because: `Prometheus at ${placeOf(url)} was asked about ${wanted} and answers about ${said}`,
    fault: "prometheus",
  };
}

/** Until 2286; a clock that was never set begins in 1970. */
const latest = 9_999_999_999;

/** Seconds since 1970, and a number as text because JSON has no NaN and no infinity. */
const point = z.tuple([z.number().check(z.gte(0), z.lte(latest)), z.string()]);
type Point = z.infer<typeof point>;
const labels = z.record(z.string(), z.string());

/** As text; a rule says which ends of a bucket are in it. */
const nativeBucket = z.tuple([z.number(), z.string(), z.string(), z.string()]);
const nativeHistogram = z.object({
  count: z.string(),
  sum: z._default(z.string(), "NaN"),
  buckets: z._default(z.array(nativeBucket), []),
});

const success = z.object({
  status: z.literal("success"),
  warnings: z._default(z.array(z.string()), []),
  data: z.discriminatedUnion("resultType", [
    z.object({ resultType: z.literal("scalar"), result: point }),
    // A native histogram comes with `histogram` instead of a value.
    z.object({
      resultType: z.literal("vector"),
      result: z.array(
        z.object({
          metric: labels,
          value: z.optional(point),
          histogram: z.optional(z.tuple([z.number(), nativeHistogram])),
        }),
      ),
    }),
    z.object({
      resultType: z.literal("matrix"),
      result: z.array(z.object({ metric: labels, values: z._default(z.array(point), []) })),
    }),
    z.object({ resultType: z.literal("string"), result: z.unknown() }),
  ]),
});

const refusal = z.object({ status: z.literal("error"), errorType: z.string(), error: z.string() });

function read({ status, headers, body }: JsonAnswer, { url, redact }: PrometheusAddress): Answered | Matrix | NoAnswer {
  const parsed = success.safeParse(body);
  const between = notPassedOn(url, status, body);
  if (between) return between;
  const failed = parsed.success ? undefined : refusal.safeParse(body).data;
  if (failed) return refused(failed, status, placeOf(url));
  const prometheus = (said: string): NoAnswer => ({
    because: `Prometheus at ${placeOf(url)} ${said}`,
    fault: "prometheus",
  });
  if (status >= 300 && status < 400)
    return prometheus(`answered ${status} and points to ${headers.location?.replace(/[?#].*/, "") ?? "nowhere"}`);
  if (status !== 200) return prometheus(`answered ${status}${excerpt(body, redact)}`);

  if (!parsed.success) return prometheus(`answered what is no answer of its API${excerpt(body, redact)}`);
  const { data, warnings } = parsed.data;
  // Thanos, Mimir and others answer with what they have when a part of them is away; a part may be everything but the
  // errors.
  if (warnings.length > 0) return prometheus(`answered with warnings: ${warnings.join("; ")}`);
  switch (data.resultType) {
    case "scalar":
      return numbersIn([{ metric: {}, value: data.result }]);
    case "vector":
      return numbersIn(data.result);
    case "matrix":
      return { series: data.result.map(seriesIn) };
    case "string":
      return { because: "the query gives a text", fault: "query" };
  }
}

type VectorItem = {
  readonly metric: SeriesLabels;
  readonly value?: Point | undefined;
  readonly histogram?: readonly [number, z.infer<typeof nativeHistogram>] | undefined;
};

function numbersIn(result: readonly VectorItem[]): Answered {
  const samples: Sample[] = [];
  const none: NoNumber[] = [];
  for (const { metric, value: [, text] = [0, "a native histogram"] } of result) {
    const value = numberIn(text);
    if (value === undefined) none.push({ labels: metric, said: text.trim() || "an empty text" });
    else samples.push({ labels: metric, value });
  }
  const seconds = result.find(({ value }) => value)?.value?.[0];
  return {
    at: seconds === undefined ? undefined : Math.round(seconds * 1_000),
    samples,
    none,
    histograms: result.flatMap(({ metric, histogram }) => (histogram ? [histogramIn(metric, histogram[1])] : [])),
  };
}

const histogramIn = (
  labels: SeriesLabels,
  { count, sum, buckets }: z.infer<typeof nativeHistogram>,
): NativeHistogram => ({
  labels,
  count: Number(count),
  sum: Number(sum),
  buckets: buckets.map(([, from, to, count]) => ({ from: endOf(from), to: endOf(to), count: Number(count) })),
});

/** Of a bucket. */
const endOf = (text: string): number => (/^[+-]?Inf$/.test(text) ? Number(`${text}inity`) : Number(text));

function seriesIn({
  metric,
  values,
}: {
  readonly metric: SeriesLabels;
  readonly values: readonly Point[];
}): TimeSeries {
  const numbers = new Map<Instant, number>();
  for (const [seconds, text] of values) {
    const value = numberIn(text);
    if (value !== undefined) numbers.set(Math.round(seconds * 1_000), value);
  }
  return { labels: metric, values: numbers };
}

/** The one check of what comes out of an answer. A text that is empty would be zero otherwise. */
function numberIn(text: string): number | undefined {
  const value = Number(text);
  if (Number.isFinite(value) && text.trim() !== "") return value;
  return undefined;
}

/** https://prometheus.io/docs/prometheus/latest/querying/api/#format-overview */
function refused({ errorType, error }: z.infer<typeof refusal>, status: number, place: string): NoAnswer {
  if (errorType === "bad_data" || errorType === "execution")
    return { because: `Prometheus refuses the query: ${error}`, fault: "query" };
  return { because: `Prometheus at ${place} answered ${status}: ${error}`, fault: "prometheus" };
}

/** So much of a page has its words in it; what is cut there is not told. */
const worthReading = 100_000;

/** The beginning of what was answered; proxies answer in HTML. */
function excerpt(body: unknown = "", redact: Redact = (text) => text): string {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const plain = redact(text.slice(0, worthReading))
    .replace(/<[^>]*>/g, " ")
    .replace(/\s+/g, " ")
    .trim();
  if (plain === "") return "";
  if (plain.length > 200) return `: ${plain.slice(0, 200)}…`;
  return `: ${plain}`;
}
