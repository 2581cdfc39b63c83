import { apiVersionOf, type Kind, kindOf } from "./kind.ts";
import type { StoredObject } from "./object.ts";

export type Change = {
  readonly type: "added" | "modified" | "removed";
  readonly kind: Kind;
  readonly object: StoredObject;
};

/** What etcd is to a real API server: objects by kind, namespace and name, and one counter for all. */
export interface Store {
  get(kind: Kind, namespace: string | undefined, name: string): StoredObject | undefined;
  /** In the order of namespace and name. Every namespace when none is given. */
  list(kind: Kind, namespace?: string): readonly StoredObject[];
  /** Adds or replaces; the answer carries the new resourceVersion. */
  put(kind: Kind, object: StoredObject): StoredObject;
  remove(kind: Kind, object: StoredObject): void;
  ownedBy(uid: string): readonly StoredObject[];
  withUid(uid: string): StoredObject | undefined;
  readonly resourceVersion: () => string;
  /** Called after each change, outside of the call that made it. */
  subscribe(onChange: (change: Change) => void): void;
}

const keyOf = (kind: Kind, namespace: string | undefined, name: string): string =>
  `${kind.plural}.${kind.group}/${kind.namespaced ? (namespace ?? "") : ""}/${name}`;

export function createStore(): Store {
  const objects = new Map<string, StoredObject>();
  /** The keys and objects of a kind in their order, as they were listed last; none where one has changed since. */
  const ordered = new Map<Kind, readonly (readonly [string, StoredObject])[]>();
  const listeners: ((change: Change) => void)[] = [];
  let version = 100;

  function inOrder(kind: Kind): readonly (readonly [string, StoredObject])[] {
    const prefix = `${kind.plural}.${kind.group}/`;
    const all = [...objects].filter(([key]) => key.startsWith(prefix)).sort(([a], [b]) => (a < b ? -1 : 1));
    ordered.set(kind, all);
    return all;
  }

  const tell = (change: Change): void => {
    ordered.delete(change.kind);
    for (const listener of listeners) queueMicrotask(() => listener(change));
  };

  return {
    get: (kind, namespace, name) => objects.get(keyOf(kind, namespace, name)),
    list(kind, namespace) {
      const prefix = `${kind.plural}.${kind.group}/${namespace === undefined || !kind.namespaced ? "" : `${namespace}/`}`;
      const all = ordered.get(kind) ?? inOrder(kind);
      return all.filter(([key]) => key.startsWith(prefix)).map(([, object]) => object);
    },
    put(kind, object) {
      const { namespace, name } = object.metadata;
      const key = keyOf(kind, namespace, name);
      const stored = {
        ...object,
        apiVersion: apiVersionOf(kind),
        kind: kind.kind,
        metadata: { ...object.metadata, resourceVersion: String(++version) },
      };
      const type = objects.has(key) ? "modified" : "added";
      objects.set(key, stored);
      tell({ type, kind, object: stored });
      return stored;
    },
    remove(kind, object) {
      version += 1;
      objects.delete(keyOf(kind, object.metadata.namespace, object.metadata.name));
      tell({ type: "removed", kind, object });
    },
    ownedBy: (uid) =>
      [...objects.values()].filter(({ metadata }) => metadata.ownerReferences?.some((owner) => owner.uid === uid)),
    withUid: (uid) => [...objects.values()].find(({ metadata }) => metadata.uid === uid),
    resourceVersion: () => String(version),
    subscribe(onChange) {
      listeners.push(onChange);
    },
  };
}

/** The kind of an object that is in the store already. */
export function storedKind(object: StoredObject): Kind {
  const kind = kindOf(object);
  if (kind === undefined)
    throw new Error(`an object of the unknown kind ${object.apiVersion} ${object.kind} is stored`);
  return kind;
}
