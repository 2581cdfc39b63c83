import { randomUUID } from "node:crypto";
import { firstStatus } from "./defaults.ts";
import { checkIstioSchema } from "./istio-schema.ts";
import { apiVersionOf, type Kind, kindOf } from "./kind.ts";
import { isObject, type Metadata, type SentObject, type StoredObject, timestamp, withoutUndefined } from "./object.ts";
import { badRequest, conflict, invalid, modified } from "./status.ts";

/** What the server puts over a sent object: identity, times, and the half (spec or status) that this URL does not write. */
export function storedForm(kind: Kind, namespace: string | undefined, before: StoredObject | undefined, sent: SentObject, options: { readonly subresource?: string | undefined; readonly now: number }): StoredObject {
  if (before !== undefined && options.subresource === "status") return { ...before, ...withoutUndefined({ status: sent.status }) };
  const { status, ...rest } = sent;
  const kept = kind.status ? (before === undefined ? (kind.custom ? undefined : firstStatus[kind.kind]) : before.status) : status;
  return {
    ...rest,
    ...(kind.plural === "services" ? { spec: withClusterIp(rest.spec, before) } : {}),
    ...withoutUndefined({ status: kept }),
    apiVersion: apiVersionOf(kind),
    kind: kind.kind,
    metadata: before === undefined ? newMetadata(kind, namespace, sent, options.now) : keptMetadata(before, sent),
  };
}

let clusterIps = 0;

/** A Service gets an address, and keeps it. */
function withClusterIp(sent: unknown, before: StoredObject | undefined): unknown {
  const spec = isObject(sent) ? sent : {};
  const given = spec.clusterIP ?? (isObject(before?.spec) ? before.spec.clusterIP : undefined);
  const clusterIP = typeof given === "string" && given !== "" ? given : `10.96.${Math.floor(++clusterIps / 250)}.${(clusterIps % 250) + 1}`;
  return { ipFamilies: ["IPv4"], ipFamilyPolicy: "SingleStack", ...spec, clusterIP, clusterIPs: [clusterIP] };
}

type Named = Partial<Metadata> & { readonly name: string };

function newMetadata(kind: Kind, namespace: string | undefined, sent: SentObject, now: number): Metadata {
  const { name = "", managedFields: _, resourceVersion: __, deletionTimestamp: ___, ...rest } = sent.metadata ?? {};
  const labels = kind.plural === "namespaces" ? { ...rest.labels, "kubernetes.io/metadata.name": name } : rest.labels;
  return tidy({ ...rest, name, labels, namespace: kind.namespaced ? namespace : undefined, uid: randomUUID(), resourceVersion: "", creationTimestamp: timestamp(now) });
}

function keptMetadata({ metadata }: StoredObject, sent: SentObject): Metadata {
  const { name, namespace, uid, resourceVersion, creationTimestamp, deletionTimestamp, deletionGracePeriodSeconds, generateName } = metadata;
  return tidy({ ...sent.metadata, name, namespace, uid, resourceVersion, creationTimestamp, deletionTimestamp, deletionGracePeriodSeconds, generateName, managedFields: metadata.managedFields, generation: metadata.generation });
}

const isEmpty = (value: unknown): boolean => (Array.isArray(value) && value.length === 0) || (isObject(value) && Object.keys(value).length === 0);

/** Kubernetes leaves out what is empty in metadata: taking the last label away takes `labels` away. */
function tidy(metadata: { readonly [field in keyof Metadata]: Metadata[field] | undefined } & Pick<Named, "name">): Metadata {
  return Object.fromEntries(Object.entries(metadata).filter(([, value]) => value !== undefined && !isEmpty(value))) as Metadata;
}

const knownFields = new Set(["apiVersion", "kind", "metadata", "spec", "status"]);

/** A custom resource without the fields that its schema does not know; each gets a warning. Throws when the schema is broken. */
export function pruned<T extends SentObject>(kind: Kind, object: T, onWarning: (warning: string) => void): T {
  if (!kind.custom) return object;
  const extra = Object.keys(object).filter((field) => !knownFields.has(field));
  const { causes, spec, unknown } = checkIstioSchema(kind, object);
  for (const field of [...extra, ...unknown]) onWarning(`unknown field "${field}"`);
  if (causes.length > 0) throw invalid(kind, object.metadata?.name ?? "", causes);
  const kept = Object.fromEntries(Object.entries(object).filter(([field]) => !extra.includes(field)));
  return { ...kept, ...(object.spec === undefined ? {} : { spec }) } as T;
}

/** The body must be what the URL says it is. */
export function checkIdentity(kind: Kind, version: string, namespace: string | undefined, sent: SentObject, name?: string): void {
  if (!isObject(sent)) throw badRequest(`the object provided is unrecognized (must be of type ${kind.kind})`);
  const { metadata } = sent;
  if (sent.kind !== undefined && (sent.kind !== kind.kind || kindOf(sent) !== kind)) {
    throw badRequest(`${sent.kind} in version "${version}" cannot be handled as a ${kind.kind}: converting (${sent.apiVersion}.${sent.kind}) to (${apiVersionOf(kind, version)}.${kind.kind}): unknown conversion`);
  }
  if (metadata !== undefined && !isObject(metadata)) throw badRequest("metadata must be an object");
  if (name !== undefined && metadata?.name && metadata.name !== name) throw badRequest(`the name of the object (${metadata.name}) does not match the name on the URL (${name})`);
  if (kind.namespaced && metadata?.namespace && metadata.namespace !== namespace) throw badRequest("the namespace of the provided object does not match the namespace sent on the request");
}

/** Optimistic concurrency. Built-in kinds may be replaced without a version, custom resources may not. */
export function checkVersion(kind: Kind, before: StoredObject, sent: SentObject, replaces: boolean): void {
  const { name, resourceVersion, uid } = before.metadata;
  const given = sent.metadata?.resourceVersion ?? "";
  if (replaces && kind.custom && given === "") {
    throw invalid(kind, name, [{ reason: "FieldValueInvalid", message: "Invalid value: 0: must be specified for an update", field: "metadata.resourceVersion" }], "resource");
  }
  if (given !== "" && given !== resourceVersion) throw conflict(kind, name, modified);
  if (sent.metadata?.uid && sent.metadata.uid !== uid) {
    throw conflict(kind, name, `Precondition failed: UID in precondition: ${sent.metadata.uid}, UID in object meta: ${uid}`);
  }
}
