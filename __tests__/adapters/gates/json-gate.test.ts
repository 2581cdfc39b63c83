import assert from "node:assert/strict";
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from "node:http";
import test, { type TestContext } from "node:test";
import { jsonGate } from "../../../src/adapters/gates/json-gate.ts";
import { nodeWorld } from "../../../src/adapters/node/node-world.ts";
import type { JsonGate } from "../../../src/release/gate.ts";
import type { Reading } from "../../../src/release/observation.ts";
import type { Recipe } from "../../../src/release/recipe.ts";
import { answerOf, respondentContract } from "../../contracts/respondent.ts";
import { listening } from "../../support/listening.ts";

type Question = Extract<Recipe, { kind: "json" }>;

const gateOf = (name: string): JsonGate => ({
  ...{ kind: "json", name, every: 15_000, atMost: 1, tolerate: 0, noData: "wait" },
});

const questionOf = (url: string, given: Partial<Question> = {}): Question => ({
  ...{ kind: "json", url, path: ["data", "rate"], headers: {}, timeout: 5_000 },
  ...given,
});

const secret = "s3cret-of-twenty-four-ch";

const respondentOf = (questions: Readonly<Record<string, Question>>) =>
  jsonGate({
    network: nodeWorld(),
    redact: (text) => text.replaceAll(secret, "***"),
    recipeOf: (name) => (Object.hasOwn(questions, name) ? questions[name] : undefined),
  });

respondentContract("a URL", async () => {
  let open = 0;
  const server = createServer((request, response) => {
    if (request.url === "/answered") return void response.end('{"data":{"rate":0.5}}');
    open++;
    request.socket.once("close", () => open--);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  assert.ok(address !== null && typeof address === "object");
  const at = (path: string): Question => questionOf(`http://127.0.0.1:${address.port}/${path}`, { timeout: 600_000 });
  const respondent = respondentOf({ answered: at("answered"), silent: at("silent") });
  return {
    respondent,
    gate: gateOf,
    underWay: async () => open,
    close: async () => {
      respondent.end();
      server.closeAllConnections();
      server.close();
    },
  };
});

/** A server that answers so, and what it was asked. */
async function asked(t: TestContext, answer: RequestListener, given: Partial<Question> = {}, path = "/number") {
  const requests: { readonly line: string; readonly headers: IncomingMessage["headers"]; body: string }[] = [];
  const url = await listening(
    t,
    createServer((request, response) => {
      const seen = { line: `${request.method} ${request.url}`, headers: request.headers, body: "" };
      requests.push(seen);
      request.setEncoding("utf8").on("data", (text: string) => {
        seen.body += text;
      });
      request.on("end", () => answer(request, response));
    }),
  );
  const reading = await answerOf(respondentOf({ one: questionOf(`${url}${path}`, given) }), gateOf("one"));
  return { reading, requests, url };
}

const says =
  (text: string, status = 200) =>
  (_request: IncomingMessage, response: ServerResponse): void =>
    void response.writeHead(status).end(text);

const told = ({ value, because }: Reading) => ({ value, because });

for (const [what, body, path, value] of [
  ["below names", '{"data":{"rate":0.25}}', ["data", "rate"], 0.25],
  ["in a list, as Datadog has it", '{"series":[{"pointlist":[[1,7],[2,3]]}]}', ["series", 0, "pointlist", -1, 1], 3],
  ["below a name that is a number", '{"results":{"0":4}}', ["results", 0], 4],
  ["as text", '{"data":{"rate":"1.5e-3"}}', ["data", "rate"], 0.0015],
  ["and nothing else", "-2", [], -2],
  ["after a byte order mark", "\uFEFF3", [], 3],
] as const)
  test(`a number is found ${what}`, async (t) => {
    const { reading } = await asked(t, says(body), { path });
    assert.deepEqual(told(reading), { value, because: undefined });
  });

for (const [what, body, because] of [
  ["nothing there", '{"data":{}}', "the answer has no number at data.rate, but nothing"],
  ["null", '{"data":{"rate":null}}', "the answer has no number at data.rate, but null"],
  ["text", '{"data":{"rate":"NaN"}}', 'the answer has no number at data.rate, but "NaN"'],
  ["an empty text", '{"data":{"rate":""}}', 'the answer has no number at data.rate, but ""'],
  ["true", '{"data":{"rate":true}}', "the answer has no number at data.rate, but true"],
  ["a list", '{"data":{"rate":[1]}}', "the answer has no number at data.rate, but [1]"],
  [
    "too large a number",
    '{"data":{"rate":1e999}}',
    "the answer has no number at data.rate, but a number that is too large",
  ],
  ["what every object inherits", '{"data":[]}', "the answer has no number at data.rate, but nothing"],
  ["a page", "<html>log in</html>", "the answer is no JSON"],
  ["no body", "", "the answer has no number at data.rate, but nothing"],
] as const)
  test(`no data, and no zero: ${what}`, async (t) => {
    const { reading } = await asked(t, says(body));
    assert.deepEqual(told(reading), { value: undefined, because });
  });

for (const status of [401, 403, 404, 429, 500, 503])
  test(`an answer of ${status} is no data, whatever number is in it`, async (t) => {
    const { reading, url } = await asked(t, says('{"data":{"rate":0}}', status));
    assert.deepEqual(told(reading), { value: undefined, because: `${url}/number answered ${status}` });
  });

test("a secret in what is there instead is not shown in part", async (t) => {
  const text = `${"x".repeat(88)}${secret}`;
  const { reading } = await asked(t, says(JSON.stringify({ data: { rate: text } })));
  assert.match(reading.because ?? "", /but "x{88}\*\*\*"$/);
});

test("lists within each other without end are no data, in plain words", async (t) => {
  const { reading } = await asked(t, says(`{"data":{"rate":${"[".repeat(100_000)}${"]".repeat(100_000)}}}`));
  assert.match(reading.because ?? "", /^the answer (has no number at data.rate, but lists|is no JSON)/);
});

test("a redirect is not followed: its host hears nothing, and no header", async (t) => {
  let heard = 0;
  const other = await listening(
    t,
    createServer((_request, response) => {
      heard++;
      response.end('{"data":{"rate":0}}');
    }),
  );
  for (const status of [301, 302, 303, 307, 308]) {
    const { reading } = await asked(
      t,
      (_request, response) => void response.writeHead(status, { location: `${other}/number` }).end(),
      { headers: { "DD-API-KEY": "k3y" } },
    );
    assert.equal(reading.value, undefined);
    assert.match(reading.because ?? "", new RegExp(`answered ${status}: it redirects, and nothing is followed`));
  }
  assert.equal(heard, 0);
});

test("headers are sent, a body goes by POST, and the time and the versions are filled in", async (t) => {
  const { requests } = await asked(
    t,
    says('{"data":{"rate":1}}'),
    { headers: { "API-Key": "k3y" }, body: { query: "{ rate }" } },
    "/q?v={canary}&s={stable}&from={fromSeconds}&to={to}&keep={this}",
  );
  const [{ line, headers, body } = assert.fail()] = requests;
  assert.match(line, /^POST \/q\?v=reviews-v2&s=reviews-v1&from=\d{10}&to=\d{13}&keep=(\{this\}|%7Bthis%7D)$/);
  assert.deepEqual([headers["api-key"], headers["content-type"]], ["k3y", "application/json"]);
  assert.equal(body, '{"query":"{ rate }"}');
});

test("no message shows a login, a query or a header", async (t) => {
  const { reading } = await asked(t, says("", 403), { headers: { key: "k3y" } }, "/number?api_key=t0ken");
  assert.doesNotMatch(reading.because ?? "", /k3y|t0ken/);
});

test("an answer without an end is none, and is not read for ever", async (t) => {
  let isRead = true;
  const { reading } = await asked(t, (request, response) => {
    request.socket.once("close", () => {
      isRead = false;
    });
    const more = (): void => {
      while (isRead && response.write(" ".repeat(65_536)));
      if (isRead) response.once("drain", more);
    };
    more();
  });
  assert.match(reading.because ?? "", /the answer is longer than 1048576 bytes/);
  assert.equal(reading.value, undefined);
});

test("an answer that does not come in its time is none", async (t) => {
  const { reading } = await asked(t, () => {}, { timeout: 100 });
  assert.match(reading.because ?? "", /no answer within 100ms/);
});

test("nobody who answers is no data", async () => {
  const respondent = respondentOf({ one: questionOf("http://127.0.0.1:1/x") });
  assert.match((await answerOf(respondent, gateOf("one"))).because ?? "", /connection refused/);
});
