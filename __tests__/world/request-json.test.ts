import assert from "node:assert/strict";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import test, { type TestContext } from "node:test";
import { nodeClock } from "../../src/adapters/node/node-clock.ts";
import { nodeTransport } from "../../src/adapters/node/node-transport.ts";
import { UnreachableError } from "../../src/lib/errors.ts";
import { requestJson } from "../../src/world/request-json.ts";
import type { Network } from "../../src/world/world.ts";
import { listening } from "../support/listening.ts";

/** The machine's network, and a clock that does not pause. */
const world: Network = { transport: nodeTransport(), clock: { ...nodeClock, sleepUntil: async () => undefined } };

type Answer = (request: IncomingMessage, response: ServerResponse, count: number) => void;

/** A server that answers as told and counts what it was asked. */
async function serve(t: TestContext, answer: Answer): Promise<{ readonly url: string; readonly count: () => number }> {
  let count = 0;
  const server = createServer((request, response) => answer(request, response, ++count));
  return { url: await listening(t, server), count: () => count };
}

const echo: Answer = (request, response) => {
  let text = "";
  request
    .setEncoding("utf8")
    .on("data", (part: string) => (text += part))
    .on("end", () => {
      response.writeHead(200, { "content-type": "application/json", "x-twice": ["a", "b"] });
      response.end(
        JSON.stringify({
          method: request.method,
          url: request.url,
          type: request.headers["content-type"],
          authorization: request.headers.authorization,
          text,
        }),
      );
    });
};

test("a body goes out as JSON and comes back parsed", async (t) => {
  const { url } = await serve(t, echo);
  const answer = await requestJson(world, {
    method: "POST",
    url: `${url}/path?q=1`,
    body: { a: [1] },
    headers: { authorization: "Bearer t" },
  });
  assert.deepEqual(answer.body, {
    method: "POST",
    url: "/path?q=1",
    type: "application/json",
    authorization: "Bearer t",
    text: '{"a":[1]}',
  });
  assert.equal(answer.status, 200);
  assert.equal(answer.headers["x-twice"], "a, b");
});

test("a user and password in the URL become an Authorization header", async (t) => {
  const { url } = await serve(t, echo);
  const answer = await requestJson(world, { method: "GET", url: url.replace("http://", "http://me:p%40ss@") });
  assert.equal(
    (answer.body as { authorization: string }).authorization,
    `Basic ${Buffer.from("me:p@ss").toString("base64")}`,
  );
});

test("a percent sign in a password may stand for itself", async (t) => {
  const { url } = await serve(t, echo);
  const answer = await requestJson(world, { method: "GET", url: url.replace("http://", "http://me:100%@") });
  assert.equal(
    (answer.body as { authorization: string }).authorization,
    `Basic ${Buffer.from("me:100%").toString("base64")}`,
  );
});

test("an answer that is not JSON is its text, and an empty one is undefined", async (t) => {
  const { url } = await serve(t, (request, response) =>
    response.writeHead(request.url === "/empty" ? 204 : 404).end(request.url === "/empty" ? "" : "<html>"),
  );
  assert.deepEqual((await requestJson(world, { method: "GET", url: `${url}/html` })).body, "<html>");
  assert.deepEqual((await requestJson(world, { method: "GET", url: `${url}/empty` })).body, undefined);
});

const statuses = [
  { status: 400, method: "GET", asked: 1 },
  { status: 404, method: "GET", asked: 1 },
  { status: 429, method: "GET", asked: 3 },
  { status: 503, method: "GET", asked: 3 },
  { status: 503, method: "PUT", asked: 3 },
  { status: 503, method: "POST", asked: 1 },
  { status: 503, method: "PATCH", asked: 1 },
  { status: 503, method: "POST", retries: 1, asked: 2 },
  { status: 503, method: "GET", retries: 0, asked: 1 },
] as const;
for (const { status, method, asked, ...options } of statuses) {
  test(`${method} answered ${status} is sent ${asked} times${"retries" in options ? ` with ${options.retries} retries` : ""}, and the last answer is given`, async (t) => {
    const { url, count } = await serve(t, (_, response, n) =>
      response.writeHead(status, { "retry-after": "0" }).end(`{"n":${n}}`),
    );
    assert.deepEqual(
      await requestJson(world, { method, url, ...options }).then(({ status, body }) => ({ status, body })),
      {
        status,
        body: { n: asked },
      },
    );
    assert.equal(count(), asked);
  });
}

test("an answer that asks for a long pause is given at once", async (t) => {
  const { url, count } = await serve(t, (_, response) => response.writeHead(429, { "retry-after": "3600" }).end());
  assert.equal((await requestJson(world, { method: "GET", url })).status, 429);
  assert.equal(count(), 1);
});

test("a connection that is cut is tried again", async (t) => {
  const { url, count } = await serve(t, (request, response, n) =>
    n === 1 ? request.socket.destroy() : response.end("{}"),
  );
  assert.equal((await requestJson(world, { method: "GET", url })).status, 200);
  assert.equal(count(), 2);
});

test("no answer is an UnreachableError that names the place and hides the secrets", async (t) => {
  const { url } = await serve(t, (request) => void request.socket.destroy());
  const secret = {
    method: "GET",
    url: `${url.replace("http://", "http://me:geheim@")}/api?token=geheim`,
    headers: { "x-token": "geheim" },
    retries: 0,
  } as const;
  await assert.rejects(requestJson(world, secret), (error: Error) => {
    assert.ok(error instanceof UnreachableError);
    assert.equal(error.message, `GET ${url}/api: the connection was cut`);
    assert.ok(error.cause instanceof Error);
    return true;
  });
});

test("a refused connection is said as such", async (t) => {
  const { url } = await serve(t, echo);
  const port = Number(new URL(url).port);
  const closed = createServer();
  await new Promise<void>((resolve) => closed.listen(0, "127.0.0.1", resolve));
  const free = (closed.address() as { port: number }).port;
  await new Promise<unknown>((resolve) => closed.close(resolve));
  assert.notEqual(port, free);
  await assert.rejects(requestJson(world, { method: "GET", url: `http://127.0.0.1:${free}/x`, retries: 0 }), {
    name: "UnreachableError",
    message: `GET http://127.0.0.1:${free}/x: connection refused`,
  });
});

test("an answer that does not end within the time-out is no answer", async (t) => {
  const { url } = await serve(t, (_, response) => void response.write("{")); // begun, never finished
  await assert.rejects(requestJson(world, { method: "GET", url, timeout: 50, retries: 0 }), {
    name: "UnreachableError",
    message: `GET ${url}/: no answer within 50ms`,
  });
});

test("one signal ends all requests that wait, each with its reason", async (t) => {
  const controller = new AbortController();
  const { url, count } = await serve(t, () => count() === 2 && controller.abort("enough"));
  const asked = [1, 2].map(() => requestJson(world, { method: "GET", url, signal: controller.signal }));
  const ended = await Promise.allSettled(asked);
  assert.deepEqual(
    ended,
    [1, 2].map(() => ({ status: "rejected", reason: "enough" })),
  );
});

test("an abort rejects with the signal's reason, while waiting and while pausing", async (t) => {
  const controller = new AbortController();
  const { url, count } = await serve(t, () => controller.abort());
  await assert.rejects(requestJson(world, { method: "GET", url, signal: controller.signal }), { name: "AbortError" });
  assert.equal(count(), 1);

  const patient: Network = { ...world, clock: nodeClock };
  const pausing = new AbortController();
  const busy = await serve(t, (_, response) => {
    response.writeHead(503, { "retry-after": "5" }).end();
    response.on("close", () => setImmediate(() => pausing.abort()));
  });
  await assert.rejects(requestJson(patient, { method: "GET", url: busy.url, signal: pausing.signal }), {
    name: "AbortError",
  });
  assert.equal(busy.count(), 1);
  await assert.rejects(requestJson(patient, { method: "GET", url: busy.url, signal: pausing.signal }), {
    name: "AbortError",
  });
  assert.equal(busy.count(), 1);
});
