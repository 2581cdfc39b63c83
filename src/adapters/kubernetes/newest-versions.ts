import { listAt, textAt } from "../../kubernetes/field.ts";

/** The versions of objects that a client has had, whoever asked for them. */
export interface NewestVersions {
  /** Begins a request. What it gives takes in the answer, and tells whether that has an object as it was before. */
  begin(): (json: unknown) => boolean;
}

/**
 * A cache between us and the API server may answer with what was true before we wrote. Versions of one kind can be
 * compared: https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-versions. What came while a request was
 * under way says nothing about its answer.
 */
export function newestVersions(): NewestVersions {
  const newest = new Map<string, { readonly version: string; readonly heard: number }>();
  let turns = 0;

  function isOld(object: unknown, asked: number): boolean {
    const [uid, version] = [textAt(object, "metadata", "uid"), textAt(object, "metadata", "resourceVersion")];
    if (uid === undefined || version === undefined || !/^\d+$/.test(version)) return false;
    const known = newest.get(uid);
    if (known && isBefore(version, known.version)) return known.heard < asked;
    if (version !== known?.version) newest.set(uid, { version, heard: turns++ });
    return false;
  }

  return {
    begin() {
      const asked = turns++;
      return (json) => {
        const objects = textAt(json, "metadata", "uid") === undefined ? listAt(json, "items") : [json];
        return objects.map((object) => isOld(object, asked)).includes(true);
      };
    },
  };
}

/** Numbers of as many digits as etcd likes. */
const isBefore = (a: string, b: string): boolean => (a.length === b.length ? a < b : a.length < b.length);
