import type { Millis } from "../../../src/lib/duration.ts";
import type { SandboxClock } from "../clock.ts";
import type { Kind } from "../kind.ts";
import type { StoredObject } from "../object.ts";
import type { Objects } from "../objects.ts";
import { type Store, storedKind } from "../store.ts";

/** What controllers work with. */
export type Control = { readonly store: Store; readonly objects: Objects; readonly clock: SandboxClock };

/** Calls `reconcile` for what changed, once for many changes of one turn of the event loop. */
export type Queue = {
  readonly add: (object: StoredObject) => void;
  /** Adds it again after a while; a later call takes the place of an earlier one. */
  readonly addAfter: (delay: Millis, object: StoredObject) => void;
};

export function createQueue(control: Control, reconcile: (object: StoredObject) => void): Queue {
  const waiting = new Map<string, StoredObject>();
  const alarms = new Map<string, () => void>();
  let scheduled = false;

  const run = (): void => {
    scheduled = false;
    const batch = [...waiting.values()];
    waiting.clear();
    for (const object of batch) {
      const { metadata } = object;
      const present = control.store.get(storedKind(object), metadata.namespace, metadata.name);
      if (present?.metadata.uid === metadata.uid) reconcile(present);
    }
  };

  const add = (object: StoredObject): void => {
    waiting.set(object.metadata.uid, object);
    if (!scheduled) control.clock.after(0, run);
    scheduled = true;
  };

  return {
    add,
    addAfter(delay, object) {
      const { uid } = object.metadata;
      alarms.get(uid)?.();
      alarms.set(
        uid,
        control.clock.after(delay, () => {
          alarms.delete(uid);
          add(object);
        }),
      );
    },
  };
}

const manager = "kube-controller-manager";

const contextFor = (kind: Kind, namespace: string | undefined, by: string) => ({
  kind,
  version: kind.versions[0] ?? "v1",
  namespace,
  manager: by,
});

/** Writes the status, if it is another one. */
export function writeStatus({ objects }: Control, object: StoredObject, status: unknown, by = manager): void {
  const kind = storedKind(object);
  objects.patch(
    { ...contextFor(kind, object.metadata.namespace, by), subresource: "status" },
    object.metadata.name,
    (present) => ({ ...present, status }),
  );
}

/** Writes the rest. */
export function writeObject({ objects }: Control, object: StoredObject): StoredObject {
  const kind = storedKind(object);
  return objects.patch(contextFor(kind, object.metadata.namespace, manager), object.metadata.name, () => object);
}

/** Gives a pod its node. */
export const bindPod = ({ objects }: Control, pod: StoredObject): StoredObject =>
  objects.patch(
    { ...contextFor(storedKind(pod), pod.metadata.namespace, "kube-scheduler"), subresource: "binding" },
    pod.metadata.name,
    () => pod,
  );

export function createObject(
  { objects }: Control,
  kind: Kind,
  namespace: string | undefined,
  sent: Parameters<Objects["create"]>[1],
): StoredObject {
  return objects.create(contextFor(kind, namespace, manager), sent);
}
