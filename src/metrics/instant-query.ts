import * as z from "zod/mini";
import type { Instant, Millis } from "../lib/duration.ts";
import { tell } from "../lib/errors.ts";
import { type JsonAnswer, requestJson } from "../lib/http.ts";

export type PrometheusAddress = {
  /** The root of the API, a path before `/api/v1` included. */
  readonly url: string;
  /** Sent with every query. Values are secrets. */
  readonly headers: Readonly<Record<string, string>>;
  /** Of one query. */
  readonly timeout: Millis;
};

export type Labels = Readonly<Record<string, string>>;
export type Sample = { readonly labels: Labels; readonly value: number };

/** Why there is no answer. `query`: Prometheus understood, and refuses this query; another one may be answered. */
export type NoAnswer = { readonly because: string; readonly fault: "prometheus" | "query" };

export type Answered = { readonly kind: "scalar"; readonly value: number } | { readonly kind: "vector"; readonly samples: readonly Sample[] };

/** The answer to a query at one moment. Rejects only when aborted. */
export async function instantQuery(prometheus: PrometheusAddress, query: string, at: Instant, signal: AbortSignal): Promise<Answered | NoAnswer> {
  const { headers, timeout } = prometheus;
  try {
    // One more try: the next poll comes soon, and a release that waits for Prometheus does not look at its pods.
    const answer = await requestJson({ method: "GET", url: queryUrl(prometheus.url, query, at), headers, timeout, signal, retries: 1 });
    return read(answer, placeOf(prometheus.url));
  } catch (error) {
    signal.throwIfAborted();
    return { because: `Prometheus did not answer: ${tell(error)}`, fault: "prometheus" };
  }
}

/** Without user, password and query string: those may be secrets. */
export function placeOf(url: string): string {
  const { origin, pathname } = new URL(url);
  return `${origin}${pathname.replace(/\/$/, "")}`;
}

function queryUrl(base: string, query: string, at: Instant): URL {
  const url = new URL(base);
  url.pathname = `${url.pathname.replace(/\/$/, "")}/api/v1/query`;
  url.searchParams.set("query", query);
  url.searchParams.set("time", String(at / 1_000));
  return url;
}

/** JSON has no NaN and no infinity, so Prometheus writes numbers as text. */
const number = z.pipe(
  z.tuple([z.number(), z.string()]),
  z.transform(([, text]) => ({ "+Inf": Infinity, "-Inf": -Infinity })[text] ?? Number(text)),
);

const success = z.object({
  status: z.literal("success"),
  warnings: z._default(z.array(z.string()), []),
  data: z.discriminatedUnion("resultType", [
    z.object({ resultType: z.literal("scalar"), result: number }),
    // A native histogram comes with `histogram` instead of a value.
    z.object({
      resultType: z.literal("vector"),
      result: z.array(z.object({ metric: z.record(z.string(), z.string()), value: z._default(number, Number.NaN) })),
    }),
    z.object({ resultType: z.literal("matrix"), result: z.unknown() }),
    z.object({ resultType: z.literal("string"), result: z.unknown() }),
  ]),
});

const refusal = z.object({ status: z.literal("error"), errorType: z.string(), error: z.string() });

const words = { matrix: "a range vector; wrap it in a function such as increase()", string: "a text" } as const;

function read({ status, headers, body }: JsonAnswer, place: string): Answered | NoAnswer {
  const failed = refusal.safeParse(body).data;
  if (failed) return refused(failed, status, place);
  const prometheus = (said: string): NoAnswer => ({ because: `Prometheus at ${place} ${said}`, fault: "prometheus" });
  if (status >= 300 && status < 400) return prometheus(`answered ${status} and points to ${headers.location ?? "nowhere"}`);
  if (status !== 200) return prometheus(`answered ${status}${excerpt(body)}`);

  const parsed = success.safeParse(body);
  if (!parsed.success) return prometheus(`answered what is no answer of its API${excerpt(body)}`);
  const { data, warnings } = parsed.data;
  // Thanos, Mimir and others answer with what they have when a part of them is away; a part may be everything but the errors.
  if (warnings.length > 0) return prometheus(`answered with warnings: ${warnings.join("; ")}`);
  if (data.resultType === "scalar") return { kind: "scalar", value: data.result };
  if (data.resultType === "vector") return { kind: "vector", samples: data.result.map(({ metric, value }) => ({ labels: metric, value })) };
  return { because: `the query gives ${words[data.resultType]}`, fault: "query" };
}

/** https://prometheus.io/docs/prometheus/latest/querying/api/#format-overview */
function refused({ errorType, error }: z.infer<typeof refusal>, status: number, place: string): NoAnswer {
  const ofQuery = errorType === "bad_data" || errorType === "execution";
  return ofQuery
    ? { because: `Prometheus refuses the query: ${error}`, fault: "query" }
    : { because: `Prometheus at ${place} answered ${status}: ${error}`, fault: "prometheus" };
}

function excerpt(body: unknown): string {
  const text = typeof body === "string" ? body : body === undefined ? "" : JSON.stringify(body);
  const plain = text
    .replace(/<[^>]*>/g, " ")
    .replace(/\s+/g, " ")
    .trim(); // proxies answer in HTML
  return plain === "" ? "" : `: ${plain.length > 200 ? `${plain.slice(0, 200)}…` : plain}`;
}
