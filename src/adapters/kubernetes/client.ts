import type { Agent } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { type KubernetesObject, pathOf, type Resource } from "../../kubernetes/object.ts";
import { DeniedError, UnreachableError } from "../../lib/errors.ts";
import { exchange, openAgent, type Tls } from "../../lib/exchange.ts";

/** How to reach an API server. `authorize` is asked before each request, because tokens expire. */
export type Connection = {
  readonly server: string;
  /** URL of an HTTP proxy on the way to the server. */
  readonly proxy?: string;
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

export type Options = {
  readonly signal?: AbortSignal;
  /** Server-side dry run: admission (istiod's webhook too) sees the request, nothing is stored. */
  readonly dryRun?: boolean;
};

/** Raw JSON over one kept-alive connection. Rejects with KubernetesError, UnreachableError, or the signal's AbortError. */
export interface KubernetesClient {
  /** Undefined when there is no such object. */
  get(
    resource: Resource,
    namespace: string | undefined,
    name: string,
    options?: Options,
  ): Promise<KubernetesObject | undefined>;
  list(
    resource: Resource,
    namespace: string | undefined,
    options?: Options & { readonly labelSelector?: string },
  ): Promise<readonly KubernetesObject[]>;
  create(
    resource: Resource,
    namespace: string | undefined,
    object: unknown,
    options?: Options,
  ): Promise<KubernetesObject>;
  /** Compare-and-set when the object carries its resourceVersion. */
  replace(
    resource: Resource,
    namespace: string | undefined,
    name: string,
    object: unknown,
    options?: Options,
  ): Promise<KubernetesObject>;
  patch(
    resource: Resource,
    namespace: string | undefined,
    name: string,
    patch: Patch,
    options?: Options,
  ): Promise<KubernetesObject>;
  /** Resolves also when the object is gone already. Dependents are deleted in the background. */
  delete(
    resource: Resource,
    namespace: string | undefined,
    name: string,
    options?: Options & { readonly uid?: string },
  ): Promise<void>;
  /** The newest lines of a container's log, of its last run if `previous`. */
  log(
    namespace: string,
    pod: string,
    container: string,
    options: Options & { readonly lines: number; readonly previous: boolean },
  ): Promise<string>;
  /** The versions of a group that the server offers, preferred one first; empty when it knows no such group. */
  versions(group: string, options?: Options): Promise<readonly string[]>;
  close(): Promise<void>;
}

const contentTypes = {
  json: "application/json-patch+json",
  merge: "application/merge-patch+json",
  apply: "application/apply-patch+yaml",
} as const;

/** Appears in `metadata.managedFields`, so that people see who wrote. */
export const fieldManager = "istio-canary";

const attemptTimeout = 10_000;
const pauses = [200, 500, 1_000, 2_000, 4_000];

type Call = {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly contentType?: string;
  readonly signal?: AbortSignal | undefined;
};

/** Opens a client. `onWarning` gets the server's `Warning:` headers: istiod's webhook speaks through them. */
export function connect(connection: Connection, onWarning: (warning: string) => void = () => {}): KubernetesClient {
  let pool: { readonly tls: string; readonly agent: Agent } | undefined;

  /** One kept-alive pool; a client certificate that was renewed gets a new one. */
  const agentFor = (url: URL, tls: Tls): Agent => {
    const key = JSON.stringify(tls);
    if (pool?.tls !== key) {
      pool?.agent.destroy();
      pool = { tls: key, agent: openAgent(url, tls, connection.proxy) };
    }
    return pool.agent;
  };

  async function attempt(
    call: Call,
  ): Promise<{ readonly status: number; readonly text: string; readonly retryAfter?: number }> {
    const { headers, tls } = await connection.authorize();
    const url = new URL(connection.server.replace(/\/$/, "") + call.path);
    for (const [key, value] of Object.entries(call.query ?? {})) url.searchParams.set(key, value);
    const answer = await exchange({
      method: call.method,
      url,
      agent: agentFor(url, tls),
      timeout: attemptTimeout,
      signal: call.signal,
      headers: {
        accept: "application/json",
        "user-agent": fieldManager,
        ...headers,
        ...(call.body === undefined ? {} : { "content-type": call.contentType ?? "application/json" }),
      },
      body: call.body === undefined ? undefined : JSON.stringify(call.body),
    });
    for (const warning of warningsIn(answer.headers.warning)) onWarning(warning);
    const retryAfter = Number(answer.headers["retry-after"]);
    return { status: answer.status, text: answer.text, ...(retryAfter > 0 ? { retryAfter: retryAfter * 1_000 } : {}) };
  }

  /** Repeats what may be repeated: no answer, 429, and 5xx. Every write of ours is absolute or compare-and-set. */
  async function send(call: Call): Promise<{ readonly status: number; readonly text: string }> {
    for (let tries = 0; ; tries++) {
      call.signal?.throwIfAborted();
      const pause = pauses[tries];
      try {
        const answer = await attempt(call);
        if (!isPassing(answer)) return answer;
        const message = `${call.method} ${call.path}: the API server answered ${answer.status}: ${messageOf(answer.text)}`;
        // A webhook that denies or fails speaks as 500 "InternalError"; that is tried again too, it may be restarting.
        if (pause === undefined) throw new UnreachableError(message);
        await sleep(Math.min(answer.retryAfter ?? pause, 5_000), undefined, call.signal ? { signal: call.signal } : {});
      } catch (error) {
        call.signal?.throwIfAborted();
        if (error instanceof UnreachableError) throw error;
        if (pause === undefined) {
          throw new UnreachableError(
            `the API server at ${connection.server} did not answer ${call.method} ${call.path}`,
            { cause: error },
          );
        }
        await sleep(pause, undefined, call.signal ? { signal: call.signal } : {});
      }
    }
  }

  async function ask(call: Call): Promise<KubernetesObject> {
    const { status, text } = await send(call);
    if (status >= 200 && status < 300) return JSON.parse(text) as KubernetesObject;
    throw refusal(call, status, text);
  }

  const writeQuery = (options?: Options): Record<string, string> => ({
    fieldManager,
    ...(options?.dryRun ? { dryRun: "All" } : {}),
  });

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
    patch: (resource, namespace, name, patch, options) =>
      ask({
        method: "PATCH",
        path: pathOf(resource, namespace, name),
        query: { ...writeQuery(options), ...(patch.type === "apply" ? { force: String(patch.force) } : {}) },
        body: patch.body,
        contentType: contentTypes[patch.type],
        signal: options?.signal,
      }),
    async delete(resource, namespace, name, options) {
      // The server does not read the query of a delete that has a body: `dryRun` there would delete for real.
      const chosen = {
        ...(options?.dryRun ? { dryRun: ["All"] } : {}),
        ...(options?.uid ? { preconditions: { uid: options.uid } } : {}),
      };
      const body = { apiVersion: "v1", kind: "DeleteOptions", propagationPolicy: "Background", ...chosen };
      const call: Call = { method: "DELETE", path: pathOf(resource, namespace, name), body, signal: options?.signal };
      const { status, text } = await send(call);
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
      const { status, text } = await send(call);
      if (status === 404) return [];
      if (status !== 200) throw refusal(call, status, text);
      const { versions, preferredVersion } = JSON.parse(text) as {
        versions: { version: string }[];
        preferredVersion?: { version: string };
      };
      const served = versions.map(({ version }) => version);
      return preferredVersion
        ? [preferredVersion.version, ...served.filter((version) => version !== preferredVersion.version)]
        : served;
    },
    close: async () => pool?.agent.destroy(),
  };
}

/**
 * Too busy, or broken for the moment. A 500 that is a Status without a reason is a refusal all the same: so the API
 * server answers an apply with a field of a wrong type, and a create with a resourceVersion.
 */
function isPassing({ status, text }: { readonly status: number; readonly text: string }): boolean {
  if (status === 429 || status > 500) return true;
  const told = status === 500 ? statusOf(text) : undefined;
  return status === 500 && (told?.message === undefined || (told.reason ?? "") !== "");
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
