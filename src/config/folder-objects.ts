import { isMapping } from "./issue.ts";
import { isKustomize, objectsIn } from "./manifests.ts";
import { readManifestYaml } from "./yaml.ts";

/** A Kubernetes object, and the file that it stands in. */
export type FileObject = { readonly file: string; readonly object: WrittenObject };

type WrittenObject = {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace: string };
};

export type FolderObjects = {
  readonly objects: readonly FileObject[];
  /** Why some files were not understood. */
  readonly problems: readonly string[];
};

/**
 * The Kubernetes objects among the documents of some files; what is something else (values, a configuration) is passed
 * over. One without a namespace is of `namespace`, as with `kubectl apply -n`.
 */
export function folderObjects(
  files: readonly { readonly path: string; readonly text: string }[],
  namespace: string,
): FolderObjects {
  const read = files.map(({ path, text }) => ({ path, ...readManifestYaml(text, path) }));
  return {
    objects: read.flatMap(({ path, value = [] }) =>
      value
        .flatMap((document) => objectsIn(document, []))
        .flatMap(({ document }) => objectOf(document, path, namespace) ?? []),
    ),
    problems: read.flatMap(({ problems }) => problems.map(({ place, problem }) => `${place} ${problem}`)),
  };
}

function objectOf(document: unknown, file: string, namespace: string): FileObject | undefined {
  if (!isMapping(document) || isKustomize(document, file) || !isMapping(document.metadata)) return undefined;
  const { apiVersion, kind, metadata } = document;
  const { name } = metadata;
  if (typeof apiVersion !== "string" || typeof kind !== "string" || typeof name !== "string") return undefined;
  const own = typeof metadata.namespace === "string" ? metadata.namespace : namespace;
  return { file, object: { ...document, apiVersion, kind, metadata: { ...metadata, name, namespace: own } } };
}
