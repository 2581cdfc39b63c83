import { field, objectAt } from "./field.ts";

type ObjectFields = Readonly<Record<string, unknown>>;

/**
 * What the server keeps of an object, which `kubectl get -o yaml` shows and nobody can apply; and owners, who are known
 * by their uid: where there is none, the object is taken away as garbage.
 */
const ofServer = [
  ["status"],
  ...[
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "selfLink",
    "managedFields",
    "ownerReferences",
  ].map((name) => ["metadata", name]),
  ["metadata", "annotations", "kubectl.kubernetes.io/last-applied-configuration"],
  ["metadata", "annotations", "deployment.kubernetes.io/revision"],
  ["spec", "template", "metadata", "creationTimestamp"],
] as const;

/** What an export has besides: whoever put them on that object takes them off again, and off no other. */
const ofExport = [["metadata", "finalizers"]] as const;

/** The object as somebody would have written it, and the fields that it lost by that. */
export function withoutServerFields(object: ObjectFields): {
  readonly object: ObjectFields;
  readonly dropped: readonly string[];
} {
  const isExport = field(object, "metadata", "uid") !== undefined;
  const all = isExport ? [...ofServer, ...ofExport] : ofServer;
  const there = all.filter((path) => field(object, ...path) !== undefined);
  return {
    object: there.reduce<ObjectFields>(without, object),
    dropped: there.map((path) => path.join(".")),
  };
}

function without(object: ObjectFields, [name = "", ...below]: readonly string[]): ObjectFields {
  const { [name]: inner, ...rest } = object;
  return below.length === 0 ? rest : { ...rest, [name]: without(objectAt({ inner }, "inner"), below) };
}
