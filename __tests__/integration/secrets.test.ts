import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { describe, type TestContext } from "node:test";
import { dump, load } from "js-yaml";
import { kinds } from "../../sandbox/api-server/kind.ts";
import { hostIn, type Inputs, imageOf, releaseOfOne } from "../../sandbox/shop.ts";
import { until } from "../support/cluster.ts";
import { journalOf, reached } from "./facts.ts";
import { rejecting, throwing } from "./preload.ts";
import type { Ended } from "./program.ts";
import { pull, type Scene, scene } from "./scene.ts";

/** One secret in every input that can hold one. */
const written = {
  github: "ghs_token",
  metrics: "S3CRET-of-metrics",
  tenantKey: "S3CRET-without-a-telling-name",
  verify: "S3CRET-of-verify",
  prometheusUrl: "S3CRET-in-the-url-of-prometheus",
  verifyUrl: "S3CRET-in-the-url-of-verify",
  proxy: "S3CRET-of-a-proxy",
} as const;

const withPassword = (url: string, password: string): string => url.replace("//", `//ada:${password}@`);

/** A gate whose name holds every secret: a name stands in each report. */
const leakyGates = (secrets: readonly string[]): string =>
  dump([{ restarts: { name: `gate ${secrets.join(" ")}` } }], { lineWidth: -1 });

/** All that a job with every secret is given. The kubeconfig comes as text. */
const inputsWith = ({ sandbox }: Scene, kubeconfig: string): Inputs => ({
  ...releaseOfOne("v2"),
  stages: "50:300ms, 100",
  kubeconfig,
  "github-token": written.github,
  prometheus: withPassword(sandbox.prometheus.url, written.prometheusUrl),
  "metrics-headers": `Authorization=Bearer ${written.metrics}\nx-prom=${written.tenantKey}`,
  "verify-headers": `host=${hostIn("shop")}\nX-Password=${written.verify}`,
  "verify-url": withPassword(sandbox.gateway.url, written.verifyUrl),
  "commit-status": "true",
});

const env = { HTTPS_PROXY: `http://ada:${written.proxy}@127.0.0.1:9`, NO_PROXY: "127.0.0.1" };

/** Everything that a job leaves where somebody can read it. The runner takes the commands that tell it what to mask. */
function sinksOf({ sandbox }: Scene, ended: Ended): string {
  const { said, outputs, summary, report } = ended;
  const log = said.split("\n").filter((line) => !line.startsWith("::add-mask::"));
  const onGitHub = [sandbox.github.comments(pull.number), sandbox.github.statuses(pull.commits[0])];
  return [...log, summary, JSON.stringify({ outputs, report, onGitHub })].join("\n");
}

function assertHidden(text: string, secrets: readonly string[]): void {
  for (const secret of secrets)
    for (const form of [secret, encodeURIComponent(secret), Buffer.from(secret).toString("base64").replace(/=+$/, "")])
      assert.ok(!text.includes(form), `${form} in ${text}`);
}

/** The runner masks a secret only if it is told to. */
function assertMasked({ said }: Ended, secrets: readonly string[]): void {
  for (const secret of secrets) assert.ok(said.includes(`::add-mask::${secret}\n`), `${secret} is not masked`);
}

/** A kubeconfig whose user gets the token from a plugin, so that it stands nowhere before it is used. */
function withPlugin(t: TestContext, kubeconfig: string, token: string): string {
  const folder = mkdtempSync(join(tmpdir(), "istio-canary-plugin-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const command = join(folder, "plugin.sh");
  const credential = { apiVersion: "client.authentication.k8s.io/v1", kind: "ExecCredential", status: { token } };
  writeFileSync(command, `#!/bin/sh\necho '${JSON.stringify(credential)}'\n`);
  chmodSync(command, 0o755);
  const exec = { apiVersion: credential.apiVersion, command, interactiveMode: "Never" };
  return dump({ ...(load(kubeconfig) as object), users: [{ name: "user", user: { exec } }] });
}

describe("secrets", { concurrency: 3 }, () => {
  test("no secret is shown by a release that succeeds, with its token from a kubeconfig, nor kept in the cluster", async (t) => {
    const world = await scene(t, { shop: "one", rate: 0 });
    const { sandbox, run } = world;
    const all = [...Object.values(written), sandbox.api.adminToken];
    const inputs = inputsWith(world, sandbox.api.kubeconfig());

    const plain = await run({ ...inputs, gates: "- restarts: {}" }, { env });
    assert.equal(plain.exit, 0, plain.said);
    const objects = kinds.flatMap((kind) => sandbox.api.store.list(kind));
    assert.ok(journalOf(sandbox));
    assertHidden(JSON.stringify(objects), all);

    const named = await run({ ...inputs, image: imageOf("v3"), gates: leakyGates(all) }, { env });
    assert.equal(named.exit, 0, named.said);
    assert.match(sinksOf(world, named), /gate \*\*\* \*\*\*/); // it is told, without them
    assertHidden(sinksOf(world, named), all);
    assertMasked(named, all);
  });

  test("no secret is shown by the commands that print, as text and as JSON, with the token from a plugin", async (t) => {
    const world = await scene(t, { shop: "one", rate: 0 });
    const { sandbox, run } = world;
    const all = [...Object.values(written), sandbox.api.adminToken];
    const kubeconfig = withPlugin(t, sandbox.api.kubeconfig(), sandbox.api.adminToken);
    const inputs = { ...inputsWith(world, kubeconfig), gates: leakyGates(all) };
    const approval = "- { weight: 50, approval: true }\n- 100";

    const waits = await run({ ...inputs, stages: approval }, { env });
    assert.equal(waits.exit, 0, waits.said);
    assertHidden(sinksOf(world, waits), all);
    for (const command of ["plan", "status", "verify", "rehearse"]) {
      for (const json of ["false", "true"]) {
        const given =
          command === "rehearse" ? { "rehearse-rate": "5", "rehearse-errors": "1%", "rehearse-runs": "5" } : {};
        const ended = await run({ ...inputs, ...given, command, json }, { env });
        assert.notEqual(ended.stdout, "", command);
        assertHidden(sinksOf(world, ended), command === "rehearse" ? Object.values(written) : all);
      }
    }
  });

  test("no secret is shown by refusals, warnings and errors, be they of the configuration or of the cluster", async (t) => {
    const world = await scene(t, { shop: "one", rate: 0 });
    const { sandbox, run } = world;
    const all = [...Object.values(written), sandbox.api.adminToken];
    const text = all.join(" ");
    const inputs = { ...inputsWith(world, sandbox.api.kubeconfig()), gates: "- restarts: {}" };

    const configuration = await run({ ...inputs, stages: `50:2x ${text.slice(0, 60)}`, image: text }, { env });
    assert.equal(configuration.exit, 2, configuration.said);
    assertHidden(sinksOf(world, configuration), Object.values(written));

    const warned = await run({ ...inputs, command: "status", stages: written.metrics, image: text }, { env });
    assert.match(warned.said, /stages.*got "\*\*\*"/, warned.said);
    assertHidden(sinksOf(world, warned), all);

    sandbox.api.fail({ path: "configmaps", status: 403, message: `not with ${text}`, times: 100 });
    const refused = await run(inputs, { env });
    assert.equal(refused.exit, 2, refused.said);
    assert.match(refused.said, /not with \*\*\*/);
    assertHidden(sinksOf(world, refused), all);
  });

  test("no secret is shown by a defect", async (t) => {
    const world = await scene(t, { shop: "one", rate: 0 });
    const { sandbox, start } = world;
    const all = [...Object.values(written), sandbox.api.adminToken];
    const inputs = { ...inputsWith(world, sandbox.api.kubeconfig()), gates: "- restarts: {}", stages: "50:60s, 100" };
    for (const defect of [throwing, rejecting]) {
      const job = start(inputs, { env: { ...env, ...defect(`it broke on ${all.join(" ")}`) } });
      await reached(sandbox, "baking", job.ended);
      job.signal("SIGUSR2");
      await until("the defect was told", job.said, (said) => said.includes("it broke on"));
      job.signal("SIGINT");
      assertHidden(sinksOf(world, await job.ended), all);
    }
  });
});
