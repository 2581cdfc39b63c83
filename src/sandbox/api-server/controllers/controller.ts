import type { Kind } from "../kind.ts";
import type { Objects } from "../objects.ts";
import type { SandboxClock } from "../clock.ts";
import type { StoredObject } from "../object.ts";
import { type Store, storedKind } from "../store.ts";

/** What controllers work with. */
export type Control = { readonly store: Store; readonly objects: Objects; readonly clock: SandboxClock };

/** Calls `reconcile` for what changed, once for many changes of one turn of the event loop. */
export type Queue = { readonly add: (object: StoredObject) => void };

export function createQueue(control: Control, reconcile: (object: StoredObject) => void): Queue {
  const waiting = new Map<string, StoredObject>();
  let scheduled: (() => void) | undefined;

  const run = (): void => {
    scheduled = undefined;
    const batch = [...waiting.values()];
    waiting.clear();
    for (const { metadata, ...object } of batch) {
      const kind = storedKind({ metadata, ...object });
      const present = control.store.get(kind, metadata.namespace, metadata.name);
      if (present !== undefined && present.metadata.uid === metadata.uid) reconcile(present);
    }
  };

  return {
    add(object) {
      waiting.set(object.metadata.uid, object);
      scheduled ??= control.clock.after(0, run);
    },
  };
}

const manager = "kube-controller-manager";

const contextFor = (kind: Kind, namespace: string | undefined, by: string) => ({ kind, version: kind.versions[0] ?? "v1", namespace, manager: by });

/** Writes the status, if it is another one. */
export function writeStatus({ objects }: Control, object: StoredObject, status: unknown, by = manager): void {
  const kind = storedKind(object);
  objects.patch({ ...contextFor(kind, object.metadata.namespace, by), subresource: "status" }, object.metadata.name, (present) => ({ ...present, status }));
}

/** Writes the rest. */
export function writeObject({ objects }: Control, object: StoredObject): StoredObject {
  const kind = storedKind(object);
  return objects.patch(contextFor(kind, object.metadata.namespace, manager), object.metadata.name, () => object);
}

/** Gives a pod its node. */
export const bindPod = ({ objects }: Control, pod: StoredObject): StoredObject =>
  objects.patch({ ...contextFor(storedKind(pod), pod.metadata.namespace, "kube-scheduler"), subresource: "binding" }, pod.metadata.name, () => pod);

export function createObject({ objects }: Control, kind: Kind, namespace: string | undefined, sent: Parameters<Objects["create"]>[1]): StoredObject {
  return objects.create(contextFor(kind, namespace, manager), sent);
}
