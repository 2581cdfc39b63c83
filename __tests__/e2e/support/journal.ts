import type { KubernetesObject } from "../../../src/kubernetes/object.ts";
import type { ReleaseRecord as Journaled } from "../../../src/release/release-record.ts";
import type { ApiServer } from "./api-server.ts";

/** What the journal says of the newest release of a service; undefined before the first. */
export async function journalOf(api: ApiServer, namespace: string, service: string): Promise<Journaled | undefined> {
  type ConfigMap = KubernetesObject & { readonly data: { readonly "release.json": string } };
  const found = await api.get<ConfigMap>(`/api/v1/namespaces/${namespace}/configmaps/istio-canary-${service}`);
  return found && (JSON.parse(found.data["release.json"]) as Journaled);
}
