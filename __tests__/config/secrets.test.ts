// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the placeholders are the configuration's own.
import assert from "node:assert/strict";
import test from "node:test";
import { inputs } from "../../src/config/inputs.ts";
import { secretsIn } from "../../src/config/secrets.ts";
import { createRedaction } from "../../src/lib/redaction.ts";
import { configured, type Situation, sound, soundBut } from "./configured.ts";

async function secretsOf(situation: Situation): Promise<ReadonlySet<string>> {
  const secrets = new Set<string>();
  await configured(situation, (secret) => secrets.add(secret)).catch(() => undefined);
  return secrets;
}

test("every input that the table calls secret is one, wherever it is said, but for the kubeconfig and webhooks, which have secrets in them", async () => {
  for (const { name, path, type, secret } of inputs) {
    if (secret === undefined || secret === "kubeconfig" || secret === "webhooks") continue;
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

const container = (more: object): object => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "reviews-v3" },
  spec: { template: { spec: { containers: [{ name: "app", image: "r.io/my-auth:v2.15.0@sha256:0a1b2c", ...more }] } } },
});
const value = (name: string, value: string): object => container({ env: [{ name, value }] });
const data = (kind: string, text: string): object => ({
  apiVersion: "v1",
  kind,
  metadata: { name: "keys" },
  [kind === "Secret" ? "stringData" : "data"]: { file: text },
});
const encoded = (text: string): string => Buffer.from(text).toString("base64");

const inManifests: readonly (readonly [where: string, object: object])[] = [
  ["a variable called credentials in short", value("MY_CREDS", "S3CRET-1")],
  ["the login that a driver of Go takes", value("DATABASE_DSN", "joe:S3CRET-1@tcp(db:3306)/shop")],
  ["the words of a driver of PostgreSQL", value("DSN", "host=db user=joe password=S3CRET-1 sslmode=require")],
  ["the words of a driver of .NET", value("CONNECTION", "Server=db;User Id=joe;Password=S3CRET-1;")],
  ["an argument", container({ args: ["serve", "--db-password=S3CRET-1"] })],
  ["the argument behind its name", container({ args: ["--db-password", "S3CRET-1", "--port", "80"] })],
  ["a command of a shell", container({ command: ["sh", "-c", "DB_PASSWORD='S3CRET-1' exec serve"] })],
  [
    "an annotation",
    { ...container({}), metadata: { name: "reviews-v3", annotations: { "x/db-password": "S3CRET-1" } } },
  ],
  ["the data of a ConfigMap", { ...data("ConfigMap", ""), data: { DB_PASSWORD: "S3CRET-1" } }],
  ["a file in a ConfigMap", data("ConfigMap", "db:\n  user: joe\n  password: S3CRET-1\n")],
  ["JSON in a ConfigMap", data("ConfigMap", '{"db":{"password":"S3CRET-1"}}')],
  ["JSON in a Secret", data("Secret", '{"auths":{"r.io":{"username":"joe","password":"S3CRET-1"}}}')],
  [
    "base64 in JSON in a Secret",
    data("Secret", JSON.stringify({ auths: { "r.io": { auth: encoded("joe:S3CRET-1") } } })),
  ],
  ["base64 of JSON in a Secret", data("Secret", encoded('{"password":"S3CRET-1"}'))],
  ["a line of YAML in a Secret", data("Secret", 'db:\n  pw: "S3CRET-1"\n')],
  ["a line of properties in a Secret", data("Secret", "db.user=joe\ndb.pw = S3CRET-1\n")],
];

const withManifest = (object: object, more = ""): Situation => ({
  file: `${soundBut("canary: { subset: v3, from: { manifests: a.yaml, allowSecrets: true } }")}${more}`,
  files: { "a.yaml": JSON.stringify(object) },
});

for (const [where, object] of inManifests)
  test(`in manifests a secret is known by itself: ${where}`, async () => {
    const secrets = await secretsOf(withManifest(object));
    assert.ok(secrets.has("S3CRET-1"), [...secrets].join(" | "));
  });

test("in manifests no image, no switch and no name of a key is a secret", async () => {
  const object = container({
    args: ["--token-auth=false", "--sort-key", "--image=r.io/auth:v2.15.0"],
    env: [
      { name: "AUTH_ENABLED", value: "true" },
      { name: "DB_PASSWORD", valueFrom: { secretKeyRef: { name: "database", key: "password" } } },
    ],
    envFrom: [{ secretRef: { name: "database-1" } }],
  });
  assert.deepEqual(await secretsOf(withManifest(object)), new Set());
});

for (const [how, more] of [
  ["by its name", "variables: [DB_PASSWORD, TAG]\n"],
  ["with the value of the environment", "variables: { DB_PASSWORD: null, TAG: v9-1 }\n"],
  ["with a value", "variables: { DB_PASSWORD: S3CRET-1, TAG: v9-1 }\n"],
  ["with a value of the environment in it", 'variables: { DB_PASSWORD: "${OTHER}", TAG: v9-1 }\n'],
] as const)
  test(`a variable that fills manifests and is called a secret is one: listed ${how}`, async () => {
    const env = { DB_PASSWORD: "S3CRET-1", OTHER: "S3CRET-1", TAG: "v9-1" };
    const object = {
      ...container({}),
      metadata: { name: "reviews-v3", annotations: { note: "${DB_PASSWORD} ${TAG}" } },
    };
    assert.deepEqual(await secretsOf({ ...withManifest(object, more), env }), new Set(["S3CRET-1"]));
  });

test("a name of the configuration is no secret, although a header has it, too", async () => {
  const file = `${sound}metrics: { prometheus: http://prometheus:9090, headers: { X-Api-Key: reviews, X-Key: S3CRET-1 } }\n`;
  const once = file.replace(/^metrics: \{ prometheus: http:\/\/prometheus:9090 \}\n/m, "");
  assert.deepEqual(await secretsOf({ file: once }), new Set(["S3CRET-1"]));
});

test("a secret that stands in disorder is in no error, wherever the error is", async () => {
  for (const file of [
    "metrics: [{ headers: { Authorization: Bearer S3CRET-below } }]",
    "cluster: [{ kubeconfig: S3CRET-below }]",
    "reporting: [{ notify: [{ url: https://hooks.test/S3CRET-below }] }]",
    "- metrics: { headers: { Authorization: Bearer S3CRET-below } }",
  ])
    await assert.rejects(configured({ file }), (error: Error) => {
      assert.match(error.message, /expected a mapping/);
      assert.doesNotMatch(error.message, /S3CRET/);
      return true;
    });
});

test("the address of a webhook is a secret, and its path where it is no common word", () => {
  const notify = [
    { url: "https://hooks.slack.test/services/T0/B0/abcdefgh", form: "slack" },
    { url: "http://robot/hook", form: "json" },
    { form: "json" },
  ];
  assert.deepEqual(
    [...secretsIn({ reporting: { notify } }, {}, {})],
    ["https://hooks.slack.test/services/T0/B0/abcdefgh", "services/T0/B0/abcdefgh", "http://robot/hook"],
  );
  assert.deepEqual([...secretsIn({ reporting: { notify: "PLANTED" } }, {}, {})], []);
});
