import { kinds } from "../kind.ts";
import { storedKind } from "../store.ts";
import type { Control } from "./controller.ts";

/** What is owned goes with its last owner, and what is in a namespace with the namespace. */
export function startGarbageCollector({ store, objects }: Control): void {
  store.subscribe(({ type, kind, object }) => {
    if (type !== "removed") return;
    for (const dependent of store.ownedBy(object.metadata.uid)) {
      const owners = dependent.metadata.ownerReferences ?? [];
      if (owners.every(({ uid }) => store.withUid(uid) === undefined))
        objects.delete(storedKind(dependent), dependent, {});
    }
    if (kind.plural !== "namespaces") return;
    for (const inside of kinds
      .filter(({ namespaced }) => namespaced)
      .flatMap((other) => store.list(other, object.metadata.name)))
      objects.delete(storedKind(inside), inside, {});
  });
}
