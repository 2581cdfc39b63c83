import { field, listAt, textAt } from "../../kubernetes/field.ts";
import { missingNamespace } from "../../kubernetes/missing-namespace.ts";
import { groupPath, type KubernetesObject, pathOf, type Resource } from "../../kubernetes/object.ts";
import { lackIn, ruleToAdd } from "../../kubernetes/role-rule.ts";
import type { Instant } from "../../lib/duration.ts";
import { DeniedError } from "../../lib/errors.ts";
import type { Network } from "../../world/world.ts";
import {
  type ApiAnswer,
  type ApiCall,
  apiServer,
  type Connection,
  fieldManager,
  isSuccess,
  type Listener,
  readStatus,
} from "./api-server.ts";

type MoreOfRefusal = { readonly conflicts?: readonly FieldConflict[] | undefined; readonly next?: string | undefined };

/** The API server refused: its status, its reason word, and its own message. */
export class KubernetesError extends DeniedError {
  readonly status: number;
  readonly reason: string;
  readonly conflicts: readonly FieldConflict[];

  constructor(message: string, status: number, reason: string, more: MoreOfRefusal = {}) {
    super(message, { next: more.next });
    this.status = status;
    this.reason = reason;
    this.conflicts = more.conflicts ?? [];
  }
}

/** A webhook may not support dry runs: https://kubernetes.io/docs/reference/using-api/api-concepts/#dry-run */
export const cannotBeTriedOut = ({ message }: KubernetesError): boolean => /does not support dry run/.test(message);

/** A field that an apply would change, and who has it: `.spec.template.spec.containers[name="app"].image`. */
export type FieldConflict = { readonly manager: string; readonly field: string };

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

/** Of which object, and of which version of it, a delete is meant. */
export type Preconditions = {
  readonly uid?: string | undefined;
  readonly resourceVersion?: string | undefined;
};

/**
 * Raw JSON over one kept-alive connection. Rejects with KubernetesError, UnreachableError, or the signal's AbortError.
 */
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
    options?: CallOptions & Pick<ApiCall, "doubts"> & { readonly labelSelector?: string | undefined },
  ): Promise<readonly KubernetesObject[]>;
  /** For a client that cannot list those of every namespace: the namespaces in which it knows some. */
  homes?(resource: Resource): readonly string[];
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
    options?: CallOptions & Preconditions,
  ): Promise<void>;
  /**
   * The newest lines of a container's log, of its last run if `previous`. Of more `bytes` the first ones, in whole lines.
   */
  log(namespace: string, pod: string, container: string, options: CallOptions & WantedLines): Promise<string>;
  /** The versions of a group that the server offers, preferred one first; empty when it knows no such group. */
  versions(group: string, options?: CallOptions): Promise<readonly string[]>;
  /** The kinds of one version of a group; undefined when the server does not serve it. */
  kinds(group: string, version: string, options?: CallOptions): Promise<readonly ServedKind[] | undefined>;
}

export type WantedLines = {
  readonly lines: number;
  readonly previous: boolean;
  readonly since?: Instant | undefined;
  readonly bytes?: number | undefined;
};

export type ServedKind = { readonly kind: string; readonly plural: string; readonly namespaced: boolean };

const contentTypes = {
  json: "application/json-patch+json",
  merge: "application/merge-patch+json",
  apply: "application/apply-patch+yaml",
} as const;

/** Opens a client. */
export function connect(network: Network, connection: Connection, listener: Partial<Listener> = {}): KubernetesClient {
  const server = apiServer(network, connection, listener);

  async function ask(call: ApiCall): Promise<KubernetesObject> {
    const answer = await server.patiently(call);
    if (isSuccess(answer)) return answer.json as KubernetesObject;
    throw refusal(call, answer);
  }

  return {
    async get(resource, namespace, name, { signal } = {}) {
      try {
        return await ask({ method: "GET", path: pathOf(resource, namespace, name), signal, isMeant: isNamed(name) });
      } catch (error) {
        if (error instanceof KubernetesError && error.status === 404) return undefined;
        throw error;
      }
    },
    async list(resource, namespace, { labelSelector, signal, doubts } = {}) {
      const query: Record<string, string> = labelSelector === undefined ? {} : { labelSelector };
      const path = pathOf(resource, namespace);
      const { items, apiVersion } = await ask({ method: "GET", path, query, signal, doubts, isMeant: has("items") });
      // Items of a list come without apiVersion and kind.
      return (items as readonly KubernetesObject[]).map((item) => ({ ...item, apiVersion, kind: resource.kind }));
    },
    create: (resource, namespace, body, options) =>
      ask({ method: "POST", path: pathOf(resource, namespace), body, isMeant: isOf(resource), ...writing(options) }),
    replace: (resource, namespace, name, body, options) =>
      ask({
        method: "PUT",
        path: pathOf(resource, namespace, name),
        body,
        isMeant: isNamed(name),
        ...writing(options),
      }),
    patch(resource, namespace, name, patch, options) {
      const path = pathOf(resource, namespace, name);
      const { query, signal } = writing(options);
      if (patch.type === "apply") query.force = String(patch.force);
      const { [patch.type]: contentType } = contentTypes;
      return ask({ method: "PATCH", path, query, body: patch.body, contentType, signal, isMeant: isNamed(name) });
    },
    async delete(resource, namespace, name, { dryRun, uid, resourceVersion, signal } = {}) {
      // The server does not read the query of a delete that has a body: `dryRun` there would delete for real.
      const body = {
        apiVersion: "v1",
        kind: "DeleteOptions",
        propagationPolicy: "Background",
        dryRun: dryRun ? ["All"] : undefined,
        preconditions: { uid, resourceVersion },
      };
      const call: ApiCall = { method: "DELETE", path: pathOf(resource, namespace, name), body, signal };
      const answer = await server.patiently(call);
      if (!(answer.status < 300 || answer.status === 404)) throw refusal(call, answer);
    },
    async log(namespace, pod, container, { signal, ...options }) {
      const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(pod)}/log`;
      const query = { container, ...logQuery(options) };
      const call: ApiCall = { method: "GET", path, query, signal };
      const answer = await server.once(call); // a log is a comfort: it is asked for once
      if (answer.status !== 200) throw refusal(call, answer);
      const text = inWholeLines(answer.text, options.bytes); // half a secret would be found no more
      return listener.redact?.(text) ?? text; // a line of it may be JSON
    },
    async versions(group, { signal } = {}) {
      const path = `/apis/${encodeURIComponent(group)}`;
      const call: ApiCall = { method: "GET", path, signal, isMeant: has("versions") };
      const answer = await server.patiently(call);
      if (answer.status === 404) return [];
      if (answer.status !== 200) throw refusal(call, answer);
      return versionsIn(answer.json);
    },
    async kinds(group, version, { signal } = {}) {
      const call: ApiCall = { method: "GET", path: groupPath(group, version), signal, isMeant: has("resources") };
      const answer = await server.patiently(call);
      if (answer.status === 404) return undefined;
      if (answer.status !== 200) throw refusal(call, answer);
      return kindsIn(answer.json);
    },
  };
}

/** Any object is named by what wrote it; another one than was asked for, or `{}`, comes from a proxy on the way. */
const isNamed =
  (name: string) =>
  (json: unknown): boolean =>
    textAt(json, "metadata", "name") === name;

const isOf =
  ({ kind }: Resource) =>
  (json: unknown): boolean =>
    textAt(json, "kind") === kind;

const has =
  (key: string) =>
  (json: unknown): boolean =>
    typeof field(json, key) === "object";

function writing({ dryRun, signal }: CallOptions = {}) {
  const query: Record<string, string> = { fieldManager };
  if (dryRun) query.dryRun = "All";
  return { query, signal };
}

function logQuery({ lines, previous, since, bytes }: WantedLines): Readonly<Record<string, string>> {
  const query: Record<string, string> = { tailLines: String(lines), previous: String(previous) };
  if (since !== undefined) query.sinceTime = new Date(since).toISOString();
  if (bytes !== undefined) query.limitBytes = String(bytes);
  return query;
}

const inWholeLines = (text: string, bytes = Infinity): string =>
  Buffer.byteLength(text) < bytes ? text : text.slice(0, text.lastIndexOf("\n") + 1);

function versionsIn(group: unknown): readonly string[] {
  const { versions, preferredVersion } = group as {
    versions: { version: string }[];
    preferredVersion?: { version: string };
  };
  const served = versions.map(({ version }) => version);
  return preferredVersion ? [...new Set([preferredVersion.version, ...served])] : served;
}

/** Subresources stand in the list as well, with a slash in their names. */
const kindsIn = (list: unknown): readonly ServedKind[] =>
  listAt(list, "resources").flatMap((resource) => {
    const [kind, plural] = [textAt(resource, "kind"), textAt(resource, "name")];
    if (kind === undefined || plural === undefined || plural.includes("/")) return [];
    return [{ kind, plural, namespaced: field(resource, "namespaced") === true }];
  });

/** https://kubernetes.io/docs/reference/using-api/server-side-apply/#conflicts */
const conflictsIn = (status: unknown): readonly FieldConflict[] =>
  listAt(status, "details", "causes").flatMap((cause) => {
    const [, manager] = /^conflict with "([^"]+)"/.exec(textAt(cause, "message") ?? "") ?? [];
    if (textAt(cause, "reason") !== "FieldManagerConflict" || manager === undefined) return [];
    return [{ manager, field: textAt(cause, "field") ?? "" }];
  });

function refusal({ method, path }: ApiCall, answer: ApiAnswer): KubernetesError {
  const { status } = answer;
  const { message, reason } = readStatus(answer);
  const namespace = namespaceMissedBy(answer);
  if (namespace !== undefined) {
    const { what, next } = missingNamespace(namespace);
    return new KubernetesError(what, status, reason, { next });
  }
  const text = `${method} ${path}: ${message || `the API server answered ${status}`}`;
  return new KubernetesError(text, status, reason, { conflicts: conflictsIn(answer.json), next: remedyFor(answer) });
}

/** Whoever creates something in a namespace that is not there is told of the namespace, not of the object. */
const namespaceMissedBy = ({ status, json }: ApiAnswer): string | undefined =>
  status === 404 && textAt(json, "details", "kind") === "namespaces" ? textAt(json, "details", "name") : undefined;

/** Who is not known, or may not. */
function remedyFor(answer: ApiAnswer): string | undefined {
  const { status } = answer;
  if (status !== 401 && status !== 403) return undefined;
  const { isStatus, message } = readStatus(answer);
  if (!isStatus) return "It does not speak as an API server does: a proxy on the way may have said it.";
  if (status === 401) return "The login that the kubeconfig gives is not valid, or not any more.";
  const lack = lackIn(message);
  return lack && ruleToAdd(lack);
}
