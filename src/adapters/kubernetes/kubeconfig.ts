import { closeSync, constants, existsSync, fstatSync, openSync, readSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { KubeConfig, type Cluster as KubernetesCluster, type User } from "@kubernetes/client-node";
import { load as parse, YAMLException } from "js-yaml";
import {
  placeOf,
  type RegisterSecret,
  secretsByName,
  secretsInArguments,
  secretsInHeaders,
  secretsInUrls,
  secretsInWords,
} from "../../lib/credentials.ts";
import { formatDuration, type Millis } from "../../lib/duration.ts";
import { RefusedError } from "../../lib/errors.ts";
import { type GivenKubeconfig, givenKubeconfig, hasPathShape } from "../../lib/given-kubeconfig.ts";
import { createRedaction } from "../../lib/redaction.ts";
import { someOf } from "../../lib/some-of.ts";
import type { Clock } from "../../world/clock.ts";
import { within } from "../../world/within.ts";
import type { Connection } from "./api-server.ts";
import { type KubeconfigDocument, NoKubeconfig, readKubeconfigDocument } from "./kubeconfig-document.ts";

export type Source = {
  /** A path, or the text of a kubeconfig, which may be in base64. */
  readonly kubeconfig?: string | undefined;
  readonly context?: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Hears what the kubeconfig holds and, before each request, what plugins and files gave for it. */
  readonly registerSecret: RegisterSecret;
  readonly clock: Clock;
};

/** The cluster that a kubeconfig names, and how messages call it. */
export type Cluster = Connection & {
  readonly context: string;
  /** The context's own, which kubectl takes where none is named. */
  readonly namespace?: string | undefined;
  /** Of the API server, with its port; without a login that the URL may carry. */
  readonly host: string;
  /** What whoever relies on the connection should know. */
  readonly doubts: readonly string[];
};

const serviceAccount = "/var/run/secrets/kubernetes.io/serviceaccount/token";

/**
 * Finds the cluster: the input, KUBECONFIG, ~/.kube/config, the pod's service account, in this order.
 * @kubernetes/client-node falls back to http://localhost:8080 without a word; here nothing found is an error.
 */
export function findCluster(source: Source): Cluster {
  const { registerSecret } = source;
  const config = read(source);
  for (const secret of secretsOf(config)) registerSecret(secret);
  if (source.context !== undefined) choose(config, source.context);
  const cluster = config.getCurrentCluster();
  if (!cluster) {
    throw new RefusedError(
      `kubeconfig: the current context "${config.currentContext}" names no cluster (contexts: ${contextsOf(config)}).`,
      {
        next: "Set the input `context`.",
      },
    );
  }
  const place = readable(cluster.server, "the server");
  if (cluster.proxyUrl) readable(cluster.proxyUrl, "the proxy-url");
  if (/^http:/i.test(cluster.server) && !cluster.skipTLSVerify) throw unencrypted(cluster);
  tellExecPlugins(config, cluster.server, cluster.caData);
  const isKept = isConstant(config);
  const login = loginBy(config, source);
  let kept: ReturnType<Connection["authorize"]> | undefined;
  return {
    server: cluster.server,
    context: config.currentContext,
    namespace: config.getContextObject(config.currentContext)?.namespace,
    host: place.host,
    async authorize() {
      kept = (isKept && kept) || login();
      const authorization = await kept;
      for (const secret of secretsInHeaders(authorization.headers)) registerSecret(secret);
      if (authorization.tls.key !== undefined) registerSecret(String(authorization.tls.key));
      return authorization;
    },
    proxy: cluster.proxyUrl || undefined,
    doubts: doubtsOf(cluster),
  };
}

/** @kubernetes/client-node wants it said as well, and says so only when a request is to be sent. */
const unencrypted = ({ name, server }: KubernetesCluster): RefusedError =>
  new RefusedError(
    `kubeconfig: the cluster "${name}" is at ${placeOf(server)}, where anybody on the way reads the login.`,
    {
      next: "Correct its `server` to https. Where that is meant, as before `kubectl proxy`, set `insecure-skip-tls-verify: true` beside it.",
    },
  );

const contextsOf = ({ contexts }: KubeConfig): string =>
  someOf(
    contexts.map(({ name }) => name),
    ", ",
    20,
  ) || "none";

/** Its value is not shown: it may have a login in it, and whoever finds no host in it finds no login either. */
function readable(url: string, what: string): URL {
  const read = URL.parse(url);
  if (read !== null && /^(https?|socks\w*):$/.test(read.protocol)) return read;
  throw new RefusedError(`kubeconfig: ${what} of the cluster is no URL whose host and port can be read.`, {
    next: "Write it as https://HOST:PORT.",
  });
}

/** https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/#Cluster */
function doubtsOf({ name, server, skipTLSVerify }: KubernetesCluster): readonly string[] {
  if (!skipTLSVerify) return [];
  const what = `the kubeconfig says insecure-skip-tls-verify for the cluster ${name}`;
  if (/^http:/i.test(server))
    return [`${what}, and an address without TLS: the token goes there for everybody to read`];
  return [
    `${what}: whoever is on the way to it can read the token and answer in its place. Give certificate-authority-data instead`,
  ];
}

/** Tokens, passwords and keys of all users, those that plugins are given, and the credentials in URLs. */
function secretsOf({ users, clusters }: KubeConfig): readonly string[] {
  const secrets: (string | undefined)[] = [];
  for (const { token, password, keyData, authProvider, exec } of users) {
    secrets.push(token, password, keyData);
    secrets.push(...secretsByName(authProvider?.config ?? {}));
    secrets.push(...secretsInArguments(exec?.args ?? []));
    for (const { name, value } of exec?.env ?? []) secrets.push(...secretsByName({ [name]: value }));
  }
  for (const { server, proxyUrl = "" } of clusters) secrets.push(...secretsInUrls(`${server} ${proxyUrl}`));
  return secrets.filter((secret) => secret !== undefined);
}

function read({ kubeconfig, env }: Source): KubeConfig {
  const config = new KubeConfig();
  const home = join(env.HOME ?? homedir(), ".kube", "config");
  if (kubeconfig !== undefined) return load(config, givenKubeconfig(kubeconfig), "the input `kubeconfig`");
  if (env.KUBECONFIG) return merge(config, env.KUBECONFIG.split(":").filter(Boolean));
  if (existsSync(home)) return load(config, { path: home }, "~/.kube/config");
  if (env.KUBERNETES_SERVICE_HOST && existsSync(serviceAccount)) {
    config.loadFromCluster();
    return config;
  }
  throw new RefusedError(
    "No cluster to release to: there is no `kubeconfig` (input or flag), no KUBECONFIG, no ~/.kube/config, and this is not a pod.",
    {
      next: "Set KUBECONFIG (in a workflow, in a step before), or give `kubeconfig` a path or the text.",
    },
  );
}

function load(config: KubeConfig, from: GivenKubeconfig, said: string): KubeConfig {
  const { text, folder } = "path" in from ? readFile(from.path, said) : { text: from.text, folder: "." };
  try {
    const document = readKubeconfigDocument(parse(text));
    config.loadFromString(JSON.stringify(document));
    if ("path" in from) config.makePathsAbsolute(folder);
    keepTokenFiles(config, document, folder);
    return config;
  } catch (error) {
    throw new RefusedError(`${said} is not a kubeconfig: ${reasonOf(error)}.`, {
      next: "What stands there is not shown, since it may be secret. It has to be a kubeconfig as kubectl writes it (kubectl config view --raw), or that in base64.",
    });
  }
}

function readFile(path: string, said: string): { readonly text: string; readonly folder: string } {
  if (!existsSync(path) && !hasPathShape(path))
    throw new RefusedError(
      `${said} is neither a file nor a kubeconfig: what was given has ${path.length} characters.`,
      {
        next: "Give it a path, the text of a kubeconfig, or that in base64. What stands there is not shown, since it may be secret.",
      },
    );
  if (!existsSync(path))
    throw new RefusedError(`${said} names the file ${path}, which does not exist.`, {
      next: "Check the path, and that an earlier step has written it.",
    });
  try {
    return { text: readStart(path), folder: dirname(path) };
  } catch (error) {
    throw new RefusedError(`${said} names ${path}, which cannot be read.`, { cause: error });
  }
}

/** No kubeconfig has more, and a file may have no end. */
const longest = 1_048_576;

/** Nothing is waited for: a pipe may have nobody who writes into it. */
function readStart(path: string): string {
  const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    if (fstatSync(file).isFIFO()) throw new Error("it is a pipe, from which nothing may ever come");
    const bytes = Buffer.alloc(longest + 1);
    let size = 0;
    for (let part = 1; part > 0 && size <= longest; size += part)
      part = readSync(file, bytes, size, bytes.length - size, null);
    if (size > longest) throw new Error(`it has more than ${longest.toLocaleString("en")} bytes`);
    return bytes.toString("utf8", 0, size);
  } finally {
    closeSync(file);
  }
}

/**
 * Where and why it cannot be read, without a word of what stands there: js-yaml shows the lines around the place, and
 * the name of an alias is whatever follows a star.
 */
function reasonOf(error: unknown): string {
  if (error instanceof YAMLException) {
    const { reason, mark } = error;
    const place = mark ? `line ${mark.line + 1}, column ${mark.column + 1}: ` : "";
    return `${place}${reason.replace(/["'<].*["'>]/gs, "…")}`;
  }
  const words = error instanceof Error ? error.message : "";
  if (error instanceof NoKubeconfig) return words;
  return /^[a-z]+\[\d+\][a-z.]* is missing$/.test(words)
    ? words
    : "it has other things than clusters, users and contexts";
}

/**
 * The library drops `tokenFile` without a word; its users carry it on from here. Relative paths are relative to the
 * kubeconfig.
 */
type UserWithFile = User & { tokenFile?: string };

function keepTokenFiles(config: KubeConfig, { users = [] }: KubeconfigDocument, folder: string): void {
  for (const { name, user } of users) {
    const found = config.users.find((known) => known.name === name) as UserWithFile | undefined;
    if (found && user?.tokenFile !== undefined) found.tokenFile = resolve(folder, user.tokenFile);
  }
}

/** Of several files those that are there, as kubectl does. */
function merge(config: KubeConfig, paths: readonly string[]): KubeConfig {
  const [first = paths[0], ...rest] = paths.filter(existsSync);
  load(config, { path: first ?? "" }, "KUBECONFIG");
  for (const path of rest) config.mergeConfig(load(new KubeConfig(), { path }, "KUBECONFIG"), true);
  return config;
}

function choose(config: KubeConfig, context: string): void {
  if (!config.getContextObject(context)) {
    throw new RefusedError(`kubeconfig: there is no context "${context}" (contexts: ${contextsOf(config)}).`, {
      next: "Correct the input `context`.",
    });
  }
  config.setCurrentContext(context);
}

/**
 * kubelogin and the aws cli want KUBERNETES_EXEC_INFO, which @kubernetes/client-node never sets:
 * https://kubernetes.io/docs/reference/access-authn-authz/authentication/#input-and-output-formats
 */
function tellExecPlugins(config: KubeConfig, server: string, ca: string | undefined): void {
  for (const { exec } of config.users) {
    if (!exec) continue;
    const spec = {
      interactive: false,
      cluster: exec.provideClusterInfo ? { server, "certificate-authority-data": ca } : undefined,
    };
    const value = JSON.stringify({
      apiVersion: exec.apiVersion ?? "client.authentication.k8s.io/v1",
      kind: "ExecCredential",
      spec,
    });
    exec.env = [...(exec.env ?? []), { name: "KUBERNETES_EXEC_INFO", value }];
  }
}

/** No plugin is asked, and no file is read, which somebody may replace. */
function isConstant(config: KubeConfig): boolean {
  const { exec, authProvider, tokenFile, certFile, keyFile }: Partial<UserWithFile> = config.getCurrentUser() ?? {};
  const { caFile } = config.getCurrentCluster() ?? {};
  return [exec, authProvider, tokenFile, certFile, keyFile, caFile].every((changing) => changing === undefined);
}

/** A plugin may ask somebody who is not there, and wait for the answer for ever. */
const longestLogin: Millis = 10_000;

/** One at a time: who asks again waits for the plugin that runs, and starts no other beside it. */
function loginBy(config: KubeConfig, { env, clock }: Source): Connection["authorize"] {
  let underWay: ReturnType<Connection["authorize"]> | undefined;
  return async () => {
    underWay ??= authorize(config, env).finally(() => {
      underWay = undefined;
    });
    const authorization = await within(underWay, longestLogin, clock);
    if (authorization) return authorization;
    throw new Error(
      `the plugin of the kubeconfig (users[].user.exec) gave none within ${formatDuration(longestLogin)}; where it asks somebody for something, nobody is there to answer`,
    );
  };
}

async function authorize(config: KubeConfig, env: Source["env"]): ReturnType<Connection["authorize"]> {
  const options: Parameters<KubeConfig["applyToHTTPSOptions"]>[0] = {};
  const files = readFiles(config);
  await config.applyToHTTPSOptions(options).catch((error: unknown) => {
    throw new Error(saidByPlugin(error, config.getCurrentUser()?.exec, env));
  });
  const headers = {
    ...(options.headers as Record<string, string> | undefined),
    ...(files.token === undefined ? {} : { authorization: `Bearer ${files.token.trim()}` }),
  };
  const { ca, cert, key, servername, rejectUnauthorized } = options;
  const tls = Object.fromEntries(
    Object.entries({ ca, cert, key, servername, rejectUnauthorized }).filter(([, value]) => value !== undefined),
  );
  return {
    headers: options.auth
      ? { ...headers, authorization: `Basic ${Buffer.from(options.auth).toString("base64")}` }
      : headers,
    tls,
  };
}

/**
 * Read each time, because they are rotated. The library reads those of certificates itself, and would wait for ever where
 * one is a pipe. Where they are stands in the kubeconfig, which may be secret.
 */
function readFiles(config: KubeConfig): { readonly token: string | undefined } {
  const { tokenFile, certFile, keyFile, name }: Partial<UserWithFile> = config.getCurrentUser() ?? {};
  const { caFile, name: cluster } = config.getCurrentCluster() ?? {};
  const read = (path: string | undefined, what: string): string | undefined => {
    try {
      return path ? readStart(path) : undefined;
    } catch (error) {
      throw new Error(`${what} cannot be read: ${withoutPath(error)}`);
    }
  };
  read(caFile, `the certificate-authority of the cluster ${cluster}`);
  read(certFile, `the client-certificate of the user ${name}`);
  read(keyFile, `the client-key of the user ${name}`);
  return { token: read(tokenFile, `the tokenFile of the user ${name}`) };
}

/** Node says which file, and where: `ENOENT: no such file or directory, open '/there'`. */
const withoutPath = (error: unknown): string =>
  String(error instanceof Error ? error.message : error).replace(/, \w+ '.*$/s, "");

/**
 * The first line that a plugin said, or the last of a traceback, without what it was given: what stands in no name's
 * place may be a password, and programs repeat their arguments and their environment.
 */
function saidByPlugin(error: unknown, exec: User["exec"], env: Source["env"]): string {
  if (error instanceof SyntaxError) return "what the plugin printed is no ExecCredential"; // it has some of it in it
  const said = error instanceof Error ? error.message : String(error);
  const { register, redact } = createRedaction();
  for (const argument of exec?.args ?? []) secretsInWords(argument).forEach(register);
  for (const { value } of exec?.env ?? []) secretsInWords(value).forEach(register);
  secretsByName(env).forEach(register);
  const lines = redact(said)
    .split("\n")
    .filter((line) => line.trim() !== "");
  return (/^Traceback/.test(lines[0] ?? "") ? lines.at(-1) : lines[0]) ?? "it said nothing";
}
