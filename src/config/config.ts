import type { Wish } from "../init/ground.ts";
import type { MetricNames } from "../istio/istio-metrics.ts";
import type { Millis } from "../lib/duration.ts";
import type { AskedWith } from "../release/asked-with.ts";
import type { Plan } from "../release/plan.ts";
import type { Recipe } from "../release/recipe.ts";
import type { Target } from "../release/target.ts";
import type { Webhook } from "../release/webhook.ts";
import type { Command } from "./commands.ts";
import type { Filling } from "./manifest-variables.ts";

/** Everything a user can say, parsed once; nothing behind this type is optional by accident. */
export type Config = {
  readonly command: Command;
  /**
   * Which service: enough for the commands that find the rest in the journal (`needs` in commands.ts). May be empty for
   * rehearse and replay.
   */
  readonly namespace: string;
  readonly service: string;
  readonly cluster: ClusterConfig;
  /** Absent: nobody counts requests; only waits and restarts can be judged. */
  readonly metrics?: MetricsConfig | undefined;
  /** What was said of metrics without their address: it lays over what the journal of a release has. */
  readonly metricsBesideAddress?: Partial<Omit<MetricsConfig, "prometheus">> | undefined;
  /** The image that somebody named for undo or promote, beside the file. */
  readonly namedImage?: string | undefined;
  /** What a command has to say again that goes on with this release. */
  readonly asked: AskedWith;
  readonly reporting: ReportingConfig;
  /**
   * What is released and how. Present for release, plan and verify; for rehearse, where it says whose traffic;
   * elsewhere when the configuration gives it.
   */
  readonly release?: { readonly target: Target; readonly plan: Plan } | undefined;
  /** No route is named: the one that sends to the service is looked for, and its usual name stands for it till then. */
  readonly findsRoutes?: boolean | undefined;
  /** What gates of the user's own ask, by their names. */
  readonly recipes: ReadonlyMap<string, Recipe>;
  /** What became of variables in manifests. */
  readonly filling: Filling;
  readonly verify: VerifyConfig;
  /** Present for rehearse. */
  readonly rehearsal?: RehearsalConfig | undefined;
  /** A folder with manifests that are looked at instead of a cluster. */
  readonly files?: string | undefined;
  /** What init is asked for beside the service's name. */
  readonly wish?: Wish | undefined;
  /** No stable version exists yet: deploy the new one straight, without stages. Default false: say so and refuse. */
  readonly firstDeploy: boolean;
  /** `status` goes on until the release is over or waits. */
  readonly watch: boolean;
  /** JSON instead of text, for `plan`, `rehearse`, `status`, `verify` and `replay`. */
  readonly json: boolean;
  /** The log has the numbers behind the evidence, too. */
  readonly verbose: boolean;
  /** Where `report` writes its page (undefined is beside what it reads), and `init` its files. */
  readonly output: string | undefined;
  /**
   * Problems in parts that the command does not need: whoever is on call must be able to roll back with a broken
   * configuration.
   */
  readonly warnings: readonly string[];
};

export type ClusterConfig = {
  /**
   * A path, or the text itself. Default: KUBECONFIG, then ~/.kube/config, then the pod's own service account; never
   * localhost.
   */
  readonly kubeconfig?: string | undefined;
  readonly context?: string | undefined;
};

export type MetricsConfig = MetricNames & {
  /** Who counts. */
  readonly source: "prometheus" | "proxies";
  /** Its URL; "" where the proxies alone are read. */
  readonly prometheus: string;
  /** Sent with every query: tokens, tenants. Values are secrets. */
  readonly headers: Readonly<Record<string, string>>;
  /**
   * Whose counters are read; one only, or everything counts twice. auto: the first of source, waypoint and destination
   * that has counted stable's requests.
   */
  readonly reporter: "auto" | "source" | "destination" | "waypoint";
  /** The scrape interval of Prometheus, or between two looks at the proxies. */
  readonly interval: Millis;
  /** The time-out of one query. */
  readonly timeout: Millis;
};

export type ReportingConfig = {
  readonly githubToken?: string | undefined;
  readonly comment: boolean;
  readonly summary: boolean;
  readonly commitStatus: boolean;
  /** Whether the run's page gets warnings and the outcome. */
  readonly annotations: boolean;
  /** Whether the canary's logs are kept when it is given up. */
  readonly logs: boolean;
  /** Number of the pull request, where it cannot be found from the event. */
  readonly pullRequest?: number | undefined;
  /** Tells one environment's comment from another's. Default: the kubeconfig's context, or "". */
  readonly environment: string;
  /**
   * URL templates: {namespace} {service} {stable} {canary} {from} {to} (milliseconds) are filled in. By name: grafana,
   * kiali, jaeger, …
   */
  readonly dashboards: Readonly<Record<string, string>>;
  /** Who is told by a webhook. */
  readonly notify: readonly Webhook[];
  /** Where the JSON report is written. */
  readonly report: string;
};

export type VerifyConfig = {
  /** Send requests there and read the version from the answer, instead of asking Prometheus. */
  readonly url?: string | undefined;
  readonly requests: number;
  readonly headers: Readonly<Record<string, string>>;
  /**
   * Where the answer names its version: a response header, or a JSON field of the body. Default: the body's text is
   * matched against both Deployments' names.
   */
  readonly versionFrom?: { readonly header?: string | undefined; readonly json?: string | undefined } | undefined;
  /** Prometheus: how far to look back. */
  readonly window: Millis;
};

/** What is played through, and before which requests. */
export type RehearsalConfig = {
  /** As with a Prometheus, also where none is named. */
  readonly plan: Plan;
  /** Requests per second of both versions. Absent: those of the last hour, by Prometheus. */
  readonly rate?: number | undefined;
  /** The share of stable's requests that fails. Absent: the same. */
  readonly errors?: number | undefined;
  /** Releases of each kind of canary. Absent: as many as take some seconds. */
  readonly runs?: number | undefined;
  readonly seed: number;
};
