import { istioMetrics } from "../istio/istio-metrics.ts";
import { type Command, commands, commandsThat, type InputGroup } from "./commands.ts";

/**
 * How the text of an input is read. On the command line a boolean needs no value, and a map or a list may be given
 * several times.
 */
export type InputType = "text" | "boolean" | "number" | "duration" | "list" | "map" | "yaml" | "settings";

/** One thing that can be said on the command line (`--name value`); some of them in a workflow, too (`name: value`). */
export type Input = {
  readonly name: string;
  /** Where the same thing stands in the YAML file. Absent: it can only be said as an input. */
  readonly path?: string;
  readonly type: InputType;
  readonly description: string;
  /**
   * What counts when neither an input nor the file says it. Absent: nothing, or the description says what it depends
   * on.
   */
  readonly default?: string;
  /**
   * What action.yml has as the input's `default`. For all others it must have none: a default that is passed as an
   * input would win over the file.
   */
  readonly actionDefault?: string;
  /** Absent: a workflow says it in the file, or by a line of `set`. */
  readonly inAction?: true;
  /** The commands that read it. */
  readonly commands: readonly Command[];
  /** Never shown, not even in an error; and what of it is registered as a secret, so that it is shown nowhere else. */
  readonly secret?: "itself" | "headers" | "kubeconfig" | "webhooks";
};

/** Where a repository has its configuration, unless it says otherwise. */
export const usualFile = ".github/canary.yaml";

const readersOf = (group: InputGroup): readonly Command[] => commandsThat(({ reads }) => reads.includes(group));

const configured = readersOf("service");
const targeting = readersOf("versions");
const planning = readersOf("release");
const rehearsing = readersOf("course");
const measuring = readersOf("metrics");
const verifying = readersOf("verify");
const playing = readersOf("rehearse");
const preparing = readersOf("init");
const inCluster = commandsThat(({ inCluster }) => inCluster);
const telling = commandsThat(({ changes }) => changes);
const commenting = commandsThat(({ name, changes }) => changes || name === "plan");

/**
 * Every input, in the order of the reference page. The command line, action.yml, `--help` and docs/configuration.md are
 * made from it.
 */
export const inputs: readonly Input[] = [
  {
    name: "command",
    inAction: true,
    type: "text",
    description: `What to do: ${commands.map(({ name, inBrief }) => (inBrief === undefined ? name : `${name} (${inBrief})`)).join(", ")}.`,
    default: "release",
    actionDefault: "release",
    commands: commandsThat(() => true),
  },
  {
    name: "config",
    inAction: true,
    type: "text",
    description: `Path of the YAML file. What is said beside it wins. Default: ${usualFile} where that exists.`,
    commands: configured,
  },
  {
    name: "set",
    inAction: true,
    type: "settings",
    description:
      "Anything else that the file may say, by its path: evidence.warmUp=1m. Lists and mappings are written as YAML in one line: gates=[auto, { restarts: { atMost: 1 } }].",
    commands: commandsThat(() => true),
  },
  {
    name: "namespace",
    inAction: true,
    path: "namespace",
    type: "text",
    description: "Namespace of the service.",
    commands: configured,
  },
  {
    name: "service",
    inAction: true,
    path: "service",
    type: "text",
    description: "Name of the Service that is released.",
    commands: configured,
  },

  {
    name: "stable-deployment",
    inAction: true,
    path: "stable.deployment",
    type: "text",
    description:
      "Deployment of the version that serves now. After a swap the two have exchanged their roles, and the same file goes the other way.",
    commands: [...preparing, ...targeting],
  },
  {
    name: "stable-subset",
    path: "stable.subset",
    type: "text",
    description: "Subset of stable's destination in the VirtualService.",
    commands: targeting,
  },
  {
    name: "stable-host",
    path: "stable.host",
    type: "text",
    description: "Host of stable's destination in the VirtualService. Default: the service.",
    commands: targeting,
  },

  {
    name: "canary-deployment",
    inAction: true,
    path: "canary.deployment",
    type: "text",
    description:
      "Deployment of the version on trial. Default: for a clone, stable's name with -canary; for manifests, the only Deployment in them.",
    commands: [...preparing, ...targeting],
  },
  {
    name: "canary-subset",
    path: "canary.subset",
    type: "text",
    description: "Subset of the canary's destination in the VirtualService.",
    commands: targeting,
  },
  {
    name: "canary-host",
    path: "canary.host",
    type: "text",
    description: "Host of the canary's destination in the VirtualService. Default: the service.",
    commands: targeting,
  },
  {
    name: "canary-from",
    path: "canary.from",
    type: "text",
    description:
      "How the canary comes to be: existing (its Deployment is there and gets the image), clone (a copy of stable's Deployment gets it) or manifests (yours are applied, and it is in them).",
    default: "existing",
    commands: planning,
  },
  {
    name: "canary-manifests",
    path: "canary.from.manifests",
    type: "list",
    description:
      "Files with the canary's objects, one of them its Deployment. Paths are relative to the working directory.",
    commands: planning,
  },
  {
    name: "canary-allow-secrets",
    path: "canary.from.allowSecrets",
    type: "boolean",
    description:
      "Secrets among the manifests are taken, too. A release keeps its manifests in its journal, a ConfigMap, in clear.",
    default: "false",
    commands: planning,
  },
  {
    name: "variables",
    path: "variables",
    type: "list",
    description: `Names that are filled in where \${NAME} stands in a manifest, from the environment; in the file also a mapping of names to values. Every other \${NAME} in a manifest stays as it is.`,
    commands: planning,
  },
  {
    name: "canary-labels",
    path: "canary.labels",
    type: "map",
    description: "Labels for a clone's pods. Default: what the canary's subset, or its Service, selects by.",
    commands: planning,
  },
  {
    name: "canary-replicas",
    path: "canary.replicas",
    type: "text",
    description:
      "Pods of the canary: a number, a percentage of stable's, same (as many as stable), by-weight (as many as each weight needs), keep (as they are). Default: by-weight for a clone, else keep.",
    commands: planning,
  },
  {
    name: "canary-least-pods",
    path: "canary.leastPods",
    type: "number",
    description:
      "Where the weights say how many pods the canary has: at least so many, as far as stable has them, so that one pod's own luck is not taken for the version's doing.",
    default: "3",
    commands: planning,
  },
  {
    name: "canary-container",
    path: "canary.container",
    type: "list",
    description:
      "Container that gets the image; every other one that has the same image, init containers too, gets it with it. Several names: these and no others get it. Default: the only one that is not a sidecar.",
    commands: planning,
  },
  {
    name: "image",
    inAction: true,
    path: "image",
    type: "text",
    description:
      "The new image. A clone needs one; elsewhere, without one, the canary's Deployment has it already. For undo, and on the command line only: another version than the one before. For promote: refused unless it is the one that waits; another one in the file is for the next release.",
    commands: readersOf("image"),
  },

  {
    name: "routes",
    path: "routes",
    type: "yaml",
    description:
      "VirtualServices whose weights move, by name or namespace/name, separated by commas; or a list that chooses routes of them, or names HTTPRoutes, GRPCRoutes, TLSRoutes and TCPRoutes ({ httpRoute: reviews }). Default: the VirtualService with the service's name, or, where there is none, the one route that sends to the service.",
    commands: readersOf("routes"),
  },
  {
    name: "stages",
    inAction: true,
    path: "stages",
    type: "yaml",
    description:
      "Weights in percent and how long each lasts, such as 10:2m, 50:5m, 100; 100 without a time means all traffic, then promote. Or a list that says more of each.",
    commands: rehearsing,
  },
  {
    name: "testers",
    path: "testers",
    type: "yaml",
    description:
      "Whose requests get the canary from the first stage on, whatever its weight: a mapping with headers, cookies, query, method or callers in which everything must hold, or a list of which one must.",
    commands: rehearsing,
  },
  {
    name: "affinity",
    path: "affinity",
    type: "yaml",
    description:
      "Keeps users on the version that answers them first, by a cookie: { cookie: NAME }. Weights are for new users then, and no split is judged. http routes of VirtualServices and HTTPRoutes only.",
    commands: rehearsing,
  },
  {
    name: "gates",
    path: "gates",
    type: "yaml",
    description:
      "What must hold in every stage that names no gates itself: auto (errors, response times and the split judged by evidence, and no restarts), or a list in which auto may stand, too. Default: auto; with metrics.source: none, no restarts. A release that nothing judges (gates: []) is refused unless metrics.source is none.",
    commands: rehearsing,
  },
  {
    name: "evidence",
    path: "evidence",
    type: "yaml",
    description: "How the gate auto judges, and what becomes of a stage that it leaves open.",
    commands: rehearsing,
  },

  {
    name: "prometheus",
    inAction: true,
    path: "metrics.prometheus",
    type: "text",
    description:
      "URL of Prometheus, without /api. service://NAMESPACE/NAME:PORT is one of the cluster's Services, asked over the API server with the job's own login.",
    commands: measuring,
  },
  {
    name: "metrics-source",
    path: "metrics.source",
    type: "text",
    description:
      "Where requests are counted: prometheus, proxies (the counters of the versions' and the gateways' own proxies, read over the API server), none (nobody counts: time and restarts alone), or auto (Prometheus where its address is given, else the proxies).",
    default: "auto",
    commands: measuring,
  },
  {
    name: "metrics-headers",
    inAction: true,
    path: "metrics.headers",
    type: "map",
    description: "Headers for every query.",
    commands: measuring,
    secret: "headers",
  },
  {
    name: "metrics-reporter",
    path: "metrics.reporter",
    type: "text",
    description:
      "Whose counters are read: source, destination, waypoint, or auto (source where a proxy that sends has counted stable's requests, else waypoint, else destination).",
    default: "auto",
    commands: measuring,
  },
  {
    name: "metrics-labels",
    path: "metrics.labels",
    type: "map",
    description:
      "What labels are called, where relabelling gave them other names than Istio's: workload, namespace, service, reporter, code, flags, grpc, sourceNamespace or pod.",
    commands: measuring,
  },
  {
    name: "metrics-requests",
    path: "metrics.requests",
    type: "text",
    description: "Name of the counter of requests.",
    default: istioMetrics.requests,
    commands: measuring,
  },
  {
    name: "metrics-durations",
    path: "metrics.durations",
    type: "text",
    description: "Name of the buckets of the histogram of response times, in milliseconds.",
    default: istioMetrics.durations,
    commands: measuring,
  },
  {
    name: "metrics-interval",
    path: "metrics.interval",
    type: "duration",
    description:
      "The scrape interval of Prometheus; gates, pods and routes are looked at as often. Default: 15s, and 1s where the proxies are read.",
    commands: measuring,
  },
  {
    name: "metrics-timeout",
    path: "metrics.timeout",
    type: "duration",
    description: "How long one query may take.",
    default: "5s",
    commands: measuring,
  },

  {
    name: "promotion",
    path: "promotion.model",
    type: "text",
    description:
      "What happens when every stage has passed: swap (the canary is the new stable) or update (stable gets the image and its traffic back). Default: update for a clone, else swap.",
    commands: planning,
  },
  {
    name: "drain",
    path: "promotion.drain",
    type: "duration",
    description: "Time between taking a version's traffic away and taking its pods.",
    default: "30s",
    commands: planning,
  },
  {
    name: "keep-old",
    path: "promotion.keepOld",
    type: "boolean",
    description:
      "After a swap, leave the old version's pods as they are instead of scaling them to zero: true, or a time such as 30m (--keep-old=30m), in which undo finds them ready. When it is over, a scheduled settle ends it, and the next release does in any case.",
    default: "false",
    commands: planning,
  },
  {
    name: "ready-deadline",
    path: "deadlines.ready",
    type: "duration",
    description: "How long a version may take to become available.",
    default: "5m",
    commands: planning,
  },
  {
    name: "release-deadline",
    path: "deadlines.release",
    type: "duration",
    description:
      "How long the whole release may take, without the time it waits for approval; then it rolls back. Keep it inside the job's timeout-minutes.",
    default: "1h",
    commands: rehearsing,
  },
  {
    name: "mesh-delay",
    path: "meshDelay",
    type: "duration",
    description:
      "Time between a version's becoming ready and its first traffic, in which the mesh learns of its pods. A large mesh needs more.",
    default: "2s",
    commands: rehearsing,
  },
  {
    name: "confirm",
    path: "confirm",
    type: "text",
    description:
      "How a release knows that the mesh has what it wrote. proxies: it reads the gateways' Envoys and those of a few callers, for mesh-delay at most; where the job may not, and with settle, it lets mesh-delay pass.",
    default: "proxies",
    commands: planning,
  },
  {
    name: "drift",
    path: "drift",
    type: "text",
    description:
      "When somebody else changes the weights or the canary: rollback, or put-back (twice at most; a canary is then judged from the beginning).",
    default: "rollback",
    commands: planning,
  },
  {
    name: "first-deploy",
    inAction: true,
    path: "firstDeploy",
    type: "boolean",
    description:
      "There is no stable version yet: deploy the new one straight, without stages. Otherwise a missing stable is refused.",
    default: "false",
    commands: planning,
  },

  {
    name: "kubeconfig",
    inAction: true,
    path: "cluster.kubeconfig",
    type: "text",
    description:
      "Kubeconfig: a path, or the text itself. Default: KUBECONFIG, then ~/.kube/config, then the pod's service account.",
    commands: inCluster,
    secret: "kubeconfig",
  },
  {
    name: "context",
    inAction: true,
    path: "cluster.context",
    type: "text",
    description: "Context of the kubeconfig. Default: its current one.",
    commands: inCluster,
  },

  {
    name: "github-token",
    inAction: true,
    type: "text",
    description:
      "Token for the comment and the commit status (pull-requests: write, statuses: write). Default: the job's token in a workflow, GITHUB_TOKEN on the command line.",
    // biome-ignore lint/suspicious/noTemplateCurlyInString: GitHub fills it in.
    actionDefault: "${{ github.token }}",
    commands: commenting,
    secret: "itself",
  },
  {
    name: "comment",
    inAction: true,
    path: "reporting.comment",
    type: "boolean",
    description: "Keep a comment on the pull request up to date.",
    default: "true",
    commands: commenting,
  },
  {
    name: "summary",
    inAction: true,
    path: "reporting.summary",
    type: "boolean",
    description: "Write the job summary.",
    default: "true",
    commands: telling,
  },
  {
    name: "commit-status",
    path: "reporting.commitStatus",
    type: "boolean",
    description: "Set a status on the commit.",
    default: "false",
    commands: telling,
  },
  {
    name: "annotations",
    path: "reporting.annotations",
    type: "boolean",
    description:
      "Put warnings and the outcome on the run's page: a warning where a stage is extended or a release is held, an error where it ends badly.",
    default: "true",
    commands: telling,
  },
  {
    name: "logs",
    path: "reporting.logs",
    type: "boolean",
    description:
      "Keep the last lines of the canary's pods when it is given up: in a folder beside the report, ten of them in the comment and in the summary.",
    default: "true",
    commands: telling,
  },
  {
    name: "pull-request",
    inAction: true,
    path: "reporting.pullRequest",
    type: "number",
    description: "Number of the pull request. Default: found from the event, else from the commit.",
    commands: commenting,
  },
  {
    name: "environment",
    inAction: true,
    path: "reporting.environment",
    type: "text",
    description: "Tells one environment's comment from another's. Default: the context.",
    commands: commenting,
  },
  {
    name: "notify",
    path: "reporting.notify",
    type: "yaml",
    description: "Webhooks that are told of what comes of a release.",
    commands: telling,
    secret: "webhooks",
  },
  {
    name: "dashboards",
    path: "reporting.dashboards",
    type: "map",
    description:
      "Links for reports. {namespace} {service} {stable} {canary} {from} {to} are filled in, times in milliseconds.",
    commands: telling,
  },
  {
    name: "report",
    inAction: true,
    path: "reporting.report",
    type: "text",
    description:
      "Path of the report: where it is written, and what replay and report read. JSON, or a page with the JSON in it where it ends in .html.",
    default: "canary-report.json",
    commands: readersOf("report"),
  },
  {
    name: "output",
    type: "text",
    description:
      "Where the command report writes its page. Default: the report's name, ending in .html. For init the folder that its files go into. Default: the working directory.",
    commands: [...preparing, "report"],
  },
  {
    name: "route",
    type: "text",
    description:
      "The kind of route that init writes where there is none: virtual-service or http-route. Default: what the namespace uses.",
    commands: preparing,
  },
  {
    name: "host",
    type: "text",
    description:
      "A host by which the service is to be reached from outside, such as shop.example.com: init writes a Gateway with TLS for it.",
    commands: preparing,
  },

  {
    name: "verify-url",
    path: "verify.url",
    type: "text",
    description: "Send requests to this URL and read the version from the answers, instead of asking Prometheus.",
    commands: verifying,
  },
  {
    name: "verify-requests",
    path: "verify.requests",
    type: "number",
    description: "How many requests are sent.",
    default: "100",
    commands: verifying,
  },
  {
    name: "verify-headers",
    path: "verify.headers",
    type: "map",
    description: "Headers for every request.",
    commands: verifying,
    secret: "headers",
  },
  {
    name: "verify-version-header",
    path: "verify.versionFrom.header",
    type: "text",
    description:
      "Response header that names the version. Default, with no field either: the body is searched for both Deployments' names.",
    commands: verifying,
  },
  {
    name: "verify-version-field",
    path: "verify.versionFrom.json",
    type: "text",
    description: "Field of the JSON answer that names the version, with dots for nested ones.",
    commands: verifying,
  },
  {
    name: "verify-window",
    path: "verify.window",
    type: "duration",
    description:
      "How far back Prometheus's counters are compared; never further than to when the routes were given their weight.",
    default: "5m",
    commands: verifying,
  },

  {
    name: "rehearse-rate",
    path: "rehearse.rate",
    type: "text",
    description: "Requests per second of both versions, such as 50. Default: those of the last hour, by Prometheus.",
    commands: playing,
  },
  {
    name: "rehearse-errors",
    path: "rehearse.errors",
    type: "text",
    description:
      "The share of stable's requests that fails, such as 0.5%. Default: that of the last hour, by Prometheus.",
    commands: playing,
  },
  {
    name: "rehearse-runs",
    path: "rehearse.runs",
    type: "number",
    description:
      "How many releases are rehearsed of each kind of canary. Default: 2000, fewer for plans of more than an hour.",
    commands: playing,
  },
  {
    name: "rehearse-seed",
    path: "rehearse.seed",
    type: "number",
    description: "Another seed gives other releases, the same seed the same ones.",
    default: "1",
    commands: playing,
  },

  {
    name: "files",
    type: "text",
    description:
      "A folder with manifests (YAML or JSON, and folders in it) to look at instead of a cluster: for pull requests that change routes. What stands in no file is told as not known.",
    commands: readersOf("files"),
  },
  {
    name: "watch",
    type: "boolean",
    description:
      "Follow the release until it is over or waits, drawn anew on a terminal and line by line elsewhere; then say how it stands, and exit as without it.",
    default: "false",
    commands: ["status"],
  },
  {
    name: "json",
    type: "boolean",
    description: "Print JSON instead of text.",
    default: "false",
    commands: commandsThat(({ json }) => json),
  },
  {
    name: "verbose",
    type: "boolean",
    description:
      "The log has the numbers behind the evidence, too (e-values, docs/evidence.md). On GitHub a run with debug logging has them as well.",
    default: "false",
    commands: telling,
  },
];

const written: Readonly<Partial<Record<InputType, string>>> = {
  list: " Separated by commas or lines.",
  map: " One name=value a line.",
  yaml: " Lists and mappings are written as YAML.",
  settings: " One path=value a line.",
};

/** Those of action.yml. */
export const actionInputs: readonly Input[] = inputs.filter(({ inAction }) => inAction);

/** The description as it is printed wherever inputs are listed: with the way to write it, and its default. */
export const describeInput = ({ description, type, default: standard }: Input): string =>
  `${description}${written[type] ?? ""}${standard === undefined ? "" : ` Default: ${standard}.`}`;

/** Places of the file whose values are shown nowhere. */
export const secretPlaces: readonly (readonly string[])[] = inputs.flatMap(({ path, secret }) =>
  path === undefined || secret === undefined ? [] : [path.split(".")],
);
