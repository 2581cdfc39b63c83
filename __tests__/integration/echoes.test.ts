// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the placeholders are the configuration's own.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { describe, type TestContext } from "node:test";
import { dump, load } from "js-yaml";
import { jobEnvironment } from "../../sandbox/job.ts";
import type { Sandbox } from "../../sandbox/sandbox.ts";
import { type Inputs, releaseOfOne, releaseOfTwo } from "../../sandbox/shop.ts";
import { workflowInputs } from "../../sandbox/workflow-inputs.ts";
import { until } from "../support/cluster.ts";
import { listening } from "../support/listening.ts";
import { find, journalOf, reached } from "./facts.ts";
import type { Ended } from "./program.ts";
import { action, pull, type Scene, scene } from "./scene.ts";

/* What a server was told in confidence it may say to everybody: in errors, in warnings, in pages, in any form. */

const planted = {
  pair: "PAIR-of-a-url-1",
  session: "COOKIE-q7Rk-22",
  api: "APIKEY-x9Zt-33",
  bearer: "BEARER-w5Lm-44-and-so-on-and-on",
} as const;

const login = `prom:${planted.pair}`;

/** Every way in which somebody may read a text. */
const formsOf = (secret: string): readonly string[] => [
  secret,
  encodeURIComponent(secret),
  ...[0, 1, 2].map((before) =>
    Buffer.from("x".repeat(before) + secret)
      .toString("base64")
      .slice(before + 1, -4),
  ),
];

/** All that is left of a job where somebody may read it. */
function everywhere({ sandbox }: Scene, { said, outputs, summary, report }: Ended): string {
  const log = said.split("\n").filter((line) => !line.startsWith("::add-mask::"));
  const onGitHub = [sandbox.github.comments(pull.number), sandbox.github.statuses(pull.commits[0])];
  const journal = JSON.stringify(find(sandbox, "configmaps", "istio-canary-reviews") ?? {});
  return [...log, summary, journal, JSON.stringify({ outputs, report, onGitHub })].join("\n");
}

function assertNothingOf(text: string, secrets: readonly string[]): void {
  for (const secret of secrets)
    for (const form of [...formsOf(secret), secret.slice(0, 9)])
      assert.ok(!text.includes(form), `${form} of ${secret} in:\n${text}`);
}

/** No line that a runner would obey, but for those of the program itself. */
function assertNoCommand(text: string): void {
  const own = /^::(add-mask|group|endgroup|error title=|warning title=|notice title=)/;
  const lines = text.split("\n").filter((line) => !own.test(line));
  assert.deepEqual(
    lines.filter((line) => /^\s*::|##\[/.test(line)),
    [],
  );
}

type Answer = { readonly status: number; readonly type?: string; readonly body: string };

/** The ways in which servers repeat what they were sent; the cut of an excerpt lies within the secret. */
const echoes: readonly ((sent: string, pair: string) => Answer)[] = [
  (sent) => ({
    status: 401,
    body: JSON.stringify({ status: "error", errorType: "unauthorized", error: `no: ${sent}` }),
  }),
  (_, pair) => ({
    status: 422,
    body: JSON.stringify({ status: "error", errorType: "x", error: `login failed: ${pair}` }),
  }),
  (sent) => ({ status: 502, type: "text/html", body: `<html>${"wait ".repeat(30)} ${sent}</html>` }),
  (_, pair) => ({ status: 403, type: "text/plain", body: `${"x".repeat(172)} ${pair}` }),
  (sent) => ({
    status: 200,
    body: JSON.stringify({ status: "success", warnings: [sent], data: { resultType: "vector", result: [] } }),
  }),
  (sent) => ({ status: 200, body: JSON.stringify({ [`${"y".repeat(150)}`]: sent }) }),
  (sent) => ({ status: 500, type: "text/plain", body: Buffer.from(`a ${sent}`).toString("base64") }),
  (sent) => ({
    status: 400,
    body: JSON.stringify({ status: "error", errorType: "bad_data", error: encodeURIComponent(sent) }),
  }),
  (sent) => ({ status: 503, type: "text/plain", body: `no\n::error::${sent}\n##[error]${sent}` }),
];

/** An address that answers as Prometheus does, and from some moment on repeats what it was sent. */
async function echoing(
  t: TestContext,
  { prometheus }: Sandbox,
): Promise<{ readonly url: string; readonly begin: () => void }> {
  let asked = -1;
  const begin = (): void => {
    asked = 0;
  };
  const server = createServer((request, response) => {
    if (asked < 0) {
      void fetch(`${prometheus.url}${request.url}`).then(
        async (answer) =>
          response.writeHead(answer.status, { "content-type": "application/json" }).end(await answer.text()),
        () => response.destroy(),
      );
      return;
    }
    const {
      status,
      type = "application/json",
      body,
    } = echoes[asked++ % echoes.length]?.(...told(request)) ?? assert.fail();
    response.writeHead(status, { "content-type": type, location: `http://${login}@x/?token=${planted.api}` }).end(body);
  });
  const url = await listening(t, server);
  return { url: url.replace("//", `//${login}@`), begin };
}

function told({ headers }: IncomingMessage): [sent: string, pair: string] {
  const { authorization = "", cookie, "x-api-key": key } = headers;
  const pair = Buffer.from(authorization.replace(/^Basic /, ""), "base64").toString();
  return [`${authorization} ${cookie} ${key}`, `${pair} ${planted.api} ${planted.session}`];
}

const withSecrets = (prometheus: string): Inputs => ({
  prometheus,
  "metrics-headers": `Cookie=session=${planted.session}; theme=dark\nX-Api-Key=${planted.api}`,
  "commit-status": "true",
});

/** A copy of the kubeconfig whose user logs in by a plugin, which writes down what it was given. */
function withPlugin(
  t: TestContext,
  kubeconfig: string,
  token: string,
): { readonly text: string; readonly given: () => string } {
  const folder = mkdtempSync(join(tmpdir(), "istio-canary-echo-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const [command, seen] = [join(folder, "plugin.sh"), join(folder, "seen")];
  const credential = { apiVersion: "client.authentication.k8s.io/v1", kind: "ExecCredential", status: { token } };
  writeFileSync(command, `#!/bin/sh\nenv >>'${seen}'\necho '${JSON.stringify(credential)}'\n`);
  chmodSync(command, 0o755);
  const exec = { apiVersion: credential.apiVersion, command, interactiveMode: "Never" };
  const text = dump({ ...(load(kubeconfig) as object), users: [{ name: "user", user: { exec } }] });
  return { text, given: () => readFileSync(seen, "utf8") };
}

describe("echoes of secrets", { concurrency: 3 }, () => {
  test("a Prometheus that repeats its credentials in the middle of a release tells nobody, in whatever form", async (t) => {
    const world = await scene(t, { shop: "two" });
    const { sandbox, start } = world;
    const { url, begin } = await echoing(t, sandbox);
    const job = start({
      ...releaseOfTwo("v2"),
      ...withSecrets(url),
      stages:
        "- { weight: 50, wait: 1s, deadline: 9s, gates: [{ errors: { atMost: 5% } }, { query: 'vector(1)', name: own, atMost: 2 }] }\n- 100",
    });
    await reached(sandbox, "baking", job.ended);
    begin();
    const ended = await job.ended;
    const text = everywhere(world, ended);
    assert.match(text, /\*\*\*/);
    assertNothingOf(text, [planted.pair, planted.session, planted.api]);
    assertNoCommand(ended.said);
    for (const secret of [planted.pair, planted.session, planted.api])
      assert.ok(ended.said.includes(`::add-mask::${secret}\n`), secret);
  });

  test("a Prometheus that repeats its credentials to a plan tells nobody", async (t) => {
    const world = await scene(t, { shop: "two", rate: 0 });
    const { url, begin } = await echoing(t, world.sandbox);
    begin();
    for (let plans = 0; plans < 3; plans++) {
      const ended = await world.run({
        ...releaseOfTwo("v2"),
        ...withSecrets(url),
        command: "plan",
        stages: "50:1s, 100",
      });
      assertNothingOf(everywhere(world, ended), [planted.pair, planted.session, planted.api]);
      assertNoCommand(ended.said);
    }
  });

  test("an API server that repeats the token in the middle of a release tells nobody, nor whoever asks for its status", async (t) => {
    const world = await scene(t, { shop: "one", rate: 0 });
    const { sandbox, start, run } = world;
    const token = sandbox.api.adminToken;
    const base64 = Buffer.from(`Bearer ${token}`).toString("base64");
    const command = "\n::set-output name=settled::true\n::stop-commands::x\n##[error]PWN https://evil.example @octocat";
    const message = `webhook says no: ${"z".repeat(240)} Bearer ${token} ${base64} ${token}${command}`;
    const job = start({
      ...releaseOfOne("v2"),
      kubeconfig: sandbox.api.kubeconfig(),
      stages: "50:60s, 100",
      gates: "- restarts: {}",
      "commit-status": "true",
    });
    await reached(sandbox, "baking", job.ended);
    sandbox.api.fail({ method: "PATCH", path: "virtualservices", status: 403, message, times: 1_000 });
    job.signal("SIGINT");
    const ended = await job.ended;
    assert.equal(ended.exit, 3, ended.said);
    const text = everywhere(world, ended);
    assert.match(text, /webhook says no/);
    assertNothingOf(text, [token]);
    assertNoCommand(ended.said);
    assertNoCommand(ended.outputs.because ?? "");
    const told = [ended.summary, JSON.stringify(sandbox.github.comments(pull.number))].join("\n");
    assert.doesNotMatch(told, /https:\/\/evil|@octocat/);

    const plugin = withPlugin(t, sandbox.api.kubeconfig(), token);
    const stranger = { namespace: "shop", service: "reviews", kubeconfig: plugin.text };
    for (const json of ["false", "true"]) {
      const status = await run({ ...stranger, command: "status", json });
      assert.match(status.stdout, /webhook says no/);
      assertNothingOf(everywhere(world, status), [token]);
      assertNoCommand(status.said);
    }
    assert.doesNotMatch(plugin.given(), /ISTIO_CANARY_INPUTS|ghs_token/);
  });

  test("whatever an API server refuses with, its words are no command for the runner", async (t) => {
    const world = await scene(t, { shop: "one", rate: 0 });
    const message = "no\n::set-output name=settled::true\n::error::PWN\r\n##[error]PWN \u001b[31m\u2028::warning::PWN";
    const { run, sandbox } = world;
    const inputs = { ...releaseOfOne("v2"), stages: "50:1s, 100", gates: "- restarts: {}" };
    for (const path of ["configmaps", "leases", "deployments", "virtualservices"])
      for (const command of ["plan", "status", "verify", "release", "rollback", "promote", "settle"]) {
        const heal = sandbox.api.fail({
          path,
          status: 403,
          message,
          headers: { warning: `299 - "${message.replace(/[^ -~]/g, " ")}"` },
          times: 1_000,
        });
        const { said, outputs } = await run({ ...inputs, command });
        heal();
        assertNoCommand(said);
        assertNoCommand(outputs.because ?? "");
        assert.ok(!said.includes("\u001b") && !said.includes("\u2028"), said);
        assert.equal(outputs.outcome === "succeeded" || said.includes("\nPWN"), false, said);
      }
  });

  test("the variable with the inputs fills nothing, and what a variable holds is in no error", async (t) => {
    const { type, writeFile } = await scene(t, { shop: "one", rate: 0 });
    writeFile(
      "release.yaml",
      ["namespace: ${MINE}", 'verify: { url: "http://x/${ISTIO_CANARY_INPUTS}" }', ""].join("\n"),
    );
    const env = { MINE: "ENV-secret_1", ISTIO_CANARY_INPUTS: JSON.stringify({ "github-token": "ghs_of-inputs" }) };
    const { said, exit } = await type("istio-canary plan --config release.yaml", { env });
    assert.equal(exit, 2);
    assert.match(said, /ISTIO_CANARY_INPUTS is not set/);
    assert.match(said, /namespace: .*got "\$\{MINE\}"/);
    assert.doesNotMatch(said.replaceAll(/^::add-mask::.*\n/gm, ""), /ENV-secret|ghs_of/);
  });

  test("a name that a header happens to have does not tear holes into what machines read", async (t) => {
    const world = await scene(t, { shop: "one", rate: 0 });
    const { run, sandbox } = world;
    const { exit, outputs, said } = await run({
      ...releaseOfOne("v2"),
      "metrics-headers": "X-Author=succeeded\nX-Auth-Realm=shop\nX-Api-Key=reviews",
      stages: "50:300ms, 100",
      gates: "- restarts: {}",
    });
    assert.equal(exit, 0, said);
    assert.deepEqual([outputs.phase, outputs.outcome, outputs.settled], ["succeeded", "succeeded", "true"]);
    const [comment] = sandbox.github.comments(pull.number);
    assert.match(comment?.body ?? "", /namespace=.?shop.? service=.?reviews|shop\/reviews/);
    assert.equal(journalOf(sandbox)?.state.phase, "succeeded");
  });

  test("JSON arrives whole, however slowly it is read", async (t) => {
    const { sandbox } = await scene(t, { shop: "one", rate: 0 });
    const folder = mkdtempSync(join(tmpdir(), "istio-canary-pipe-"));
    t.after(() => rmSync(folder, { recursive: true }));
    const kubeconfig = join(folder, "kubeconfig");
    writeFileSync(kubeconfig, sandbox.api.kubeconfig());
    const gates = Array.from(
      { length: 6 },
      (_, index) => `{ restarts: { name: gate-${index}-${"n".repeat(160)} } }`,
    ).join(", ");
    const stages = Array.from({ length: 99 }, (_, index) => `- { weight: ${index + 1}, wait: 1s, gates: [${gates}] }`);
    const inputs = { ...releaseOfOne("v2"), stages: `${stages.join("\n")}\n- 100` };
    const env = {
      ...jobEnvironment(sandbox, kubeconfig, { runId: "1", sha: pull.commits[0] }),
      ISTIO_CANARY_INPUTS: JSON.stringify(workflowInputs(inputs)),
    };
    const child = spawn(process.execPath, [join(await action, "dist/index.js"), "plan", "--json"], {
      env: { PATH: process.env.PATH, HOME: folder, ...env },
      stdio: ["ignore", "pipe", "ignore"],
    });
    const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
    // Until the pipe is full nobody reads.
    await until(
      "it has written as much as a pipe takes",
      () => child.stdout.readableLength,
      (length) => length > 0,
    );
    let text = "";
    for await (const part of child.stdout.setEncoding("utf8") as AsyncIterable<string>) {
      text += part;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    assert.equal(await ended, 0, text.slice(-200));
    assert.ok(text.length > 2 * 65_536, `${text.length}`);
    assert.equal((JSON.parse(text) as { readonly stages: readonly unknown[] }).stages.length, 100);
  });
});
