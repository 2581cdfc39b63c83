import { join } from "node:path";
import { jobSummary } from "./adapters/actions/job-summary.ts";
import { type Outputs, outputs } from "./adapters/actions/outputs.ts";
import { deploymentWorkload } from "./adapters/deployment/deployment-workload.ts";
import { releasedImage } from "./adapters/deployment/released-image.ts";
import { wayBack } from "./adapters/deployment/way-back.ts";
import type { KeepLogs } from "./adapters/deployment/workload-parts.ts";
import { captureWorkloads, imageBefore, workloadsBefore } from "./adapters/deployment/workloads-before.ts";
import { logFolder, logFolderBeside } from "./adapters/files/log-folder.ts";
import { assertPlace, writeNew } from "./adapters/files/new-file.ts";
import { readFolder } from "./adapters/files/read-folder.ts";
import { mebibyte, readText } from "./adapters/files/read-text.ts";
import { reportFile, writeWhole } from "./adapters/files/report-file.ts";
import { jsonGate } from "./adapters/gates/json-gate.ts";
import { runGate } from "./adapters/gates/run-gate.ts";
import { gatewayRouteFamily } from "./adapters/gateway-route/gateway-route-family.ts";
import { comment } from "./adapters/github/comment.ts";
import { commitStatus } from "./adapters/github/commit-status.ts";
import type { GitHubContext } from "./adapters/github/context.ts";
import { connectGitHub } from "./adapters/github/github.ts";
import { jobRun } from "./adapters/github/job-run.ts";
import { findPullRequest } from "./adapters/github/pull-request.ts";
import { configMapJournal } from "./adapters/kubernetes/config-map-journal.ts";
import { fileClient } from "./adapters/kubernetes/file-client.ts";
import { type Cluster, findCluster } from "./adapters/kubernetes/kubeconfig.ts";
import { connect, type KubernetesClient } from "./adapters/kubernetes/kubernetes-client.ts";
import { leaseLock } from "./adapters/kubernetes/lease-lock.ts";
import { passingTransport } from "./adapters/kubernetes/passing-transport.ts";
import { readGround } from "./adapters/kubernetes/read-ground.ts";
import { readOnce, rememberVersions } from "./adapters/kubernetes/read-once.ts";
import { createServerTime } from "./adapters/kubernetes/server-time.ts";
import { serviceNames } from "./adapters/kubernetes/service-names.ts";
import { unlessForbidden } from "./adapters/kubernetes/unless-forbidden.ts";
import { versionLabels } from "./adapters/kubernetes/version-labels.ts";
import { prometheus } from "./adapters/prometheus/prometheus.ts";
import { meshProxies } from "./adapters/proxies/mesh-proxies.ts";
import { proxies } from "./adapters/proxies/proxies.ts";
import type { Voice } from "./adapters/terminal/log.ts";
import { virtualServiceFamily } from "./adapters/virtual-service/virtual-service-family.ts";
import { webhook } from "./adapters/webhooks/webhook.ts";
import type { InitSession } from "./commands/init.ts";
import { metricsFor } from "./commands/known-metrics.ts";
import type { Desk, Notices, PlanSession, Session } from "./commands/session.ts";
import { changesSomething } from "./config/commands.ts";
import type { Config, MetricsConfig } from "./config/config.ts";
import { folderObjects } from "./config/folder-objects.ts";
import { loadConfig } from "./config/load.ts";
import { configurationPath, isProposed } from "./init/files-of-job.ts";
import type { InitGround } from "./init/ground.ts";
import { gatewayKinds } from "./istio/gateway-route.ts";
import { type KubernetesObject, placeWord } from "./kubernetes/object.ts";
import type { RegisterSecret } from "./lib/credentials.ts";
import type { Instant } from "./lib/duration.ts";
import { RefusedError, tell } from "./lib/errors.ts";
import { countedBy } from "./ports/counted-by.ts";
import { fenceBy } from "./ports/fence.ts";
import type { MeshProxies } from "./ports/mesh-proxies.ts";
import type { Metrics } from "./ports/metrics.ts";
import { metricsByTarget } from "./ports/metrics-by-target.ts";
import { noMetrics } from "./ports/no-metrics.ts";
import type { Ports } from "./ports/ports.ts";
import type { Finding } from "./ports/preflight.ts";
import type { Reporter } from "./ports/reporter.ts";
import type { Respondents } from "./ports/respondent.ts";
import type { Viewer } from "./ports/route-family.ts";
import type { TrafficHistory } from "./ports/traffic-history.ts";
import { unmeasured } from "./ports/unmeasured.ts";
import { bystandersBefore, bystandersOf } from "./preflight/bystanders.ts";
import { type KnownFiles, preflightOfFiles } from "./preflight/preflight-of-files.ts";
import { releasePreflight } from "./preflight/release-preflight.ts";
import type { Account } from "./release/account.ts";
import type { KeptLogs } from "./release/kept-logs.ts";
import type { Recipe } from "./release/recipe.ts";
import type { ReleaseRecord } from "./release/release-record.ts";
import { configuredLabels, type Target } from "./release/target.ts";
import type { Censor } from "./reporting/censor.ts";
import { completed } from "./reporting/completed.ts";
import { tee } from "./reporting/tee.ts";
import { type NoticeSink, tellNotice } from "./reporting/tell-notice.ts";
import { createWarnings, type Warnings } from "./reporting/warnings.ts";
import { allRoutes, type Routes } from "./routes/routes.ts";
import type { Links } from "./words/links.ts";
import type { Clock } from "./world/clock.ts";
import type { Programs } from "./world/programs.ts";
import type { World } from "./world/world.ts";

/** The world, and what the entry has found out about where it runs. */
export type Surroundings = World & {
  readonly programs: Programs;
  readonly env: Readonly<{ [name: string]: string | undefined }>;
  readonly github: GitHubContext;
  readonly voice: Voice;
  readonly registerSecret: RegisterSecret;
  readonly censor: Censor;
  readonly stop: AbortSignal;
  readonly insist?: AbortSignal | undefined;
  readonly print: (text: string) => void;
  readonly answer: (value: object) => void;
  readonly underWay?: Desk["underWay"];
};

/** What commands need that ask no cluster, and need none to be there. */
export function desk(config: Config, world: Surroundings): Desk {
  return {
    config,
    messages: messagesOf(config, world),
    history: historyOf(metricsOf(config, world, { cluster: () => clusterOf(config, world) }), world),
    readFile: (path) => readText(path, 64 * mebibyte, world), // a report has every poll of a release of days
    writePage: writeWhole,
    underWay: world.underWay,
  };
}

/** What a command says that leaves nothing behind. */
function messagesOf(config: Config, world: Surroundings): Desk["messages"] {
  const { warn, all: warnings } = warningsOf(config, world);
  const { print, answer } = world;
  return { print, answer, warn, warnings, nothingLeft: () => {}, somethingLeft: () => {} };
}

/** What is planned over files, which may find its route in them, too. */
export type FilesSession = PlanSession & Pick<Session, "findRoutes">;

/** A folder with manifests as a cluster, and what is known of its files. */
async function folderOf(folder: string, namespace: string, here: Surroundings, source?: Target["source"]) {
  const { files, unread } = await readFolder(folder, here).catch((cause: unknown) => {
    throw new RefusedError(`The folder ${folder} (files) cannot be read.`, { cause });
  });
  const read = folderObjects(files, namespace);
  // What init has proposed stands beside what it would change.
  const objects = read.objects.toSorted((one, other) => Number(isProposed(one.file)) - Number(isProposed(other.file)));
  const places = Map.groupBy(objects, ({ object }) => placeWord(object));
  const known: KnownFiles = {
    folder,
    places: new Map([...places].map(([word, same]) => [word, same.map(({ file }) => file)])),
    unread: [...unread, ...read.problems],
  };
  const brought = source?.from === "manifests" ? source.objects : [];
  const client = fileClient(
    [...places.values()].flatMap(([first]) => first?.object ?? []),
    brought,
  );
  return { known, client, objects };
}

/** A plan's session over manifests: with no cluster, no counters and no journal. */
export async function composeFiles(config: Config, folder: string, here: Surroundings): Promise<FilesSession> {
  const messages = messagesOf(config, here);
  const written = outputsFor(config, here, messages.warn);
  const { notices } = tellersFor(config, config.reporting.environment, here, written, messages.warn);
  const { known, client } = await folderOf(folder, config.namespace, here, config.release?.target.source);
  const routes = routesBy(client, here.clock);
  const noCounters = { because: "no cluster is looked at (files)" };
  return {
    config,
    run: jobRun(here.github, here.env, here),
    cluster: { context: folder, host: "" },
    clock: here.clock,
    stop: here.stop,
    notices,
    messages,
    history: {
      traffic: async () => noCounters,
      rate: async () => undefined,
      dispersion: async () => unmeasured(noCounters.because),
    },
    journal: { load: async () => undefined },
    findRoutes: routes.find,
    soleServer: routes.soleServer,
    manifestImage: (target) => releasedImage({ ...target, image: undefined }, undefined),
    preflight: (target, plan, { undo, exchanged }) =>
      preflightOfFiles(
        releasePreflight({
          client: readOnce(client),
          routes,
          target,
          plan,
          firstDeploy: config.firstDeploy,
          undo,
          exchanged,
          answerers: async () => [],
          others: [],
        }),
        known,
        target,
      ),
  };
}

/** What a first release is prepared with: a cluster that is only read, or manifests. */
export async function composeInit(config: Config, here: Surroundings): Promise<InitSession> {
  const { service, wish = {}, output: folder = "." } = config;
  const { client, namespace, places, place } = await groundFor(config, here);
  const ground = await readGround(client, { namespace, service });
  return {
    wish,
    ground: { ...ground, places },
    where: `in namespace ${namespace} of ${place}`,
    folder,
    messages: messagesOf(config, here),
    release: async () => (config.files === undefined ? loadIfReadable(client, namespace, service) : undefined),
    inspect: (objects, texts) => inspectAhead(objects, texts, here),
    readFile: async (path) => {
      assertPlace(folder, path);
      return readText(join(folder, path), mebibyte, here).catch(unlessMissing);
    },
    write: (path, text) => writeNew(join(folder, path), text),
    redact: here.censor.redact,
  };
}

/** Whoever prepares a release may lack the right to read journals. */
const loadIfReadable = (client: KubernetesClient, namespace: string, service: string) =>
  unlessForbidden(configMapJournal(client, namespace, service).load());

/** Where objects are read, and in which namespace they are looked for. */
type GroundSource = Pick<InitGround, "namespace" | "places"> & {
  readonly client: KubernetesClient;
  readonly place: string;
};

async function groundFor(config: Config, here: Surroundings): Promise<GroundSource> {
  const { files, namespace, service } = config;
  if (files === undefined) {
    const cluster = clusterOf(config, here);
    const client = connect(here, cluster, { redact: here.censor.redact });
    return {
      client,
      namespace: namespace || cluster.namespace || "default",
      places: new Map(),
      place: cluster.context,
    };
  }
  const { client, known, objects } = await folderOf(files, namespace || "default", here);
  const homes = objects.filter(({ object }) => object.kind === "Service" && object.metadata.name === service);
  const [only = "default", ...more] = new Set(homes.map(({ object }) => object.metadata.namespace));
  if (namespace === "" && more.length > 0)
    throw new RefusedError(`Service ${service} stands in ${files} for namespaces ${[only, ...more].join(", ")}.`, {
      next: "Name the one that is meant: --namespace.",
    });
  if (!isName(only))
    throw new RefusedError(`Service ${service} stands in ${files} for a namespace that can be none: ${only}.`, {
      next: "Name the one that is meant: --namespace.",
    });
  return { client, namespace: namespace || only, places: known.places, place: files };
}

const isName = (text: string): boolean => /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(text);

function unlessMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== "ENOENT" && error.code !== "ENOTDIR") throw error;
}

/** What a plan says of a world as if all of it ran: by the same preflight, and by the configuration as it was written. */
async function inspectAhead(
  objects: readonly KubernetesObject[],
  texts: ReadonlyMap<string, string>,
  here: Surroundings,
): Promise<readonly Finding[]> {
  const { release, firstDeploy } = await loadConfig({
    inputs: { command: "plan", config: configurationPath, image: "image:of-a-release" },
    env: { GITHUB_SHA: "of-a-release" },
    readFile: async (path) => texts.get(path) ?? "",
    registerSecret: () => {},
  });
  if (!release) return [];
  const client = fileClient(objects);
  return releasePreflight({
    ...release,
    client: readOnce(client),
    routes: routesBy(client, here.clock),
    firstDeploy,
    undo: false,
    exchanged: false,
    others: [],
    answerers: async () => [],
  }).inspect();
}

/** The composition root: the only place that knows which adapters there are. */
export function compose(config: Config, here: Surroundings): Session {
  const { namespace, service } = config;
  // Before anything is told: only now the kubeconfig's secrets are known.
  const cluster = clusterOf(config, here);
  const { warn, all: warnings } = warningsOf(config, here);
  for (const doubt of cluster.doubts) warn(doubt);
  const time = createServerTime(here.clock);
  const client = rememberVersions(
    connect(here, cluster, { warning: warn, date: time.hear, redact: here.censor.redact }),
  );
  // What is journaled another machine reads: a release goes by the API server's time.
  const world: Surroundings = { ...here, clock: time.clock };
  const { clock } = world;
  const journal = here.censor.journal(configMapJournal(client, namespace, service, (record) => portsOf(record)));
  const written = outputsFor(config, world, warn);
  const { context, host } = cluster;
  const environment = config.reporting.environment || context;
  const kept = new Map<Instant, KeptLogs>();
  const more = ({ startedAt }: Account) => ({ cluster: { context, host }, logs: kept.get(startedAt) });
  const tellers = tellersFor(config, environment, world, written, warn);
  const reporter = completed(more, tellers.reporter);

  const reach: ClusterReach = { cluster: () => cluster, client };
  const metrics = metricsOf(config, world, reach);
  /** Where this job was told nothing, the journal of the release knows. */
  const metricsOfRelease = (record: ReleaseRecord): Metrics =>
    (config.metrics ? metrics : metricsOf({ metrics: metricsFor(config, record) }, world, reach))(record.target);
  const routes = routesBy(client, clock);

  const fence = fenceBy(journal, clock);
  /** What the newest preflight has read. */
  let reading = readOnce(client);
  const stillThere = (target: Target): Promise<readonly string[]> =>
    bystandersBefore({ client: reading, look: routesBy(reading, clock).look(target), target });
  const forwarding = { clock, transport: passingTransport(world.transport, cluster) };
  const proxiesOf = (target: Target, before: unknown): MeshProxies =>
    meshProxies({
      client,
      network: forwarding,
      target,
      viewers: () => viewersOf(routes, target),
      written: () => routes.router(target, before, fence).written(),
      lookLimit: 1_000,
      timeout: 5_000,
      mostBytes: 32 * mebibyte, // a config dump of a large mesh has some ten
    });
  const portsOf = (record: ReleaseRecord): Ports => {
    const { target, before, plan } = record;
    const workloads = workloadsBefore.parse(before.workloads);
    return {
      router: routes.router(target, before.routes, fence),
      workload: deploymentWorkload({
        client,
        target,
        before: workloads,
        keepOld: plan.keepOld,
        clock,
        fence,
        keepLogs: logKeeper(config, warn, (logs) => kept.set(record.startedAt, logs)),
      }),
      proxies: plan.confirm === "proxies" ? proxiesOf(target, before.routes) : undefined,
      bystanders: bystandersOf({
        client,
        look: routes.look(target),
        target,
        before: before.bystanders,
        canaryStays: (workloads.canary?.replicas ?? 0) > 0,
      }),
      metrics: metricsOfRelease(record).watch(plan),
      respondents: respondentsFor(config, world),
      journal,
      reporter,
      clock,
    };
  };

  const captured = async (target: Target, before: unknown): Promise<ReleaseRecord["before"]> => {
    const workloads = await captureWorkloads(client, target, world.random);
    const image = imageBefore(workloads, target);
    return { routes: before, workloads, bystanders: await stillThere(target), image };
  };

  return {
    config,
    run: jobRun(world.github, world.env, world),
    cluster: { context, host },
    clock,
    transport: world.transport,
    stop: world.stop,
    insist: world.insist ?? new AbortController().signal,
    messages: {
      print: world.print,
      answer: world.answer,
      warn,
      warnings,
      nothingLeft: () => written?.set("settled", "true"),
      somethingLeft: () => written?.set("settled", "false"),
    },
    history: historyOf(metrics, world),
    journal,
    reporter,
    notices: tellers.notices,
    lock: ({ force }) => leaseLock({ client, namespace, service, clock, time, force, stop: world.stop }),
    soleServer: routes.soleServer,
    findRoutes: routes.find,
    serving: routes.serving,
    services: () => serviceNames(client, namespace),
    manifestImage: (target) => releasedImage({ ...target, image: undefined }, undefined),
    wayBack: ({ target, plan, before }) =>
      wayBack(client, target, plan, workloadsBefore.parse(before.workloads), clock.now()),
    preflight(target, plan, { undo, exchanged }) {
      reading = readOnce(client);
      const firstDeploy = config.firstDeploy && !undo;
      const ofMetrics = { inspect: () => metrics(target).inspect(plan, clock.now(), world.stop) };
      return releasePreflight({
        client: reading,
        routes: routesBy(reading, clock),
        target,
        plan,
        firstDeploy,
        undo,
        exchanged,
        answerers: () => metrics(target).answerers(clock.now(), world.stop),
        others: undo || firstDeploy ? [] : [ofMetrics],
      });
    },
    capture: async (target, plan) => captured(target, await routes.capture(target, plan)),
    inspectMetrics: (record, plan) => metricsOfRelease(record).inspect(plan, clock.now(), world.stop),
    captureGivenBack: async (target) => captured(target, await routes.captureGivenBack(target)),
    connect: portsOf,
  };
}

/** Undefined where nobody wants them. Why some cannot be read is told once. */
function logKeeper(
  { reporting }: Config,
  warn: (warning: string) => void,
  keep: (logs: KeptLogs) => void,
): KeepLogs | undefined {
  if (!reporting.logs) return undefined;
  return (logs) => {
    if (logs.because !== undefined) warn(`the canary's logs are not kept: ${logs.because}`);
    keep(logs);
  };
}

function warningsOf(config: Config, { voice, censor }: Surroundings): Warnings {
  const warnings = createWarnings(censor, voice.warn);
  for (const warning of config.warnings) warnings.warn(warning);
  return warnings;
}

/** Every kind of route that a release can move. */
const routesBy = (client: KubernetesClient, clock: Clock): Routes =>
  allRoutes([
    virtualServiceFamily({
      client,
      clock,
      subsetLabels: (target) => (of) => versionLabels(client, target, configuredLabels(target), of),
    }),
    ...gatewayKinds.map(({ kind }) => gatewayRouteFamily(kind, { client, clock })),
  ]);

const clusterOf = (config: Config, { env, registerSecret, clock }: Surroundings): Cluster =>
  findCluster({ ...config.cluster, env, registerSecret, clock });

/** Who answers gates of the user's own: a row for each kind. */
function respondentsFor({ recipes }: Config, world: Surroundings): Respondents {
  const { clock, programs, censor } = world;
  const recipeOf = (name: string): Recipe | undefined => recipes.get(name);
  return {
    json: jsonGate({ network: world, redact: censor.redact, recipeOf }),
    run: runGate({ clock, programs, redact: censor.redact, recipeOf }),
  };
}

/** What is asked of a cluster to count requests. At a desk nobody looks at pods. */
type ClusterReach = {
  readonly cluster: () => Cluster;
  readonly client?: KubernetesClient;
};

function metricsOf(
  { metrics }: Pick<Config, "metrics">,
  world: Surroundings,
  reach: ClusterReach,
): (target: Target) => Metrics {
  if (!metrics) return () => noMetrics;
  const asked = metrics.prometheus === "" ? undefined : prometheusAt(metrics, world, reach);
  const shown = metrics.source === "proxies" ? proxiesIn(metrics, world, reach) : undefined;
  return metricsByTarget((target) => {
    const [byPrometheus, byProxies] = [asked?.(target), shown?.(target)];
    if (byPrometheus && byProxies) return countedBy(byProxies, byPrometheus);
    return byProxies ?? byPrometheus ?? noMetrics;
  });
}

/** At `service://…` the API server passes on what it is asked. */
function prometheusAt(
  metrics: MetricsConfig,
  world: Surroundings,
  { cluster }: ClusterReach,
): (target: Target) => Metrics {
  const { clock, censor } = world;
  const url = metrics.prometheus;
  const transport = url.startsWith("service:") ? passingTransport(world.transport, cluster()) : world.transport;
  return (target) => prometheus({ network: { clock, transport }, redact: censor.redact, ...metrics, url, target });
}

function proxiesIn(
  metrics: MetricsConfig,
  { clock, transport }: Surroundings,
  { client, cluster }: ClusterReach,
): ((target: Target) => Metrics) | undefined {
  if (!client) return undefined;
  const network = { clock, transport: passingTransport(transport, cluster()) };
  const routes = routesBy(client, clock);
  return (target) =>
    proxies({
      ...metrics,
      // One pod that hangs holds up nobody for longer than a look.
      timeout: Math.min(metrics.timeout, Math.max(1_000, metrics.interval)),
      client,
      network,
      target,
      viewers: () => viewersOf(routes, target),
    });
}

/** Who follows the rules that a release moves. */
async function viewersOf(routes: Routes, target: Target): Promise<readonly Viewer["who"][]> {
  const { facts } = await routes.look(target).survey();
  return facts.filter(({ moves }) => moves).flatMap(({ seenBy }) => seenBy.map(({ who }) => who));
}

/** What was counted until now. */
const historyOf = (metrics: (target: Target) => Metrics, { clock, stop }: Surroundings): TrafficHistory => ({
  traffic: (target, window) => metrics(target).traffic(clock.now(), window, stop),
  rate: (target, window) => metrics(target).rate(clock.now(), window, stop),
  dispersion: (target) => metrics(target).dispersion(clock.now(), stop),
});

function outputsFor(
  { reporting }: Config,
  { github }: Surroundings,
  warn: (warning: string) => void,
): Outputs | undefined {
  if (!github.outputFile) return undefined;
  return outputs(reporting.report, (error) => warn(`outputs could not be written: ${tell(error)}`));
}

/** Everybody who tells people, of a release and of a command that began none. */
type Tellers = { readonly reporter: Reporter; readonly notices: Notices };

function tellersFor(
  { command, reporting }: Config,
  environment: string,
  world: Surroundings,
  written: Outputs | undefined,
  warn: (warning: string) => void,
): Tellers {
  const { clock, github, voice, censor } = world;
  const links: Links = { dashboards: reporting.dashboards, workflow: github.workflowUrl };
  const reporters: Reporter[] = [voice];
  const sinks: NoticeSink[] = [];
  if (written) {
    reporters.push(written);
    sinks.push(written.notice);
  }
  const { report } = reporting;
  if (report) reporters.push(reportFile({ file: report }));
  if (reporting.summary && github.summaryFile) reporters.push(jobSummary(links));

  for (const wanted of reporting.notify) {
    const told = webhook(wanted, { network: world, warn });
    reporters.push(told);
    sinks.push(told.notice);
  }
  const { githubToken: token } = reporting;
  const { repository, sha } = github;
  if (token && repository) {
    const api = connectGitHub({ network: world, apiUrl: github.apiUrl, token });
    const pullRequest = (signal: AbortSignal) => findPullRequest(api, github, reporting.pullRequest, signal);
    const posted = (url: string): void => written?.set("comment-url", url);
    if (reporting.comment) {
      const told = comment({ clock, github: api, repository, pullRequest, environment, links, warn, posted });
      reporters.push(told);
      sinks.push(told.notice);
    }
    if (reporting.commitStatus && sha)
      reporters.push(commitStatus({ clock, github: api, repository, sha, environment, warn }));
  }
  const trouble = (error: unknown): void => voice.warn(censor.text(`a report failed: ${tell(error)}`));
  const all = report ? [logFolder(logFolderBeside(report), tee(clock, reporters, trouble), warn)] : reporters;
  // Whoever only looks on has no report of its own.
  const wanted = changesSomething(command) ? all : [voice];
  return {
    reporter: censor.reporter(tee(clock, wanted, trouble)),
    notices: { tell: (notice) => tellNotice(notice, sinks, world) },
  };
}
