import type { KubernetesObject } from "../../../src/kubernetes/object.ts";
import type { ApiServer } from "./api-server.ts";

/** Follows how many pods a Deployment asks for, and gives the numbers in order, each once, when it is stopped. */
export function recordReplicas(
  api: ApiServer,
  namespace: string,
  name: string,
): { readonly stop: () => Promise<readonly number[]> } {
  const seen: number[] = [];
  const stopping = new AbortController();
  const note = (type: string, { metadata, spec }: KubernetesObject): void => {
    const { replicas } = spec as { readonly replicas: number };
    if (metadata.name === name && type !== "DELETED" && seen.at(-1) !== replicas) seen.push(replicas);
  };
  const watching = api.watch(`/apis/apps/v1/namespaces/${namespace}/deployments`, note, stopping.signal);
  return {
    async stop() {
      stopping.abort();
      await watching;
      return seen;
    },
  };
}
