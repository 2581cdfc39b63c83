import { loadAll } from "js-yaml";
import type { KubernetesObject } from "../../../src/kubernetes/object.ts";
import { type ApiServer, applyPatch } from "./api-server.ts";

type ResourceList = {
  readonly resources: readonly { readonly name: string; readonly kind: string; readonly namespaced: boolean }[];
};

/**
 * Applies YAML documents in their order, server-side, as `kubectl apply --server-side` would. Objects that name no
 * namespace go into the one given. Returns them as the server has them.
 */
export async function apply(api: ApiServer, yaml: string, namespace = "default"): Promise<readonly KubernetesObject[]> {
  const known = new Map<string, Promise<ResourceList>>();
  const applied: KubernetesObject[] = [];
  for (const document of loadAll(yaml)) {
    if (document === null || document === undefined) continue;
    applied.push(await applyObject(api, document as KubernetesObject, namespace, known));
  }
  return applied;
}

async function applyObject(
  api: ApiServer,
  object: KubernetesObject,
  namespace: string,
  known: Map<string, Promise<ResourceList>>,
): Promise<KubernetesObject> {
  const path = await pathOfObject(api, object, namespace, known);
  return api.expect("PATCH", `${path}?fieldManager=kubectl&force=true`, object, applyPatch);
}

/** The URL path of an object, from what the server says of its kind. */
export async function pathOfObject(
  api: ApiServer,
  object: KubernetesObject,
  namespace: string,
  known = new Map<string, Promise<ResourceList>>(),
): Promise<string> {
  const root = object.apiVersion.includes("/") ? `/apis/${object.apiVersion}` : `/api/${object.apiVersion}`;
  const list = await (known.get(root) ?? known.set(root, api.expect<ResourceList>("GET", root)).get(root));
  const resource = list?.resources.find(({ kind, name }) => kind === object.kind && !name.includes("/"));
  if (resource === undefined) throw new Error(`the server knows no ${object.kind} in ${object.apiVersion}`);
  return [
    root,
    ...(resource.namespaced ? ["namespaces", object.metadata.namespace ?? namespace] : []),
    resource.name,
    object.metadata.name,
  ].join("/");
}
