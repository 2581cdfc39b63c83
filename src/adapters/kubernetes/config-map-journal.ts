import { type KubernetesObject, resources } from "../../kubernetes/object.ts";
import { DeniedError, TakenOverError } from "../../lib/errors.ts";
import type { Journal } from "../../ports/journal.ts";
import type { ReleaseRecord } from "../../release/release-record.ts";
import { type KubernetesClient, KubernetesError } from "./client.ts";

export const journalName = (service: string): string => `istio-canary-${service}`;

const key = "release.json";

/** The journal in a ConfigMap beside the service. One job writes at a time; each write names the version it read. */
export function configMapJournal(client: KubernetesClient, namespace: string, service: string): Journal {
  const name = journalName(service);
  let known: KubernetesObject | undefined;
  let queue: Promise<unknown> = Promise.resolve();

  async function write(record: ReleaseRecord): Promise<void> {
    const wanted = configMapOf(name, record, known?.metadata.resourceVersion);
    try {
      known = known
        ? await client.replace(resources.configMaps, namespace, name, wanted)
        : await client.create(resources.configMaps, namespace, wanted);
    } catch (error) {
      if (!(error instanceof KubernetesError && (error.status === 409 || error.status === 404))) throw error;
      await settleConflict(record, error);
    }
  }

  /** A write whose answer got lost conflicts with itself; anybody else's means that this job has lost the release. */
  async function settleConflict(record: ReleaseRecord, cause: KubernetesError): Promise<void> {
    const found = await client.get(resources.configMaps, namespace, name);
    const stored = found && parse(found, namespace);
    if (stored?.run.id !== record.run.id || stored.startedAt !== record.startedAt) {
      throw new TakenOverError(
        `the journal ConfigMap ${namespace}/${name} was changed by another job${stored?.run.url ? ` (${stored.run.url})` : ""}`,
        {
          next: "This job has stopped and touches nothing more. Look at `istio-canary status`.",
          cause,
        },
      );
    }
    known = found;
    known = await client.replace(
      resources.configMaps,
      namespace,
      name,
      configMapOf(name, record, known?.metadata.resourceVersion),
    );
  }

  return {
    async load() {
      known = await client.get(resources.configMaps, namespace, name);
      return known && parse(known, namespace);
    },
    save(record) {
      const saved = queue.then(() => write(record));
      queue = saved.catch(() => undefined);
      return saved;
    },
  };
}

function configMapOf(name: string, record: ReleaseRecord, resourceVersion: string | undefined): object {
  return {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: {
      name,
      labels: { "app.kubernetes.io/managed-by": "istio-canary" },
      ...(resourceVersion ? { resourceVersion } : {}),
    },
    data: { [key]: JSON.stringify(record) },
  };
}

function parse(configMap: KubernetesObject, namespace: string): ReleaseRecord | undefined {
  const text = (configMap.data as { readonly [key]?: string } | undefined)?.[key];
  if (text === undefined) return undefined;
  const record = JSON.parse(text) as ReleaseRecord;
  if (record.version === 1) return record;
  throw new DeniedError(
    `ConfigMap ${namespace}/${configMap.metadata.name}: the journal has version ${String(record.version)}, this program reads version 1.`,
    {
      next: "Use the release of Istio Canary that wrote it, or a newer one.",
    },
  );
}
