import type { KubernetesObject, Resource } from "../../kubernetes/object.ts";
import type { KubernetesClient } from "./kubernetes-client.ts";
import { unlessForbidden } from "./unless-forbidden.ts";

/** The objects of a kind, as far as they may be read. */
export type WideList = {
  readonly objects: readonly KubernetesObject[];
  /** Whether nothing is known of a namespace. */
  readonly isUnread: (namespace: string) => boolean;
  /** What was not read, in words; empty where all of it was. */
  readonly unread: readonly string[];
};

/** Those of every namespace; where they may not be listed, those of these namespaces, and what else is known. */
export async function listEverywhere(
  client: KubernetesClient,
  resource: Resource,
  namespaces: readonly string[],
): Promise<WideList> {
  const all = await unlessForbidden(client.list(resource, undefined, { doubts: 1 }));
  if (all) return { objects: all, isUnread: () => false, unread: [] };
  const distinct = [...new Set([...namespaces, ...(client.homes?.(resource) ?? [])])];
  const lists = await Promise.all(
    distinct.map((namespace) => unlessForbidden(client.list(resource, namespace, { doubts: 1 }))),
  );
  const kinds = `${resource.kind.replace(/y$/, "ie")}s`;
  const read = distinct.filter((_, index) => lists[index] !== undefined);
  return {
    objects: lists.flatMap((list) => list ?? []),
    isUnread: (namespace) => !read.includes(namespace),
    unread: [read.length === 0 ? kinds : `${kinds} of namespaces other than ${read.join(", ")}`],
  };
}
