// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the placeholders are the configuration's own.
import assert from "node:assert/strict";
import test from "node:test";
import { ConfigError } from "../../src/config/issue.ts";
import { RefusedError } from "../../src/lib/errors.ts";
import { configured, problems, type Situation, sound, soundBut } from "./configured.ts";

const deployment = (name: string, namespace = ""): string =>
  `apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: "${name}"${namespace} }\n`;
const fromManifests = soundBut("canary: { deployment: reviews-v2, subset: v2, from: { manifests: k8s.yaml } }");

const unknownStageKey =
  'unknown key "wieght"; did you mean "weight"? Known: name, weight, wait, deadline, gates, drill, mirror, approval';
const subsetForm = "expected a subset's name of at most 63 letters, digits and dashes";
const counts = (path: string, kind: string): string =>
  `${path}: a gate of the kind ${kind} needs Prometheus; set metrics.prometheus, or the input prometheus`;

/** What somebody wrote, and every line that he reads. */
const cases: readonly (readonly [what: string, situation: Situation, ...lines: readonly string[]])[] = [
  ["a sound configuration", { file: sound }],
  [
    "nothing at all",
    {},
    "namespace: expected the namespace of the service, in the file or as --namespace",
    "service: expected the service that is released, in the file or as --service",
    "stable.deployment: expected the Deployment that serves now, in the file or as --stable-deployment",
    "canary.deployment: expected the Deployment of the version on trial, in the file or as --canary-deployment",
    "stages: expected weights and how long each lasts, such as 10:2m, 50:5m, 100, in the file or as --stages",
  ],

  // Files
  [
    "a file that is not there",
    {
      inputs: {
        config: "no.yaml",
        namespace: "a",
        service: "b",
        "stable-deployment": "c",
        "canary-deployment": "d",
        "canary-host": "d",
        stages: "100",
      },
    },
    "no.yaml: cannot be read: ENOENT: no such file or directory, open 'no.yaml'",
  ],
  [
    "a key twice",
    { file: `${sound}service: other\n` },
    "canary.yaml:8:1: is not YAML that can be read: duplicated mapping key",
  ],
  [
    "brackets left open",
    { file: "stages: [10:2m" },
    "canary.yaml:1:15: is not YAML that can be read: unexpected end of the stream within a flow collection",
  ],
  [
    "an empty file",
    { file: "# later\n" },
    "canary.yaml: is not YAML that can be read: expected a document, but the input is empty",
  ],
  [
    "a list",
    { file: "- 10\n" },
    "canary.yaml: expected a mapping with namespace, service, stable, canary, …, got [10]",
  ],

  [
    "a broken file in an emergency, without inputs",
    { file: "stages: [", inputs: { command: "rollback", namespace: "shop" } },
    "canary.yaml:1:10: is not YAML that can be read: unexpected end of the stream within a flow collection",
    "service: expected the service that is released, in the file or as --service",
  ],

  // Keys
  [
    "an unknown key",
    { file: `${sound}canry: reviews-v2\n` },
    'canary.yaml: unknown key "canry"; did you mean "canary"? Known: namespace, service, stable, canary, image, variables, routes, stages, testers, affinity, gates, evidence, metrics, promotion, deadlines, meshDelay, confirm, drift, firstDeploy, reporting, cluster, verify, rehearse',
  ],
  [
    "a key in the manner of inputs",
    { file: soundBut("promotion: { keep-old: true }") },
    'promotion: unknown key "keep-old"; did you mean "keepOld"? Known: model, drain, keepOld',
  ],
  [
    "two unknown keys",
    { file: soundBut("deadlines: { redy: 5m, x: 1 }") },
    'deadlines: unknown key "redy"; did you mean "ready"? Known: ready, release',
    'deadlines: unknown key "x". Known: ready, release',
  ],

  [
    "names that no metric and no label can have, all at once",
    {
      file: soundBut(
        'metrics: { prometheus: "http://p", reporter: gateway, labels: { workload: dst-workload, code: __code, host: x }, requests: 1xx, durations: took }',
      ),
    },
    'metrics.reporter: expected auto, source, destination or waypoint, got "gateway"',
    'metrics.labels.workload: expected a label\'s name in Prometheus: letters, digits and underscores, such as destination_workload, got "dst-workload"',
    'metrics.labels.code: expected a label\'s name in Prometheus: letters, digits and underscores, such as destination_workload, got "__code"',
    'metrics.labels: unknown key "host". Known: workload, namespace, service, reporter, code, flags, grpc, sourceNamespace, pod',
    'metrics.requests: expected a metric\'s name: letters, digits, underscores and colons, such as istio_requests_total, got "1xx"',
    'metrics.durations: expected the name of a histogram\'s buckets, which ends in _bucket, such as istio_request_duration_milliseconds_bucket, got "took"',
  ],

  [
    "a gate that is misspelt",
    { file: soundBut("gates: [auto, { latncy: { p: 99, atMost: 500ms } }]") },
    'gates[1]: unknown key "latncy"; did you mean "latency"? Known: errors, latency, restarts, query, json, run',
  ],

  // Names
  [
    "a name in capitals",
    { file: soundBut("service: Reviews") },
    'service: expected a name of at most 63 lower-case letters, digits and dashes, got "Reviews"',
  ],
  [
    "a subset that YAML takes for a number",
    { file: soundBut("stable: { deployment: reviews-v1, subset: 1 }") },
    `stable.subset: ${subsetForm}, in quotes, got 1`,
  ],
  [
    "an image without its tag",
    { file: soundBut('image: "ghcr.io/acme/reviews:"') },
    'image: expected an image such as ghcr.io/acme/reviews:1.2.0, got "ghcr.io/acme/reviews:"',
  ],
  [
    "a label that is a number",
    { file: soundBut("canary: { from: clone, subset: v2, labels: { version: 2 } }\nimage: a:b") },
    "canary.labels.version: expected a label's value: at most 63 letters, digits, dashes, dots and underscores, in quotes, got 2",
  ],
  [
    "a route with too many parts",
    { file: soundBut("routes: a/b/c") },
    'routes: expected VirtualServices as name or namespace/name, separated by commas, got "a/b/c"',
  ],
  [
    "a route without its VirtualService",
    { file: soundBut("routes: [{ routes: [primary] }]") },
    'routes[0]: expected a VirtualService as name or namespace/name, or a mapping with virtualService, httpRoute, grpcRoute, tlsRoute or tcpRoute, and routes, got {"routes":["primary"]}',
  ],

  // The two versions
  [
    "one Deployment for both",
    { file: soundBut("canary: { deployment: reviews-v1, subset: v2 }") },
    'canary.deployment: expected another Deployment than stable\'s, got "reviews-v1"',
  ],
  [
    "one destination for both",
    { file: soundBut("stable: reviews-v1\ncanary: reviews-v2") },
    "canary: expected another destination than stable's: give both a subset, or the canary a host of its own",
  ],
  [
    "one subset for both",
    { file: soundBut("canary: { deployment: reviews-v2, subset: v1, host: reviews.shop.svc.cluster.local }") },
    'canary.subset: expected another subset than stable\'s on the same host, got "v1"',
  ],
  [
    "a stable without a subset",
    { file: soundBut("stable: reviews-v1") },
    "stable.subset: expected a subset: both versions have the same host, and without one stable's share goes to the pods of both",
  ],
  [
    "hosts of their own instead of subsets",
    {
      file: soundBut(
        "stable: { deployment: reviews-v1, host: reviews-v1 }\ncanary: { deployment: reviews-v2, host: reviews-v2 }",
      ),
    },
  ],
  [
    "a clone without an image",
    { file: soundBut("canary: { from: clone, subset: v2 }") },
    "image: expected the image of the clone, in the file or as --image",
  ],
  [
    "labels for an existing Deployment",
    { file: soundBut("canary: { deployment: reviews-v2, subset: v2, labels: { a: b } }") },
    "canary.labels: labels are set on a clone's pods only; set canary.from to clone, or take them away",
  ],
  [
    "a source nobody knows",
    { file: soundBut("canary: { deployment: reviews-v2, subset: v2, from: clon }") },
    'canary.from: expected existing or clone, or a mapping with manifests (did you mean clone?), got "clon"',
  ],
  [
    "no pods",
    { file: soundBut("canary: { deployment: reviews-v2, subset: v2, replicas: 0 }") },
    "canary.replicas: expected a number of pods, a percentage of stable's such as 50%, same, by-weight or keep, got 0",
  ],

  // Manifests
  [
    "manifests that are not there",
    { file: fromManifests },
    "k8s.yaml: cannot be read: ENOENT: no such file or directory, open 'k8s.yaml'",
  ],
  [
    "manifests without the canary",
    { file: fromManifests, files: { "k8s.yaml": deployment("other") } },
    'canary.deployment: expected a Deployment of the manifests (found: other), got "reviews-v2"',
  ],
  [
    "manifests of another namespace",
    { file: fromManifests, files: { "k8s.yaml": deployment("reviews-v2", ", namespace: test") } },
    'k8s.yaml[0].metadata.namespace: expected shop, the namespace of the service, got "test"',
  ],
  [
    "a manifest that is no object",
    { file: fromManifests, files: { "k8s.yaml": `${deployment("reviews-v2")}---\nkind: Service\n---\njust text\n` } },
    "k8s.yaml[1].apiVersion: expected a text, got nothing",
    "k8s.yaml[1].metadata.name: expected a text, got nothing",
    'k8s.yaml[2]: expected a Kubernetes object, got "just text"',
  ],
  [
    "a file of kustomize's among the manifests",
    {
      file: fromManifests,
      files: {
        "k8s.yaml": `${deployment("reviews-v2")}---\napiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [a.yaml]\n`,
      },
    },
    "k8s.yaml[1]: this is a Kustomization: give what kubectl kustomize prints, such as kubectl kustomize . > canary.yaml",
  ],
  [
    "a Secret among the manifests, also in a list",
    {
      file: fromManifests,
      files: {
        "k8s.yaml": `${deployment("reviews-v2")}---\nkind: List\nitems: [{ apiVersion: v1, kind: Secret, metadata: { name: key }, data: { a: c2VjcmV0 } }]\n`,
      },
    },
    "k8s.yaml[1].items[0]: a Secret is not taken: a release keeps its manifests in its journal, a ConfigMap, in clear; apply it beforehand, or set canary.from.allowSecrets",
  ],
  [
    "stable's own Deployment among the manifests",
    { file: fromManifests, files: { "k8s.yaml": `${deployment("reviews-v2")}---\n${deployment("reviews-v1")}` } },
    "k8s.yaml[1]: Deployment reviews-v1 is stable's, which a release does not touch before its end; take it out of the manifests",
  ],
  ["an empty manifest", { file: fromManifests, files: { "k8s.yaml": "---\n" } }, "k8s.yaml: has no object in it"],
  [
    "a manifest that is not YAML",
    { file: fromManifests, files: { "k8s.yaml": "a: 1\na: 2\n" } },
    "k8s.yaml:2:1: is not YAML that can be read: duplicated mapping key",
  ],

  // Stages
  [
    "weights that do not rise",
    { file: soundBut("stages: 10:2m, 10:2m, 5:1m") },
    "stages[1].weight: expected more than the 10% of the stage before, got 10",
    "stages[2].weight: expected more than the 10% of the stage before, got 5",
  ],
  [
    "a time without its unit",
    { file: soundBut("stages: 10:2, 50:5m") },
    'stages[0]: expected a weight and a time, such as 10:2m, got "10:2"',
  ],
  [
    "stages that end in a comma",
    { file: soundBut("stages: 10:2m,") },
    'stages[1]: expected a weight and a time, such as 10:2m, got ""',
  ],
  [
    "a weight above all",
    { file: soundBut("stages: [{ weight: 101, wait: 2m }]") },
    "stages[0].weight: expected a whole percent from 0 to 100, got 101",
  ],
  [
    "a stage without a weight, and nobody who gets the canary without one",
    { file: soundBut("stages: [{ weight: 0, wait: 2m }, 100]") },
    "stages[0].weight: expected a weight from 1 on, or mirror, or testers, who get the canary without one",
  ],
  [
    "pods that call, and cookies that they do not keep",
    { file: soundBut("affinity: { cookie: version }\ntesters: { callers: { app: frontend } }") },
    "affinity: expected no testers.callers beside it: pods that call keep no cookies, and what they pass on are their users'",
  ],
  [
    "copies beside a weight",
    { file: soundBut("stages: [{ weight: 5, mirror: 50, wait: 2m }, 100]") },
    "stages[0].mirror: expected a stage of weight 0: a canary with a share of the requests would do some of them twice, got 50",
  ],
  [
    "copies of nothing",
    { file: soundBut("stages: [{ weight: 0, mirror: 0, wait: 2m }, 100]") },
    "stages[0].mirror: expected a whole percent from 1 to 100, got 0",
  ],
  [
    "testers of every kind that cannot be",
    {
      file: `${sound}\ntesters:\n- {}\n- { cookies: { a: b, c: d } }\n- { headers: { Cookie: a=b }, cookies: { c: d } }`,
    },
    "testers[0]: expected headers, cookies, query, method or callers; everybody is no tester",
    "testers[1].cookies: expected one cookie: all of them are one header",
    "testers[2].cookies: expected one cookie: all of them are one header",
  ],
  [
    "a drill for nobody, and by which nothing is judged",
    {
      file: soundBut("stages: [{ weight: 10, wait: 2m, gates: [], drill: { abort: 503 } }, { weight: 50, wait: 2m }]"),
    },
    "stages[0].drill: expected testers, whose requests alone have the fault",
    "stages[0].drill: expected a gate that must hold during a drill; nothing would come of it",
  ],
  [
    "a drill that is none",
    { file: soundBut("stages: [{ weight: 10, wait: 2m, drill: { abort: 99 } }]") },
    "stages[0].drill.abort: expected an HTTP status from 200 to 599, got 99",
  ],
  [
    "a regular expression that Istio does not read",
    { file: `${sound}\ntesters: { headers: { a: { regex: "x(?=y)" } } }` },
    'testers.headers.a.regex: expected a regular expression of at most 1024 letters, without (?= and (?!, got "x(?=y)"',
  ],
  [
    "a weight that is not whole",
    { file: soundBut("stages: [{ weight: 0.5, wait: 2m }]") },
    "stages[0].weight: expected a whole percent from 0 to 100, got 0.5",
  ],
  [
    "a stage without a weight",
    { file: soundBut("stages: [{ wieght: 5, wait: 2m }]") },
    `stages[0]: ${unknownStageKey}`,
  ],
  [
    "a weight that proves nothing",
    { file: soundBut("stages: 10, 50:5m, 100") },
    "stages[0]: expected a time, such as 10:5m, or gates or an approval of its own; 10% alone proves nothing",
  ],
  [
    "no stages",
    { file: soundBut("stages: []") },
    "stages: expected weights and how long each lasts, such as 10:2m, 50:5m, 100, in the file or as --stages",
  ],
  [
    "a stage that ends before its wait",
    { file: soundBut("stages: [{ weight: 10, wait: 10m, deadline: 5m }]") },
    "stages[0].deadline: expected at least 10m, the stage's wait, and not 5m",
  ],
  [
    "waits longer than the release",
    { file: soundBut("stages: 10:40m, 50:40m, 100") },
    "deadlines.release: expected at least 1h20m, all waits together, and not 1h",
  ],

  // Gates
  [
    "a percentage with two signs",
    { file: soundBut("stages: [5:1m, 10:1m, { weight: 20, wait: 1m, gates: [{ errors: { atMost: 5%% } }] }]") },
    'stages[2].gates[0].errors.atMost: expected a percentage such as 5%, got "5%%"',
  ],
  [
    "a ratio above 1",
    { file: soundBut("gates: [{ errors: { atMost: 5 } }]") },
    "gates[0].errors.atMost: expected a percentage such as 5% or a ratio such as 0.05; write 5% if that is meant, got 5",
  ],
  [
    "a percentile that is none",
    { file: soundBut("gates: [{ latency: { p: 100, atMost: 1s } }]") },
    "gates[0].latency.p: expected a percentile above 0 and below 100, such as 99, got 100",
  ],
  [
    "gates without limits",
    { file: soundBut("gates: [{ errors: {} }, { latency: {} }, { query: up }, { restarts: {} }]") },
    "gates[0].errors: expected a limit: atMost, aboveStable or both",
    "gates[1].latency: expected a limit: atMost, timesStable or both",
    "gates[2]: expected a limit: atMost, atLeast or both",
  ],
  [
    "limits that leave nothing",
    { file: soundBut("gates: [{ query: up, atLeast: 2, atMost: 1 }]") },
    "gates[0].atLeast: expected no more than atMost, which is 1, got 2",
  ],
  [
    "evidence that would prove nothing, all at once",
    {
      file: soundBut(
        "evidence: { alpha: 50%, beta: 0, objective: 80%, budget: 0%, safeRatio: 1, latencyMargin: 0.9, dispersion: 0.5 }",
      ),
    },
    "evidence.alpha: expected a percentage above 0 and below 50%, got 0.5",
    "evidence.beta: expected a percentage above 0 and below 50%, got 0",
    "evidence.objective: expected a percentage above 0 and below 75%, got 0.8",
    "evidence.budget: expected a percentage above 0 and below 75%, got 0",
    "evidence.safeRatio: expected a factor above 1, got 1",
    "evidence.latencyMargin: expected a factor of at least 1, got 0.9",
    "evidence.dispersion: expected a factor of at least 1, got 0.5",
  ],
  [
    "auto without a Prometheus, and beside a gate with the name of its own",
    { file: soundBut("gates: [auto, { query: up, name: evidence, atMost: 1 }]\nmetrics: {}") },
    'gates[1]: expected a name of its own: gate 1 is called that, too, got "evidence"',
    "gates[0]: the gate auto needs Prometheus; set metrics.prometheus, or the input prometheus",
    counts("gates[1]", "query"),
  ],
  [
    "a gate nobody knows",
    { file: soundBut("gates: [{ saturation: { atMost: 1% } }]") },
    'gates[0]: expected a gate: auto, or a mapping with errors, latency, restarts, query, json or run, got {"saturation":{"atMost":"1%"}}',
  ],
  [
    "a query's limit misspelt",
    { file: soundBut("gates: [{ query: up, atmost: 1 }]") },
    'gates[0]: unknown key "atmost"; did you mean "atMost"? Known: query, name, atMost, atLeast, tolerate, noData',
  ],
  [
    "two gates of one name",
    { file: soundBut("gates: [{ query: a, atMost: 1 }, { query: b, atMost: 1 }]") },
    'gates[1]: expected a name of its own: gate 1 is called that, too, got "query"',
  ],
  [
    "gates that count, and no Prometheus",
    {
      file: soundBut(
        "metrics: { source: none }\ngates: [{ errors: { atMost: 1% } }, { restarts: {} }]\nstages: [{ weight: 10, wait: 1m, gates: [{ query: up, atMost: 1 }, { latency: { atMost: 1s } }] }]",
      ),
    },
    counts("gates[0].errors", "errors"),
    counts("stages[0].gates[0]", "query"),
    counts("stages[0].gates[1].latency", "latency"),
  ],

  // Other values
  [
    "a word that is no choice",
    { file: soundBut("drift: putback\npromotion: swop") },
    'promotion: expected swap or update (did you mean swap?), got "swop"',
    'drift: expected rollback or put-back (did you mean put-back?), got "putback"',
  ],
  [
    "yes, which is text in YAML 1.2",
    { file: soundBut("reporting: { comment: yes }") },
    'reporting.comment: expected true or false, got "yes"',
  ],
  [
    "a URL without its scheme",
    { file: soundBut("metrics: { prometheus: prometheus:9090 }") },
    'metrics.prometheus: expected a URL that begins with http:// or https://, or as service://NAMESPACE/NAME:PORT, got "prometheus:9090"',
  ],
  [
    "a Service without its port",
    { file: soundBut("metrics: { prometheus: service://istio-system/prometheus }") },
    'metrics.prometheus: expected a URL that begins with http:// or https://, or as service://NAMESPACE/NAME:PORT, got "service://istio-system/prometheus"',
  ],
  [
    "a Service that leads elsewhere",
    { file: soundBut("metrics: { prometheus: 'service://istio-system/prometheus:9090?query=up' }") },
    'metrics.prometheus: expected a URL that begins with http:// or https://, or as service://NAMESPACE/NAME:PORT, got "service://istio-system/prometheus:9090?query=up"',
  ],
  [
    "a login for a Prometheus behind the API server",
    {
      file: soundBut(
        "metrics: { prometheus: 'service://istio-system/prometheus:9090', headers: { Authorization: Bearer abcdefgh } }",
      ),
    },
    "metrics.headers: the header Authorization does not reach a Prometheus at service://…: there the API server takes it for the job's own login; leave it out, or give Prometheus's own address",
  ],
  [
    "a key with nothing behind it",
    { file: soundBut("image:") },
    "image: expected an image such as ghcr.io/acme/reviews:1.2.0, got nothing",
  ],
  [
    "both places for the version",
    { file: soundBut("verify: { versionFrom: { header: x-version, json: version } }") },
    "verify.versionFrom: expected header or json, not both",
  ],

  // Environment
  [
    "variables that are not set",
    { file: soundBut('image: a:${TAG}\ncanary: { deployment: "reviews-${NEXT}", subset: v2 }\nstages: ${STAGES}') },
    "image: the environment variable TAG is not set",
    "canary.deployment: the environment variable NEXT is not set",
    "stages: the environment variable STAGES is not set",
  ],
  [
    "a variable between braces",
    { file: soundBut("canary: { deployment: reviews-${NEXT}, subset: v2 }") },
    "canary.yaml:8:32: is not YAML that can be read: missed comma between flow collection entries; between brackets, a value with a variable in it needs quotes",
  ],
  [
    "a default for a variable",
    { file: soundBut("image: a:${TAG:-latest}") },
    "image: only ${TAG} can be filled in, not ${TAG:-latest}; write $${TAG:-latest} to keep it as it is",
  ],
  [
    "a whole number of a manifest that JSON would round, decimal and otherwise, and no other",
    {
      file: fromManifests,
      files: {
        "k8s.yaml": `${deployment("reviews-v2")}spec: { a: 9007199254740993, b: [-0x20000000000001], c: 9007199254740991, d: 1e30, e: "9007199254740993", f: 99999999999999999999 }\n`,
      },
    },
    "k8s.yaml[0].spec.a: 9007199254740993 is beyond 2^53 and would be rounded; apply this object by itself, beforehand",
    "k8s.yaml[0].spec.b[0]: -9007199254740993 is beyond 2^53 and would be rounded; apply this object by itself, beforehand",
  ],
  [
    "a variable of a manifest",
    { file: `${fromManifests}\nvariables: NEXT\n`, files: { "k8s.yaml": deployment("reviews-${NEXT}") } },
    "k8s.yaml[0].metadata.name: the environment variable NEXT is not set",
  ],
  [
    "a default for a variable of a manifest",
    { file: `${fromManifests}\nvariables: { NEXT: v2 }\n`, files: { "k8s.yaml": deployment("reviews-${NEXT:-v1}") } },
    "k8s.yaml[0].metadata.name: only ${NEXT} can be filled in, not ${NEXT:-v1}; write $${NEXT:-v1} to keep it as it is",
  ],
  [
    "a name that no variable can have",
    { file: `${fromManifests}\nvariables: [1A]\n`, files: { "k8s.yaml": deployment("reviews-v2") } },
    'variables[0]: expected the name of a variable such as IMAGE_TAG, got "1A"',
  ],
  ["a variable that an input makes needless", { file: soundBut("image: a:${TAG}"), inputs: { image: "a:b" } }],

  // Inputs
  [
    "an input that does not exist",
    { file: sound, inputs: { stage: "100" } },
    `inputs: unknown input "stage"; did you mean "stages"? Known: ${inputNames()}`,
  ],
  [
    "an input that is wrong",
    { file: sound, inputs: { "canary-replicas": "many", drain: "3" } },
    'canary-replicas: expected a number of pods, a percentage of stable\'s such as 50%, same, by-weight or keep, got "many"',
    'drain: expected a duration with its unit, such as 90s or 1m30s, got "3"',
  ],
  [
    "an input with a place inside",
    { file: sound, inputs: { stages: "[{weight: 10}, {weight: 300, wait: 1m}]" } },
    "stages[1].weight: expected a whole percent from 0 to 100, got 300",
  ],
  [
    "an input whose YAML is broken",
    { file: sound, inputs: { gates: "[{restarts: {}" } },
    "gates:1:15: is not YAML that can be read: unexpected end of the stream within a flow collection",
  ],
  [
    "an input whose lines are no pairs",
    { file: sound, inputs: { dashboards: "grafana=https://g.example.com\nkiali" } },
    "dashboards: expected one name and value a line, such as name=value; line 2 is none",
  ],
  [
    "manifests for a clone",
    {
      file: sound,
      inputs: { "canary-from": "clone", "canary-manifests": "k8s.yaml", image: "a:b" },
      files: { "k8s.yaml": deployment("reviews-v2") },
    },
    'canary-from: expected manifests, or nothing, together with canary-manifests, got "clone"',
  ],
  [
    "a truth that is none",
    { file: sound, inputs: { json: "yes", comment: "on" } },
    'json: expected true or false, got "yes"',
    'comment: expected true or false, got "on"',
  ],
  [
    "a command nobody knows",
    { inputs: { command: "relase" } },
    'command: unknown command "relase"; did you mean "release"? Known: init, release, plan, rehearse, status, verify, rollback, undo, promote, settle, replay, report',
  ],
  [
    "a release that nothing would judge",
    { file: soundBut("gates: []") },
    "gates: no stage has a gate, so that nothing would be judged; leave gates out (auto judges errors, response times and restarts), or say that it is meant: metrics.source: none",
  ],
  [
    "stages that nothing would judge, and no source",
    { file: soundBut("metrics: {}\nstages: [{ weight: 10, wait: 1m, gates: [] }, 100]") },
    "stages: no stage has a gate, so that nothing would be judged; leave gates out (auto judges errors, response times and restarts), or say that it is meant: metrics.source: none",
  ],
  [
    "verify with nothing to ask",
    { file: soundBut("metrics: { source: none }"), inputs: { command: "verify" } },
    "verify.url: expected a URL to send requests to, or another metrics.source than none, in the file or as --verify-url",
  ],
];

for (const [what, situation, ...lines] of cases) {
  test(lines.length === 0 ? `${what}: is accepted` : `${what}: ${lines[0]}`, async () => {
    assert.deepEqual(await problems(situation), lines);
  });
}

/* Programs and URLs of one's own */
for (const [what, { file }, words] of [
  [
    "an empty program",
    { file: soundBut("gates: [{ run: { command: [''] } }]") },
    /gates\[0\]\.run\.command: expected a program as the first word, which is empty/,
  ],
  [
    "NUL in a word of a command",
    { file: soundBut('gates: [{ run: { command: [sh, "a\\0b"] } }]') },
    /gates\[0\]\.run\.command\[1\]: expected a text without NUL/,
  ],
  [
    "NUL in a gate's name",
    { file: soundBut('gates: [{ run: { name: "a\\0b", command: [sh] } }]') },
    /gates\[0\]\.run\.name: expected a text without NUL/,
  ],
  [
    "a name in a URL that nothing fills in",
    { file: soundBut('gates: [{ json: { url: "http://x/?from={fromSecond}", path: v, atMost: 1 } }]') },
    /gates\[0\]\.json\.url: expected of names in braces only \{namespace\} \{service\} .*\{toSeconds\}/,
  ],
  [
    "two gates of one name in one list",
    { file: soundBut("gates: [{ run: { command: [a] } }, { run: { command: [b] } }]") },
    /^(?![\s\S]*another stage)[\s\S]*gates\[1\]: expected a name of its own: gate 1 is called that, too/,
  ],
] as const)
  test(`a gate of one's own: ${what}`, async () => assert.match((await problems({ file })).join("\n"), words));

test("every problem comes at once, with its path, the problem and the value apart", async () => {
  const file = soundBut(
    "drift: never\ncanary: { deployment: reviews-v1, subset: v2 }\nmetrics: { prometheus: http://p, interval: 15 }",
  );
  await assert.rejects(configured({ file }), (error) => {
    assert.ok(error instanceof ConfigError && error instanceof RefusedError);
    assert.deepEqual(error.issues, [
      {
        path: "metrics.interval",
        problem: "expected a duration with its unit, such as 90s or 1m30s",
        found: "15",
        position: "canary.yaml:9:34",
      },
      {
        path: "drift",
        problem: "expected rollback or put-back",
        found: '"never"',
        position: "canary.yaml:7:1",
      },
      {
        path: "canary.deployment",
        problem: "expected another Deployment than stable's",
        found: '"reviews-v1"',
        position: "canary.yaml:8:11",
      },
    ]);
    return true;
  });
});

test("secrets are not in errors: neither headers, nor a kubeconfig, nor the password of a URL", async () => {
  const file = soundBut(
    'metrics: { prometheus: "htp://me:s3cret@prometheus", headers: { Authorization: ["s3cret"] } }\ncluster: { kubeconfig: { token: s3cret } }',
  );
  const lines = await problems({ file });
  assert.deepEqual(lines, [
    'metrics.prometheus: expected a URL that begins with http:// or https://, or as service://NAMESPACE/NAME:PORT, got "htp://***@prometheus"',
    "metrics.headers.Authorization: expected a text",
    "cluster.kubeconfig: expected a text",
  ]);
});

test("lines of set lie over the file, and all that is wrong with them is told at once, with the line", async () => {
  const set = [
    "evidence.warmUp=1m",
    "canary.replicas = 3",
    "promotion.drain=5s",
    "",
    "gates=[auto, { query: up, atLeast: 1 }]",
    "metrics.headers.Authorization=Bearer s3cret",
  ].join("\n");
  const { release, metrics } = await configured({ file: soundBut("promotion: update"), inputs: { set } });
  const { target, plan } = release ?? assert.fail();
  assert.deepEqual(target.replicas, { kind: "count", count: 3 });
  assert.deepEqual([plan.promotion, plan.drain, plan.evidence.settings.warmUp], ["update", 5_000, 60_000]);
  assert.deepEqual(
    plan.stages[0]?.gates.map(({ kind }) => kind),
    ["evidence", "restarts", "query"],
  );
  assert.deepEqual(metrics?.headers, { Authorization: "Bearer s3cret" });
  const wrong = [
    "evidence.warmUp=soon",
    "drain 5s",
    "evidence.wramUp=1m",
    "gates=[auto",
    "promotion.drain=1s",
    "promotion.drain=2s",
    "metrics.headers=s3cret",
    "reporting.notify=[{ url: https://hooks.test/s3cret",
    "stages=50",
    "__proto__.drain=5s",
    "constructor.name=x",
  ].join("\n");
  const lines = await problems({ file: sound, inputs: { set: wrong, stages: "10:1m, 100" } });
  assert.deepEqual(
    lines.map((line) => line.replace(/ Known: .*/, "")),
    [
      "set: drain 5s: expected path=value, such as evidence.warmUp=1m",
      "set: gates=[auto:1:6: is not YAML that can be read: unexpected end of the stream within a flow collection",
      "set: promotion.drain=2s: says what set: promotion.drain=1s says already",
      "set: reporting.notify=…:1:34: is not YAML that can be read: unexpected end of the stream within a flow collection",
      "set: stages=50: says what stages says already",
      "set: __proto__.drain=…: expected path=value, such as evidence.warmUp=1m",
      'set: evidence.warmUp=soon: expected a duration with its unit, such as 90s or 1m30s, got "soon"',
      'set: evidence.wramUp=1m: unknown key "wramUp"; did you mean "warmUp"?',
      "set: metrics.headers=…: expected a mapping of headers",
      'set: constructor.name=x: unknown key "constructor".',
    ],
  );
});

test("the usual file is read where there is one and none is named", async () => {
  const files = { ".github/canary.yaml": sound };
  const { release, asked } = await configured({ files, inputs: { command: "release" } });
  assert.deepEqual([release?.target.service, asked.config], ["reviews", ".github/canary.yaml"]);
  const { asked: other } = await configured({ files, file: soundBut("service: other") });
  assert.equal(other.config, "canary.yaml");
  assert.equal(
    (await configured({ inputs: { command: "status", namespace: "a", service: "b" } })).asked.config,
    undefined,
  );
  const broken = { files: { ".github/canary.yaml": "stages: [" } };
  assert.match((await problems(broken)).join(), /canary.yaml:1:10: is not YAML/);
  assert.deepEqual(await problems({ ...broken, inputs: { command: "replay" } }), []);
});

test("a name of an earlier day is answered with today's", async () => {
  const stages = "stages: [{ weight: 10, wait: 1m, atMost: 5m }]\ndrift: roll-back";
  const inputs = { settle: "5s", stable: "reviews-v1", canary: "reviews-v2" };
  const lines = await problems({ file: `${soundBut(stages)}settle: 5s\n`, inputs });
  assert.deepEqual(
    lines.map((line) => line.replace(/ Known: .*/, "")),
    [
      'inputs: unknown input "settle".',
      'inputs: unknown input "stable"; did you mean "stable-deployment"?',
      'inputs: unknown input "canary"; did you mean "canary-deployment"?',
      'stages[0]: unknown key "atMost"; did you mean "deadline"?',
      'drift: expected rollback or put-back (did you mean rollback?), got "roll-back"',
      'canary.yaml: unknown key "settle"; did you mean "meshDelay"?',
    ],
  );
});

function inputNames(): string {
  return "command, config, set, namespace, service, stable-deployment, canary-deployment, image, stages, prometheus, metrics-headers, first-deploy, kubeconfig, context, github-token, comment, summary, pull-request, environment, report";
}
