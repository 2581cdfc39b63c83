import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import type { ApiServer } from "../sandbox/api-server/api-server.ts";
import type { SentObject } from "../sandbox/api-server/object.ts";
import { parseOutputs } from "../sandbox/composite/file-commands.ts";
import { nodeClock } from "../src/adapters/node/node-clock.ts";
import { nodeWorld } from "../src/adapters/node/node-world.ts";
import { compose, composeInit, desk, type Surroundings } from "../src/compose.ts";
import type { Config } from "../src/config/config.ts";
import { dispatch } from "../src/dispatch.ts";
import { createRedaction } from "../src/lib/redaction.ts";
import type { Plan } from "../src/release/plan.ts";
import type { ReleaseRecord } from "../src/release/release-record.ts";
import { createCensor } from "../src/reporting/censor.ts";
import type { HttpAnswer, HttpRequest } from "../src/world/transport.ts";
import { configured, sound, soundBut } from "./config/configured.ts";
import { jumpingClock } from "./support/clock.ts";
import { inCluster } from "./support/cluster.ts";
import { createSession } from "./support/session.ts";
import { shopTarget } from "./support/shop-target.ts";
import { deploymentOf, destinationRuleOf, image, serviceOf } from "./support/workload-objects.ts";
import { base, start } from "./words/sample.ts";

/** Several lines, or it would be a path. */
const kubeconfig = `
clusters: [{ name: one, cluster: { server: "https://kubernetes.test" } }]
contexts: [{ name: prod-eu-1, context: { cluster: one, user: one } }]
users: [{ name: one, user: {} }]
current-context: prod-eu-1
`;

const github: Surroundings["github"] = {
  actions: true,
  apiUrl: "https://github.test",
  repository: { owner: "acme", repo: "shop" },
  sha: "abc123",
  pullRequest: 7,
};

/** GitHub takes what it is told, Prometheus has counted nothing, and in the cluster there is nothing. */
function answerTo({ method, url, body = "" }: HttpRequest): HttpAnswer {
  const json = (status: number, value: unknown): HttpAnswer => ({
    status,
    headers: { "content-type": "application/json" },
    text: JSON.stringify(value),
  });
  if (url.pathname === "/graphql") return json(200, { data: { viewer: { login: "bot" } } });
  if (url.host === "github.test" && method === "GET") return json(200, []);
  if (url.host === "github.test")
    return json(201, { id: 1, html_url: "https://github.test/c/1", body, user: { login: "bot" } });
  if (url.pathname.includes("/api/v1/query"))
    return json(200, { status: "success", data: { resultType: "vector", result: [] } });
  return json(404, { kind: "Status", reason: "NotFound", message: "not found" });
}

/** The world that a command is given, and everything that it was asked. */
function surroundings(more: Partial<Surroundings> = {}) {
  const requests: HttpRequest[] = [];
  const warnings: string[] = [];
  const said: unknown[] = [];
  const redaction = createRedaction();
  const here: Surroundings = {
    clock: jumpingClock(start),
    transport: {
      async send(request) {
        requests.push(request);
        return answerTo(request);
      },
    },
    random: () => 0.5,
    env: {},
    github,
    voice: { warn: (text) => void warnings.push(text), report: () => void said.push("voice"), flush: async () => {} },
    registerSecret: redaction.register,
    censor: createCensor(redaction),
    stop: new AbortController().signal,
    print: (text) => void said.push(text),
    answer: (value) => void said.push(value),
    programs: { start: () => assert.fail("no program is run") },
    ...more,
  };
  return { here, requests, warnings, said };
}

const configOf = async (more: Partial<Config> = {}): Promise<Config> => ({
  ...(await configured({ file: sound, inputs: { kubeconfig } })),
  ...more,
});

// One folder for all tests here: @actions/core looks its summary up once in a process.
const folder = mkdtempSync(join(tmpdir(), "istio-canary-compose-"));
const [outputFile, summaryFile, reportFile] = ["outputs", "summary", "report"].map((name) => join(folder, name)) as [
  string,
  string,
  string,
];
process.env.GITHUB_OUTPUT = outputFile;
process.env.GITHUB_STEP_SUMMARY = summaryFile;
test.beforeEach(() => {
  for (const file of [outputFile, summaryFile, reportFile]) writeFileSync(file, "");
});
test.after(() => rmSync(folder, { recursive: true }));
const textOf = (file: string): string => readFileSync(file, "utf8");

type Told = { readonly sinks: readonly string[]; readonly status: string };

/** Where an account of a release arrives, and what the status says. */
async function told(reporting: Partial<Config["reporting"]>, job: Partial<Surroundings["github"]>): Promise<Told> {
  const config = await configOf();
  const { here, requests, warnings, said } = surroundings({
    clock: nodeClock, // Octokit is loaded late, and a clock that jumps would not wait for it
    github: { ...github, outputFile, summaryFile, ...job },
  });
  const everything = {
    githubToken: "github-token-0815",
    comment: true,
    commitStatus: true,
    summary: true,
    report: reportFile,
    pullRequest: undefined,
  };
  const session = compose({ ...config, reporting: { ...config.reporting, ...everything, ...reporting } }, here);
  session.reporter.report({ ...base, settled: true });
  await session.reporter.flush(60_000);
  assert.deepEqual(warnings, []);
  const posted = (path: string): HttpRequest | undefined =>
    requests.find(({ method, url }) => method === "POST" && url.pathname === path);
  const comment = posted("/repos/acme/shop/issues/7/comments");
  const status = posted("/repos/acme/shop/statuses/abc123");
  const sinks: string[] = [];
  if (textOf(outputFile)) sinks.push("outputs");
  if (textOf(summaryFile)) sinks.push("summary");
  if (textOf(reportFile)) sinks.push("report");
  if (comment) sinks.push("comment");
  if (status) sinks.push("status");
  if (said.includes("voice")) sinks.push("voice");
  return { sinks, status: status?.body ?? "" };
}

const everywhere = ["outputs", "summary", "report", "comment", "status", "voice"];
const offGitHub = ["outputs", "summary", "report", "voice"];
for (const [what, reporting, job, sinks] of [
  ["with all that there is", {}, {}, everywhere],
  ["without a token", { githubToken: undefined }, {}, offGitHub],
  ["without a repository", {}, { repository: undefined }, offGitHub],
  ["with the comment switched off", { comment: false }, {}, everywhere.filter((sink) => sink !== "comment")],
  ["with the status switched off", { commitStatus: false }, {}, everywhere.filter((sink) => sink !== "status")],
  ["without a commit", {}, { sha: undefined }, everywhere.filter((sink) => sink !== "status")],
  ["with the summary switched off", { summary: false }, {}, everywhere.filter((sink) => sink !== "summary")],
  ["where no runner reads a summary", {}, { summaryFile: undefined }, everywhere.filter((sink) => sink !== "summary")],
  ["where no runner reads outputs", {}, { outputFile: undefined }, everywhere.filter((sink) => sink !== "outputs")],
  ["without a report file", { report: "" }, {}, everywhere.filter((sink) => sink !== "report")],
] as const)
  test(`a release is told where it should be ${what}`, async () => {
    assert.deepEqual((await told(reporting, job)).sinks, sinks);
  });

test("outputs say where the comment is, and the status which environment it is of: the context, if nobody names one", async () => {
  const { status } = await told({ environment: "staging" }, {});
  assert.equal(parseOutputs(textOf(outputFile))["comment-url"], "https://github.test/c/1");
  assert.match(status, /canary\/staging\/reviews/);
  assert.match((await told({}, {})).status, /canary\/prod-eu-1\/reviews/);
});

test("whether something is left is said to the action's second step", async () => {
  const { messages } = compose(await configOf(), surroundings({ github: { ...github, outputFile } }).here);
  messages.somethingLeft();
  assert.equal(parseOutputs(textOf(outputFile)).settled, "false");
  messages.nothingLeft();
  assert.equal(parseOutputs(textOf(outputFile)).settled, "true");
});

const byService = "kubernetes.test/api/v1/namespaces/monitoring/services/prom:9090/proxy";
/** Where it is asked what was counted, by what a configuration says of metrics: in a cluster, and at a desk. */
for (const [what, metrics, inCluster, atDesk] of [
  ["nowhere without metrics", undefined, [], []],
  ["Prometheus at its address", { prometheus: "http://prom.test" }, ["prom.test"], ["prom.test"]],
  ["Prometheus over the API server", { prometheus: "service://monitoring/prom:9090" }, [byService], [byService]],
  ["proxies in a cluster alone", { source: "proxies", prometheus: "" }, ["kubernetes.test"], []],
  [
    "Prometheus for the history also where proxies count",
    { source: "proxies", prometheus: "http://prom.test" },
    ["prom.test"],
    ["prom.test"],
  ],
] as const)
  test(`requests are looked up ${what}`, async () => {
    const { metrics: usual, ...rest } = await configOf();
    const config: Config = { ...rest, metrics: metrics && { ...(usual ?? assert.fail()), ...metrics } };
    for (const [place, made] of [
      [inCluster, compose],
      [atDesk, desk],
    ] as const) {
      const { here, requests } = surroundings();
      const answers = await made(config, here).history.traffic(shopTarget, 60_000);
      assert.ok("because" in answers);
      const asked = new Set(
        requests.map(({ url }) => (place[0] === byService ? `${url.host}${url.pathname}` : url.host)),
      );
      assert.deepEqual([...asked].map((one) => place.find((known) => one.startsWith(known)) ?? one).slice(0, 1), place);
      if (place.length === 0) assert.equal(requests.length, 0);
    }
  });

test("whoever names no metrics asks where the journal of the release says, everybody else where they say, and nobody else", async () => {
  const config = await configOf();
  const { prometheus: _, ...kept } = config.metrics ?? assert.fail();
  const { plan } = config.release ?? assert.fail();
  const metrics = { ...kept, url: "http://journaled.test" };
  const record = { version: 1, ...base, target: shopTarget, plan, metrics } as unknown as ReleaseRecord;
  const proxies = { ...(config.metrics ?? assert.fail()), source: "proxies" } as const;
  for (const [configuredMetrics, asked] of [
    [undefined, ["journaled.test"]],
    [config.metrics, ["prometheus:9090"]],
    [proxies, ["kubernetes.test", "prometheus:9090"]], // which answers what a query asks
  ] as const) {
    const { here, requests } = surroundings();
    await compose({ ...config, metrics: configuredMetrics }, here).inspectMetrics(record, plan);
    const hosts = new Set(requests.map(({ url }) => url.host));
    assert.deepEqual([...hosts].sort(), asked);
  }
});

test("outputs that cannot be written, and a cluster whose certificate nobody looks at, are warned of", async (t) => {
  const config = await configOf();
  const unsafe = kubeconfig.replace("{ server:", "{ insecure-skip-tls-verify: true, server:");
  const { here, warnings } = surroundings({ github: { ...github, outputFile } });
  const { messages } = compose({ ...config, cluster: { ...config.cluster, kubeconfig: unsafe } }, here);
  assert.match(warnings.join(), /^the kubeconfig says insecure-skip-tls-verify/);
  process.env.GITHUB_OUTPUT = join(folder, "missing", "outputs");
  t.after(() => {
    process.env.GITHUB_OUTPUT = outputFile;
  });
  messages.nothingLeft();
  assert.match(warnings.slice(1).join(), /^outputs could not be written: /);
});

test("a desk prints, answers, warns and reads, and leaves nothing", async () => {
  const { here, said, warnings, requests } = surroundings({ clock: nodeClock });
  const { messages, readFile } = desk(await configOf({ warnings: ["a part is wrong"] }), here);
  messages.print("text");
  messages.answer({ json: true });
  messages.nothingLeft();
  messages.somethingLeft();
  assert.deepEqual(said, ["text", { json: true }]);
  assert.deepEqual([warnings, messages.warnings()], [["a part is wrong"], ["a part is wrong"]]);
  assert.deepEqual([textOf(outputFile), requests], ["", []]);
  writeFileSync(reportFile, "x".repeat(2 ** 21)); // longer than a configuration may be
  assert.equal((await readFile(reportFile)).length, 2 ** 21);
});

test("who insists is heard, and where nobody can, nobody does", async () => {
  const insist = AbortSignal.abort("now");
  assert.equal(compose(await configOf(), surroundings({ insist }).here).insist, insist);
  assert.equal(compose(await configOf(), surroundings().here).insist.aborted, false);
});

const routeTo = (subset: string) => ({ http: [{ route: [{ destination: { host: "reviews", subset } }] }] });
const virtualService = (name: string, subset: string) => ({
  apiVersion: "networking.istio.io/v1",
  kind: "VirtualService",
  metadata: { name, namespace: "shop" },
  spec: { hosts: [name], ...routeTo(subset) },
});

type InShop = { readonly server: ApiServer; readonly config: Config; readonly plan: Plan };

/** A cluster with the service, its two versions and these routes, and the configuration of a release there. */
const inShop = (routes: readonly SentObject[], act: (given: InShop) => Promise<void>): Promise<void> =>
  inCluster(
    [
      serviceOf("shop", "reviews", { app: "reviews" }),
      destinationRuleOf("shop", "reviews", { v1: { version: "v1" }, v2: { version: "v2" } }),
      deploymentOf("shop", "reviews-v1", "v1"),
      deploymentOf("shop", "reviews-v2", "v2"),
      ...routes,
    ],
    async ({ server }) => {
      const { cluster, ...config } = await configOf();
      const { plan } = config.release ?? assert.fail();
      await act({ server, config: { ...config, cluster: { ...cluster, kubeconfig: server.kubeconfig() } }, plan });
    },
  );

test("who sends requests past a release is remembered from before it, and asked for again unless the canary stays", () =>
  inShop([virtualService("reviews", "v1"), virtualService("tester", "v2")], async ({ server, config, plan }) => {
    const session = compose(config, surroundings(nodeWorld()).here);
    const tester = "VirtualService shop/tester: http route #0 sends 100% of its requests to reviews subset v2";
    assert.deepEqual(await session.services(), ["reviews"]);
    const before = await session.capture(shopTarget, plan);
    assert.deepEqual(
      [before.bystanders, (await session.captureGivenBack(shopTarget)).bystanders],
      [[tester], [tester]],
    );

    server.apply([virtualService("late", "v2")]);
    const { canary, ...workloads } = before.workloads as { readonly canary: object };
    for (const [replicas, stranded] of [
      [0, [tester.replace("tester", "late")]],
      [1, []],
      [undefined, [tester.replace("tester", "late")]],
    ] as const) {
      const given = replicas === undefined ? workloads : { ...workloads, canary: { ...canary, replicas } };
      const record = { version: 1, ...base, target: shopTarget, plan, before: { ...before, workloads: given } };
      const { bystanders } = session.connect(record as unknown as ReleaseRecord);
      assert.deepEqual(await bystanders.strandedWithout("canary"), stranded, `${replicas} pods before`);
    }
  }));

test("an undo waits for no counters, nor does a first deployment but for who answers already; a journal that no adapter can read is refused", () =>
  inShop([virtualService("reviews", "v1")], async ({ config, plan }) => {
    const world = nodeWorld();
    const asked: string[] = [];
    const transport: Surroundings["transport"] = {
      async send(request) {
        if (request.url.host !== "prometheus:9090") return world.transport.send(request);
        asked.push(request.url.searchParams.get("query") ?? "");
        return answerTo(request);
      },
    };
    for (const [firstDeploy, undo, counters] of [
      [false, false, /^time\(\)$/],
      [false, true, /^$/],
      [true, false, /^time\(\)$/],
    ] as const) {
      asked.length = 0;
      const session = compose({ ...config, firstDeploy }, surroundings({ ...world, transport }).here);
      await session.preflight(shopTarget, plan, { undo, exchanged: false }).inspect();
      assert.match(asked.join(";"), counters, JSON.stringify({ firstDeploy, undo }));
    }

    const { journal } = compose(config, surroundings(world).here);
    const { load } = await createSession({ state: { phase: "succeeded" } });
    const record = load() ?? assert.fail();
    await journal.save({ ...record, before: { ...record.before, workloads: "damaged" } });
    await assert.rejects(compose(config, surroundings(world).here).journal.load(), /before/);
  }));

test("init knows of no release where its journal may not be read, and refuses one that it cannot read", () =>
  inCluster([], async ({ server }) => {
    const config = await configOf({ command: "init" });
    const cluster = { ...config.cluster, kubeconfig: server.kubeconfig() };
    const world = nodeWorld();
    const answered = async (status: number, value: unknown) => {
      const transport: Surroundings["transport"] = {
        send: async (request) =>
          request.url.pathname.includes("/configmaps/")
            ? { status, headers: {}, text: JSON.stringify(value) }
            : world.transport.send(request),
      };
      const { here } = surroundings({ ...world, transport });
      return (await composeInit({ ...config, cluster }, here)).release();
    };
    assert.equal(await answered(403, { kind: "Status", code: 403 }), undefined);
    const metadata = { name: "istio-canary-reviews", namespace: "shop" };
    const newer = { kind: "ConfigMap", metadata, data: { "release.json": '{"version":2}' } };
    await assert.rejects(answered(200, newer), /the journal has version 2/);
  }));

test("the image that manifests bring is known without a cluster, and none where there are none", async () => {
  const { here, requests } = surroundings();
  const { manifestImage } = compose(await configOf(), here);
  const manifests = {
    ...shopTarget,
    image: "asked:1",
    source: { from: "manifests", objects: [deploymentOf("shop", "reviews-v2", "v9")] },
  } as const;
  assert.equal(manifestImage(manifests), image("v9"));
  assert.equal(manifestImage({ ...shopTarget, image: "asked:1" }), undefined);
  assert.deepEqual(requests, []);
});

test("where proxies count, those of the gateways are read that the release moves requests at, and no others", () => {
  const at = (gateway: string, name: string, subset: string) => {
    const object = virtualService(name, subset);
    return { ...object, spec: { ...object.spec, gateways: [gateway] } };
  };
  return inShop(
    [at("edge/public", "reviews", "v1"), at("staff/private", "tester", "v2")],
    async ({ server, config, plan }) => {
      const metrics = { ...(config.metrics ?? assert.fail()), source: "proxies", prometheus: "" } as const;
      const session = compose({ ...config, metrics }, surroundings(nodeWorld()).here);
      const record = { version: 1, ...base, target: shopTarget, plan } as unknown as ReleaseRecord;
      await session.inspectMetrics(record, plan);
      const [ofRelease, ofTester] = ["edge", "staff"].map((namespace) =>
        server.requests.all().some(({ path }) => path.includes(`/namespaces/${namespace}/gateways`)),
      );
      assert.deepEqual([ofRelease, ofTester], [true, false]);
    },
  );
});
/* A plan over manifests: a row is what stands in the folder, the exit code, and what is said of it. */
const service =
  "apiVersion: v1\nkind: Service\nmetadata: {name: reviews}\nspec: {selector: {app: reviews}, ports: [{name: http, port: 80}]}\n";
const deploymentFile = (version: string): string =>
  `apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: reviews-${version}}\nspec: {selector: {matchLabels: {app: reviews, version: ${version}}}, template: {metadata: {labels: {app: reviews, version: ${version}}}, spec: {containers: [{name: app, image: "x:${version}"}]}}}\n`;
const virtualServiceFile = (subset = "v1"): string =>
  `apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: reviews}\nspec: {hosts: [reviews], http: [{route: [{destination: {host: reviews, subset: ${subset}}}]}]}\n`;
const ruleFile = (labels = "v2"): string =>
  `apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {name: reviews}\nspec: {host: reviews, subsets: [{name: v1, labels: {version: v1}}, {name: v2, labels: {version: ${labels}}}]}\n`;
const whole = {
  "s.yaml": service,
  "d.yaml": `${deploymentFile("v1")}---\n${deploymentFile("v2")}`,
  "v.yaml": virtualServiceFile(),
  "r.yaml": ruleFile(),
};

const folders: Readonly<Record<string, readonly [files: Readonly<Record<string, string>>, exit: 0 | 2, said: RegExp]>> =
  {
    "all of it": [whole, 0, /the first write takes route #0 from v1 alone to v1 90, v2 10/],
    "a subset whose labels no pod has": [
      { ...whole, "r.yaml": ruleFile("v9") },
      2,
      /✗ DestinationRule shop\/reviews: subset v2 .*\(IST0173\)/,
    ],
    "a route that has lost the service": [
      { ...whole, "v.yaml": virtualServiceFile("v7") },
      2,
      /✗ VirtualService shop\/reviews: no route sends to reviews subset v1/,
    ],
    "the route alone": [
      { "v.yaml": virtualServiceFile() },
      0,
      /In no file of .*, and so not known: .*Deployment shop\/reviews-v1, .*Service shop\/reviews, .*a DestinationRule for reviews/,
    ],
    "no route": [
      { ...whole, "v.yaml": "" },
      2,
      /✗ VirtualService shop\/reviews stands in no file of .*nothing about its weights was checked/,
    ],
    "a route that stands twice": [
      { ...whole, "w.yaml": virtualServiceFile() },
      2,
      /✗ In several files \(v\.yaml, w\.yaml\) stands VirtualService shop\/reviews/,
    ],
    "a file beside it that is too large": [
      { ...whole, "large.yaml": "#".repeat(2 ** 20 + 1) },
      0,
      /! Not read, .*large\.yaml \(it has more than/,
    ],
    "a VirtualService of another namespace that pins stable": [
      {
        ...whole,
        "o.yaml": virtualServiceFile()
          .replace("{name: reviews}", "{name: front, namespace: edge}")
          .replaceAll("host: reviews", "host: reviews.shop.svc.cluster.local")
          .replace("hosts: [reviews]", "hosts: [front]"),
      },
      2,
      /✗ VirtualService edge\/front: .*namespaces other than shop, edge/s,
    ],
    "a DestinationRule of its clients' namespace": [
      {
        ...whole,
        "o.yaml": ruleFile()
          .replace("{name: reviews}", "{name: reviews, namespace: clients}")
          .replaceAll("host: reviews", "host: reviews.shop.svc.cluster.local")
          .replace("name: v2", "name: v7"),
      },
      2,
      /✗ .*DestinationRule clients\/reviews .*DestinationRules of namespaces other than shop, clients/s,
    ],
    "a GRPCRoute of another namespace": [
      {
        ...whole,
        "o.yaml":
          "apiVersion: gateway.networking.k8s.io/v1\nkind: GRPCRoute\nmetadata: {name: calls, namespace: edge}\nspec: {parentRefs: [{name: public}], rules: [{backendRefs: [{name: reviews, namespace: shop, port: 80}]}]}",
      },
      0,
      /! .*GRPCRoute edge\/calls.*GRPCRoutes of namespaces other than shop, edge/s,
    ],
    "a canary without the sidecar that stable's template asks for": [
      {
        ...whole,
        "d.yaml": `${deploymentFile("v1").replace("version: v1}}, spec", 'version: v1, sidecar.istio.io/inject: "true"}}, spec')}---\n${deploymentFile("v2").replace("version: v2}}, spec", 'version: v2, sidecar.istio.io/inject: "false"}}, spec')}`,
      },
      2,
      /✗ The pods of Deployment shop\/reviews-v2 get no sidecar/,
    ],
    "a template beside it": [{ ...whole, "t.yaml": "a: {{ .b }}" }, 0, /! Not read, .*t\.yaml:1:1 is not YAML/],
  };

for (const [name, [files, exit, said]] of Object.entries(folders))
  test(`a plan over files: ${name}`, async (t) => {
    const where = mkdtempSync(join(folder, "files-"));
    t.after(() => rmSync(where, { recursive: true }));
    for (const [path, text] of Object.entries(files)) writeFileSync(join(where, path), text);
    const world = surroundings({
      clock: nodeClock,
      transport: { send: () => assert.fail("nobody is asked anything") },
    });
    const file = sound.replace("stages:", "routes: {virtualService: reviews}\nstages:");
    const config = await configured({ file, inputs: { command: "plan", files: where } });
    assert.equal(await dispatch(config, world.here), exit, world.said.join("\n"));
    assert.match(world.said.join("\n"), said);
  });

test("a plan over files takes what the manifests bring as what will be made, and refuses what Kubernetes does not have", async (t) => {
  const where = mkdtempSync(join(folder, "files-"));
  t.after(() => rmSync(where, { recursive: true }));
  for (const [path, text] of Object.entries(whole)) writeFileSync(join(where, path), text);
  const brought = [
    ["v1", "ConfigMap"],
    ["v1", "ServiceAccount"],
    ["autoscaling/v2", "HorizontalPodAutoscaler"],
    ["policy/v1", "PodDisruptionBudget"],
    ["networking.k8s.io/v1", "Ingress"],
    ["keda.sh/v1alpha1", "ScaledObject"],
    ["policy/v1beta1", "PodSecurityPolicy"],
    ["rbac.authorization.k8s.io/v1", "ClusterRole"],
  ].map(([version, kind]) => `apiVersion: ${version}\nkind: ${kind}\nmetadata: {name: own}\nspec: {}\n`);
  const file = soundBut("canary: { deployment: reviews-v2, subset: v2, from: { manifests: k8s.yaml } }");
  const world = surroundings({ clock: nodeClock, transport: { send: () => assert.fail("nobody is asked anything") } });
  const config = await configured({
    file: file.replace("stages:", "routes: {virtualService: reviews}\nstages:"),
    inputs: { command: "plan", files: where },
    files: { "k8s.yaml": [deploymentFile("v2"), ...brought].join("---\n") },
  });
  assert.equal(await dispatch(config, world.here), 2);
  const said = world.said.join("\n").split("\n");
  const told = (mark: string, pattern: RegExp): readonly string[] =>
    said.flatMap((line) => (line.startsWith(mark) ? (pattern.exec(line)?.[0] ?? []) : []));
  assert.deepEqual(told("·", /\w+ shop\/own will be made/), [
    "ConfigMap shop/own will be made",
    "ServiceAccount shop/own will be made",
    "HorizontalPodAutoscaler shop/own will be made",
    "PodDisruptionBudget shop/own will be made",
    "Ingress shop/own will be made",
    "ScaledObject shop/own will be made",
  ]);
  assert.deepEqual(told("✗", /.* own/), [
    "✗ The API server does not serve PodSecurityPolicy of policy/v1beta1, as the manifest of PodSecurityPolicy own",
    "✗ ClusterRole own",
  ]);
});
