import assert from "node:assert/strict";
import http, { createServer } from "node:http";
import test, { describe, type TestContext } from "node:test";
import { dump, load } from "js-yaml";
import { imageOf, releaseOfOne } from "../../sandbox/shop.ts";
import { listening } from "../support/listening.ts";
import { journalOf, reached } from "./facts.ts";
import { pull, scene } from "./scene.ts";

type HttpProxy = { readonly url: string; readonly asked: ReadonlySet<string> };

/** A proxy that knows whose requests it got. Plain ones go to the address, tunnels lead nowhere. */
async function startProxy(t: TestContext, address: string): Promise<HttpProxy> {
  const asked = new Set<string>();
  const server = createServer((message, response) => {
    const url = new URL(message.url ?? "");
    asked.add(url.host);
    const { method, headers } = message;
    const onward = http.request(new URL(url.pathname + url.search, address), { method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    message.pipe(onward);
  });
  server.on("connect", ({ url = "" }, socket) => {
    asked.add(url);
    socket.end("HTTP/1.1 502 Bad Gateway\r\n\r\n");
  });
  return { url: await listening(t, server), asked };
}

const quick = { ...releaseOfOne("v2"), stages: "50:300ms, 100", gates: "- restarts: {}" };

/** What the program finds around itself. */
describe("surroundings", { concurrency: 3 }, () => {
  test("Prometheus and GitHub are asked through the proxies that the environment names", async (t) => {
    const { sandbox, run } = await scene(t, { shop: "one", rate: 0 });
    const proxy = await startProxy(t, sandbox.prometheus.url);
    const { exit, said } = await run(
      { ...quick, prometheus: "http://prometheus.example:9090" },
      {
        env: {
          HTTP_PROXY: proxy.url,
          HTTPS_PROXY: proxy.url,
          NO_PROXY: "127.0.0.1,localhost",
          GITHUB_API_URL: "https://api.github.example",
        },
      },
    );
    assert.equal(exit, 0, said);
    assert.deepEqual([...proxy.asked].sort(), ["api.github.example:443", "prometheus.example:9090"]);
  });

  test("a kubeconfig by which nobody checks the API server's certificate is warned of, by a plan as well", async (t) => {
    const { sandbox, run } = await scene(t, { shop: "one", rate: 0 });
    const one = load(sandbox.api.kubeconfig()) as { readonly clusters: readonly { readonly cluster: object }[] };
    const clusters = one.clusters.map(({ cluster, ...named }) => {
      const { "certificate-authority-data": _, ...rest } = cluster as Record<string, unknown>;
      return { ...named, cluster: { ...rest, "insecure-skip-tls-verify": true } };
    });
    const { exit, said } = await run({ ...quick, command: "plan", kubeconfig: dump({ ...one, clusters }) });
    assert.equal(exit, 0, said);
    assert.match(said, /^::warning .*insecure-skip-tls-verify for the cluster .*whoever is on the way/m);
  });

  test("releases by two contexts have two comments, be the context named or the current one of its kubeconfig", async (t) => {
    const { sandbox, run } = await scene(t, { shop: "one", rate: 0 });
    const one = load(sandbox.api.kubeconfig()) as { readonly contexts: readonly { readonly context: object }[] };
    const contexts = ["blue", "green", "red"].map((name) => ({ ...one.contexts[0], name }));
    const kubeconfig = (current: string): string => dump({ ...one, contexts, "current-context": current });
    const jobs = [
      { kubeconfig: kubeconfig("blue"), image: imageOf("v2") },
      { kubeconfig: kubeconfig("green"), image: imageOf("v3") },
      { kubeconfig: kubeconfig("green"), context: "red", image: imageOf("v4") },
    ];
    for (const job of jobs) {
      const { exit, said } = await run({ ...quick, ...job });
      assert.equal(exit, 0, said);
    }
    assert.equal(sandbox.github.comments(pull.number).length, 3);
  });

  test("a job that is run again is another one: it is refused while the first attempt has the lock, and settles nothing of it", async (t) => {
    const { sandbox, start, run } = await scene(t, { shop: "one", rate: 0 });
    const first = start({ ...quick, stages: "50:60s, 100" }, { runId: "4711" });
    await reached(sandbox, "baking", first.ended);
    const again = { runId: "4711", env: { GITHUB_RUN_ATTEMPT: "2" } };
    const second = await run(quick, again);
    assert.equal(second.exit, 2, second.said);
    assert.match(second.said, /another job .* has been releasing it for /);

    first.signal("SIGKILL");
    await first.ended;
    const settle = await run({ ...quick, command: "settle" }, again);
    assert.match(settle.said, /Nothing of this job is left half-way/);
    assert.equal(journalOf(sandbox)?.state.phase, "baking");
  });
});
