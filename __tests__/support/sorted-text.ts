import type { KubernetesObject } from "../../src/kubernetes/object.ts";

/** An object as text; the API server sorts the keys of custom resources. */
export const sortedText = (object: KubernetesObject): string =>
  JSON.stringify(object, (_, value: unknown) =>
    typeof value === "object" && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).toSorted(([one], [other]) => (one < other ? -1 : 1)))
      : value,
  );
