import http, { type Agent, type IncomingHttpHeaders, type RequestOptions } from "node:http";
import https from "node:https";
import { HttpProxyAgent, HttpsProxyAgent } from "hpagent";
import { present } from "../../lib/present.ts";
import type { HttpAnswer, HttpRequest, Tls, Transport, Tunnel } from "../../world/transport.ts";

/** The connections to one place, and what their handshakes needed. */
type Pool = { readonly tls: string; readonly agent: Agent };

/**
 * HTTP by Node's own client: its parser is in every Node, a library's would be compiled at each start. Connections are
 * kept for each place; a client certificate that was renewed gets new ones.
 */
export function nodeTransport(proxyOf: (url: URL) => string | undefined = () => undefined): Transport {
  const pools = new Map<string, Pool>();

  function agentFor({ url, tls = {}, proxy = proxyOf(url), ownConnection = false }: HttpRequest): Agent {
    if (ownConnection) return openAgent(url, tls, proxy, false);
    const place = `${url.origin} by ${proxy}`;
    const credentials = JSON.stringify(tls);
    const known = pools.get(place);
    if (known?.tls === credentials) return known.agent;
    if (known) retire(known.agent);
    const agent = openAgent(url, tls, proxy, true);
    pools.set(place, { tls: credentials, agent });
    return agent;
  }

  async function sendThrough(tunnel: Tunnel, request: HttpRequest): Promise<HttpAnswer> {
    const { url, tls = {}, proxy = proxyOf(url) } = tunnel;
    request.signal?.throwIfAborted();
    const { openTunnel } = await import("./open-tunnel.ts"); // few need it
    const opened = await openTunnel(tunnel, openAgent(url, tls, proxy, false), request.signal);
    if ("status" in opened) return opened;
    return exchange(request, { createConnection: () => opened }).finally(() => opened.destroy());
  }

  return {
    send: (request) =>
      request.tunnel ? sendThrough(request.tunnel, request) : exchange(request, { agent: agentFor(request) }),
  };
}

async function exchange(
  { method, url, headers, body, signal, mostBytes }: HttpRequest,
  way: Pick<RequestOptions, "agent" | "createConnection">,
): Promise<HttpAnswer> {
  signal?.throwIfAborted();
  const length: Record<string, string> = {};
  if (body !== undefined) length["content-length"] = String(Buffer.byteLength(body));
  const client = url.protocol === "https:" ? https : http;
  const answered = new Promise<HttpAnswer>((resolve, reject) => {
    const request = client.request(url, { ...way, method, headers: { ...headers, ...length }, signal }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (part: string) => {
        text += part;
        if (text.length > (mostBytes ?? Infinity))
          request.destroy(new Error(`the answer is longer than ${mostBytes} bytes`));
      });
      response.on("end", () => resolve({ status: response.statusCode ?? 0, headers: joined(response.headers), text }));
      response.on("error", reject);
    });
    request.on("error", reject);
    // Node takes an answer of 101 for no answer, and tells no error of what ends without one.
    request.on("upgrade", ({ statusCode }, socket) => {
      socket.destroy();
      reject(new Error(`the server answered ${statusCode} and goes on in another protocol`));
    });
    request.on("close", () => reject(new Error("the connection ended without an answer")));
    request.end(body);
  });
  return answered.catch((error: unknown) => {
    signal?.throwIfAborted();
    throw error;
  });
}

function openAgent(url: URL, tls: Tls, proxy: string | false | undefined, keepAlive: boolean): Agent {
  const options = { keepAlive, maxSockets: 8, ...present(tls) };
  const secure = url.protocol === "https:";
  if (proxy) return secure ? new HttpsProxyAgent({ ...options, proxy }) : new HttpProxyAgent({ ...options, proxy });
  return secure ? new https.Agent(options) : new http.Agent(options);
}

/** Closes idle connections now, and those that are in use after their answer. */
function retire(agent: Agent): void {
  agent.maxFreeSockets = 0;
  for (const socket of Object.values(agent.freeSockets).flat()) socket?.destroy();
}

function joined(headers: IncomingHttpHeaders): Readonly<Record<string, string>> {
  const texts: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) if (value !== undefined) texts[name] = [value].flat().join(", ");
  return texts;
}
