import { lastWriter } from "../../kubernetes/last-writer.ts";
import type { KubernetesObject } from "../../kubernetes/object.ts";
import { fieldManager } from "./api-server.ts";

/** `, written by kubectl`; nothing where nobody else wrote the object, or the part of it, after us. */
export function writtenBy(object: KubernetesObject, ...part: readonly string[]): string {
  const writer = lastWriter(object, fieldManager, ...part);
  return writer === undefined ? "" : `, written by ${writer}`;
}
