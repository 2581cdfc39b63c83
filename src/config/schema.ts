import * as z from "zod/mini";
import { defaults } from "../evidence/defaults.ts";
import { istioMetrics } from "../istio/istio-metrics.ts";
import { type ErrorGate, type LatencyGate, policies, type QueryGate, type RestartGate } from "../release/gate.ts";
import type { Drill } from "../release/plan.ts";
import type { RouteKind } from "../release/route-kind.ts";
import type { Testers, TextMatch } from "../release/testers.ts";
import { messageForms, newsKinds } from "../release/webhook.ts";
import { inputs } from "./inputs.ts";
import type { WrittenVariables } from "./manifest-variables.ts";
import { mostStages, shortStage, shortStages, tooManyStages, type WrittenStage } from "./short-stages.ts";
import {
  boolean,
  bucketsName,
  choice,
  command,
  containerNames,
  count,
  decimal,
  dnsLabel,
  dnsName,
  duration,
  durationFrom,
  either,
  gateName,
  gateUrl,
  gatewayRouteName,
  headerName,
  headers,
  host,
  httpMethod,
  httpStatus,
  hundredth,
  image,
  jsonBody,
  jsonPath,
  labels,
  links,
  mappingOf,
  metricLabel,
  metricName,
  percentile,
  positive,
  prometheusUrl,
  ratio,
  regularExpression,
  replicas,
  routeName,
  routeNames,
  section,
  subsetName,
  text,
  texts,
  url,
  variableNames,
  variableValues,
  weight,
} from "./values.ts";
import type { WrittenGate } from "./written-gate.ts";

/**
 * What the reference page and the JSON schema say about a key; `standard` is what counts when it is not there, as
 * written in the file.
 */
export const keyWords = z.registry<{ readonly description: string; readonly standard?: unknown }>();

/** A wrapper for each key, since one kind of value stands at many keys with other words. */
function required<O, I>(description: string, schema: z.ZodMiniType<O, I>) {
  const key = z.nonoptional(schema);
  keyWords.add(key, { description });
  return key;
}

function optional<O, I>(description: string, schema: z.ZodMiniType<O, I>) {
  const key = z.exactOptional(schema);
  keyWords.add(key, { description });
  return key;
}

function preset<O, I>(description: string, schema: z.ZodMiniType<O, I>, written: unknown) {
  const standard = z.parse(schema, written);
  const key = z.pipe(
    z.optional(schema),
    z.transform((value: O | undefined): O => value ?? standard),
  );
  keyWords.add(key, { description, standard: written });
  return key;
}

/** A whole part of the file: without it, each of its keys counts as it usually does. */
function part<O, I>(description: string, schema: z.ZodMiniType<O, I>) {
  const usual = z.parse(schema, {});
  const key = z.pipe(
    z.optional(schema),
    z.transform((value: O | undefined): O => value ?? usual),
  );
  keyWords.add(key, { description });
  return key;
}

/** A key that is also an input is described once, in the table of inputs. */
function inputAt(path: string) {
  const input = inputs.find((input) => input.path === path);
  if (!input) throw new Error(`no input has the path ${path}`);
  return input;
}

const given = <O, I>(path: string, schema: z.ZodMiniType<O, I>) => optional(inputAt(path).description, schema);

function usual<O, I>(path: string, schema: z.ZodMiniType<O, I>) {
  const { description, default: written = "" } = inputAt(path);
  return preset(description, schema, /^(true|false|\d+)$/.test(written) ? JSON.parse(written) : written);
}

/* Gates */

const noData = preset(
  "Without data, wait until the stage's deadline and then roll back, or fail as soon as two polls could have found some.",
  choice(["wait", "fail"]),
  "wait",
);
const minRequests = (standard: number) =>
  preset(
    "Canary requests that are needed to judge; with fewer, the gate waits.",
    count("a number of requests"),
    standard,
  );

const errors = section({
  name: preset("What reports call it.", text, "errors"),
  atMost: optional("The canary's share of failed requests may be this high, such as 1%.", ratio),
  aboveStable: optional(
    "It may be this far above stable's share in the same time, in percentage points, such as 0.5%.",
    ratio,
  ),
  minRequests: minRequests(100),
  noData,
});

const latency = section({
  name: optional("What reports call it. Default: latency p99, or whichever percentile.", text),
  p: preset("The percentile, above 0 and below 100.", percentile, 99),
  atMost: optional("It may be this long, such as 500ms.", duration),
  timesStable: optional(
    "It may be this many times stable's same percentile, such as 1.5.",
    positive("a factor such as 1.5"),
  ),
  minRequests: minRequests(100),
  noData,
});

const restarts = section({
  name: preset("What reports call it.", text, "restarts"),
  atMost: preset("There may be this many.", count("a number of restarts"), 0),
});

/** Of a number of the user's own. */
const own = (name: string) => ({
  name: preset("What reports call it. Two gates of one stage need two names.", gateName, name),
  atMost: optional("The answer may be this high.", decimal("a number")),
  atLeast: optional("The answer must be this high.", decimal("a number")),
  tolerate: preset("Answers outside the limits that are tolerated in a row.", count("a number of answers"), 0),
  noData,
});

const query = section({
  query: required("PromQL whose answer is one number, asked at every poll. Needs Prometheus.", text),
  ...own("query"),
});

const json = section({
  url: required(
    "The address that is asked. {namespace} {service} {stable} {canary} are filled in, and the time from the stage's beginning until now: {from} {to} in milliseconds, {fromSeconds} {toSeconds} in seconds. Redirects are not followed.",
    gateUrl,
  ),
  path: required(
    "Where the number stands in the answer, such as data.rate or series.0.pointlist.-1.1; -1 is the last of a list.",
    jsonPath,
  ),
  headers: preset("Headers of the question. Values are secrets, and no journal keeps them.", headers, {}),
  body: optional("Sent as JSON, by POST. Default: GET.", jsonBody),
  every: preset("Between two questions.", durationFrom("1s"), "15s"),
  ...own("json"),
});

const run = section({
  command: required(
    "The program and its arguments, as a list. No shell reads them, and nothing is filled in; the program has the job's environment, and CANARY_NAMESPACE, CANARY_SERVICE, CANARY_STAGE, CANARY_WEIGHT, CANARY_STABLE, CANARY_CANARY, CANARY_STABLE_HOST, CANARY_CANARY_HOST, CANARY_STABLE_SUBSET, CANARY_CANARY_SUBSET, CANARY_IMAGE and CANARY_GATE, and of a request that testers send CANARY_TESTER_HEADERS (name: value, one a line, as curl -H takes one), CANARY_TESTER_QUERY and CANARY_TESTER_METHOD.",
    command,
  ),
  timeout: preset(
    "How long it may take. Then its process group is ended (it, and what it began that did not leave the group), and it has failed.",
    durationFrom("1s"),
    "2m",
  ),
  every: optional(
    "It runs again, so long after one that passed. Default: one that passes is enough for a stage.",
    durationFrom("1s"),
  ),
  ...own("run"),
});

const auto = choice(["auto"], ", or a gate of your own");

/** Each stands alone in its mapping, but a query, which has its keys beside it. */
const kindsOfGate = ["errors", "latency", "restarts", "query", "json", "run"];

const gate = either<WrittenGate>("a gate: auto, or a mapping with errors, latency, restarts, query, json or run", [
  auto,
  z.pipe(
    section(
      {
        errors: required("The canary's share of failed requests since the stage began. Needs Prometheus.", errors),
      },
      kindsOfGate,
    ),
    z.transform(({ errors }): ErrorGate => ({ kind: "errors", ...errors })),
  ),
  z.pipe(
    section(
      {
        latency: required(
          "A percentile of the canary's response time since the stage began. Needs Prometheus.",
          latency,
        ),
      },
      kindsOfGate,
    ),
    z.transform(
      ({ latency: { p, name = `latency p${p}`, ...limits } }): LatencyGate => ({
        kind: "latency",
        name,
        quantile: hundredth(p),
        ...limits,
      }),
    ),
  ),
  z.pipe(
    section(
      { restarts: required("Restarts of the canary's containers since it was deployed.", restarts) },
      kindsOfGate,
    ),
    z.transform(({ restarts }): RestartGate => ({ kind: "restarts", ...restarts })),
  ),
  z.pipe(
    query,
    z.transform((query): QueryGate => ({ kind: "query", ...query })),
  ),
  z.pipe(
    section({ json: required("A number in the JSON that a URL answers.", json) }, kindsOfGate),
    z.transform(({ json: { url, path, headers, body, ...gate } }): WrittenGate => {
      const recipe = { kind: "json", url, path, headers, body, timeout: 0 } as const;
      return { kind: "json", ...gate, recipe };
    }),
  ),
  z.pipe(
    section(
      {
        run: required(
          "A program of yours, run in the job: it passes when it ends with 0. With limits, the last line that it prints on standard output is the number.",
          run,
        ),
      },
      kindsOfGate,
    ),
    z.transform(({ run: { command, timeout, ...gate } }): WrittenGate => {
      const recipe = { kind: "run", command, timeout } as const;
      return { kind: "run", ...gate, recipe };
    }),
  ),
]);

const gates = either<readonly WrittenGate[]>("auto, or a list of gates", [
  z.pipe(
    auto,
    z.transform((): readonly WrittenGate[] => ["auto"]),
  ),
  z.array(gate, { error: "expected auto, or a list of gates" }),
]);

/* Evidence */

const policy = choice(policies);
const percentOf = (share: number): string => `${Number((share * 100).toPrecision(12))}%`;

const evidence = section({
  requires: preset(
    "What a stage needs to pass. sound: the canary is surely not broken, and not suspected of harm. safe: it surely fails less than safeRatio times as often as stable, which takes many more requests.",
    choice(["sound", "safe"]),
    defaults.requires,
  ),
  inconclusive: preset(
    "When a stage's wait is over and nothing is proven: extend (look on until the stage's deadline, then hold), hold (the job ends, somebody runs promote or rollback), promote (go on to the next weight) or fail (roll back).",
    policy,
    "extend",
  ),
  noData: preset(
    "The same when no request was counted that could be compared; but extend rolls back at the deadline then, and so does a Prometheus that does not answer.",
    policy,
    "extend",
  ),
  holdFor: preset(
    "How long a release that is held waits for somebody to decide. Then the next settle, such as a scheduled one, rolls it back.",
    duration,
    "1h",
  ),
  early: preset("A stage ends before its wait is over when the canary is proven safe.", boolean, false),
  warmUp: optional(
    "The first part of the canary's life, in which only failures that are plain to see count. Default: 2m, at most a quarter of all waits together.",
    duration,
  ),
  objective: optional(
    "The canary's share of failed requests may be this high at most, whatever stable has, such as 1%.",
    ratio,
  ),
  budget: optional(
    "The share of all requests that may fail because of the canary in the worst case that is not ruled out, such as 0.5%. A weight that allows more is preceded by a smaller one.",
    ratio,
  ),
  alpha: preset("How often a canary as good as stable may be rolled back, at most.", ratio, percentOf(defaults.alpha)),
  beta: preset("How often a canary that is too bad may be called safe, at most.", ratio, percentOf(defaults.beta)),
  allowedIncrease: preset(
    "How much more often than stable the canary may fail: 10% allows 1.1 times as often.",
    ratio,
    percentOf(defaults.allowedIncrease),
  ),
  minExcess: preset(
    "A smaller difference of the shares of failed requests never fails a release, in percentage points.",
    ratio,
    percentOf(defaults.minExcess),
  ),
  safeRatio: preset(
    "The canary is safe when it surely fails less than this many times as often as stable.",
    positive("a factor such as 2"),
    defaults.safeRatio,
  ),
  latencyMargin: preset(
    "The odds of being slow may be this many times stable's.",
    positive("a factor such as 1.25"),
    defaults.latencyMargin,
  ),
  slowFrom: preset(
    "Requests that took no longer are never called slow, however much faster stable is.",
    duration,
    `${defaults.slowFrom}ms`,
  ),
  slowerBy: preset(
    "The smallest difference of response times that matters: a canary whose requests take less than this longer is never called slow, unless some of them take far longer.",
    duration,
    `${defaults.slowerBy}ms`,
  ),
  slowerByPart: preset(
    "The same as a part of what stable's requests take. The larger of both counts.",
    ratio,
    percentOf(defaults.slowerByPart),
  ),
  splitTolerance: preset(
    "How far the observed split may be from the planned one, as a part of the smaller share; 100% takes every split as planned, where callers stick to a version.",
    ratio,
    percentOf(defaults.split.tolerance),
  ),
  dispersion: optional(
    "How many times as much as independent failures the service's vary, from 1. Default: measured between stable's pods in the hour before the release.",
    positive("a factor such as 1.5"),
  ),
});

/* Versions, routes and stages */

const stable = section({
  deployment: given("stable.deployment", dnsName),
  subset: given("stable.subset", subsetName),
  host: given("stable.host", host),
});

const manifests = section({
  manifests: required(inputAt("canary.from.manifests").description, texts),
  allowSecrets: usual("canary.from.allowSecrets", boolean),
});

const variables = either<WrittenVariables>("names of variables, or a mapping of names to values", [
  z.pipe(
    variableNames,
    z.transform((names): WrittenVariables => Object.fromEntries(names.map((name) => [name, null]))),
  ),
  variableValues,
]);

const canary = section({
  deployment: given("canary.deployment", dnsName),
  subset: given("canary.subset", subsetName),
  host: given("canary.host", host),
  from: usual(
    "canary.from",
    either<"existing" | "clone" | z.output<typeof manifests>>("existing, clone, or a mapping with manifests", [
      choice(["existing", "clone"], ", or a mapping with manifests"),
      manifests,
    ]),
  ),
  labels: given("canary.labels", labels),
  replicas: given("canary.replicas", replicas),
  leastPods: preset(
    "Where the weights say how many pods the canary has: at least so many, as far as stable has them, so that one pod's own luck is not taken for the version's doing.",
    count("a number of pods", 1),
    3,
  ),
  container: given("canary.container", containerNames),
});

/** A Deployment's name alone stands for a mapping with nothing else. */
const named = <O, I>(whole: z.ZodMiniType<O, I>) =>
  either<O>("a Deployment's name, or a mapping", [
    z.pipe(
      dnsName,
      z.transform((deployment) => z.parse(whole, { deployment })),
    ),
    whole,
  ]);

export type WrittenRoute = { readonly kind: RouteKind; readonly name: string; readonly routes: readonly string[] };

const rulesChosen = preset(
  "Its routes by name, or by position: #0, #1, … of http, tls#0 and tcp#0 of the others, which go by SNI host or port as well: tls:shop.example.com, tcp:9000. Empty: every route with both destinations, else every route with stable's; those of tls and tcp where no http route is one. Of a route of the Gateway API its rules.",
  texts,
  [],
);

const namedRoute = (kind: RouteKind, name: string, routes: readonly string[]): WrittenRoute => ({ kind, name, routes });

/** A mapping that names an object of one kind, by a key of its own. */
const routeForms = [
  z.pipe(
    section({
      virtualService: required("Name of the VirtualService, or namespace/name.", routeName),
      routes: rulesChosen,
    }),
    z.transform(({ virtualService, routes }) => namedRoute("VirtualService", virtualService, routes)),
  ),
  z.pipe(
    section({
      httpRoute: required("Name of an HTTPRoute of the Gateway API, or namespace/name.", gatewayRouteName),
      routes: rulesChosen,
    }),
    z.transform(({ httpRoute, routes }) => namedRoute("HTTPRoute", httpRoute, routes)),
  ),
  z.pipe(
    section({
      grpcRoute: required("Name of a GRPCRoute of the Gateway API, or namespace/name.", gatewayRouteName),
      routes: rulesChosen,
    }),
    z.transform(({ grpcRoute, routes }) => namedRoute("GRPCRoute", grpcRoute, routes)),
  ),
  z.pipe(
    section({
      tlsRoute: required("Name of a TLSRoute of the Gateway API, or namespace/name.", gatewayRouteName),
      routes: rulesChosen,
    }),
    z.transform(({ tlsRoute, routes }) => namedRoute("TLSRoute", tlsRoute, routes)),
  ),
  z.pipe(
    section({
      tcpRoute: required("Name of a TCPRoute of the Gateway API, or namespace/name.", gatewayRouteName),
      routes: rulesChosen,
    }),
    z.transform(({ tcpRoute, routes }) => namedRoute("TCPRoute", tcpRoute, routes)),
  ),
];

const routes = either<readonly WrittenRoute[]>("VirtualServices as name or namespace/name, or a list", [
  z.pipe(
    routeNames,
    z.transform((names) => names.map((name) => namedRoute("VirtualService", name, []))),
  ),
  ...routeForms.map((route) =>
    z.pipe(
      route,
      z.transform((one) => [one]),
    ),
  ),
  z.array(
    either<WrittenRoute>(
      "a VirtualService as name or namespace/name, or a mapping with virtualService, httpRoute, grpcRoute, tlsRoute or tcpRoute, and routes",
      [
        z.pipe(
          routeName,
          z.transform((name) => namedRoute("VirtualService", name, [])),
        ),
        ...routeForms,
      ],
    ),
  ),
]);

const textMatch = either<TextMatch>("a text, or a mapping with exact, prefix or regex", [
  z.pipe(
    text,
    z.transform((exact): TextMatch => ({ exact })),
  ),
  section({ exact: required("It is this text.", text) }),
  section({ prefix: required("It begins with this text.", text) }),
  section({ regex: required("All of it fits this regular expression (RE2).", regularExpression) }),
]);
const textMatches = (of: string, name: z.ZodMiniType<string>) =>
  mappingOf(`a mapping of names of ${of}`, name, textMatch);

const oneTesters = section({
  headers: optional(
    "Headers that a request has: a text, or a mapping with exact, prefix or regex for each.",
    textMatches("headers", headerName),
  ),
  cookies: optional("A cookie that it has, in the same form.", textMatches("cookies", headerName)),
  query: optional("Parameters of its query, in the same form.", textMatches("query parameters", text)),
  method: optional("Its method, such as POST.", httpMethod),
  callers: optional(
    "Labels of the pods that call, such as those of another service's canary: they get this canary alone, and everybody else by weight. For sidecars and VirtualServices only.",
    labels,
  ),
});

const testers = either<readonly Testers[]>(
  "a mapping with headers, cookies, query, method or callers, or a list of them",
  [
    z.pipe(
      oneTesters,
      z.transform((one): readonly Testers[] => [one]),
    ),
    z.array(oneTesters, { error: "expected a mapping, or a list of them" }),
  ],
);

const affinity = section({
  cookie: required(
    "What the cookie is called; its values are the release's own, so that no other release knows them.",
    headerName,
  ),
});

const drill = either<Drill>("a mapping with delay or abort", [
  section({ delay: required("Their requests wait so long before the canary gets them.", durationFrom("1ms")) }),
  section({
    abort: required("Their requests are answered with this status, 200 to 599, and do not reach it.", httpStatus),
  }),
]);

const stage = section({
  name: optional("What reports call it. Default: its weight.", text),
  weight: required(
    "The canary's share in whole percents, 0 to 100, higher than in the stage before. 0 lets in nobody but testers, or copies of requests (mirror).",
    weight,
  ),
  wait: optional("How long the stage lasts at least. Default: no time, so that it ends when its gates pass.", duration),
  deadline: optional(
    "How long the stage lasts at most; when gates still wait then, the release rolls back. Default: three times the wait, and at least 5m more than it.",
    duration,
  ),
  gates: optional(
    "What must hold in this stage, instead of the gates for all. Default for 100 without a wait: nothing.",
    gates,
  ),
  drill: optional(
    "What is done to the requests of testers, and of nobody else, while the stage lasts: a delay or an abort. The stage's gates must hold all the same. http routes of VirtualServices only.",
    drill,
  ),
  mirror: optional(
    "For a stage of weight 0: of so many percent of the requests, 1 to 100, the canary gets a copy, and nobody gets its answers. It is judged by its own proxies. What the copies write is written twice. http routes of VirtualServices, HTTPRoutes and GRPCRoutes only.",
    count("a whole percent from 1 to 100", 1, 100),
  ),
  approval: preset(
    "After this stage the job ends, and the release goes on when somebody runs promote.",
    boolean,
    false,
  ),
});

const stages = either<readonly WrittenStage[]>("stages such as 10:2m, 50:5m, 100, or a list", [
  shortStages,
  z
    .array(either<WrittenStage>("a stage such as 10:2m, or a mapping with weight and wait", [shortStage, stage]))
    .check(z.maxLength(mostStages, tooManyStages)),
]);

/* The file */

const metricLabels = section({
  workload: preset("The Deployment that answered.", metricLabel, istioMetrics.labels.workload),
  namespace: preset("That Deployment's namespace.", metricLabel, istioMetrics.labels.namespace),
  service: preset("The host that was called.", metricLabel, istioMetrics.labels.service),
  reporter: preset("Which proxy counted: source, destination or waypoint.", metricLabel, istioMetrics.labels.reporter),
  code: preset("The HTTP status.", metricLabel, istioMetrics.labels.code),
  flags: preset("Envoy's response flags, such as UH or FI.", metricLabel, istioMetrics.labels.flags),
  grpc: preset("The gRPC status; empty for other requests.", metricLabel, istioMetrics.labels.grpc),
  sourceNamespace: preset("The caller's namespace.", metricLabel, istioMetrics.labels.sourceNamespace),
  pod: preset(
    "The pod that counts. Where a series lacks it, instance is read instead.",
    metricLabel,
    istioMetrics.labels.pod,
  ),
});

const metrics = section({
  prometheus: given("metrics.prometheus", prometheusUrl),
  source: usual("metrics.source", choice(["auto", "prometheus", "proxies", "none"])),
  headers: preset(inputAt("metrics.headers").description, headers, {}),
  reporter: usual("metrics.reporter", choice(["auto", "source", "destination", "waypoint"])),
  labels: part(inputAt("metrics.labels").description, metricLabels),
  requests: usual("metrics.requests", metricName),
  durations: usual("metrics.durations", bucketsName),
  interval: given("metrics.interval", durationFrom("200ms")),
  timeout: usual("metrics.timeout", durationFrom("1ms")),
});

const models = choice(["swap", "update"]);
const promotion = section({
  model: given("promotion.model", models),
  drain: usual("promotion.drain", duration),
  keepOld: usual(
    "promotion.keepOld",
    either<boolean | number>("true, false, or a time such as 30m", [boolean, duration]),
  ),
});

const notify = section({
  url: required("The webhook's address. It is a secret: name a variable of the environment there.", url),
  form: required(
    "What is posted: slack, teams (a workflow's webhook), discord, or json for a program.",
    choice(messageForms),
  ),
  on: preset(
    `What is told: ${newsKinds.join(", ")}.`,
    z.array(choice(newsKinds), { error: `expected a list of ${newsKinds.join(", ")}` }),
    ["held", "rolled-back", "failed"],
  ),
});

const reporting = section({
  comment: usual("reporting.comment", boolean),
  summary: usual("reporting.summary", boolean),
  commitStatus: usual("reporting.commitStatus", boolean),
  annotations: usual("reporting.annotations", boolean),
  logs: usual("reporting.logs", boolean),
  pullRequest: given("reporting.pullRequest", count("the number of a pull request", 1)),
  environment: given("reporting.environment", text),
  dashboards: preset(inputAt("reporting.dashboards").description, links, {}),
  notify: preset(
    inputAt("reporting.notify").description,
    z.array(notify, { error: "expected a list of webhooks, each with url and form" }),
    [],
  ),
  report: usual("reporting.report", text),
});

const verify = section({
  url: given("verify.url", url),
  requests: usual("verify.requests", count("a number of requests, at most 100000", 1, 100_000)),
  headers: preset(inputAt("verify.headers").description, headers, {}),
  versionFrom: optional(
    "Where the answer names its version: one of these.",
    section({ header: given("verify.versionFrom.header", text), json: given("verify.versionFrom.json", text) }),
  ),
  window: usual("verify.window", duration),
});

const rehearse = section({
  rate: given("rehearse.rate", positive("a number of requests per second such as 50", 1_000_000)),
  errors: given("rehearse.errors", ratio),
  runs: given("rehearse.runs", count("a number of releases, at most 100000", 1, 100_000)),
  seed: usual("rehearse.seed", count("a whole number")),
});

/**
 * The YAML file, the one definition of everything that can be written in it. No key is required here: inputs may say it
 * instead.
 */
export const file = section({
  namespace: given("namespace", dnsLabel),
  service: given("service", dnsLabel),
  stable: part("The version that serves now: its Deployment's name, or a mapping.", named(stable)),
  canary: part("The version on trial: its Deployment's name, or a mapping.", named(canary)),
  image: given("image", image),
  variables: preset(inputAt("variables").description, variables, {}),
  routes: given("routes", routes),
  stages: given("stages", stages),
  testers: given("testers", testers),
  affinity: given("affinity", affinity),
  gates: given("gates", gates),
  evidence: part(inputAt("evidence").description, evidence),
  metrics: part("Where requests are counted.", metrics),
  promotion: part(
    "What happens when every stage has passed: the model's name, or a mapping.",
    either<z.output<typeof promotion>>("swap, update, or a mapping", [
      z.pipe(
        models,
        z.transform((model) => z.parse(promotion, { model })),
      ),
      promotion,
    ]),
  ),
  deadlines: part(
    "How long things may take.",
    section({ ready: usual("deadlines.ready", duration), release: usual("deadlines.release", duration) }),
  ),
  meshDelay: usual("meshDelay", duration),
  confirm: usual("confirm", choice(["proxies", "settle"])),
  drift: usual("drift", choice(["rollback", "put-back"])),
  firstDeploy: usual("firstDeploy", boolean),
  reporting: part("Who hears of it.", reporting),
  cluster: part(
    "How the cluster is reached.",
    section({ kubeconfig: given("cluster.kubeconfig", text), context: given("cluster.context", text) }),
  ),
  verify: part("How the command verify counts.", verify),
  rehearse: part("What the command rehearse assumes.", rehearse),
});

export const sections: readonly string[] = Object.keys(file.shape);

export type ConfigFile = z.output<typeof file>;
