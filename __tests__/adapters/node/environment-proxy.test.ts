import assert from "node:assert/strict";
import { createServer } from "node:http";
import test, { type TestContext } from "node:test";
import { environmentProxy } from "../../../src/adapters/node/environment-proxy.ts";
import { nodeTransport } from "../../../src/adapters/node/node-transport.ts";
import { nodeWorld } from "../../../src/adapters/node/node-world.ts";
import { requestJson } from "../../../src/world/request-json.ts";
import { listening } from "../../support/listening.ts";
import { startTunnel } from "../../support/tunnel.ts";

type Environment = Readonly<Record<string, string>>;

/** @actions/http-client reads the environment of the process. */
function inEnvironment<T>(environment: Environment, work: () => T): T {
  const before = process.env;
  process.env = { ...environment };
  try {
    return work();
  } finally {
    process.env = before;
  }
}

const proxyIn = (environment: Environment, url: string): string | undefined =>
  inEnvironment(environment, () => environmentProxy(environment)(new URL(url)));

const proxy = "http://proxy.test:3128/";

const exemptions: readonly (readonly [noProxy: string, url: string])[] = [
  ["prom.corp", "http://prom.corp:9090"],
  ["prom.corp:9090", "http://prom.corp:9090"],
  ["prom.corp:80", "http://prom.corp"],
  ["prom.corp:443", "https://prom.corp"],
  ["Prom.Corp", "http://prom.corp:9090"],
  ["PROM.CORP:9090", "http://prom.corp:9090"],
  ["corp", "http://prom.corp"],
  [".corp", "http://prom.corp"],
  ["other.test, .corp , x", "https://git.corp/api/v3"],
  ["*.corp", "http://prom.corp:9090"],
  ["*.Corp", "http://prom.eu.corp:9090"],
  ["*.corp:9090", "http://prom.corp:9090"],
  ["*.corp:443", "https://prom.corp"],
  ["fd12::7", "http://[fd12::7]:9090"],
  ["fd12:0:0::7", "http://[fd12::7]:9090"],
  ["*", "https://api.github.com"],
  ["10.1.2.3", "http://10.1.2.3:9090"],
  ["10.0.0.0/8", "http://10.1.2.3:9090"],
  ["192.168.0.0/16,172.16.0.0/12", "https://172.31.255.255"],
  ["fd00::/8", "http://[fd12::7]:9090"],
  ["", "http://localhost:9090"],
  ["", "http://127.0.0.1:9090"],
  ["", "http://127.8.8.8:9090"],
  ["", "http://[::1]:9090"],
];

for (const [noProxy, url] of exemptions) {
  test(`NO_PROXY="${noProxy}" exempts ${url}`, () => {
    for (const name of ["NO_PROXY", "no_proxy"])
      assert.equal(proxyIn({ HTTP_PROXY: proxy, HTTPS_PROXY: proxy, [name]: noProxy }, url), undefined);
  });
}

const proxied: readonly (readonly [noProxy: string, url: string])[] = [
  ["", "http://prom.corp:9090"],
  ["prom.corp:9091", "http://prom.corp:9090"],
  ["om.corp", "http://prom.corp"],
  ["*.corp", "http://corp"],
  ["*om.corp", "http://prom.corp"],
  ["*.corp:9091", "http://prom.corp:9090"],
  ["*.corp", "http://corp.test"],
  ["prom.corp.test", "http://prom.corp"],
  ["10.0.0.0/8", "http://11.1.2.3:9090"],
  ["10.0.0.0/16", "http://10.1.2.3"],
  ["10.0.0.0/8", "http://ten.corp"],
  ["10.0.0.0/99, 10.0.0.0/, /8, 10.0.0.0/8x, fd00::/129", "http://10.1.2.3"],
  ["fd00::/8", "http://[fe80::1]"],
];

for (const [noProxy, url] of proxied) {
  test(`NO_PROXY="${noProxy}" does not exempt ${url}`, () => {
    assert.equal(proxyIn({ HTTP_PROXY: proxy, HTTPS_PROXY: proxy, NO_PROXY: noProxy }, url), proxy);
  });
}

const named: readonly (readonly [environment: Environment, url: string, proxy: string | undefined])[] = [
  [{}, "http://prom.corp", undefined],
  [{ HTTPS_PROXY: proxy }, "http://prom.corp", undefined],
  [{ HTTPS_PROXY: proxy }, "https://prom.corp", proxy],
  [{ http_proxy: proxy, https_proxy: "http://other.test" }, "http://prom.corp", proxy],
  [{ HTTP_PROXY: "proxy.test:3128" }, "http://prom.corp", "http://proxy.test:3128/"],
  [{ HTTP_PROXY: "10.0.0.1:3128" }, "http://prom.corp", "http://10.0.0.1:3128/"],
  [{ HTTP_PROXY: "user:p%40ss@proxy.test:3128" }, "http://prom.corp", "http://user:p%40ss@proxy.test:3128/"],
  [{ HTTP_PROXY: "http://user:100%@proxy.test:3128" }, "http://prom.corp", "http://user:100%25@proxy.test:3128/"],
  [{ HTTP_PROXY: " " }, "http://prom.corp", undefined],
  [{ HTTP_PROXY: "http://user:p%40ss@proxy.test:3128" }, "http://prom.corp", "http://user:p%40ss@proxy.test:3128/"],
];

for (const [environment, url, proxy] of named) {
  test(`${JSON.stringify(environment)} names ${proxy ?? "no proxy"} for ${url}`, () =>
    assert.equal(proxyIn(environment, url), proxy));
}

for (const value of ["http://ada:S3CRET@proxy.test:99999", "ada:S3CRET@proxy.test:99999", "http://", "http://a b"]) {
  test(`a proxy at ${value} is not passed by: the variable is named, and its value is not shown`, async () => {
    const environment = { https_proxy: "", HTTPS_PROXY: value };
    const world = nodeWorld((url) => inEnvironment(environment, () => environmentProxy(environment)(url)));
    const asked = requestJson(world, { method: "GET", url: "https://prom.corp", retries: 0 });
    await assert.rejects(asked, {
      message:
        "GET https://prom.corp/: HTTPS_PROXY in the environment is no address of a proxy, such as http://proxy.example:3128",
    });
  });
}

/** A place that only the proxy knows, and the same one on this machine. */
async function asked(t: TestContext, noProxy: string): Promise<readonly string[]> {
  const place = await listening(
    t,
    createServer((_, response) => void response.end("answer")),
  );
  const tunnel = await startTunnel(t, { "prom.corp:9090": place });
  const environment = { HTTP_PROXY: tunnel.url, NO_PROXY: noProxy };
  for (const url of ["http://prom.corp:9090/", place]) {
    const proxyOf = (wanted: URL): string | undefined =>
      inEnvironment(environment, () => environmentProxy(environment)(wanted));
    const { text } = await nodeTransport(proxyOf).send({ method: "GET", url: new URL(url), headers: {} });
    assert.equal(text, "answer");
  }
  return [...tunnel.targets];
}

test("what is not exempt is asked through the proxy, what is on this machine is not", async (t) => {
  assert.deepEqual(await asked(t, ""), ["prom.corp:9090"]);
  assert.deepEqual(await asked(t, "prom.corp:9091, 10.0.0.0/8"), ["prom.corp:9090"]);
});
