import type { Agent, IncomingHttpHeaders } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import type { Millis } from "./duration.ts";
import { UnreachableError } from "./errors.ts";
import { exchange, openAgent, TimeoutError } from "./exchange.ts";

export type JsonRequest = {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** A user and password in it become an Authorization header. No message shows them, nor the query. */
  readonly url: string | URL;
  /** Lower-case names. Values may be secrets: no message shows them. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** For one attempt, until the last byte of the answer. Default 10 s. */
  readonly timeout?: Millis;
  readonly signal?: AbortSignal | undefined;
  /** How often it may be sent again after no answer, 429 or 5xx. Default 2, and 0 for POST and PATCH: those are not idempotent. */
  readonly retries?: number;
};

export type JsonAnswer = {
  readonly status: number;
  /** Lower-case names; a header that came several times is joined by commas. */
  readonly headers: Readonly<Record<string, string>>;
  /** What the JSON says; the text where it is not JSON (proxies answer in HTML); undefined where there is none. */
  readonly body: unknown;
};

/** Where proxies are looked up; the entry, which knows the environment, sets it once. */
let proxyOf: (url: URL) => string | undefined = () => undefined;
export const useProxies = (lookUp: (url: URL) => string | undefined): void => {
  proxyOf = lookUp;
};

const agents = new Map<string, Agent>();

/** Connections are kept for each place. */
function agentFor(url: URL): Agent {
  const agent = agents.get(url.origin) ?? openAgent(url, {}, proxyOf(url));
  agents.set(url.origin, agent);
  return agent;
}

const pauses: readonly Millis[] = [200, 500, 1_000, 2_000];
/** When the other side asks for a longer pause than this, whoever asked decides what to do with the answer. */
const longestPause: Millis = 5_000;

/** Sends a request and reads the answer, whatever its status. Rejects with UnreachableError when there was none, or with the signal's reason. */
export async function requestJson(wanted: JsonRequest): Promise<JsonAnswer> {
  const retries = wanted.retries ?? (wanted.method === "POST" || wanted.method === "PATCH" ? 0 : 2);
  for (let tries = 0; ; tries++) {
    wanted.signal?.throwIfAborted();
    const outcome = await attempt(wanted);
    const pause = pauseAfter(outcome, tries);
    if (tries >= retries || pause === undefined) {
      if (outcome instanceof UnreachableError) throw outcome;
      return outcome;
    }
    await sleep(pause, undefined, wanted.signal ? { signal: wanted.signal } : {});
  }
}

async function attempt({
  method,
  url,
  headers,
  body,
  timeout = 10_000,
  signal,
}: JsonRequest): Promise<JsonAnswer | UnreachableError> {
  const { target, authorization } = withoutCredentials(new URL(url));
  try {
    const answer = await exchange({
      method,
      url: target,
      agent: agentFor(target),
      timeout,
      signal,
      headers: {
        accept: "application/json",
        "user-agent": "istio-canary",
        ...authorization,
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...headers,
      },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    return { status: answer.status, headers: joined(answer.headers), body: parse(answer.text) };
  } catch (error) {
    signal?.throwIfAborted();
    const why = error instanceof TimeoutError ? error.message : reasonOf(error);
    return new UnreachableError(`${method} ${target.origin}${target.pathname}: ${why}`, { cause: error });
  }
}

function pauseAfter(outcome: JsonAnswer | UnreachableError, tries: number): Millis | undefined {
  const usual = pauses[Math.min(tries, pauses.length - 1)];
  if (outcome instanceof UnreachableError) return usual;
  if (outcome.status !== 429 && outcome.status < 500) return undefined;
  const asked = Number(outcome.headers["retry-after"] ?? Number.NaN) * 1_000; // the form with a date is not used by anybody we talk to
  if (Number.isNaN(asked)) return usual;
  return asked <= longestPause ? asked : undefined;
}

function withoutCredentials(url: URL): {
  readonly target: URL;
  readonly authorization: Readonly<Record<string, string>>;
} {
  if (url.username === "" && url.password === "") return { target: url, authorization: {} };
  const pair = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
  const target = new URL(url);
  target.username = "";
  target.password = "";
  return { target, authorization: { authorization: `Basic ${Buffer.from(pair).toString("base64")}` } };
}

const joined = (headers: IncomingHttpHeaders): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, Array.isArray(value) ? value.join(", ") : value]],
    ),
  );

function parse(text: string): unknown {
  if (text.trim() === "") return undefined;
  try {
    return JSON.parse(text);
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
