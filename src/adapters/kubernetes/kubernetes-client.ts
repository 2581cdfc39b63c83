import { type KubernetesObject, pathOf, type Resource } from "../../kubernetes/object.ts";
import type { Millis } from "../../lib/duration.ts";
import { DeniedError, UnreachableError } from "../../lib/errors.ts";
import { type RetryPolicy, retry } from "../../world/retry.ts";
import { send } from "../../world/send.ts";
import type { HttpAnswer, Tls } from "../../world/transport.ts";
import type { Network } from "../../world/world.ts";

/** How to reach an API server. `authorize` is asked before each request, because tokens expire. */
export type Connection = {
  readonly server: string;
  /** URL of an HTTP proxy on the way to the server. By default the one that the environment names. */
  readonly proxy?: string | undefined;
  readonly authorize: () => Promise<{ readonly headers: Readonly<Record<string, string>>; readonly tls: Tls }>;
};

/** The API server refused: its status, its reason word, and its own message. */
export class KubernetesError extends DeniedError {
  readonly status: number;
  readonly reason: string;

  constructor(message: string, status: number, reason: string) {
    super(message);
    this.status = status;
    this.reason = reason;
  }
}

/** JSON Patch (RFC 6902) operations that this program writes. */
export type PatchOperation =
  | { readonly op: "test" | "add" | "replace"; readonly path: string; readonly value: unknown }
  | { readonly op: "remove"; readonly path: string };

/** Each kind of patch has its own content type; strategic merge is refused for custom resources, so it is not here. */
export type Patch =
  | { readonly type: "json"; readonly body: readonly PatchOperation[] }
  | { readonly type: "merge"; readonly body: unknown }
  | { readonly type: "apply"; readonly body: unknown; readonly force: boolean };

export type CallOptions = {
  readonly signal?: AbortSignal | undefined;
  /** Server-side dry run: admission (istiod's webhook too) sees the request, nothing is stored. */
  readonly dryRun?: boolean | undefined;
};

/** Raw JSON over one kept-alive connection. Rejects with KubernetesError, UnreachableError, or the signal's AbortError. */
export interface KubernetesClient {
  /** Undefined when there is no such object. */
  get(
    resource: Resource,
    namespace: string | undefined,
    name: string,
    options?: CallOptions,
  ): Promise<KubernetesObject | undefined>;
  list(
    resource: Resource,
    namespace: string | undefined,
    options?: CallOptions & { readonly labelSelector?: string | undefined },
  ): Promise<readonly KubernetesObject[]>;
  create(
    resource: Resource,
    namespace: string | undefined,
    object: unknown,
    options?: CallOptions,
  ): Promise<KubernetesObject>;
  /** Compare-and-set when the object carries its resourceVersion. */
  replace(
    resource: Resource,
    namespace: string | undefined,
    name: string,
    object: unknown,
    options?: CallOptions,
  ): Promise<KubernetesObject>;
  patch(
    resource: Resource,
    namespace: string | undefined,
    name: string,
    patch: Patch,
    options?: CallOptions,
  ): Promise<KubernetesObject>;
  /** Resolves also when the object is gone already. Dependents are deleted in the background. */
  delete(
    resource: Resource,
    namespace: string | undefined,
    name: string,
    options?: CallOptions & { readonly uid?: string | undefined },
  ): Promise<void>;
  /** The newest lines of a container's log, of its last run if `previous`. */
  log(
    namespace: string,
    pod: string,
    container: string,
    options: CallOptions & { readonly lines: number; readonly previous: boolean },
  ): Promise<string>;
  /** The versions of a group that the server offers, preferred one first; empty when it knows no such group. */
  versions(group: string, options?: CallOptions): Promise<readonly string[]>;
}

const contentTypes = {
  json: "application/json-patch+json",
  merge: "application/merge-patch+json",
  apply: "application/apply-patch+yaml",
} as const;

/** Appears in `metadata.managedFields`, so that people see who wrote. */
export const fieldManager = "istio-canary";

const attemptTimeout: Millis = 10_000;

/** Every write of ours is absolute or compare-and-set, so each may be sent again. */
const patience: RetryPolicy = {
  pauses: [200, 500, 1_000, 2_000, 4_000],
  isPassing,
  longestPause: 5_000,
  beyond: "come back early",
};

type Call = {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly contentType?: string;
  readonly signal?: AbortSignal | undefined;
};

/** Opens a client. `onWarning` gets the server's `Warning:` headers: istiod's webhook speaks through them. */
export function connect(
  network: Network,
  connection: Connection,
  onWarning: (warning: string) => void = () => {},
): KubernetesClient {
  async function attempt({ method, path, query = {}, body, contentType, signal }: Call): Promise<HttpAnswer> {
    const { headers: authorization, tls } = await connection.authorize();
    const url = new URL(connection.server.replace(/\/$/, "") + path);
    for (const [key, value] of Object.entries(query)) url.searchParams.set(key, value);
    const headers: Record<string, string> = {
      accept: "application/json",
      "user-agent": fieldManager,
      ...authorization,
    };
    if (body !== undefined) headers["content-type"] = contentType ?? "application/json";
    const text = body === undefined ? undefined : JSON.stringify(body);
    const request = { method, url, headers, body: text, tls, proxy: connection.proxy, signal };
    const answer = await send(network, request, attemptTimeout);
    for (const warning of warningsIn(answer.headers.warning)) onWarning(warning);
    return answer;
  }

  /** The answer of a server that is neither away nor too busy. */
  async function reach(call: Call): Promise<HttpAnswer> {
    const { method, path, signal } = call;
    const answer = await retry(() => attempt(call), patience, network.clock, signal).catch((cause: unknown) => {
      signal?.throwIfAborted();
      throw new UnreachableError(`the API server at ${connection.server} did not answer ${method} ${path}`, { cause });
    });
    if (!isPassing(answer)) return answer;
    const { status, text } = answer;
    throw new UnreachableError(`${method} ${path}: the API server answered ${status}: ${messageOf(text)}`);
  }

  async function ask(call: Call): Promise<KubernetesObject> {
    const { status, text } = await reach(call);
    if (status >= 200 && status < 300) return JSON.parse(text) as KubernetesObject;
    throw refusal(call, status, text);
  }

  function writeQuery(options?: CallOptions): Record<string, string> {
    const query: Record<string, string> = { fieldManager };
    if (options?.dryRun) query.dryRun = "All";
    return query;
  }

  return {
    async get(resource, namespace, name, options) {
      try {
        return await ask({ method: "GET", path: pathOf(resource, namespace, name), signal: options?.signal });
      } catch (error) {
        if (error instanceof KubernetesError && error.status === 404) return undefined;
        throw error;
      }
    },
    async list(resource, namespace, options) {
      const query = options?.labelSelector === undefined ? {} : { labelSelector: options.labelSelector };
      const { items, apiVersion } = await ask({
        method: "GET",
        path: pathOf(resource, namespace),
        query,
        signal: options?.signal,
      });
      // Items of a list come without apiVersion and kind.
      return (items as readonly KubernetesObject[]).map((item) => ({ ...item, apiVersion, kind: resource.kind }));
    },
    create: (resource, namespace, object, options) =>
      ask({
        method: "POST",
        path: pathOf(resource, namespace),
        query: writeQuery(options),
        body: object,
        signal: options?.signal,
      }),
    replace: (resource, namespace, name, object, options) =>
      ask({
        method: "PUT",
        path: pathOf(resource, namespace, name),
        query: writeQuery(options),
        body: object,
        signal: options?.signal,
      }),
    patch(resource, namespace, name, patch, options) {
      const query = writeQuery(options);
      if (patch.type === "apply") query.force = String(patch.force);
      return ask({
        method: "PATCH",
        path: pathOf(resource, namespace, name),
        query,
        body: patch.body,
        contentType: contentTypes[patch.type],
        signal: options?.signal,
      });
    },
    async delete(resource, namespace, name, options) {
      // The server does not read the query of a delete that has a body: `dryRun` there would delete for real.
      const body = {
        apiVersion: "v1",
        kind: "DeleteOptions",
        propagationPolicy: "Background",
        dryRun: options?.dryRun ? ["All"] : undefined,
        preconditions: options?.uid ? { uid: options.uid } : undefined,
      };
      const call: Call = { method: "DELETE", path: pathOf(resource, namespace, name), body, signal: options?.signal };
      const { status, text } = await reach(call);
      if (!(status < 300 || status === 404)) throw refusal(call, status, text);
    },
    async log(namespace, pod, container, options) {
      const query = { container, tailLines: String(options.lines), previous: String(options.previous) };
      const call: Call = {
        method: "GET",
        path: `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(pod)}/log`,
        query,
        signal: options.signal,
      };
      const { status, text } = await attempt(call); // a log is a comfort: it is asked for once
      if (status !== 200) throw refusal(call, status, text);
      return text;
    },
    async versions(group, options) {
      const call: Call = { method: "GET", path: `/apis/${encodeURIComponent(group)}`, signal: options?.signal };
      const { status, text } = await reach(call);
      if (status === 404) return [];
      if (status !== 200) throw refusal(call, status, text);
      const { versions, preferredVersion } = JSON.parse(text) as {
        versions: { version: string }[];
        preferredVersion?: { version: string };
      };
      const served = versions.map(({ version }) => version);
      return preferredVersion ? [...new Set([preferredVersion.version, ...served])] : served;
    },
  };
}

/**
 * Too busy, or broken for the moment; a webhook that denies or fails speaks as 500 "InternalError", and may be restarting. A 500 that is a Status without a reason is a refusal all the same: so the API
 * server answers an apply with a field of a wrong type, and a create with a resourceVersion.
 */
function isPassing({ status, text }: HttpAnswer): boolean {
  if (status === 429 || status > 500) return true;
  if (status < 500) return false;
  const refusal = statusOf(text);
  return refusal?.message === undefined || (refusal.reason ?? "") !== "";
}

function refusal(call: Call, status: number, text: string): KubernetesError {
  return new KubernetesError(
    `${call.method} ${call.path}: ${messageOf(text) || `the API server answered ${status}`}`,
    status,
    statusOf(text)?.reason ?? "",
  );
}

const messageOf = (text: string): string => statusOf(text)?.message ?? text.trim().slice(0, 300);

function statusOf(text: string): { readonly message?: string; readonly reason?: string } | undefined {
  try {
    return JSON.parse(text) as { message?: string; reason?: string };
  } catch {
    return undefined; // proxies in front of API servers answer in HTML
  }
}

/** `299 - "text"`, several to a header, quotes escaped: https://www.rfc-editor.org/rfc/rfc7234#section-5.5 */
function warningsIn(header: string | undefined): readonly string[] {
  const text = header ?? "";
  return [...text.matchAll(/\d{3} \S+ "((?:[^"\\]|\\.)*)"/g)].map(([, quoted]) =>
    (quoted ?? "").replace(/\\(.)/g, "$1"),
  );
}
