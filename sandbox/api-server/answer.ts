import { parseApply, parseBody, parseJson, parseObject, parsePatch } from "./body.ts";
import { apiVersionOf, type Kind } from "./kind.ts";
import { parseLabelSelector } from "./label-selector.ts";
import { isObject, type SentObject, type StoredObject } from "./object.ts";
import type { Objects, WriteContext } from "./objects.ts";
import { jsonPatch, mergePatch } from "./patch.ts";
import type { LogQuery } from "./pod-log.ts";
import type { ObjectRequest, WriteOptions } from "./route.ts";
import { readScale, writeScale } from "./scale.ts";
import {
  badRequest,
  invalidOptions,
  methodNotAllowed,
  notFound,
  unknownPatchType,
  unsupportedMediaType,
} from "./status.ts";
import type { Store } from "./store.ts";
import { strategicMergePatch } from "./strategic-merge-patch.ts";

export type Answer = { readonly status: number; readonly body: unknown; readonly warnings: readonly string[] };

export type Call = {
  readonly request: ObjectRequest;
  readonly query: URLSearchParams;
  readonly contentType: string;
  readonly body: string;
  readonly options: WriteOptions;
};

type Parts = {
  readonly store: Store;
  readonly objects: Objects;
  readonly podLog: (pod: StoredObject, query: LogQuery) => string;
};

/** Does what a request for objects asks. Throws ApiError. */
export function answer(parts: Parts, call: Call): Answer {
  const warnings: string[] = [];
  const respond = (status: number, object: unknown): Answer => ({ status, body: object, warnings });
  const { kind, version, namespace, name, subresource, verb } = call.request;
  const { manager, dryRun } = call.options;
  const context: WriteContext = {
    kind,
    version,
    namespace,
    manager,
    dryRun,
    ...(subresource === "status" ? { subresource: "status" as const } : {}),
    onWarning: (warning) => warnings.push(warning),
  };
  const shown = (object: StoredObject): unknown => ({ ...object, apiVersion: apiVersionOf(kind, version) });
  if (subresource === "log") return respond(200, parts.podLog(find(parts.store, call.request), call.query));
  if (subresource === "scale") return respond(200, scale(parts, call, context));
  switch (verb) {
    case "get":
      return respond(200, shown(find(parts.store, call.request)));
    case "list":
      return respond(200, list(parts.store, call));
    case "create":
      return respond(201, shown(parts.objects.create(context, parseBody(call.body, call.contentType, kind.kind))));
    case "update":
      return respond(
        200,
        shown(parts.objects.update(context, name, parseBody(call.body, call.contentType, kind.kind))),
      );
    case "patch": {
      const { object, created } = patch(parts.objects, context, call);
      return respond(created ? 201 : 200, shown(object));
    }
    case "delete":
      return respond(200, remove(parts, call, find(parts.store, call.request)));
    case "deletecollection":
      throw methodNotAllowed();
  }
}

function find(store: Store, { kind, namespace, name }: ObjectRequest): StoredObject {
  const object = store.get(kind, namespace, name);
  if (object === undefined) throw notFound(kind, name);
  return object;
}

function list(store: Store, { request, query }: Call): unknown {
  const { kind, version, namespace } = request;
  const selects = parseLabelSelector(query.get("labelSelector") ?? "");
  const fields = parseFieldSelector(query.get("fieldSelector") ?? "", kind);
  const found = store.list(kind, namespace).filter((object) => selects(object.metadata.labels ?? {}) && fields(object));
  const apiVersion = apiVersionOf(kind, version);
  // Items of built-in kinds come without apiVersion and kind, those of custom resources with them.
  const items = found.map(({ apiVersion: _, kind: __, ...rest }) =>
    kind.custom ? { apiVersion, kind: kind.kind, ...rest } : rest,
  );
  return { kind: `${kind.kind}List`, apiVersion, metadata: { resourceVersion: store.resourceVersion() }, items };
}

const selectableFields = ["metadata.name", "metadata.namespace"];
const selectablePodFields = ["spec.nodeName", "status.phase", "status.podIP"];

/** `metadata.name=x`, `status.phase!=Running`: a path, an operator, a value. */
function parseFieldSelector(text: string, kind: Kind): (object: StoredObject) => boolean {
  const known = [...selectableFields, ...(kind.kind === "Pod" ? selectablePodFields : [])];
  const terms = text
    .split(",")
    .filter((term) => term !== "")
    .map((term) => {
      const [, path = term, operator, value = ""] = /^([^=!]+)(==?|!=)(.*)$/.exec(term) ?? [];
      if (!known.includes(path))
        throw badRequest(
          `"${path}" is not a known field selector: only ${selectableFields.map((field) => `"${field}"`).join(", ")}`,
        );
      return { path: path.split("."), equal: operator !== "!=", value };
    });
  const read = (object: StoredObject, path: readonly string[]): string =>
    String(path.reduce<unknown>((at, field) => (isObject(at) ? at[field] : undefined), object) ?? "");
  return (object) => terms.every(({ path, equal, value }) => (read(object, path) === value) === equal);
}

type Patching = (present: unknown, body: unknown) => unknown;

const patches: Readonly<Record<string, Patching>> = {
  "application/json-patch+json": jsonPatch,
  "application/merge-patch+json": mergePatch,
  "application/strategic-merge-patch+json": strategicMergePatch,
};
const applyType = "application/apply-patch+yaml";

function patch(
  objects: Objects,
  context: WriteContext,
  { request, contentType, body, options }: Call,
): { readonly object: StoredObject; readonly created: boolean } {
  const accepted = [
    ...Object.keys(patches).filter((type) => !(request.kind.custom && type.includes("strategic"))),
    applyType,
  ];
  if (!accepted.includes(contentType))
    throw contentType in patches ? unsupportedMediaType(accepted) : unknownPatchType();
  if (contentType === applyType) {
    if (!options.managerGiven)
      throw invalidOptions(
        "PatchOptions",
        "fieldManager",
        "FieldValueRequired",
        "Required value: is required for apply patch",
      );
    return objects.apply(context, request.name, parseApply(body), options.force);
  }
  if (options.force)
    throw invalidOptions(
      "PatchOptions",
      "force",
      "FieldValueForbidden",
      "Forbidden: may not be specified for non-apply patch",
    );
  const change = patches[contentType];
  const object = objects.patch(context, request.name, (present) => {
    const patched = change?.(present, parsePatch(body));
    if (!isObject(patched)) throw badRequest("the patched object is no object");
    return patched;
  });
  return { object, created: false };
}

function scale({ store, objects }: Parts, { request, contentType, body }: Call, context: WriteContext): unknown {
  const present = find(store, request);
  if (request.verb === "get") return readScale(present);
  const patched =
    request.verb === "update" ? parseJson(body) : patches[contentType]?.(readScale(present), parsePatch(body));
  return readScale(objects.patch(context, request.name, (object) => writeScale(object, patched)));
}

/** Options are in the body or in the query: the server does not look at the query when there is a body, not even for `dryRun`. */
function deleteOptions({ request, query, body }: Call): SentObject {
  if (body !== "") return parseObject(body, request.kind.kind);
  return Object.fromEntries(
    ["dryRun", "gracePeriodSeconds", "propagationPolicy"]
      .filter((name) => query.has(name))
      .map((name) => [name, name === "dryRun" ? query.getAll(name) : query.get(name)]),
  );
}

const policies = ["Foreground", "Background", "Orphan"];

function remove({ objects }: Parts, call: Call, object: StoredObject): unknown {
  const { request } = call;
  const { preconditions: given, gracePeriodSeconds: grace, propagationPolicy: policy, dryRun } = deleteOptions(call);
  const preconditions = isObject(given) ? given : {};
  if (policy !== undefined && !policies.includes(String(policy))) {
    const supported = [...policies, "nil"].map((name) => JSON.stringify(name)).join(", ");
    throw invalidOptions(
      "DeleteOptions",
      "propagationPolicy",
      "FieldValueNotSupported",
      `Unsupported value: ${JSON.stringify(policy)}: supported values: ${supported}`,
    );
  }
  const left = objects.delete(request.kind, object, {
    ...(typeof preconditions.uid === "string" ? { uid: preconditions.uid } : {}),
    ...(typeof preconditions.resourceVersion === "string" ? { resourceVersion: preconditions.resourceVersion } : {}),
    ...(grace === undefined || grace === null ? {} : { gracePeriodSeconds: Number(grace) }),
    orphan: policy === "Orphan",
    dryRun: Array.isArray(dryRun) && dryRun.includes("All"),
  });
  if (left !== undefined) return left;
  const { group, plural } = request.kind;
  const { name, uid } = object.metadata;
  return {
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Success",
    details: { name, ...(group === "" ? {} : { group }), kind: plural, uid },
  };
}
