import { loginOf } from "../lib/credentials.ts";
import type { Millis } from "../lib/duration.ts";
import { UnreachableError } from "../lib/errors.ts";
import { isPassing, type RetryPolicy, retry } from "./retry.ts";
import { send, TimeoutError } from "./send.ts";
import type { HttpAnswer } from "./transport.ts";
import type { Network } from "./world.ts";

export type JsonRequest = {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** A user and password in it become an Authorization header. No message shows them, nor the query. */
  readonly url: string | URL;
  /** Lower-case names. Values may be secrets: no message shows them. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** For one attempt, until the last byte of the answer. Default 10s. */
  readonly timeout?: Millis | undefined;
  readonly signal?: AbortSignal | undefined;
  /**
   * How often it may be sent again after no answer, 429 or 5xx, up to 4. Default 2, and 0 for POST and PATCH: those are
   * not idempotent.
   */
  readonly retries?: number | undefined;
  /** A longer answer is none. By default there is no limit. */
  readonly mostBytes?: number | undefined;
};

export type JsonAnswer = {
  readonly status: number;
  /** Lower-case names; a header that came several times is joined by commas. */
  readonly headers: Readonly<Record<string, string>>;
  /** What the JSON says; the text where it is not JSON (proxies answer in HTML); undefined where there is none. */
  readonly body: unknown;
};

/** When the other side asks for a longer pause, whoever asked decides what to do with the answer. */
const policy: RetryPolicy = { pauses: [200, 500, 1_000, 2_000], isPassing, longestPause: 5_000, beyond: "give up" };

/**
 * Sends a request and reads the answer, whatever its status. Rejects with UnreachableError when there was none, or with
 * the signal's reason.
 */
export async function requestJson(network: Network, request: JsonRequest): Promise<JsonAnswer> {
  const { method, signal } = request;
  const retries = request.retries ?? (method === "POST" || method === "PATCH" ? 0 : 2);
  const pauses = policy.pauses.slice(0, retries);
  const { status, headers, text } = await retry(
    () => attempt(network, request),
    { ...policy, pauses },
    network.clock,
    signal,
  );
  return { status, headers, body: parse(text) };
}

async function attempt(network: Network, request: JsonRequest): Promise<HttpAnswer> {
  const { method, body, timeout = 10_000, signal, mostBytes } = request;
  const { url, authorization } = withoutCredentials(new URL(request.url));
  const headers: Record<string, string> = {
    accept: "application/json",
    "user-agent": "istio-canary",
    ...authorization,
  };
  if (body !== undefined) headers["content-type"] = "application/json";
  Object.assign(headers, request.headers);
  try {
    return await send(network, { method, url, headers, body: asJson(body), mostBytes, signal }, timeout);
  } catch (error) {
    signal?.throwIfAborted();
    throw unreachable(method, url, error);
  }
}

/** No answer, in words: what was asked where, and why there is none. */
export function unreachable(method: string, url: URL, error: unknown): UnreachableError {
  const why = error instanceof TimeoutError ? error.message : reasonOf(error);
  return new UnreachableError(`${method} ${url.protocol}//${url.host}${url.pathname}: ${why}`, { cause: error });
}

const asJson = (body: unknown): string | undefined => (body === undefined ? undefined : JSON.stringify(body));

type Credentials = { readonly url: URL; readonly authorization: Readonly<Record<string, string>> };

function withoutCredentials(url: URL): Credentials {
  if (url.username === "" && url.password === "") return { url, authorization: {} };
  const { username, password } = loginOf(url);
  const bare = new URL(url);
  bare.username = "";
  bare.password = "";
  return {
    url: bare,
    authorization: { authorization: `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}` },
  };
}

function parse(text: string): unknown {
  if (text.trim() === "") return undefined;
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ""));
  } catch {
    return text;
  }
}

const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: "connection refused",
  ECONNRESET: "the connection was cut",
  ENOTFOUND: "no such host",
  EAI_AGAIN: "the host's name could not be looked up",
  EHOSTUNREACH: "the host cannot be reached",
  ENETUNREACH: "the network cannot be reached",
  EPROTO: "no HTTPS is spoken there",
};

/** An address with both IPv4 and IPv6 fails with an AggregateError, whose own message is empty. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  return reasons[code] ?? (error.message || code || error.name);
}
