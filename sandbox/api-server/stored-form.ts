import { uuid } from "../../src/lib/uuid.ts";
import { firstStatus } from "./defaults.ts";
import { apiVersionOf, type Kind, kindOf } from "./kind.ts";
import { isObject, type Metadata, type SentObject, type StoredObject, timestamp, withoutUndefined } from "./object.ts";
import { type ApiError, badRequest, conflict, invalid, modified } from "./status.ts";

/** What the server puts over a sent object: identity, times, and the half (spec or status) that this URL does not write. */
export function storedForm(
  kind: Kind,
  namespace: string | undefined,
  before: StoredObject | undefined,
  sent: SentObject,
  options: { readonly subresource?: string | undefined; readonly now: number; readonly random: () => number },
): StoredObject {
  if (before !== undefined && options.subresource === "status")
    return { ...before, ...withoutUndefined({ status: sent.status }) };
  const { status, ...rest } = sent;
  const kept = kind.status
    ? before === undefined
      ? kind.custom
        ? undefined
        : firstStatus[kind.kind]
      : before.status
    : status;
  return {
    ...rest,
    ...withoutUndefined({ status: kept }),
    apiVersion: apiVersionOf(kind),
    kind: kind.kind,
    metadata: before === undefined ? newMetadata(kind, namespace, sent, options) : keptMetadata(before, sent),
  };
}

/** What the server gives to an object besides defaults, without anybody owning it. */
export function allocate(kind: Kind, before: StoredObject | undefined, object: StoredObject): StoredObject {
  if (kind.kind === "Namespace") return { ...object, spec: { finalizers: ["kubernetes"] } };
  if (kind.kind !== "Service") return object;
  const spec = isObject(object.spec) ? object.spec : {};
  const given = spec.clusterIP ?? (isObject(before?.spec) ? before.spec.clusterIP : undefined);
  const clusterIP = typeof given === "string" && given !== "" ? given : addressOf(object.metadata.uid);
  return {
    ...object,
    spec: { ipFamilies: ["IPv4"], ipFamilyPolicy: "SingleStack", ...spec, clusterIP, clusterIPs: [clusterIP] },
  };
}

/** An address of the service network, by chance and yet always the same. */
const addressOf = (uid: string): string =>
  `10.96.${Number.parseInt(uid.slice(0, 2), 16)}.${(Number.parseInt(uid.slice(2, 4), 16) % 254) + 1}`;

type Named = Partial<Metadata> & { readonly name: string };

function newMetadata(
  kind: Kind,
  namespace: string | undefined,
  sent: SentObject,
  { now, random }: { readonly now: number; readonly random: () => number },
): Metadata {
  const { name = "", managedFields: _, resourceVersion: __, deletionTimestamp: ___, ...rest } = sent.metadata ?? {};
  const labels = kind.plural === "namespaces" ? { ...rest.labels, "kubernetes.io/metadata.name": name } : rest.labels;
  return tidy({
    ...rest,
    name,
    labels,
    namespace: kind.namespaced ? namespace : undefined,
    uid: uuid(random),
    resourceVersion: "",
    creationTimestamp: timestamp(now),
  });
}

function keptMetadata({ metadata }: StoredObject, sent: SentObject): Metadata {
  const {
    name,
    namespace,
    uid,
    resourceVersion,
    creationTimestamp,
    deletionTimestamp,
    deletionGracePeriodSeconds,
    generateName,
  } = metadata;
  return tidy({
    ...sent.metadata,
    name,
    namespace,
    uid,
    resourceVersion,
    creationTimestamp,
    deletionTimestamp,
    deletionGracePeriodSeconds,
    generateName,
    managedFields: metadata.managedFields,
    generation: metadata.generation,
  });
}

const isEmpty = (value: unknown): boolean =>
  (Array.isArray(value) && value.length === 0) || (isObject(value) && Object.keys(value).length === 0);

/** Kubernetes leaves out what is empty in metadata: taking the last label away takes `labels` away. */
function tidy(
  metadata: { readonly [field in keyof Metadata]: Metadata[field] | undefined } & Pick<Named, "name">,
): Metadata {
  return Object.fromEntries(
    Object.entries(metadata).filter(([, value]) => value !== undefined && !isEmpty(value)),
  ) as Metadata;
}

/** The body, or what a patch made of the object, must be what the URL says it is. */
export function checkIdentity(
  kind: Kind,
  version: string,
  namespace: string | undefined,
  sent: SentObject,
  name?: string,
  source: "body" | "patch" = "body",
): void {
  const { metadata } = sent;
  if (kind.custom) checkCustomType(kind, version, sent, source);
  else checkBuiltInType(kind, version, sent);
  if (metadata !== undefined && !isObject(metadata)) throw badRequest("metadata must be an object");
  if (name !== undefined && !metadata?.name)
    throw badRequest(`the name of the object (${name} based on URL) was undeterminable: name must be provided`);
  if (name !== undefined && metadata?.name !== name)
    throw badRequest(`the name of the object (${metadata?.name}) does not match the name on the URL (${name})`);
  if (kind.namespaced && metadata?.namespace && metadata.namespace !== namespace)
    throw badRequest("the namespace of the provided object does not match the namespace sent on the request");
}

/** Built-in kinds are what the URL says when they do not say themselves. */
function checkBuiltInType(kind: Kind, version: string, sent: SentObject): void {
  const refuse = (because: string): ApiError =>
    badRequest(
      `${sent.kind ?? kind.kind} in version "${sent.apiVersion ?? version}" cannot be handled as a ${kind.kind}: ${because}`,
    );
  if (sent.kind !== undefined && kindOf(sent) !== undefined && kindOf(sent) !== kind) {
    throw refuse(
      `converting (${sent.apiVersion}.${sent.kind}) to (${kind.group || "core"}.${kind.kind}): unknown conversion`,
    );
  }
  if (sent.apiVersion !== undefined && sent.apiVersion !== apiVersionOf(kind, version)) {
    throw refuse(
      `no kind "${sent.kind ?? kind.kind}" is registered for version "${sent.apiVersion}" in scheme "pkg/runtime/scheme.go:111"`,
    );
  }
}

/** Custom resources must say what they are, in the very version of the URL. */
function checkCustomType(kind: Kind, version: string, sent: SentObject, source: "body" | "patch"): void {
  const wanted = apiVersionOf(kind, version);
  const text = JSON.stringify(sent);
  if (sent.kind === undefined)
    throw badRequest(
      `the object provided is unrecognized (must be of type ${kind.kind}): Object 'Kind' is missing in '${text}'`,
    );
  const wrong = (field: string, found: unknown, must: string): ApiError =>
    invalid({ ...kind, kind: String(sent.kind) }, sent.metadata?.name ?? "", [
      { reason: "FieldValueInvalid", message: `Invalid value: ${JSON.stringify(found)}: must be ${must}`, field },
    ]);
  if (sent.apiVersion !== wanted) {
    throw source === "patch"
      ? wrong("apiVersion", sent.apiVersion, wanted)
      : badRequest(
          `the API version in the data (${sent.apiVersion}) does not match the expected API version (${wanted})`,
        );
  }
  if (sent.kind !== kind.kind) throw wrong("kind", sent.kind, kind.kind);
}

/** Optimistic concurrency. Built-in kinds may be replaced without a version, custom resources may not. */
export function checkVersion(kind: Kind, before: StoredObject, sent: SentObject, replaces: boolean): void {
  const { name, resourceVersion, uid } = before.metadata;
  const given = sent.metadata?.resourceVersion ?? "";
  if (replaces && kind.custom && given === "") {
    throw invalid(
      kind,
      name,
      [
        {
          reason: "FieldValueInvalid",
          message: "Invalid value: 0: must be specified for an update",
          field: "metadata.resourceVersion",
        },
      ],
      "resource",
    );
  }
  if (given !== "" && given !== resourceVersion) throw conflict(kind, name, modified);
  const otherUid = sent.metadata?.uid ?? uid;
  if (otherUid === uid) return;
  if (!replaces)
    throw invalid(kind, name, [
      {
        reason: "FieldValueInvalid",
        message: `Invalid value: ${JSON.stringify(otherUid)}: field is immutable`,
        field: "metadata.uid",
      },
    ]);
  const key = `/registry/${kind.plural}/${before.metadata.namespace}/${name}`;
  const because = `Precondition failed: UID in precondition: ${otherUid}, UID in object meta: ${uid}`;
  throw conflict(
    kind,
    name,
    `StorageError: invalid object, Code: 4, Key: ${key}, ResourceVersion: 0, AdditionalErrorMsg: ${because}`,
  );
}
