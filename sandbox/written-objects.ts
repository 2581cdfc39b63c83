import { kinds } from "./api-server/kind.ts";
import type { StoredObject } from "./api-server/object.ts";
import type { Sandbox } from "./sandbox.ts";

/** Kept by controllers: pods come and go, and the rest is their bookkeeping. */
const bookkeeping: readonly string[] = ["pods", "replicasets", "events"];

const written = kinds.filter(({ namespaced, plural }) => namespaced && !bookkeeping.includes(plural));

/** A release's journal and lock, which stay and are nobody else's. */
const releases = /^istio-canary-/;
const journals: readonly string[] = ["configmaps", "leases"];

/** Every object of a namespace that people wrote, as text by kind and name, without what the server counts up at each write. */
export const writtenObjects = ({ api }: Sandbox, namespace: string): Readonly<Record<string, string>> =>
  Object.fromEntries(
    written
      .flatMap((kind) =>
        api.store
          .list(kind, namespace)
          .filter(({ metadata }) => !(journals.includes(kind.plural) && releases.test(metadata.name))),
      )
      .map((object) => [`${object.kind} ${object.metadata.name}`, textOf(object)]),
  );

function textOf({ metadata, status: _, ...object }: StoredObject): string {
  const { uid, labels = {}, annotations = {} } = metadata;
  const { "deployment.kubernetes.io/revision": __, ...own } = annotations;
  return JSON.stringify({ ...object, metadata: { uid, labels, annotations: own } });
}
