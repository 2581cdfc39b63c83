import type { Millis } from "../../lib/duration.ts";
import { UnreachableError } from "../../lib/errors.ts";
import { jsonIn } from "../../lib/json.ts";
import type { Redact } from "../../lib/redaction.ts";
import { type RetryPolicy, retry } from "../../world/retry.ts";
import { send } from "../../world/send.ts";
import type { HttpAnswer, HttpRequest, Tls } from "../../world/transport.ts";
import type { Network } from "../../world/world.ts";
import { newestVersions } from "./newest-versions.ts";
import type { ServerTime } from "./server-time.ts";

/** How to reach an API server. `authorize` is asked before each request, because tokens expire. */
export type Connection = {
  readonly server: string;
  /** URL of an HTTP proxy on the way to the server. By default the one that the environment names. */
  readonly proxy?: string | undefined;
  readonly authorize: () => Promise<{ readonly headers: Readonly<Record<string, string>>; readonly tls: Tls }>;
};

/** A request to an API server. */
export type ApiCall = {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly path: string;
  readonly query?: Readonly<Record<string, string>> | undefined;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Default: `application/json`. */
  readonly contentType?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  /** How often a "no" is asked again. What is only good to know is given up sooner. */
  readonly doubts?: number | undefined;
  /** Whether what a success says is what was asked for. By default whatever is JSON is. */
  readonly isMeant?: ((json: unknown) => boolean) | undefined;
};

export type ApiAnswer = HttpAnswer & {
  /** What the text says; undefined where it is no JSON, as a log, or the answer of a proxy on the way. */
  readonly json: unknown;
  /** An object in it is as it was before another answer that was there when this was asked. */
  readonly isOld: boolean;
};

/** An API server that answers, whatever it answers. Both reject with the signal's reason. */
export interface ApiServer {
  /** One attempt. Rejects with whatever went wrong. */
  once(call: ApiCall): Promise<ApiAnswer>;
  /**
   * Several attempts, until it is neither away nor too busy, and it has said "no" more than once where that may pass.
   * Rejects with UnreachableError when it stays away.
   */
  patiently(call: ApiCall): Promise<ApiAnswer>;
}

/** Appears in `metadata.managedFields`, so that people see who wrote. */
export const fieldManager = "istio-canary";

const attemptTimeout: Millis = 10_000;

/**
 * Every write of ours is absolute or compare-and-set, so each may be sent again. No pause is longer than a second: a
 * server that comes back is there to give traffic back.
 */
const patience: Omit<RetryPolicy<ApiAnswer>, "isPassing"> = {
  pauses: [200, 500, 1_000, 1_000, 1_000, 1_000],
  longestPause: 5_000,
  beyond: "come back early",
};

/** How often a "no" is asked again that may be a moment's. One that is meant keeps nobody waiting for long. */
const maxDoubts = 3;

/** What answers say besides what was asked for. */
export type Listener = {
  /** Takes secrets out of what is only told of an answer, before anything of it is cut. */
  readonly redact: Redact;
  /** Gets the server's `Warning:` headers: istiod's webhook speaks through them. */
  readonly warning: (text: string) => void;
  /** Gets its `Date`, and when the request was sent. */
  readonly date: ServerTime["hear"];
};

/** Calls over kept-alive connections. */
export function apiServer(network: Network, connection: Connection, listener: Partial<Listener>): ApiServer {
  const read = jsonReader();
  const versions = newestVersions();

  async function once(call: ApiCall): Promise<ApiAnswer> {
    const isOld = versions.begin();
    const request = await requestOf(call, connection);
    const sent = network.clock.now();
    const answer = await send(network, request, attemptTimeout);
    listener.date?.(answer.headers.date, sent);
    for (const warning of warningsIn(answer.headers.warning)) listener.warning?.(warning);
    const json = read(request, answer.text);
    const text = (json === undefined && listener.redact?.(answer.text)) || answer.text;
    return { ...answer, text, json, isOld: isOld(json) };
  }

  async function patiently(call: ApiCall): Promise<ApiAnswer> {
    const { method, path, signal, doubts = maxDoubts } = call;
    const policy: RetryPolicy<ApiAnswer> = {
      ...patience,
      isPassing: (answer, before) => isPassing(call, answer) || (before < doubts && isDoubtful(call, answer)),
    };
    const answer = await retry(() => once(call), policy, network.clock, signal).catch((cause: unknown) => {
      signal?.throwIfAborted();
      if (cause instanceof NoLogin)
        throw new UnreachableError(`there is no login for the API server at ${connection.server}`, {
          cause: cause.cause,
        });
      throw new UnreachableError(`the API server at ${connection.server} did not answer ${method} ${path}`, { cause });
    });
    if (!isPassing(call, answer)) return answer;
    if (answer.isOld)
      throw new UnreachableError(
        `${method} ${path}: what answers for the API server is a cache that is behind: it gave an object as it was before what it gave earlier`,
      );
    const what = isSuccess(answer) ? `${answer.status}, and not what was asked for` : String(answer.status);
    throw new UnreachableError(`${method} ${path}: the API server answered ${what}: ${readStatus(answer).message}`);
  }

  return { once, patiently };
}

/** Most of what is looked at again and again has not changed since: then it is what was read before. */
function jsonReader(): (request: HttpRequest, text: string) => unknown {
  const newest = new Map<string, { readonly text: string; readonly json: unknown }>();
  return ({ method, url }, text) => {
    if (method !== "GET") return jsonIn(text);
    const before = newest.get(url.href);
    if (before?.text === text) return before.json;
    const json = jsonIn(text);
    newest.set(url.href, { text, json });
    return json;
  };
}

/** A plugin failed, or a file is missing: nothing was sent, and it may be otherwise in a moment. */
class NoLogin extends Error {}

async function requestOf(call: ApiCall, { server, proxy, authorize }: Connection): Promise<HttpRequest> {
  const { method, path, query = {}, body, contentType = "application/json", signal } = call;
  const authorization = await authorize().catch((cause: unknown) => {
    throw new NoLogin("nothing was sent", { cause });
  });
  const asked = new URLSearchParams(query).toString();
  const url = new URL(`${server.replace(/\/$/, "")}${path}${asked && `?${asked}`}`);
  const headers = { accept: "application/json", "user-agent": fieldManager, ...authorization.headers };
  const request = { method, url, tls: authorization.tls, proxy, signal };
  if (body === undefined) return { ...request, headers };
  return { ...request, headers: { ...headers, "content-type": contentType }, body: JSON.stringify(body) };
}

export const isSuccess = ({ status }: HttpAnswer): boolean => status >= 200 && status < 300;

/**
 * Too busy, or broken for the moment; a webhook that denies or fails speaks as 500 "InternalError", and may be
 * restarting. A 500 that is a Status without a reason is a refusal all the same: so the API server answers an apply
 * with a field of a wrong type, and a create with a resourceVersion. A success that is no JSON, or another object than
 * was asked for, or old, is that of a proxy on the way.
 */
function isPassing({ isMeant = () => true }: ApiCall, answer: ApiAnswer): boolean {
  const { status, json, isOld } = answer;
  if (isSuccess(answer)) return json === undefined || isOld || !isMeant(json);
  if (status === 429 || status > 500) return true;
  if (status < 500) return false;
  const { isStatus, reason } = readStatus(answer);
  return !isStatus || reason !== "";
}

/**
 * Tokens are renewed, and what asks others who somebody is, or what they may, hiccups: a proxy on the way, a webhook.
 * Where nothing is stored nothing is overtaken, so a conflict there is another one's: of a quota, say, with itself.
 */
const isDoubtful = (call: ApiCall, answer: ApiAnswer): boolean =>
  answer.status === 401 || answer.status === 403 || (storesNothing(call) && isPassingConflict(answer));

const storesNothing = ({ method, path, query }: ApiCall): boolean =>
  method === "GET" || query?.dryRun !== undefined || path.startsWith("/apis/authorization.k8s.io/");

/** A name that is taken, and a field of somebody else's, are what was asked about. */
const isPassingConflict = (answer: ApiAnswer): boolean =>
  answer.status === 409 &&
  readStatus(answer).reason !== "AlreadyExists" &&
  !answer.text.includes("FieldManagerConflict");

/** What a Status says. Proxies in front of API servers answer in HTML: then the text is the message. */
export function readStatus({ text, json }: ApiAnswer): {
  readonly isStatus: boolean;
  readonly message: string;
  readonly reason: string;
} {
  const { message, reason = "" } = (json ?? {}) as { readonly message?: string; readonly reason?: string };
  return { isStatus: message !== undefined, message: message ?? text.trim().slice(0, 300), reason };
}

/** `299 - "text"`, several to a header, quotes escaped: https://www.rfc-editor.org/rfc/rfc7234#section-5.5 */
function warningsIn(header: string | undefined): readonly string[] {
  if (header === undefined) return [];
  return [...header.matchAll(/\d{3} \S+ "((?:[^"\\]|\\.)*)"/g)].map(([, quoted]) =>
    (quoted ?? "").replace(/\\(.)/g, "$1"),
  );
}
