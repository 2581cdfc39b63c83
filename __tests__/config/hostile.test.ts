// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the placeholders are the configuration's own.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import { Ajv2020 } from "ajv/dist/2020.js";
import { dump } from "js-yaml";
import { parseArguments } from "../../src/cli/arguments.ts";
import { inputs } from "../../src/config/inputs.ts";
import { ConfigError, isMapping, type Path, printPath, startsWith } from "../../src/config/issue.ts";
import { RefusedError } from "../../src/lib/errors.ts";
import { configured, type Situation } from "./configured.ts";

/* Every key that can be written, each with a value that is right, in as many documents as they exclude each other. */

/** Those that ask something of their own have a name for each question. */
const gatesFor = (whom: string) => [
  "auto",
  { errors: { name: "e", atMost: "1%", aboveStable: "0.5%", minRequests: 10, noData: "wait" } },
  { latency: { name: "l", p: 99, atMost: "500ms", timesStable: 1.5, minRequests: 10, noData: "fail" } },
  { restarts: { name: "r", atMost: 1 } },
  { query: "up", name: "q", atMost: 5, atLeast: 1, tolerate: 1, noData: "wait" },
  {
    json: {
      ...{ url: "https://api.example/{canary}", path: "a.0.-1", headers: { key: "k" }, body: { query: "q" } },
      ...{ every: "15s", name: `j${whom}`, atMost: 5, atLeast: 1, tolerate: 1, noData: "wait" },
    },
  },
  {
    run: {
      ...{ command: ["k6", "run"], timeout: "1m", every: "1m", name: `p${whom}`, atMost: 5, atLeast: 1 },
      ...{ tolerate: 1, noData: "fail" },
    },
  },
];

const whole = {
  namespace: "shop",
  service: "reviews",
  stable: { deployment: "reviews-v1", subset: "v1", host: "reviews" },
  canary: {
    deployment: "reviews-v2",
    subset: "v2",
    host: "reviews",
    from: "clone",
    labels: { version: "v2" },
    replicas: 2,
    leastPods: 3,
    container: "app",
  },
  image: "registry.example/reviews:v2",
  variables: { TAG: "v2" },
  routes: [
    { virtualService: "reviews", routes: ["#0"] },
    { httpRoute: "reviews", routes: ["primary"] },
    { grpcRoute: "shop/reviews" },
    { tlsRoute: "reviews" },
    { tcpRoute: "reviews" },
  ],
  stages: [
    { weight: 0, wait: "2m", mirror: 50 },
    { name: "ten", weight: 10, wait: "2m", deadline: "20m", gates: gatesFor("stage"), approval: true },
    { weight: 50, wait: "5m", drill: { delay: "2s" } },
    { weight: 60, wait: "5m", drill: { abort: 503 } },
    "100",
  ],
  testers: [
    { headers: { "x-canary": "yes", "end-user": { exact: "jason" } }, cookies: { canary: { prefix: "a" } } },
    { query: { canary: { regex: "a|b" } }, method: "POST", callers: { version: "v2" } },
  ],
  gates: gatesFor("all"),
  evidence: {
    requires: "sound",
    inconclusive: "extend",
    noData: "hold",
    holdFor: "1h",
    early: true,
    warmUp: "1m",
    objective: "1%",
    budget: "0.5%",
    alpha: "5%",
    beta: "5%",
    allowedIncrease: "10%",
    minExcess: "0.1%",
    slowFrom: "10ms",
    slowerBy: "10ms",
    slowerByPart: "10%",
    safeRatio: 2,
    latencyMargin: 1.25,
    splitTolerance: "50%",
    dispersion: 1.5,
  },
  metrics: {
    prometheus: "http://prometheus:9090",
    source: "prometheus",
    headers: { "X-Scope": "PLANTEDSECRET" },
    reporter: "auto",
    labels: {
      workload: "a",
      namespace: "b",
      service: "c",
      reporter: "d",
      code: "e",
      flags: "f",
      grpc: "g",
      sourceNamespace: "h",
      pod: "i",
    },
    requests: "istio_requests_total",
    durations: "istio_request_duration_milliseconds_bucket",
    interval: "15s",
    timeout: "10s",
  },
  promotion: { model: "update", drain: "30s", keepOld: "30m" },
  deadlines: { ready: "5m", release: "1h" },
  meshDelay: "5s",
  confirm: "settle",
  drift: "rollback",
  firstDeploy: false,
  reporting: {
    comment: true,
    summary: true,
    commitStatus: false,
    annotations: false,
    logs: false,
    pullRequest: 7,
    environment: "prod",
    dashboards: { grafana: "https://grafana.example/d/{service}?from={from}" },
    notify: [{ url: "https://hooks.example/services/PLANTEDSECRET", form: "slack", on: ["failed"] }],
    report: "report.json",
  },
  cluster: { kubeconfig: "PLANTEDSECRET", context: "prod" },
  verify: {
    url: "http://shop.example/",
    requests: 10,
    headers: { Authorization: "PLANTEDSECRET" },
    versionFrom: { json: "a.b" },
    window: "5m",
  },
  rehearse: { rate: 50, errors: "1%", runs: 100, seed: 1 },
};

const documents = [
  whole,
  {
    ...whole,
    canary: { subset: "v2", from: { manifests: ["k8s.yaml"], allowSecrets: true } },
    verify: { ...whole.verify, versionFrom: { header: "X-Version" } },
    testers: { method: "POST" },
    affinity: { cookie: "version" },
  },
];
const manifest = "apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: reviews-v2 }\n";
const files = { "k8s.yaml": manifest };

const deep = (levels: number): unknown => (levels === 0 ? "PLANTED" : [deep(levels - 1)]);

/** What somebody may write where something else belongs; `PLANTED` is what must be seen of it, unless it is secret. */
const wrong: Readonly<Record<string, unknown>> = {
  nothing: null,
  true: true,
  "a number below nothing": -1,
  "a number that is none": Number.NaN,
  "a number without end": Number.POSITIVE_INFINITY,
  "a number beyond counting": 1e23,
  "a part of a number": 0.5,
  "no text": "",
  "a text that gives orders": "PLANTED\u0000\r\n::error::PLANTED \u001b[31m",
  "a very long text": "PLANTED".repeat(5_000),
  "very many digits": "9".repeat(400),
  "an exponent": "1e400",
  "a time without end": "999999999h",
  "a URL that is none": "http://PLANTED:99999/",
  slashes: "/".repeat(20_000),
  "an empty list": [],
  "a list of lists": deep(40),
  "an empty mapping": {},
  "a mapping of something else": { PLANTED: [1] },
};

function paths(value: unknown, path: Path = []): readonly Path[] {
  if (typeof value !== "object" || value === null) return [path];
  const below = Array.isArray(value) ? [...value.entries()] : Object.entries(value);
  return [...(path.length === 0 ? [] : [path]), ...below.flatMap(([key, inner]) => paths(inner, [...path, key]))];
}

function put(value: unknown, [key, ...rest]: Path, instead: unknown): unknown {
  if (key === undefined) return instead;
  if (Array.isArray(value)) return value.map((item, index) => (index === key ? put(item, rest, instead) : item));
  const mapping = value as { readonly [key: string]: unknown };
  return { ...mapping, [key]: put(mapping[String(key)], rest, instead) };
}

async function refusal(situation: Situation): Promise<ConfigError | undefined> {
  try {
    const config = await configured(situation);
    for (const number of numbersIn(config)) assert.ok(Number.isFinite(number), `a ${number} was accepted`);
    assert.deepEqual(config.warnings, []);
    return undefined;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    assert.ok(error instanceof RefusedError, "exit code 2");
    return error;
  }
}

function numbersIn(value: unknown): readonly number[] {
  if (typeof value === "number") return [value];
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(numbersIn) : [];
}

function isReadable({ message, issues }: ConfigError): void {
  const lines = message.split("\n");
  assert.ok(lines.length <= 20, `${lines.length} lines`);
  for (const line of lines) assert.ok(line.length <= 2_000, `a line of ${line.length} characters`);
  assert.deepEqual(lines, [...new Set(lines)], "said twice");
  assert.doesNotMatch(message, /[^\P{Cc}\n]|^\s*at /mu);
  assert.doesNotMatch(message, /PLANTEDSECRET|undefined|\[object/);
  for (const { found = "" } of issues) assert.ok(found.length <= 80);
}

const isSecret = (path: Path): boolean =>
  path.includes("headers") ||
  inputs.some(({ secret, path: at }) => {
    if (secret === undefined || at === undefined) return false;
    return startsWith(path, at.split(".")) || startsWith(at.split("."), path);
  });

const accepts = new Ajv2020({ strict: false }).compile(JSON.parse(readFileSync("docs/schema.json", "utf8")));

/** A rule about two keys tells the other one. */
const partner: Readonly<Record<string, RegExp>> = {
  image: /^canary/,
  canary: /^canary|^image|^stable/,
  stable: /^canary/,
  service: /^canary/,
  stages: /^deadlines/,
};

for (const [index, document] of documents.entries()) {
  test(`the ${["one", "other"][index]} document with everything in it is accepted`, async () => {
    assert.equal(await refusal({ file: dump(document), files }), undefined);
    assert.ok(accepts(document), JSON.stringify(accepts.errors));
  });
}

test("the documents have every key of the schema", () => {
  const all = new Set(documents.flatMap((document) => paths(document)).map(([...path]) => String(path.at(-1))));
  const missing = new Set<string>();
  const visit = (schema: unknown): void => {
    if (Array.isArray(schema)) for (const inner of schema) visit(inner);
    if (!isMapping(schema)) return;
    if (isMapping(schema.properties))
      for (const key of Object.keys(schema.properties)) all.has(key) || missing.add(key);
    for (const inner of Object.values(schema)) visit(inner);
  };
  visit(JSON.parse(readFileSync("docs/schema.json", "utf8")));
  assert.deepEqual([...missing], []);
});

const told = new Set<string>();
for (const [what, value] of Object.entries(wrong)) {
  test(`${what}, in the place of every value: is refused by its path, its line and itself, or means something`, async () => {
    for (const document of documents)
      for (const path of paths(document)) {
        const name = printPath(path);
        if (told.has(`${what} ${name}`)) continue;
        told.add(`${what} ${name}`);
        await isToldOrRight(document, path, value).catch((error: unknown) => {
          throw new Error(`${name}: ${error instanceof Error ? error.message : error}`, { cause: error });
        });
      }
  });
}

async function isToldOrRight(document: unknown, path: Path, value: unknown): Promise<void> {
  const written = put(document, path, value);
  const text = dump(written, { noRefs: true });
  const error = await refusal({ file: text, files });
  if (!error) {
    assert.ok(value === null || accepts(written), `${JSON.stringify(value)?.slice(0, 60)} was accepted`);
    return;
  }
  isReadable(error);
  const name = printPath(path);
  for (const { path: told, problem, position } of error.issues) {
    if (name.startsWith("canary.from.manifests") && problem.startsWith("cannot be read")) continue; // it is a file then
    assert.ok(isAbout(told, name, path), error.message);
    if (!problem.includes("in the file or as --")) assert.ok(lineOf(text, position).trim() !== "", error.message);
  }
  if (!isSecret(path) && JSON.stringify(value)?.includes("PLANTED")) assert.match(error.message, /PLANTED|…/);
}

/** The path itself, what is below it, or what holds it; or the other of two keys that do not fit. */
function isAbout(told: string, name: string, path: Path): boolean {
  if (told.startsWith(name) || name.startsWith(told)) return true;
  if (path.length === 1 && told === "canary.yaml") return true;
  return partner[String(path[0])]?.test(told) === true || /^gates|^stages\[\d\]\.gates/.test(told);
}

function lineOf(text: string, position = ""): string {
  const [, line = "0"] = /^canary\.yaml:(\d+):\d+$/.exec(position) ?? [];
  return text.split("\n")[Number(line) - 1] ?? "";
}

test("every section may be wrong at once, and all of it is told, up to twenty lines", async () => {
  const sections = Object.keys(whole);
  const broken = Object.fromEntries(sections.map((section) => [section, -1]));
  const error = await refusal({ file: dump(broken) });
  assert.ok(error);
  isReadable(error);
  for (const section of sections)
    assert.ok(
      error.issues.some(({ path }) => path.startsWith(section)),
      section,
    );
});

test("many problems are told as the first and a count", async () => {
  const stages = Array.from({ length: 100 }, () => ({ weight: 0 }));
  const error = await refusal({ file: dump({ ...whole, stages }) });
  assert.ok(error);
  isReadable(error);
  assert.match(error.message, /\nand 81 more problems$/);
});

for (const input of inputs) {
  test(`the input ${input.name} with a wrong value is told by its name, or means something`, async () => {
    for (const value of Object.values(wrong).filter((value) => typeof value === "string")) {
      const given = { command: "release", [input.name]: value };
      if (input.name === "config") continue;
      const error = await refusal({ file: dump(whole), files, inputs: given });
      if (!error) continue;
      isReadable(error);
      const [first] = error.issues;
      assert.ok(
        error.issues.some(({ path }) => path.startsWith(input.name) || input.path?.startsWith(path)) ||
          first?.problem.startsWith("cannot be read"),
        `${input.name}: ${first?.path}: ${error.message}`,
      );
      if (input.secret !== undefined) assert.doesNotMatch(error.message, /PLANTED/);
    }
  });

  test(`the flag --${input.name} without its value, twice, or misspelt is told by its name`, () => {
    const { name, type } = input;
    if (name === "command") return;
    const typed: string[][] = [[`--${name.slice(0, -1)}ß`, "x"]];
    if (type !== "boolean") typed.push([`--${name}`]);
    if (!["list", "map", "settings"].includes(type)) typed.push([`--${name}=true`, `--${name}=true`]);
    for (const argv of typed)
      assert.throws(
        () => parseArguments(["release", ...argv]),
        (error) => {
          assert.ok(error instanceof ConfigError);
          isReadable(error);
          return error.message.includes(`--${name}`);
        },
        argv.join(" "),
      );
  });
}

const bomb = Array.from({ length: 8 }, (_, level) => {
  const items = Array.from({ length: 10 }, () => (level === 0 ? "x" : `*a${level - 1}`));
  return `a${level}: &a${level} [${items.join(", ")}]`;
}).join("\n");

const logins = Array.from({ length: 30_000 }, (_, index) => `http://ada:pw-${index}@host`).join(" ");

const hostileFiles: readonly (readonly [what: string, file: string, told: RegExp])[] = [
  ["aliases of aliases", bomb, /^canary\.yaml: has more than 10,000 values/],
  ["an alias of itself", "a: &a [*a]", /^canary\.yaml: has more than 10,000 values/],
  ["brackets", `a: ${"[".repeat(500_000)}`, /^canary\.yaml:1:\d+: is not YAML .*nesting/],
  ["braces behind spaces", `a: [${" ".repeat(500_000)}${"{".repeat(500_000)}`, /^canary\.yaml:1:\d+: is not YAML/],
  ["a list of half a million", `stages: [${"a,".repeat(500_000)}]`, /^canary\.yaml: has more than 10,000 values/],
  ["a very long key", `${"k".repeat(1_000_000)}: 1`, /^canary\.yaml:1:1: unknown key "k+…"/],
  ["a variable without an end", `image: "${"${a".repeat(300_000)}"`, /image: expected an image/],
  [
    "one variable many times",
    `image: "${"${NONE}".repeat(100_000)}"`,
    /image: the environment variable NONE is not set/,
  ],
  ["line breaks between names", `routes: "a${"\\n".repeat(500_000)}!"`, /routes: expected VirtualServices/],
  ["thousands of passwords", `image: "${logins}"`, /^configuration: has [\d,]+ secrets in it, and at most 1,000/],
  [
    "thousands of mistakes behind a long text",
    `a: ${"x".repeat(900_000)}\ngates: [${"q,".repeat(5_000)}]`,
    /and 4,98\d more problems$/,
  ],
  ["slashes without an end", `image: "${"//a".repeat(300_000)}"`, /image: expected an image/],
];

for (const [what, file, said] of hostileFiles) {
  test(`a file with ${what} is refused in a few short lines`, async () => {
    const error = await refusal({ file });
    assert.ok(error);
    isReadable(error);
    assert.match(error.message, new RegExp(said.source, "m"));
  });
}

test("a problem stands with the line and the column of its key, also in lists, behind aliases and in quotes", async () => {
  const file = [
    "namespace: shop",
    "service: reviews",
    "stable: { deployment: reviews-v1, subset: V_1 }",
    "canary:",
    "  deployment: reviews-v2",
    "  'subset': [x]",
    "  subst: v2",
    "stages:",
    "  - 10:2m",
    "  - weight: 50",
    "    wait: ever",
    "  - 100",
    "gates:",
    "  - restarts: &some { atMost: -1 }",
    "verify: { headers: { a: b }, requests: x }",
    "",
  ].join("\r\n");
  const error = await refusal({ file });
  assert.deepEqual(
    error?.issues.map(({ path, position }) => [path, position]),
    [
      ["stable.subset", "canary.yaml:3:35"],
      ["canary.subset", "canary.yaml:6:4"],
      ["canary", "canary.yaml:7:3"],
      ["stages[1].wait", "canary.yaml:11:5"],
      ["gates[0].restarts.atMost", "canary.yaml:14:23"],
      ["verify.requests", "canary.yaml:15:30"],
    ],
  );
  assert.match(error?.message ?? "", /^canary\.yaml:7:3: canary: unknown key "subst"; did you mean "subset"\?/m);
});

test("a problem of a manifest stands with its line as well, in any document and in a List", async () => {
  const manifests = [
    "---",
    "# from Helm",
    "---",
    "apiVersion: v1",
    "kind: ConfigMap",
    "metadata: { name: 7 }",
    "---",
    "kind: List",
    "items:",
    "  - apiVersion: apps/v1",
    "    kind: Deployment",
    "    metadata:",
    "      name: reviews-v2",
    "      labels: { version: '${TAG}' }",
    "",
  ].join("\n");
  const error = await refusal({
    file: dump({ ...documents[1], variables: ["TAG"] }),
    files: { "k8s.yaml": manifests },
  });
  assert.deepEqual(
    error?.issues.map(({ path, position }) => [path, position]),
    [
      ["k8s.yaml[0].metadata.name", "k8s.yaml:6:13"],
      ["k8s.yaml[1].items[0].metadata.labels.version", "k8s.yaml:14:17"],
    ],
  );
});
