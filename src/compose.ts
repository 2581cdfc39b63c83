import { readFile } from "node:fs/promises";
import { jobSummary } from "./adapters/actions/job-summary.ts";
import { type Outputs, outputs } from "./adapters/actions/outputs.ts";
import { deploymentWorkload } from "./adapters/deployment/deployment-workload.ts";
import { captureWorkloads, workloadsBefore } from "./adapters/deployment/workloads-before.ts";
import { reportFile } from "./adapters/files/report-file.ts";
import { comment } from "./adapters/github/comment.ts";
import { commitStatus } from "./adapters/github/commit-status.ts";
import type { GitHubContext } from "./adapters/github/context.ts";
import { connectGitHub } from "./adapters/github/github.ts";
import { jobRun } from "./adapters/github/job-run.ts";
import { findPullRequest } from "./adapters/github/pull-request.ts";
import { configMapJournal } from "./adapters/kubernetes/config-map-journal.ts";
import { findCluster } from "./adapters/kubernetes/kubeconfig.ts";
import { connect } from "./adapters/kubernetes/kubernetes-client.ts";
import { leaseLock } from "./adapters/kubernetes/lease-lock.ts";
import { versionLabels } from "./adapters/kubernetes/version-labels.ts";
import { prometheus } from "./adapters/prometheus/prometheus.ts";
import type { Voice } from "./adapters/terminal/log.ts";
import { parseRoutesBefore } from "./adapters/virtual-service/before.ts";
import { captureRoutes } from "./adapters/virtual-service/capture-routes.ts";
import { inspectRoutes } from "./adapters/virtual-service/inspect-routes.ts";
import { virtualServiceRouter } from "./adapters/virtual-service/router.ts";
import { soleServer } from "./adapters/virtual-service/serving.ts";
import type { Desk, Session } from "./commands/session.ts";
import type { Config } from "./config/config.ts";
import { tell } from "./lib/errors.ts";
import type { Redaction } from "./lib/redaction.ts";
import type { Metrics } from "./ports/metrics.ts";
import { noMetrics } from "./ports/no-metrics.ts";
import type { Ports } from "./ports/ports.ts";
import type { Preflight } from "./ports/preflight.ts";
import type { Reporter } from "./ports/reporter.ts";
import { preflight } from "./preflight/preflight.ts";
import type { Plan } from "./release/plan.ts";
import type { ReleaseRecord } from "./release/release-record.ts";
import type { Role, Target } from "./release/target.ts";
import { redacted } from "./reporting/redacted.ts";
import { tee } from "./reporting/tee.ts";
import { createWarnings, type Warnings } from "./reporting/warnings.ts";
import type { Links } from "./words/links.ts";
import type { World } from "./world/world.ts";

/** The world, and what the entry has found out about where it runs. */
export type Surroundings = World & {
  readonly env: Readonly<{ [name: string]: string | undefined }>;
  readonly github: GitHubContext;
  readonly voice: Voice;
  readonly redaction: Redaction;
  readonly stop: AbortSignal;
  readonly print: (text: string) => void;
};

/** The same for commands that ask no cluster, and need none to be there. */
export function desk(config: Config, world: Surroundings): Desk {
  const { warn } = warningsOf(config, world);
  return {
    config,
    warn,
    print: world.print,
    readFile: (path) => readFile(path, "utf8"),
    ...counting(sharedMetrics(config, world), world),
  };
}

/** The composition root: the only place that knows which adapters there are. */
export function compose(config: Config, world: Surroundings): Session {
  const { namespace, service } = config;
  const { clock } = world;
  const { warn, all: warnings } = warningsOf(config, world);
  const cluster = findCluster({ ...config.cluster, env: world.env, registerSecret: world.redaction.register });
  const client = connect(world, cluster, warn);
  const journal = configMapJournal(client, namespace, service);
  const written = world.github.outputFile ? outputs(config.reporting.report) : undefined;
  const reporter = reporterFor(config, config.reporting.environment || cluster.context, world, written, warn);

  const metricsOf = sharedMetrics(config, world);
  const labelsOf = (target: Target) => (of: Role) =>
    versionLabels(client, target, target.source.from === "clone" ? target.source.labels : {}, of);

  const inspections = (target: Target, plan: Plan): readonly Preflight[] => [
    { inspect: () => inspectRoutes(client, target, plan, labelsOf(target)) },
    { inspect: () => metricsOf(target).inspect(plan, clock.now(), world.stop) },
  ];

  const portsOf = ({ target, before, plan }: ReleaseRecord): Ports => ({
    router: virtualServiceRouter({
      client,
      clock,
      target,
      before: parseRoutesBefore(before.routes),
      subsetLabels: labelsOf(target),
    }),
    workload: deploymentWorkload({
      client,
      target,
      before: workloadsBefore.parse(before.workloads),
      keepOld: plan.keepOld,
      clock,
    }),
    metrics: metricsOf(target).watch(),
    journal,
    reporter,
    clock,
  });

  return {
    config,
    run: jobRun(world.github, world.env, world),
    clock,
    transport: world.transport,
    warn,
    warnings,
    stop: world.stop,
    print: world.print,
    nothingLeft: () => written?.set("settled", "true"),
    journal,
    reporter,
    lock: ({ force }) => leaseLock({ client, namespace, service, clock, force }),
    soleServer: (target) => soleServer(client, target),
    preflight: (target, plan) =>
      preflight({ client, target, plan, firstDeploy: config.firstDeploy, others: inspections(target, plan) }),
    capture: async (target) => ({
      routes: await captureRoutes(client, target),
      workloads: await captureWorkloads(client, target, world.random),
    }),
    connect: portsOf,
    ...counting(metricsOf, world),
  };
}

function warningsOf(config: Config, { voice, redaction }: Surroundings): Warnings {
  const warnings = createWarnings(redaction, voice.warn);
  for (const warning of config.warnings) warnings.warn(warning);
  return warnings;
}

/** What was counted until now. */
const counting = (
  metricsOf: (target: Target) => Metrics,
  { clock, stop }: Surroundings,
): Pick<Session, "traffic" | "dispersion"> => ({
  traffic: (target, window) => metricsOf(target).traffic(clock.now(), window, stop),
  dispersion: (target) => metricsOf(target).dispersion(clock.now(), stop),
});

/** One for each target, so that the release reads what the preflight has announced. */
function sharedMetrics({ metrics }: Config, world: World): (target: Target) => Metrics {
  const shared = new Map<string, Metrics>();
  return (target) => {
    if (!metrics) return noMetrics;
    const key = `${target.stable.deployment} ${target.canary.deployment}`;
    const known = shared.get(key) ?? prometheus({ network: world, ...metrics, url: metrics.prometheus, target });
    shared.set(key, known);
    return known;
  };
}

function reporterFor(
  { reporting }: Config,
  environment: string,
  world: Surroundings,
  written: Outputs | undefined,
  warn: (warning: string) => void,
): Reporter {
  const { clock, github, voice, redaction } = world;
  const links: Links = {
    dashboards: reporting.dashboards,
    ...(github.workflowUrl ? { workflow: github.workflowUrl } : {}),
  };
  const reporters: readonly (Reporter | undefined)[] = [
    voice,
    written,
    reportFile({ file: reporting.report }),
    reporting.summary && github.summaryFile ? jobSummary(links) : undefined,
    ...onGitHub(),
  ];
  return redacted(
    redaction,
    tee(
      clock,
      reporters.filter((reporter) => reporter !== undefined),
      (error) => voice.warn(`a report failed: ${tell(error)}`),
    ),
  );

  function onGitHub(): readonly (Reporter | undefined)[] {
    const { githubToken: token } = reporting;
    const { repository, sha } = github;
    if (!token || !repository) return [];
    const api = connectGitHub({ network: world, apiUrl: github.apiUrl, token });
    const pullRequest = (signal: AbortSignal) => findPullRequest(api, github, reporting.pullRequest, signal);
    const posted = (url: string): void => written?.set("comment-url", url);
    return [
      reporting.comment
        ? comment({ clock, github: api, repository, pullRequest, environment, links, warn, posted })
        : undefined,
      reporting.commitStatus && sha
        ? commitStatus({ clock, github: api, repository, sha, environment, warn })
        : undefined,
    ];
  }
}
