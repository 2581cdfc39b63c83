import type { ApiServer } from "./api-server.ts";
import { apply } from "./apply.ts";
import { waitFor } from "./wait-for.ts";

/**
 * Makes a namespace for a test, with sidecar injection or without, and gives a function that begins to take it away.
 * What an earlier run left behind under this name goes first.
 */
export async function newNamespace(api: ApiServer, name: string, injection = true): Promise<() => Promise<void>> {
  const path = `/api/v1/namespaces/${name}`;
  await api.call("DELETE", path);
  await waitFor(async () => (await api.get(path)) === undefined, `namespace ${name}'s end`, 60_000);
  await apply(
    api,
    `{apiVersion: v1, kind: Namespace, metadata: {name: ${name}, labels: {${injection ? "istio-injection: enabled" : ""}}}}`,
  );
  return async () => void (await api.call("DELETE", path));
}

type Deployment = {
  readonly metadata: { readonly generation: number };
  readonly spec: { readonly replicas: number };
  readonly status?: {
    readonly observedGeneration?: number;
    readonly updatedReplicas?: number;
    readonly availableReplicas?: number;
    readonly replicas?: number;
  };
};

/** Waits until Deployments have all their pods, new ones only. */
export async function rolledOut(api: ApiServer, namespace: string, ...names: readonly string[]): Promise<void> {
  for (const name of names) {
    await waitFor(
      async () => {
        const {
          metadata,
          spec,
          status = {},
        } = await api.expect<Deployment>("GET", `/apis/apps/v1/namespaces/${namespace}/deployments/${name}`);
        const counts = [status.replicas, status.updatedReplicas, status.availableReplicas].map((count) => count ?? 0);
        return status.observedGeneration === metadata.generation && counts.every((count) => count === spec.replicas);
      },
      `Deployment ${namespace}/${name}'s roll-out`,
      60_000,
    );
  }
}
