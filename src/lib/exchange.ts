import http, { type Agent, type IncomingHttpHeaders } from "node:http";
import https from "node:https";
import { HttpProxyAgent, HttpsProxyAgent } from "hpagent";
import { formatDuration, type Millis } from "./duration.ts";

export type Wanted = {
  readonly method: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | undefined;
  readonly agent: Agent;
  /** Until the last byte of the answer. */
  readonly timeout: Millis;
  readonly signal?: AbortSignal | undefined;
};

export type Answer = { readonly status: number; readonly headers: IncomingHttpHeaders; readonly text: string };

/** What a TLS handshake needs, as node:tls names it. */
export type Tls = {
  readonly ca?: string | Buffer;
  readonly cert?: string | Buffer;
  readonly key?: string | Buffer;
  readonly servername?: string;
  readonly rejectUnauthorized?: boolean;
};

/** There was no answer within the time. */
export class TimeoutError extends Error {
  override readonly name = "TimeoutError";
}

/**
 * One request and its whole answer, by Node's own HTTP client: its parser is in every Node, a library's would be
 * compiled at each start. Rejects with a TimeoutError, the system's error, or the signal's reason.
 */
export async function exchange({ method, url, headers, body, agent, timeout, signal }: Wanted): Promise<Answer> {
  signal?.throwIfAborted();
  const limit = AbortSignal.timeout(timeout);
  try {
    return await new Promise<Answer>((resolve, reject) => {
      const length = body === undefined ? {} : { "content-length": String(Buffer.byteLength(body)) };
      const client = url.protocol === "https:" ? https : http;
      const request = client.request(
        url,
        {
          method,
          agent,
          headers: { ...headers, ...length },
          signal: signal ? AbortSignal.any([limit, signal]) : limit,
        },
        (response) => {
          let text = "";
          response.setEncoding("utf8").on("data", (part: string) => {
            text += part;
          });
          response.on("end", () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text }));
          response.on("error", reject);
        },
      );
      request.on("error", reject);
      request.end(body);
    });
  } catch (error) {
    signal?.throwIfAborted();
    throw limit.aborted ? new TimeoutError(`no answer within ${formatDuration(timeout)}`, { cause: error }) : error;
  }
}

/** A pool of kept-alive connections to one place, through an HTTP proxy where there is one. */
export function openAgent(url: URL, tls: Tls = {}, proxy?: string): Agent {
  const options = { keepAlive: true, maxSockets: 8, ...tls };
  if (url.protocol === "https:")
    return proxy === undefined ? new https.Agent(options) : new HttpsProxyAgent({ ...options, proxy });
  return proxy === undefined ? new http.Agent(options) : new HttpProxyAgent({ ...options, proxy });
}
