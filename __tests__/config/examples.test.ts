import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import test from "node:test";
import { Ajv2020 } from "ajv/dist/2020.js";
import { load } from "js-yaml";
import { type JsonSchema, jsonSchema, withReferences } from "../../scripts/generate/json-schema.ts";
import { inputs } from "../../src/config/inputs.ts";
import { loadConfig } from "../../src/config/load.ts";
import { formatDuration } from "../../src/lib/duration.ts";
import type { Target } from "../../src/release/target.ts";

const env = {
  GITHUB_SHA: "0a1b2c3",
  GITHUB_REF_NAME: "main",
  PROM_TOKEN: "t",
  CI_NAMESPACE: "spring-boot",
  CI_PROJECT_NAME: "dhc",
  IMAGE_DATE: "20261121",
  CANARY_STAGES: "10:1m, 100",
};

type Expected = {
  readonly source: Target["source"]["from"];
  readonly canary: string;
  readonly image: string;
  readonly stages: string;
  readonly gates: number;
  readonly promotion: string;
};

/** What each example says, in a line. */
const expected: Readonly<Record<string, Expected>> = {
  "examples/minimal.yaml": {
    source: "existing",
    canary: "reviews/v2",
    image: "an-input:1",
    stages: "10% 5m, 50% 5m, 100%",
    gates: 2,
    promotion: "swap",
  },
  "examples/testers.yaml": {
    source: "existing",
    canary: "reviews/v2",
    image: "ghcr.io/acme/reviews:0a1b2c3",
    stages: "testers, 10% 5m, 50% 5m, 100%",
    gates: 1,
    promotion: "swap",
  },
  "examples/two-deployments.yaml": {
    source: "existing",
    canary: "reviews/v2",
    image: "ghcr.io/acme/reviews:0a1b2c3",
    stages: "5% 5m, 25% 10m, 50% 10m, 100%",
    gates: 3,
    promotion: "swap",
  },
  "examples/clone.yaml": {
    source: "clone",
    canary: "reviews/canary",
    image: "ghcr.io/acme/reviews:0a1b2c3",
    stages: "10% 2m, 50% 5m, 100%",
    gates: 2,
    promotion: "update",
  },
  "examples/two-services.yaml": {
    source: "existing",
    canary: "reviews-v2.shop.svc.cluster.local/",
    image: "ghcr.io/acme/reviews:0a1b2c3",
    stages: "10% 5m, 50% 5m, 100%",
    gates: 2,
    promotion: "swap",
  },
  "examples/gateway-api.yaml": {
    source: "existing",
    canary: "reviews-v2/",
    image: "ghcr.io/acme/reviews:0a1b2c3",
    stages: "10% 5m, 50% 5m, 100%",
    gates: 2,
    promotion: "swap",
  },
  "examples/manifests.yaml": {
    source: "manifests",
    canary: "reviews/v2",
    image: "an-input:1",
    stages: "10% 5m, 50% 5m, 100%",
    gates: 2,
    promotion: "swap",
  },
  "examples/approval.yaml": {
    source: "existing",
    canary: "checkout/v2",
    image: "ghcr.io/acme/checkout:0a1b2c3",
    stages: "first hundredth 10m, 20% 10m, 50% 20m, 100%",
    gates: 2,
    promotion: "swap",
  },
  "examples/names-from-ci.yaml": {
    source: "existing",
    canary: "service-dhc/v102",
    image: "registry.example.com/dhc:20261121",
    stages: "10% 1m, 100%",
    gates: 2,
    promotion: "swap",
  },
};

const examples = globSync("examples/*.yaml").sort();

test("every example is expected here", () => {
  assert.deepEqual(examples, Object.keys(expected).sort());
});

for (const config of examples) {
  test(`${config} is a configuration without a fault`, async () => {
    const withoutImage = !/^image:/m.test(readFileSync(config, "utf8"));
    const { release, warnings, metrics } = await loadConfig({
      inputs: { config, ...(withoutImage ? { image: "an-input:1" } : {}) },
      env,
      readFile: (path) => readFile(path, "utf8"),
      registerSecret: () => {},
    });
    assert.ok(release);
    const { target, plan } = release;
    assert.deepEqual(
      {
        source: target.source.from,
        canary: `${target.canary.host}/${target.canary.subset ?? ""}`,
        image: target.image,
        stages: plan.stages.map(({ name, wait }) => (wait > 0 ? `${name} ${formatDuration(wait)}` : name)).join(", "),
        gates: plan.stages[0]?.gates.length,
        promotion: plan.promotion,
      },
      expected[config],
    );
    assert.deepEqual(warnings, []);
    const { prometheus = "service:" } = metrics ?? {};
    assert.match(prometheus, /^(service:|https:|$)/, "GitHub's own runners are in nobody's cluster");
  });
}

const published: unknown = JSON.parse(readFileSync("docs/schema.json", "utf8"));
const valid = new Ajv2020({ strictTypes: false }).compile(withReferences(jsonSchema()) ?? {});

test("the published schema is the one that is tested here", () => {
  assert.deepEqual(published, withReferences(jsonSchema()));
});

for (const config of examples) {
  test(`the JSON schema accepts ${config} before its variables are filled in`, () => {
    assert.ok(valid(load(readFileSync(config, "utf8"))), JSON.stringify(valid.errors));
  });
}

const structural: readonly (readonly [what: string, text: string])[] = [
  ["an unknown key", "canry: reviews-v2"],
  ["an unknown key of a part", "deadlines: { redy: 5m }"],
  ["a time without its unit", "metrics: { interval: 15 }"],
  ["a percentage with two signs", "gates: [{ errors: { atMost: 5%% } }]"],
  ["a ratio above 1", "gates: [{ errors: { atMost: 5 } }]"],
  ["a gate nobody knows", "gates: [{ erors: { atMost: 1% } }]"],
  ["a query without its text", "gates: [{ name: queue, atMost: 1 }]"],
  ["a stage without a weight", "stages: [{ wait: 5m }]"],
  ["a weight above all", "stages: [{ weight: 101, wait: 5m }]"],
  ["a word that is no choice", "drift: putback"],
  ["a source nobody knows", "canary: { from: copy }"],
  ["a name in capitals", "service: Reviews"],
  ["a list", "[]"],
];

for (const [what, text] of structural) {
  test(`the JSON schema refuses ${what}`, () => {
    assert.equal(valid(load(text)), false);
  });
}

/** What stands at a path, whatever short forms there are besides. */
function at(schema: JsonSchema, [key, ...rest]: readonly string[]): JsonSchema | undefined {
  if (key === undefined) return schema;
  const below = [schema, ...(schema.anyOf ?? [])]
    .map(({ properties }) => properties?.[key])
    .find((found) => found !== undefined);
  return typeof below === "object" ? at(below, rest) : undefined;
}

test("the JSON schema says what each input that is not given means", () => {
  const schema = jsonSchema();
  for (const { path, description, default: standard } of inputs) {
    if (path === undefined) continue;
    const key = at(schema, path.split("."));
    assert.equal(key?.description, description, path);
    assert.equal(
      standard,
      key?.default === undefined || typeof key.default === "object" ? undefined : String(key.default),
      path,
    );
  }
});
