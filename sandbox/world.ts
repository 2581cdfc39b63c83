import { loadAll, YAML11_SCHEMA } from "js-yaml";
import type { ApiServer } from "./api-server/api-server.ts";
import { isObject, type SentObject } from "./api-server/object.ts";

/**
 * The objects of a file with several documents, as kubectl reads it: YAML 1.1 (`0644` is octal, `<<` merges), lists
 * taken apart, empty documents left out.
 */
export function parseWorld(text: string): readonly SentObject[] {
  const documents = loadAll(text, { schema: YAML11_SCHEMA });
  // The server gets JSON, in which a date is a text.
  return documents.flatMap((document) => objectsIn(JSON.parse(JSON.stringify(document ?? null))));
}

function objectsIn(document: unknown): readonly SentObject[] {
  if (document === null) return [];
  if (!isObject(document)) throw new Error(`expected a Kubernetes object, found ${JSON.stringify(document)}`);
  if (document.kind === "List" && Array.isArray(document.items)) return document.items.flatMap(objectsIn);
  return [document as SentObject];
}

/** Applies what the server takes, as kubectl does with a folder, and gives a sentence for each object that it refuses. */
export function applyWorld(api: ApiServer, objects: readonly SentObject[]): readonly string[] {
  const refusals: string[] = [];
  for (const object of objects) {
    try {
      api.apply([object]);
    } catch (error) {
      refusals.push(`${wordOf(object)}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  return refusals;
}

const wordOf = ({ kind, metadata = {} }: SentObject): string =>
  `${kind ?? "an object without a kind"} ${[metadata.namespace, metadata.name ?? "without a name"].filter((part) => part !== undefined).join("/")}`;

/** Whom customers call who are sent by nobody: the first host of the first VirtualService, by its full name. */
export function hostOfWorld(objects: readonly SentObject[]): string | undefined {
  for (const { kind, metadata, spec } of objects) {
    if (kind !== "VirtualService" || !isObject(spec) || !Array.isArray(spec.hosts)) continue;
    const host: unknown = spec.hosts.find((name: unknown) => typeof name === "string" && !name.startsWith("*"));
    if (typeof host !== "string") continue;
    return host.includes(".") ? host : `${host}.${metadata?.namespace ?? "default"}.svc.cluster.local`;
  }
  return undefined;
}
