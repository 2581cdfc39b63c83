import { families, type Wish } from "../init/ground.ts";
import type { RegisterSecret } from "../lib/credentials.ts";
import { isMissingFile, tell } from "../lib/errors.ts";
import { givenKubeconfig, isPath } from "../lib/given-kubeconfig.ts";
import { count } from "../lib/numbers.ts";
import type { Redact } from "../lib/redaction.ts";
import type { AskedWith } from "../release/asked-with.ts";
import { brokenBy, check } from "./check.ts";
import { appliesManifests, type Command, type CommandRow, commandNamed, commands } from "./commands.ts";
import type { Config, MetricsConfig, RehearsalConfig, ReportingConfig } from "./config.ts";
import { fill, fromEnvironment, type Variables } from "./environment.ts";
import { commandsIn } from "./gate-places.ts";
import { secretPlaces, usualFile } from "./inputs.ts";
import {
  at,
  ConfigError,
  type ConfigIssue,
  isMapping,
  type Path,
  type Problem,
  printPath,
  show,
  startsWith,
  tellIssues,
} from "./issue.ts";
import { type Manifests, type ReadFile, readManifests } from "./manifests.ts";
import { unknown } from "./nearest.ts";
import {
  canaryDeployment,
  intervalOf,
  isNamedSource,
  metricSourceOf,
  planOf,
  rehearsedInterval,
  targetOf,
} from "./normalise.ts";
import { type Given, givenOnly, type Origin, overlay } from "./overlay.ts";
import { type PositionOf, positionsIn } from "./places.ts";
import { breaches, type Section } from "./rules.ts";
import type { ConfigFile } from "./schema.ts";
import { namesIn, secretsIn, secretsInManifests } from "./secrets.ts";
import { recipesIn } from "./written-gate.ts";
import { readYaml } from "./yaml.ts";

/** What says nothing of the release itself. */
const aside: readonly PropertyKey[] = ["reporting", "cluster", "verify", "rehearse"] satisfies readonly Section[];

/** It asks for the versions of a service, and not how it is released. */
const asksForVersions = ({ reads }: CommandRow): boolean => reads.includes("versions") && !reads.includes("release");

/**
 * Text becomes the configuration, once. Throws one ConfigError with every problem, when there is one that the command
 * cannot do with.
 */
export async function loadConfig(given: {
  readonly inputs: Given;
  readonly env: Variables;
  readonly readFile: ReadFile;
  /** Hears every secret of the configuration before anything of it is told, be it an error. */
  readonly registerSecret: RegisterSecret;
  /** Takes them out of what is shown of a value, before that is cut. */
  readonly redact?: Redact | undefined;
}): Promise<Config> {
  const said = givenOnly(given.inputs);
  const row = rowOf(said);
  const read = await readDocument(said.config, row, given.readFile);
  const inputs = read.file === undefined ? said : { ...said, config: read.file };
  const laid = overlay(read.document, inputs);
  const filled = fill(laid.document, fromEnvironment(given.env), [
    ...laid.origins.map(({ path }) => path),
    ...commandsIn(laid.document),
  ]);
  const names = namesIn(filled.value);
  const registerSecret: RegisterSecret = (secret) => names.has(secret) || given.registerSecret(secret);
  registerSecrets(secretsIn(filled.value, inputs, given.env), registerSecret);
  const { file, problems } = check(filled.value, [...read.problems, ...laid.problems, ...filled.problems]);
  const { manifests, problems: manifestProblems, filling } = await manifestsOf(file, row, given);
  registerSecrets(secretsInManifests(manifests.map(({ object }) => object)), registerSecret);
  const broken = [...problems, ...manifestProblems];
  const all = [
    ...broken,
    ...breaches({ command: row.name, file, manifests }, brokenBy(broken)),
    ...wishProblems(inputs),
  ];

  const namesImage = row.reads.includes("image") && !isNeeded(row, "image") && inputs.image !== undefined;
  const fatal = all.filter(({ path: [section] }) => isNeeded(row, section) || (namesImage && section === "image"));
  // What is missing is told when it stops the command, and not when it may well stand in a file that could not be read.
  const unreadable = read.problems.length > 0 && fatal.some(({ missing }) => missing !== true);
  const worthTelling = (problem: Problem): boolean =>
    problem.missing !== true || (!unreadable && fatal.includes(problem));
  const told = all.filter(worthTelling);
  const positionOf = positionsIn(read.text ?? "", inputs.config ?? "");
  const written = { ...laid, filled: filled.value, config: inputs.config, redact: given.redact, positionOf };
  const issues = told.map((problem) => issueOf(problem, written));
  if (fatal.length > 0) throw new ConfigError(issues);

  const target = targetOf(file, manifests);
  const complete = asksForVersions(row) || all.every(({ path: [section = ""] }) => aside.includes(section));
  return {
    ...configOf(row.name, file, inputs, given.env),
    namedImage: namesImage ? file.image : undefined,
    metricsBesideAddress: besideAddress(file, at(filled.value, ["metrics"])),
    release: target && complete ? { target, plan: planOf(file) } : undefined,
    findsRoutes: file.routes === undefined,
    filling,
    warnings: tellIssues(issues),
  };
}

/** Whatever is told is searched for each of them. */
const mostSecrets = 1_000;

function registerSecrets(secrets: ReadonlySet<string>, register: RegisterSecret): void {
  if (secrets.size > mostSecrets)
    throw new ConfigError([
      {
        path: "configuration",
        problem: `has ${count(secrets.size)} secrets in it, and at most ${count(mostSecrets)} are kept`,
      },
    ]);
  for (const secret of secrets) register(secret);
}

function isNeeded({ needs }: CommandRow, section: PropertyKey | undefined): boolean {
  const needed: "everything" | readonly Section[] = needs;
  return needed === "everything" || needed.some((name) => name === section);
}

function rowOf({ command = "release" }: Given): CommandRow {
  const row = commandNamed(command);
  if (row) return row;
  const names = commands.map(({ name }) => name);
  throw new ConfigError([{ path: "command", problem: unknown("command", command, names) }]);
}

type ReadDocument = {
  readonly document: unknown;
  readonly problems: readonly Problem[];
  readonly text?: string;
  /** Its path; absent where there is none. */
  readonly file?: string;
};

/** The file that is named, or the usual one, where there is one and the command asks for any. */
async function readDocument(
  named: string | undefined,
  { reads }: CommandRow,
  readFile: ReadFile,
): Promise<ReadDocument> {
  const file = named ?? usualFile;
  if (named === undefined && !reads.includes("service")) return { document: {}, problems: [] };
  const text = await readFile(file).catch((error: unknown) => ({ error }));
  if (typeof text === "string") return { file, ...documentIn(text, file) };
  if (named === undefined && isMissingFile(text.error)) return { document: {}, problems: [] };
  return { file, document: {}, problems: [{ path: [], place: file, problem: `cannot be read: ${tell(text.error)}` }] };
}

function documentIn(text: string, path: string): Omit<ReadDocument, "file"> {
  const { value, problems } = readYaml(text, path);
  if (problems.length > 0) return { document: {}, problems };
  if (isMapping(value)) return { document: value, problems, text };
  const problem = "expected a mapping with namespace, service, stable, canary, …";
  return { document: {}, problems: [{ path: [], place: path, problem, found: { value } }] };
}

const manifestsOf = async (
  file: ConfigFile,
  row: CommandRow,
  given: { readonly env: Variables; readonly readFile: ReadFile },
): Promise<Manifests> => {
  const { from } = file.canary;
  if (typeof from === "string") return { manifests: [], problems: [], filling: { filled: [], left: [] } };
  const read = await readManifests(from.manifests, file.variables, given);
  if (appliesManifests(row.name) || !namesCanary(file, read)) return read;
  return { ...read, problems: [] };
};

/** Whether the canary's name is known, also where variables of its manifest are not. */
function namesCanary(file: ConfigFile, { manifests }: Manifests): boolean {
  const name = canaryDeployment(file, manifests);
  return name !== undefined && !name.includes("${");
}

/**
 * A problem in the words of whoever wrote the value: the input's name where it came from an input, and never a secret.
 */
function issueOf({ path, place, problem, found, key, missing, position }: Problem, written: Written): ConfigIssue {
  const { origins, config, redact, positionOf } = written;
  const whole = key === undefined ? path : [...path, key];
  const isIn = (origin: Origin): boolean => startsWith(whole, origin.path) || startsWith(origin.path, whole);
  const origin = origins.find((origin) => (key === undefined ? startsWith(path, origin.path) : isIn(origin)));
  const standsElsewhere = origin !== undefined || place !== undefined || missing === true;
  let own = printPath(path);
  if (origin) own = `${origin.said}${printPath(path.slice(origin.path.length)).replace(/^(?=\w)/, ".")}`;
  return {
    path: place ?? (own || config || "configuration"),
    problem: redact?.(problem) ?? problem,
    found: found && !holdsSecret(path, found.value) ? show(asWritten(path, found.value, written), redact) : undefined,
    position: position ?? (standsElsewhere ? undefined : positionOf(key === undefined ? path : [...path, key])),
  };
}

/** The document as people wrote it, and with what the environment fills into it. */
type Written = {
  readonly document: unknown;
  readonly filled: unknown;
  readonly origins: readonly Origin[];
  readonly config: string | undefined;
  readonly redact: Redact | undefined;
  readonly positionOf: PositionOf;
};

/** What a variable holds may be anybody's secret: its name is shown. */
function asWritten(path: Path, value: unknown, { document, filled }: Written): unknown {
  const isOfDocument = path.length > 0 && JSON.stringify(at(filled, path)) === JSON.stringify(value);
  if (isOfDocument) return at(document, path);
  return value;
}

/** A secret, a part of one, or a mapping or list where a secret may stand in any disorder. */
function holdsSecret(path: Path, value: unknown): boolean {
  if (path.length === 0) return everyValue(value).some(isObject);
  if (isOfGates(path) && (path.includes("headers") || hasHeaders(value))) return true;
  return secretPlaces.some((secret) => startsWith(path, secret) || (isObject(value) && startsWith(secret, path)));
}

const hasHeaders = (value: unknown): boolean =>
  isObject(value) && (Object.hasOwn(value, "headers") || Object.values(value).some(hasHeaders));

const isOfGates = ([first, , second]: Path): boolean => first === "gates" || (first === "stages" && second === "gates");

const isObject = (value: unknown): value is object => typeof value === "object" && value !== null;
const everyValue = (value: unknown): readonly unknown[] => (isObject(value) ? Object.values(value) : []);

function configOf(
  command: Command,
  file: ConfigFile,
  inputs: Given,
  env: Variables,
): Omit<Config, "warnings" | "metricsBesideAddress" | "namedImage" | "filling"> {
  const { namespace = "", service = "", cluster, metrics, verify, firstDeploy } = file;
  return {
    command,
    namespace,
    service,
    cluster,
    metrics: isNamedSource(metrics) || countsByItself.includes(command) ? metricsOf(metrics) : undefined,
    recipes: recipesOf(file),
    asked: askedIn(inputs),
    reporting: reportingOf(file, inputs, env),
    verify,
    wish: command === "init" ? wishIn(file, inputs) : undefined,
    rehearsal: command === "rehearse" ? rehearsalOf(file) : undefined,
    firstDeploy,
    files: inputs.files,
    watch: inputs.watch === "true",
    json: inputs.json === "true",
    verbose: inputs.verbose === "true",
    output: inputs.output || undefined,
  };
}

const wishIn = ({ stable, canary }: ConfigFile, { route, host }: Given): Wish => ({
  stable: stable.deployment,
  canary: canary.deployment,
  family: families.find((wish) => wish === route),
  host,
});

const hostName = /^(\*\.)?[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)+$/;

/** They stand in no section of the file, and are as needed as the service. */
function wishProblems({ route, host }: Given): readonly Problem[] {
  const problem = (place: string, expected: string, value: string): Problem => ({
    path: ["service"],
    place,
    problem: `expected ${expected}`,
    found: { value },
  });
  const problems: Problem[] = [];
  if (route !== undefined && !families.some((wish) => wish === route))
    problems.push(problem("route", families.join(" or "), route));
  if (host !== undefined && !(hostName.test(host) && host.length <= 253))
    problems.push(problem("host", "a host with dots in it, such as shop.example.com", host));
  return problems;
}

const rehearsalOf = (file: ConfigFile): RehearsalConfig => ({
  ...file.rehearse,
  plan: planOf({ ...file, metrics: { ...file.metrics, interval: rehearsedInterval(file) } }),
});

/** What begins without a journal's word of who counts. */
const countsByItself: readonly Command[] = ["release", "plan", "verify"];

/** From the first of them: a search from each would take for ever where there are very many. */
const slashes = /(?<!\/)\/+$/;

/** Prometheus's API is below its URL, which many write with the API's own path, or with a slash at the end. */
function metricsOf(metrics: ConfigFile["metrics"]): MetricsConfig | undefined {
  const { prometheus = "", ...names } = metrics;
  const source = metricSourceOf(metrics);
  return (
    source && {
      ...names,
      source,
      prometheus: prometheus.replace(slashes, "").replace(/\/api\/v1$/, ""),
      interval: intervalOf(metrics),
    }
  );
}

/**
 * A setting counts as said where it stands in the document: the schema gives every other its default. Who counts is
 * the journal's to say.
 */
function besideAddress({ metrics }: ConfigFile, written: unknown): Config["metricsBesideAddress"] {
  const { prometheus, source: _, ...rest } = metrics;
  const isNamed = isNamedSource(metrics) && metricSourceOf(metrics) !== undefined;
  if (isNamed || !isMapping(written)) return undefined;
  return Object.fromEntries(Object.entries(rest).filter(([key]) => Object.hasOwn(written, key)));
}

function recipesOf({ gates = [], stages = [], metrics: { timeout } }: ConfigFile): Config["recipes"] {
  const recipes = recipesIn([...gates, ...stages.flatMap((stage) => stage.gates ?? [])]);
  return new Map(
    [...recipes].map(([name, recipe]) => [name, recipe.kind === "json" ? { ...recipe, timeout } : recipe]),
  );
}

/** Of a kubeconfig the path alone: as text it is a secret. */
function askedIn({ config, kubeconfig, context }: Given): AskedWith {
  const from = givenKubeconfig(kubeconfig ?? "");
  return { config, kubeconfig: "path" in from && isPath(from.path) ? from.path : undefined, context };
}

function reportingOf({ reporting, cluster }: ConfigFile, inputs: Given, env: Variables): ReportingConfig {
  const { environment = cluster.context ?? "", ...rest } = reporting;
  return { ...rest, environment, githubToken: inputs["github-token"] || env.GITHUB_TOKEN || undefined };
}
