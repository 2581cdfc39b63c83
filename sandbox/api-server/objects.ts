import { isDeepStrictEqual } from "node:util";
import type { Admission } from "./admission.ts";
import type { SandboxClock } from "./clock.ts";
import { withDefaults } from "./defaults.ts";
import { fitToSchema, type Source } from "./fit.ts";
import { apiVersionOf, type Kind, kindNamed, kindOf } from "./kind.ts";
import { afterUpdate, fieldValues, type Writer } from "./managed-fields.ts";
import {
  isObject,
  type ManagedFields,
  type SentObject,
  type StoredObject,
  timestamp,
  withoutUndefined,
} from "./object.ts";
import { serverSideApply } from "./server-side-apply.ts";
import { ApiError, alreadyExists, badRequest, notFound, preconditionFailed } from "./status.ts";
import { type Store, storedKind } from "./store.ts";
import { allocate, checkIdentity, checkVersion, storedForm } from "./stored-form.ts";
import { validate } from "./validation.ts";

/** What is written where, by whom, and how. */
export type WriteContext = {
  readonly kind: Kind;
  readonly version: string;
  readonly namespace?: string | undefined;
  readonly manager: string;
  readonly dryRun?: boolean;
  /** `status`: only the status is written, and without it the status is kept. `binding`: a pod gets its node. */
  readonly subresource?: "status" | "binding";
  readonly onWarning?: (warning: string) => void;
};

export type DeleteOptions = {
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly gracePeriodSeconds?: number;
  readonly orphan?: boolean;
  readonly dryRun?: boolean;
};

/** Writes with all that happens on the way: decoding, pruning, defaults, validation, admission, ownership of fields. They throw ApiError. */
export interface Objects {
  create(context: WriteContext, sent: SentObject): StoredObject;
  update(context: WriteContext, name: string, sent: SentObject): StoredObject;
  /** `change` makes the new object of the present one. */
  patch(context: WriteContext, name: string, change: (present: StoredObject) => SentObject): StoredObject;
  apply(
    context: WriteContext,
    name: string,
    sent: SentObject,
    force: boolean,
  ): { readonly object: StoredObject; readonly created: boolean };
  /** Answers the object while it is still there, with a deletionTimestamp; undefined when it is gone. */
  delete(kind: Kind, object: StoredObject, options: DeleteOptions): StoredObject | undefined;
}

const letters = "bcdfghjklmnpqrstvwxz2456789";

/** As generated names are made: five letters that spell nothing. */
export const randomName = (prefix: string, random = Math.random): string =>
  prefix + Array.from({ length: 5 }, () => letters[Math.floor(random() * letters.length)]).join("");

const writerOf = ({ kind, version, manager, subresource }: WriteContext, operation: "Apply" | "Update"): Writer => ({
  manager,
  operation,
  apiVersion: apiVersionOf(kind, version),
  ...(subresource === undefined ? {} : { subresource }),
});

/** The half of an object that a write can change. */
function writtenPart({ kind, subresource }: WriteContext, object: StoredObject): Readonly<Record<string, unknown>> {
  if (subresource === "status") return { status: object.status };
  const { status: _, ...rest } = object;
  return kind.status ? rest : object;
}

/** What `metadata.generation` counts changes of: everything but metadata and status. */
const specOf = ({ metadata: _, status: __, ...rest }: StoredObject): unknown => rest;

/** `random` makes uids and generated names; from 0 up to, but not including, 1. */
export function createObjects(
  store: Store,
  admission: Admission,
  clock: SandboxClock,
  random: () => number = Math.random,
): Objects {
  const now = (): string => timestamp(clock.now());

  /** Everything between the body and the store. `owners` are worked out already when the write is an apply. */
  function write(
    context: WriteContext,
    source: Source,
    before: StoredObject | undefined,
    sent: SentObject,
    owners?: readonly ManagedFields[],
  ): StoredObject {
    const { kind, namespace, subresource } = context;
    const clean = fit(context, source, sent);
    const moment = { subresource, now: clock.now(), random };
    const complete = withDefaults(kind, storedForm(kind, namespace, before, clean, moment));
    validate(kind, before, complete);
    const owned = withOwners(
      withGeneration(context, before, complete),
      owners ?? ownersAfter(context, before, complete),
    );
    const object = allocate(kind, before, owned);
    for (const warning of admission.review(kind, object)) context.onWarning?.(warning);
    if (before === undefined && store.get(kind, namespace, object.metadata.name) !== undefined)
      throw alreadyExists(kind, object.metadata.name);
    if (before !== undefined && isDeepStrictEqual(object, before)) return before;
    return context.dryRun ? withoutVersion(object) : save(kind, object);
  }

  const fit = (context: WriteContext, source: Source, sent: SentObject): SentObject =>
    fitToSchema({ ...context, source, onWarning: context.onWarning ?? (() => {}) }, sent);

  /** The last finalizer that goes takes the object with it. */
  function save(kind: Kind, object: StoredObject): StoredObject {
    const { deletionTimestamp, finalizers = [], deletionGracePeriodSeconds } = object.metadata;
    if (deletionTimestamp === undefined || finalizers.length > 0 || deletionGracePeriodSeconds !== 0)
      return store.put(kind, object);
    store.remove(kind, object);
    return object;
  }

  function withGeneration(
    { kind, subresource }: WriteContext,
    before: StoredObject | undefined,
    object: StoredObject,
  ): StoredObject {
    if (!kind.generation) return object;
    const last = before?.metadata.generation ?? 0;
    const changed =
      before === undefined || (subresource === undefined && !isDeepStrictEqual(specOf(before), specOf(object)));
    return { ...object, metadata: { ...object.metadata, generation: changed ? last + 1 : last } };
  }

  function ownersAfter(
    context: WriteContext,
    before: StoredObject | undefined,
    after: StoredObject,
  ): readonly ManagedFields[] {
    const written = (object: StoredObject | undefined) =>
      fieldValues(object === undefined ? {} : writtenPart(context, object), context.kind.custom);
    return afterUpdate(
      before?.metadata.managedFields ?? [],
      writerOf(context, "Update"),
      written(before),
      written(after),
      now(),
    );
  }

  function find({ kind, namespace }: WriteContext, name: string): StoredObject {
    const object = store.get(kind, namespace, name);
    if (object === undefined) throw notFound(kind, name);
    return object;
  }

  function requireNamespace({ kind, namespace }: WriteContext): void {
    if (!kind.namespaced || namespace === undefined) return;
    const namespaces = kindNamed("namespaces");
    if (store.get(namespaces, undefined, namespace) === undefined) throw notFound(namespaces, namespace);
  }

  function orphanDependents(uid: string): void {
    for (const dependent of store.ownedBy(uid)) {
      const owners = dependent.metadata.ownerReferences?.filter((owner) => owner.uid !== uid) ?? [];
      const metadata = withoutUndefined({
        ...dependent.metadata,
        ownerReferences: owners.length > 0 ? owners : undefined,
      });
      store.put(storedKind(dependent), { ...dependent, metadata: metadata as StoredObject["metadata"] });
    }
  }

  return {
    create(context, sent) {
      checkIdentity(context.kind, context.version, context.namespace, sent);
      requireNamespace(context);
      if (sent.metadata?.resourceVersion)
        throw new ApiError(500, "", "resourceVersion should not be set on objects to be created");
      const { generateName = "" } = sent.metadata ?? {};
      const name = sent.metadata?.name || (generateName === "" ? "" : randomName(generateName, random));
      return write(context, "body", undefined, { ...sent, metadata: { ...sent.metadata, name } });
    },
    update(context, name, sent) {
      checkIdentity(context.kind, context.version, context.namespace, sent, name);
      const before = find(context, name);
      checkVersion(context.kind, before, sent, true);
      return write(context, "body", before, sent);
    },
    patch(context, name, change) {
      const before = find(context, name);
      const after = change({ ...before, apiVersion: apiVersionOf(context.kind, context.version) });
      checkIdentity(context.kind, context.version, context.namespace, after, name, "patch");
      checkVersion(context.kind, before, after, false);
      return write(context, "patch", before, after);
    },
    apply(context, name, sent, force) {
      const { kind, version, namespace } = context;
      if (sent.apiVersion === undefined || kindOf(sent) !== kind)
        throw badRequest(
          `invalid object type: ${sent.apiVersion?.includes("/") ? "" : "/"}${sent.apiVersion ?? ""}, Kind=${sent.kind ?? ""}`,
        );
      checkIdentity(kind, version, namespace, { ...sent, metadata: { name, ...sent.metadata } }, name);
      if (isObject(sent.metadata) && sent.metadata.managedFields !== undefined)
        throw badRequest("metadata.managedFields must be nil");
      const before = store.get(kind, namespace, name);
      if (before === undefined) requireNamespace(context);
      else checkVersion(kind, before, sent, false);
      const entries = before?.metadata.managedFields ?? [];
      const wanted = fit(context, "apply", sent);
      const { object, managedFields } = serverSideApply(before ?? {}, wanted, entries, writerOf(context, "Apply"), {
        force,
        custom: kind.custom,
        time: now(),
      });
      const metadata = isObject(object.metadata) ? object.metadata : {};
      return {
        object: write(context, "body", before, { ...object, metadata: { ...metadata, name } }, managedFields),
        created: before === undefined,
      };
    },
    delete(kind, object, options) {
      const { metadata } = object;
      checkPreconditions(kind, object, options);
      if (options.dryRun) return undefined;
      if (options.orphan) orphanDependents(metadata.uid);
      const grace = kind.plural === "pods" ? (options.gracePeriodSeconds ?? graceOf(object)) : 0;
      if (grace === 0 && (metadata.finalizers ?? []).length === 0) {
        store.remove(kind, object);
        return undefined;
      }
      if (metadata.deletionTimestamp !== undefined) return object;
      return store.put(kind, {
        ...object,
        metadata: {
          ...metadata,
          deletionTimestamp: timestamp(clock.now() + grace * 1_000),
          deletionGracePeriodSeconds: grace,
        },
      });
    },
  };
}

function withOwners(object: StoredObject, managedFields: readonly ManagedFields[]): StoredObject {
  const { managedFields: _, ...metadata } = object.metadata;
  return { ...object, metadata: { ...metadata, ...(managedFields.length === 0 ? {} : { managedFields }) } };
}

/** A dry run of a create has no version yet. */
function withoutVersion(object: StoredObject): StoredObject {
  if (object.metadata.resourceVersion !== "") return object;
  return {
    ...object,
    metadata: withoutUndefined({
      ...object.metadata,
      resourceVersion: undefined,
    }) as unknown as StoredObject["metadata"],
  };
}

const graceOf = ({ spec }: StoredObject): number =>
  isObject(spec) && typeof spec.terminationGracePeriodSeconds === "number" ? spec.terminationGracePeriodSeconds : 30;

function checkPreconditions(kind: Kind, { metadata }: StoredObject, { uid, resourceVersion }: DeleteOptions): void {
  if (uid !== undefined && uid !== metadata.uid) {
    const because = `the UID in the precondition (${uid}) does not match the UID in record (${metadata.uid}). The object might have been deleted and then recreated`;
    throw preconditionFailed(kind, metadata.name, because);
  }
  if (resourceVersion !== undefined && resourceVersion !== metadata.resourceVersion) {
    const because = `the ResourceVersion in the precondition (${resourceVersion}) does not match the ResourceVersion in record (${metadata.resourceVersion}). The object might have been modified`;
    throw preconditionFailed(kind, metadata.name, because);
  }
}
