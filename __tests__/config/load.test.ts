// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the placeholders are the configuration's own.
import assert from "node:assert/strict";
import test from "node:test";
import { defaults } from "../../src/evidence/defaults.ts";
import { istioMetrics } from "../../src/istio/istio-metrics.ts";
import type { Gate } from "../../src/release/gate.ts";
import type { Plan, Stage } from "../../src/release/plan.ts";
import type { Target } from "../../src/release/target.ts";
import { configured, type Situation, sound, soundBut } from "./configured.ts";

const second = 1_000;
const minute = 60 * second;

async function release(situation: Situation): Promise<{ readonly target: Target; readonly plan: Plan }> {
  const { release } = await configured(situation);
  assert.ok(release);
  return release;
}

const usualGates: readonly Gate[] = [
  { kind: "evidence", name: "evidence" },
  { kind: "restarts", name: "restarts", atMost: 0 },
];

test("a file with the least in it is a whole configuration", async () => {
  const config = await configured({ file: sound });
  assert.deepEqual(config, {
    command: "release",
    findsRoutes: true,
    files: undefined,
    filling: { filled: [], left: [] },
    namespace: "shop",
    service: "reviews",
    cluster: {},
    recipes: new Map(),
    asked: { config: "canary.yaml", kubeconfig: undefined, context: undefined },
    output: undefined,
    namedImage: undefined,
    metricsBesideAddress: undefined,
    metrics: {
      source: "prometheus",
      prometheus: "http://prometheus:9090",
      headers: {},
      reporter: "auto",
      ...istioMetrics,
      interval: 15 * second,
      timeout: 5 * second,
    },
    reporting: {
      comment: true,
      summary: true,
      commitStatus: false,
      annotations: true,
      logs: true,
      notify: [],
      environment: "",
      dashboards: {},
      report: "canary-report.json",
      githubToken: undefined,
    },
    rehearsal: undefined,
    verify: { requests: 100, headers: {}, window: 5 * minute },
    watch: false,
    wish: undefined,
    firstDeploy: false,
    json: false,
    verbose: false,
    warnings: [],
    release: {
      target: {
        namespace: "shop",
        service: "reviews",
        stable: { deployment: "reviews-v1", host: "reviews", subset: "v1" },
        canary: { deployment: "reviews-v2", host: "reviews", subset: "v2" },
        routes: [{ kind: "VirtualService", namespace: "shop", name: "reviews", routes: [] }],
        source: { from: "existing" },
        replicas: { kind: "keep", least: 3 },
        image: undefined,
        container: undefined,
      },
      plan: {
        stages: [
          { name: "10%", weight: 10, wait: 2 * minute, deadline: 7 * minute, gates: usualGates, approval: false },
          { name: "50%", weight: 50, wait: 5 * minute, deadline: 15 * minute, gates: usualGates, approval: false },
          { name: "100%", weight: 100, wait: 0, deadline: 5 * minute, gates: [], approval: false },
        ],
        evidence: {
          settings: { ...defaults, warmUp: 105 * second },
          measured: true,
          inconclusive: "extend",
          noData: "extend",
          holdFor: 60 * minute,
          early: false,
          budget: undefined,
        },
        pollEvery: 15 * second,
        ready: 5 * minute,
        meshDelay: 2 * second,
        confirm: "proxies",
        drain: 30 * second,
        deadline: 60 * minute,
        patience: minute,
        promotion: "swap",
        keepOld: false,
        keepFor: undefined,
        drift: "rollback",
      },
    },
  });
});

test("auto stands alone or among gates of one's own, and somebody's own limit of restarts counts instead of its", async () => {
  const gatesOf = async (written: string): Promise<unknown> =>
    (await release({ file: soundBut(`gates: ${written}`) })).plan.stages[0]?.gates;
  assert.deepEqual(await gatesOf("auto"), usualGates);
  assert.deepEqual(await gatesOf("[auto, { restarts: { atMost: 2 } }]"), [
    { kind: "evidence", name: "evidence" },
    { kind: "restarts", name: "restarts", atMost: 2 },
  ]);
});

test("a warm-up is two minutes, and no more than a quarter of a short plan, unless somebody says how long", async () => {
  const warmUp = async (more: string): Promise<number> =>
    (await release({ file: soundBut(more) })).plan.evidence.settings.warmUp;
  assert.equal(await warmUp("stages: 10:20m, 50:20m, 100"), 2 * minute);
  assert.equal(await warmUp("stages: 10:30s, 50:30s, 100"), 15 * second);
  assert.equal(await warmUp("evidence: { warmUp: 5m }"), 5 * minute);
});

test("what is said of evidence becomes its rules, and the rest stays as it usually is", async () => {
  const written =
    "evidence: { requires: safe, inconclusive: promote, noData: fail, holdFor: 90m, early: true, budget: 0.5%, objective: 1%, alpha: 1%, splitTolerance: 100%, dispersion: 3 }";
  const { evidence } = (await release({ file: soundBut(written) })).plan;
  const { settings, ...rules } = evidence;
  assert.deepEqual(rules, {
    measured: false,
    inconclusive: "promote",
    noData: "fail",
    holdFor: 90 * minute,
    early: true,
    budget: 0.005,
  });
  assert.deepEqual(settings, {
    ...defaults,
    requires: "safe",
    warmUp: 105 * second,
    objective: 0.01,
    alpha: 0.01,
    split: { ...defaults.split, tolerance: 1 },
    dispersion: { kind: "tempered", phi: 3 },
  });
});

test("inputs alone are a whole configuration, and the same one", async () => {
  const inputs = {
    namespace: "shop",
    service: "reviews",
    "stable-deployment": "reviews-v1",
    "stable-subset": "v1",
    "canary-deployment": "reviews-v2",
    "canary-subset": "v2",
    stages: "10:2m\n50:5m\n100\n",
    prometheus: "http://prometheus:9090/",
  };
  const { asked: _, ...said } = await configured({ inputs });
  const { asked: __, ...written } = await configured({ file: sound });
  assert.deepEqual(said, written);
});

test("inputs win over the file, and one of a short form keeps the rest of it", async () => {
  const file = soundBut("stable: reviews-v1\npromotion: update");
  const { target, plan } = await release({
    file,
    inputs: { "stable-subset": "v7", "keep-old": "true", stages: "100" },
  });
  assert.deepEqual(target.stable, { deployment: "reviews-v1", host: "reviews", subset: "v7" });
  assert.deepEqual([plan.promotion, plan.keepOld, plan.stages.length], ["update", true, 1]);
});

test("an input of empty text is not given: a composite action passes all of its inputs", async () => {
  assert.deepEqual(
    await configured({ file: sound, inputs: { image: "", stages: " ", "canary-replicas": "", json: "" } }),
    await configured({ file: sound }),
  );
});

test("without an address a stage is judged by what the proxies count; by restarts alone only where that is said", async () => {
  const restarts = { kind: "restarts", name: "restarts", atMost: 0 };
  const { release, metrics } = await configured({ file: soundBut("metrics: {}") });
  assert.deepEqual(release?.plan.stages[0]?.gates, [{ kind: "evidence", name: "evidence" }, restarts]);
  assert.deepEqual([metrics?.source, metrics?.prometheus, release?.plan.pollEvery], ["proxies", "", 1_000]);
  const none = await configured({ file: soundBut("metrics: { source: none }") });
  assert.deepEqual(none.release?.plan.stages[0]?.gates, [restarts]);
  assert.equal(none.metrics, undefined);
});

test("a job that goes on with a release has no word of its own on who counts, unless somebody says one", async () => {
  for (const command of ["promote", "status", "rollback", "settle"])
    assert.equal(
      (await configured({ file: soundBut("metrics: {}"), inputs: { command } })).metrics,
      undefined,
      command,
    );
  const named = await configured({ file: soundBut("metrics: { source: proxies }"), inputs: { command: "promote" } });
  assert.equal(named.metrics?.source, "proxies");
});

test("a release that nothing judges is asked for by name", async () => {
  const { release } = await configured({ file: soundBut("gates: []\nmetrics: { source: none }") });
  assert.deepEqual(release?.plan.stages[0]?.gates, []);
});

test("stages name their gates, or have those for all", async () => {
  const file = soundBut(
    "gates: [{ restarts: { atMost: 3 } }]\nstages: [10:1m, { weight: 20, wait: 1m, gates: [] }, { weight: 100, gates: [{ query: up, atLeast: 1 }] }]",
  );
  const { plan } = await release({ file });
  const query: Gate = { kind: "query", query: "up", name: "query", atLeast: 1, tolerate: 0, noData: "wait" };
  assert.deepEqual(
    plan.stages.map(({ gates }) => gates),
    [[{ kind: "restarts", name: "restarts", atMost: 3 }], [], [query]],
  );
});

const gates: readonly (readonly [written: string, gate: Gate])[] = [
  ["errors: { atMost: 1% }", { kind: "errors", name: "errors", atMost: 0.01, minRequests: 100, noData: "wait" }],
  [
    "errors: { atMost: 7%, aboveStable: 0.005, minRequests: '9', noData: fail, name: e }",
    { kind: "errors", name: "e", atMost: 0.07, aboveStable: 0.005, minRequests: 9, noData: "fail" },
  ],
  [
    "latency: { atMost: 500ms }",
    { kind: "latency", name: "latency p99", quantile: 0.99, atMost: 500, minRequests: 100, noData: "wait" },
  ],
  [
    "latency: { p: 99.9, timesStable: 1.5 }",
    { kind: "latency", name: "latency p99.9", quantile: 0.999, timesStable: 1.5, minRequests: 100, noData: "wait" },
  ],
  ["restarts: { atMost: 2 }", { kind: "restarts", name: "restarts", atMost: 2 }],
  [
    "query: up\n    name: queue\n    atMost: -1.5\n    tolerate: 2",
    { kind: "query", query: "up", name: "queue", atMost: -1.5, tolerate: 2, noData: "wait" },
  ],
];

for (const [written, gate] of gates) {
  test(`a gate is read: ${written}`, async () => {
    const { plan } = await release({ file: soundBut(`gates:\n  - ${written}`) });
    assert.deepEqual(plan.stages[0]?.gates, [gate]);
  });
}

for (const [what, written] of [
  ["commas at the ends of lines", "10:2m,\n50:5m, \n100\n"],
  ["a comma after the last line, too", "10:2m,\n  50:5m,\n  100,\n"],
  ["lines of Windows", "10:2m,\r\n50:5m\r\n100\r\n"],
] as const) {
  test(`stages are read with ${what}`, async () => {
    const { plan } = await release({ file: sound, inputs: { stages: written } });
    assert.deepEqual(
      plan.stages.map(({ weight }) => weight),
      [10, 50, 100],
    );
  });
}

test("subsets may have capitals in their names, as Istio allows", async () => {
  const { target } = await release({ file: sound, inputs: { "stable-subset": "v1-GA", "canary-subset": "v2-RC" } });
  assert.deepEqual([target.stable.subset, target.canary.subset], ["v1-GA", "v2-RC"]);
});

const stages: readonly (readonly [written: string, stage: Omit<Stage, "gates">])[] = [
  ["10:2m", { name: "10%", weight: 10, wait: 2 * minute, deadline: 7 * minute, approval: false }],
  ["10%:1m30s", { name: "10%", weight: 10, wait: 90 * second, deadline: 6.5 * minute, approval: false }],
  ["{ weight: 5, wait: 10m }", { name: "5%", weight: 5, wait: 10 * minute, deadline: 30 * minute, approval: false }],
  [
    "{ weight: 100, wait: 10m, deadline: 10m, approval: true, name: all }",
    { name: "all", weight: 100, wait: 10 * minute, deadline: 10 * minute, approval: true },
  ],
];

for (const [written, stage] of stages) {
  test(`a stage is read: ${written}`, async () => {
    const { plan } = await release({
      file: soundBut(`stages: ["1:1s", ${written.startsWith("{") ? written : `"${written}"`}]`),
    });
    const { gates, ...rest } = plan.stages[1] ?? assert.fail("there is one stage only");
    assert.deepEqual(rest, stage);
  });
}

const replicas: readonly (readonly [written: string, replicas: Target["replicas"]])[] = [
  ["2", { kind: "count", count: 2 }],
  ["50%", { kind: "percent", percent: 50 }],
  ["same", { kind: "percent", percent: 100 }],
  ["by-weight", { kind: "by-weight", least: 3 }],
  ["keep", { kind: "keep", least: 3 }],
];

for (const [written, expected] of replicas) {
  test(`replicas are read, from the file and from an input: ${written}`, async () => {
    const inFile = await release({
      file: soundBut(`canary: { deployment: reviews-v2, subset: v2, replicas: ${written} }`),
    });
    const asInput = await release({ file: sound, inputs: { "canary-replicas": written } });
    assert.deepEqual([inFile.target.replicas, asInput.target.replicas], [expected, expected]);
  });
}

test("a clone is named after stable, grows with its weight, and gives its image to stable at the end", async () => {
  const { target, plan } = await release({
    file: soundBut("canary: { from: clone, subset: canary, labels: { track: canary } }\nimage: a:b"),
  });
  assert.deepEqual(target.canary, { deployment: "reviews-v1-canary", host: "reviews", subset: "canary" });
  assert.deepEqual(
    [target.source, target.replicas, plan.promotion],
    [{ from: "clone", labels: { track: "canary" } }, { kind: "by-weight", least: 3 }, "update"],
  );
});

test("manifests name the canary by their only Deployment, and only what is listed is filled in", async () => {
  const k8s =
    "kind: Service\napiVersion: v1\nmetadata: { name: a }\n---\nkind: Deployment\napiVersion: apps/v1\nmetadata: { name: reviews-v3 }\nspec: { replicas: 2, args: ['${TAG}', '$${TAG}', '${HOME}:${LEVEL}', '$${HOME}', '${HOME:-/}'] }\n";
  const config = await configured({
    file: `${soundBut("canary: { subset: v3, from: { manifests: 'a.yaml, b.yaml', allowSecrets: true } }")}
variables: { TAG: , LEVEL: debug }
`,
    files: { "a.yaml": k8s, "b.yaml": "---\n---\nkind: Secret\napiVersion: v1\nmetadata: { name: s }\n" },
    env: { TAG: "7", HOME: "/root" },
  });
  const { target } = config.release ?? assert.fail();
  assert.equal(target.canary.deployment, "reviews-v3");
  assert.deepEqual(target.source, {
    from: "manifests",
    objects: [
      { kind: "Service", apiVersion: "v1", metadata: { name: "a" } },
      {
        kind: "Deployment",
        apiVersion: "apps/v1",
        metadata: { name: "reviews-v3" },
        spec: { replicas: 2, args: ["7", "${TAG}", "${HOME}:debug", "$${HOME}", "${HOME:-/}"] },
      },
      { kind: "Secret", apiVersion: "v1", metadata: { name: "s" } },
    ],
  });
  assert.deepEqual(config.filling, {
    filled: [
      { name: "TAG", from: "environment", places: ["a.yaml[1].spec.args[0]"] },
      { name: "LEVEL", from: "configuration", places: ["a.yaml[1].spec.args[2]"] },
    ],
    left: ["HOME"],
  });
});

const routes: readonly (readonly [written: string, routes: Target["routes"]])[] = [
  ["edge", [{ kind: "VirtualService", namespace: "shop", name: "edge", routes: [] }]],
  [
    "reviews, ingress/edge",
    [
      { kind: "VirtualService", namespace: "shop", name: "reviews", routes: [] },
      { kind: "VirtualService", namespace: "ingress", name: "edge", routes: [] },
    ],
  ],
  [
    "{ virtualService: reviews, routes: [primary, '#2'] }",
    [{ kind: "VirtualService", namespace: "shop", name: "reviews", routes: ["primary", "#2"] }],
  ],
  [
    "[reviews, { virtualService: ingress/edge, routes: primary }]",
    [
      { kind: "VirtualService", namespace: "shop", name: "reviews", routes: [] },
      { kind: "VirtualService", namespace: "ingress", name: "edge", routes: ["primary"] },
    ],
  ],
];

for (const [written, expected] of routes) {
  test(`routes are read, from the file and from an input: ${written}`, async () => {
    const inFile = await release({ file: soundBut(`routes: ${written}`) });
    const asInput = await release({ file: sound, inputs: { routes: written } });
    assert.deepEqual([inFile.target.routes, asInput.target.routes], [expected, expected]);
  });
}

test("the path of Prometheus's API at the end of its URL is taken for what it is", async () => {
  for (const end of ["", "/", "/api/v1", "/api/v1/", "//"]) {
    const { metrics } = await configured({
      file: sound,
      inputs: { prometheus: `http://mimir.example/prometheus${end}` },
    });
    assert.equal(metrics?.prometheus, "http://mimir.example/prometheus");
  }
});

test("a variable is filled into any value of the file, numbers and truths included, and into no input", async () => {
  const file = soundBut(
    'image: a:${TAG}\nreporting: { pullRequest: "${PR}", comment: "${COMMENT}", dashboards: { grafana: "https://g/{namespace}/${TAG}" } }\nstages: ${STAGES}',
  );
  const config = await configured({
    file,
    env: { TAG: "7", PR: "12", COMMENT: "false", STAGES: "100" },
    inputs: { "metrics-headers": "Authorization: Bearer ${TAG}=: x" },
  });
  assert.equal(config.release?.target.image, "a:7");
  assert.equal(config.release?.plan.stages.length, 1);
  assert.deepEqual(
    [config.reporting.pullRequest, config.reporting.comment, config.reporting.dashboards],
    [12, false, { grafana: "https://g/{namespace}/7" }],
  );
  assert.deepEqual(config.metrics?.headers, { Authorization: "Bearer ${TAG}=: x" });
});

test("labels and metrics that have other names are said in the file or as inputs, one by one", async () => {
  const labels = { ...istioMetrics.labels, workload: "dst_workload", pod: "kubernetes_pod_name" };
  const names = { labels, requests: "mesh:requests:total", durations: "mesh_took_bucket" };
  const inFile = await configured({
    file: soundBut(`metrics: { prometheus: http://prometheus:9090, ${JSON.stringify(names).slice(1)}`),
  });
  const asInput = await configured({
    file: sound,
    inputs: {
      "metrics-labels": "workload=dst_workload\npod=kubernetes_pod_name",
      "metrics-requests": "mesh:requests:total",
      "metrics-durations": "mesh_took_bucket",
    },
  });
  for (const { metrics } of [inFile, asInput])
    assert.deepEqual({ labels: metrics?.labels, requests: metrics?.requests, durations: metrics?.durations }, names);
});

test("the token comes from the input, else from GITHUB_TOKEN", async () => {
  const env = { GITHUB_TOKEN: "of-the-environment" };
  assert.equal((await configured({ file: sound, env })).reporting.githubToken, "of-the-environment");
  assert.equal(
    (await configured({ file: sound, env, inputs: { "github-token": "of-the-input" } })).reporting.githubToken,
    "of-the-input",
  );
});

test("the environment's name is the context, unless it has one of its own", async () => {
  assert.equal((await configured({ file: sound, inputs: { context: "prod" } })).reporting.environment, "prod");
  assert.equal(
    (await configured({ file: sound, inputs: { context: "prod", environment: "eu" } })).reporting.environment,
    "eu",
  );
});

test("the scrape interval is how often is looked, and what evidence waits for after a new weight", async () => {
  const { release } = await configured({ file: sound, inputs: { "metrics-interval": "5s" } });
  assert.deepEqual([release?.plan.pollEvery, release?.plan.evidence.settings.scrape], [5_000, 5_000]);
});

test("what a later command has to say again are paths and names, and never a kubeconfig as text", async () => {
  const named = await configured({ file: sound, inputs: { kubeconfig: "prod.kubeconfig", context: "eu" } });
  assert.deepEqual(named.asked, { config: "canary.yaml", kubeconfig: "prod.kubeconfig", context: "eu" });
  const asText = await configured({ file: sound, inputs: { kubeconfig: "apiVersion: v1\nusers: []" } });
  assert.equal(asText.asked.kubeconfig, undefined);
});

test("the old version is kept for good, for a time, or not at all", async () => {
  const keptBy = async (keepOld: string) => {
    const { plan } = await release({ file: soundBut(`promotion: { model: swap, keepOld: ${keepOld} }`) });
    return [plan.keepOld, plan.keepFor];
  };
  assert.deepEqual(await keptBy("true"), [true, undefined]);
  assert.deepEqual(await keptBy("30m"), [true, 30 * minute]);
  assert.deepEqual(await keptBy("false"), [false, undefined]);
});

test("where the proxies count, stages are judged by evidence every second, and no address is needed", async () => {
  const { metrics, release } = await configured({ file: soundBut("metrics: { source: proxies }") });
  const { plan } = release ?? assert.fail();
  assert.deepEqual([metrics?.source, metrics?.prometheus], ["proxies", ""]);
  assert.deepEqual(
    plan.stages[0]?.gates.map(({ kind }) => kind),
    ["evidence", "restarts"],
  );
  assert.deepEqual([plan.pollEvery, plan.evidence.settings.scrape], [second, second]);
});

test("a command is run as it is written: no variable is filled in, and a plan keeps neither it nor headers", async () => {
  const title = "$" + "{TITLE}";
  const gates = `gates:
  - run: { name: smoke, command: [sh, -c, "echo ${title}"], timeout: 30s, atMost: 2 }
  - json: { url: "https://api.example/${title}", path: a.-1, headers: { key: "${title}" }, atLeast: 1 }
`;
  const { recipes, release } = await configured({ file: `${sound}${gates}`, env: { TITLE: "t1tle" } });
  assert.deepEqual(recipes.get("smoke"), { kind: "run", command: ["sh", "-c", `echo ${title}`], timeout: 30_000 });
  assert.deepEqual(recipes.get("json"), {
    ...{ kind: "json", url: "https://api.example/t1tle", path: ["a", -1], headers: { key: "t1tle" }, body: undefined },
    timeout: 5_000,
  });
  const own = { tolerate: 0, noData: "wait" } as const;
  assert.deepEqual(release?.plan.stages[0]?.gates, [
    { kind: "run", name: "smoke", atMost: 2, ...own },
    { kind: "json", name: "json", every: 15_000, atLeast: 1, ...own },
  ]);
});
