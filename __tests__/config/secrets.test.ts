// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the placeholders are the configuration's own.
import assert from "node:assert/strict";
import test from "node:test";
import { inputs } from "../../src/config/inputs.ts";
import { createRedaction } from "../../src/lib/redaction.ts";
import { configured, type Situation, sound, soundBut } from "./configured.ts";

async function secretsOf(situation: Situation): Promise<ReadonlySet<string>> {
  const secrets = new Set<string>();
  await configured(situation, (secret) => secrets.add(secret)).catch(() => undefined);
  return secrets;
}

test("every input that the table calls secret is one, wherever it is said, but for the kubeconfig, which has secrets in it", async () => {
  for (const { name, path, type, secret } of inputs) {
    if (secret === undefined || secret === "kubeconfig") continue;
    const value = type === "map" ? "x-key=S3CRET-value" : "S3CRET-value";
    assert.ok((await secretsOf({ inputs: { [name]: value } })).has("S3CRET-value"), `the input ${name}`);
    const [section, key] = path?.split(".") ?? [];
    if (section === undefined) continue;
    const file = `${section}: { ${key}: { x-key: S3CRET-value } }`;
    assert.ok((await secretsOf({ file })).has("S3CRET-value"), `the key ${path}`);
  }
});

test("a secret that a variable fills in is one, and so is the token of the environment", async () => {
  const file = "metrics: { headers: { Authorization: 'Bearer ${PROM}' } }";
  assert.deepEqual(
    await secretsOf({ file, env: { PROM: "from-env", GITHUB_TOKEN: "ghs_env" } }),
    new Set(["from-env", "ghs_env"]),
  );
});

test("credentials in URLs are secret: of Prometheus, of a request, of a dashboard, and of a proxy", async () => {
  const secrets = await secretsOf({
    file: `${sound}reporting: { dashboards: { grafana: "https://ada:dash-pw@grafana.example/d" } }`,
    inputs: { prometheus: "http://ada:prom-pw@prom.example", "verify-url": "http://ada:verify-pw@shop.example" },
    env: {
      HTTPS_PROXY: "http://ada:proxy-pw@proxy.example",
      https_proxy: "http://ada:lower-pw@proxy.example",
      HTTP_PROXY: "ada:bare-pw@proxy",
    },
  });
  for (const word of ["dash-pw", "prom-pw", "verify-pw", "proxy-pw", "lower-pw", "bare-pw"])
    assert.ok(secrets.has(word), word);
});

test("secrets are known before an error is told, also where they are written as nothing should be", async () => {
  const redaction = createRedaction();
  const file = "metrics: { headers: [S3CRET-in-a-list] }\nstages: http://ada:S3CRET-pw@nowhere";
  await assert.rejects(configured({ file }, redaction.register), (error: Error) => {
    assert.match(error.message, /stages/);
    return true;
  });
  assert.equal(redaction.redact("S3CRET-in-a-list and S3CRET-pw"), "*** and ***");
});

test("what is secret in manifests is known: in Secrets, in variables that are called so, and in URLs", async () => {
  const env = [
    { name: "DB_PASSWORD", value: "${DB_PASSWORD}" },
    { name: "DB_URL", value: "postgres://shop:S3CRET-in-url@db/shop" },
    { name: "LOG_LEVEL", value: "S3CRET-not" },
  ];
  const objects = [
    {
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: "keys" },
      stringData: { a: "S3CRET-string" },
      data: { b: "UzNDUkVULWRhdGE=" },
    },
    {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name: "reviews-v3" },
      spec: { template: { spec: { containers: [{ name: "app", env }] } } },
    },
  ];
  const secrets = await secretsOf({
    file: `${soundBut("canary: { subset: v3, from: { manifests: a.yaml, allowSecrets: true } }")}variables: [DB_PASSWORD]\n`,
    files: { "a.yaml": objects.map((object) => JSON.stringify(object)).join("\n---\n") },
    env: { DB_PASSWORD: "S3CRET-variable" },
  });
  for (const secret of ["S3CRET-string", "S3CRET-data", "S3CRET-variable", "S3CRET-in-url"])
    assert.ok(secrets.has(secret), secret);
  assert.ok(!secrets.has("S3CRET-not"));
});

test("a secret that stands in disorder is in no error, wherever the error is", async () => {
  for (const file of [
    "metrics: [{ headers: { Authorization: Bearer S3CRET-below } }]",
    "cluster: [{ kubeconfig: S3CRET-below }]",
    "- metrics: { headers: { Authorization: Bearer S3CRET-below } }",
  ])
    await assert.rejects(configured({ file }), (error: Error) => {
      assert.match(error.message, /expected a mapping/);
      assert.doesNotMatch(error.message, /S3CRET/);
      return true;
    });
});
