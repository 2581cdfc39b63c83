import assert from "node:assert/strict";
import { createServer, type RequestListener } from "node:http";
import { createServer as createSecureServer } from "node:https";
import test, { type TestContext } from "node:test";
import type { TLSSocket } from "node:tls";
import { generate } from "selfsigned";
import { nodeTransport } from "../../../src/adapters/node/node-transport.ts";
import type { HttpRequest } from "../../../src/world/transport.ts";
import { listening } from "../../support/listening.ts";

/** A server, and how many connections it got. */
async function serve(t: TestContext, answer: RequestListener = (_, response) => void response.end("x")) {
  let connections = 0;
  const server = createServer(answer).on("connection", () => connections++);
  return { url: await listening(t, server), connections: () => connections };
}

const get = (url: string, more: Partial<HttpRequest> = {}): HttpRequest => ({
  method: "GET",
  url: new URL(url),
  headers: {},
  ...more,
});

test("requests to one place share a connection, unless they want one of their own", async (t) => {
  const { url, connections } = await serve(t);
  const { send } = nodeTransport();
  for (let count = 0; count < 5; count++) await send(get(`${url}/${count}`));
  assert.equal(connections(), 1);
  for (let count = 0; count < 3; count++) await send(get(url, { ownConnection: true }));
  assert.equal(connections(), 4);
  await send(get(url));
  assert.equal(connections(), 4);
});

test("an answer has its status, its headers in lower case, and its text, whatever they are", async (t) => {
  const { url } = await serve(t, (_, response) => {
    response.writeHead(503, { "X-Twice": ["a", "b"], "Set-Cookie": ["c", "d"] }).end("grüße");
  });
  const { status, headers, text } = await nodeTransport().send(get(url));
  assert.deepEqual([status, headers["x-twice"], headers["set-cookie"], text], [503, "a, b", "c, d", "grüße"]);
});

test("the length of a body is its bytes", async (t) => {
  const { url } = await serve(t, (request, response) => void response.end(request.headers["content-length"]));
  assert.equal((await nodeTransport().send(get(url, { method: "POST", body: "ü" }))).text, "2");
});

const noAnswers: readonly (readonly [text: string, because: RegExp])[] = [
  ["HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n", /answered 101/],
  ["", /socket hang up/],
];

for (const [text, because] of noAnswers)
  test(`${JSON.stringify(text)} is no answer, and rejects`, async (t) => {
    const server = createServer().on("connection", (socket) => void socket.end(text));
    await assert.rejects(nodeTransport().send(get(await listening(t, server))), because);
  });

test("an abort before or while waiting rejects with the signal's own reason", async (t) => {
  const stop = new AbortController();
  const { url } = await serve(t, () => stop.abort(new Error("somebody stopped it")));
  const { send } = nodeTransport();
  await assert.rejects(send(get(url, { signal: stop.signal })), /somebody stopped it/);
  await assert.rejects(send(get(url, { signal: stop.signal })), /somebody stopped it/);
});

/** A proxy that answers itself, whether it is asked for a tunnel or for the whole URL. */
async function proxy(t: TestContext, name: string): Promise<string> {
  const server = createServer((_, response) => void response.end(name));
  server.on("connect", (_, socket) => {
    socket.write("HTTP/1.1 200 OK\r\n\r\n");
    server.emit("connection", socket);
  });
  return listening(t, server);
}

test("a place is asked through the proxy that the environment names, another one, or none", async (t) => {
  const { url } = await serve(t);
  const [named, other] = await Promise.all(["named", "other"].map((name) => proxy(t, name)));
  const { send } = nodeTransport(({ origin }) => (origin === url ? named : undefined));
  assert.equal((await send(get(url))).text, "named");
  assert.equal((await send(get(url, { proxy: other }))).text, "other");
  assert.equal((await send(get(url, { proxy: false }))).text, "x");
});

test("a client certificate that was renewed gets a connection of its own, and those of the old one end", async (t) => {
  const { cert: ca, private: key } = await generate([{ name: "commonName", value: "localhost" }]);
  const clients = await Promise.all(
    ["one", "two"].map(async (name) => {
      const { cert, private: key } = await generate([{ name: "commonName", value: name }]);
      return { cert, key };
    }),
  );
  const sockets: TLSSocket[] = [];
  const server = createSecureServer(
    { cert: ca, key, requestCert: true, rejectUnauthorized: false },
    ({ socket }, response) => void response.end((socket as TLSSocket).getPeerCertificate().subject.CN),
  ).on("secureConnection", (socket) => sockets.push(socket));
  const url = (await listening(t, server)).replace("http://127.0.0.1", "https://localhost");
  const { send } = nodeTransport();
  const as = async (client: (typeof clients)[number] | undefined): Promise<string> =>
    (await send(get(url, { tls: { ca, ...client } }))).text;

  assert.deepEqual([await as(clients[0]), await as(clients[0]), sockets.length], ["one", "one", 1]);
  const ended = new Promise((resolve) => sockets[0]?.on("close", resolve));
  assert.deepEqual([await as(clients[1]), sockets.length], ["two", 2]);
  await ended;
});
