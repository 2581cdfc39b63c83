import { readHost } from "../../istio/host.ts";
import { numberAt, textAt } from "../../kubernetes/field.ts";
import { managedBy } from "../../kubernetes/mark.ts";
import { type KubernetesObject, resources } from "../../kubernetes/object.ts";
import { complaintOf } from "../../lib/complaint.ts";
import { DeniedError, TakenOverError } from "../../lib/errors.ts";
import { jsonIn } from "../../lib/json.ts";
import type { Journal } from "../../ports/journal.ts";
import { recordSchema } from "../../release/record-schema.ts";
import type { ReleaseRecord } from "../../release/release-record.ts";
import { isTooLarge, textsOf, tooLarge } from "./journal-size.ts";
import { type KubernetesClient, KubernetesError } from "./kubernetes-client.ts";

export const journalName = (service: string): string => `istio-canary-${service}`;

const key = "release.json";

/** The journal in a ConfigMap beside the service. One job writes at a time; each write names the version it read. */
export function configMapJournal(
  client: KubernetesClient,
  namespace: string,
  service: string,
  /** Throws where an adapter cannot read what it kept in `before`. */
  readBefore: (record: ReleaseRecord) => unknown = () => undefined,
): Journal {
  const name = journalName(service);
  /** As it was read or written last. */
  let newest: KubernetesObject | undefined;
  /** What this job gave to be saved last. */
  let mine: ReleaseRecord | undefined;
  let queue: Promise<unknown> = Promise.resolve();

  const read = (): Promise<KubernetesObject | undefined> => client.get(resources.configMaps, namespace, name);

  /** As much of the record as there is room for. */
  async function write(record: ReleaseRecord): Promise<void> {
    for (const text of textsOf(record)) {
      const refused = await put(text);
      if (!refused) return;
    }
    throw tooLarge(`${namespace}/${name}`, record);
  }

  /** What the API server said when that was too much for it. */
  async function put(text: string): Promise<KubernetesError | undefined> {
    const configMap = configMapOf(name, text, newest?.metadata.resourceVersion);
    try {
      newest = newest
        ? await client.replace(resources.configMaps, namespace, name, configMap)
        : await client.create(resources.configMaps, namespace, configMap);
      return undefined;
    } catch (error) {
      if (isTooLarge(error)) return error;
      throw error;
    }
  }

  async function save(record: ReleaseRecord): Promise<void> {
    mine = record;
    try {
      await write(record);
    } catch (error) {
      if (!(error instanceof KubernetesError && (error.status === 409 || error.status === 404))) throw error;
      const stored = await read();
      if (stored) assertOurs(stored, record, error);
      newest = stored; // another job's is never written over, however often this one tries
      await write(record);
    }
  }

  /**
   * A write whose answer got lost conflicts with itself; one of another job means that this one has lost the release.
   * A journal that somebody took away, or emptied, is nobody's.
   */
  function assertOurs(stored: KubernetesObject, { run, startedAt }: ReleaseRecord, cause?: KubernetesError): void {
    const other = ownerIn(stored);
    if (other.id === undefined || (other.id === run.id && other.startedAt === startedAt)) return;
    const by = ` (${other.url ?? other.id})`;
    const message = `another job${by} took over the release of ${namespace}/${service}; this one has stopped`;
    throw new TakenOverError(message, { cause });
  }

  /** Work on the ConfigMap, one after the other. */
  function queued(work: () => Promise<void>): Promise<void> {
    const done = queue.then(work);
    queue = done.catch(() => undefined);
    return done;
  }

  function assertReadable(configMap: KubernetesObject, record: ReleaseRecord): void {
    try {
      readBefore(record);
    } catch {
      throw damaged(configMap, namespace, "before: not what a release writes there");
    }
  }

  return {
    async load() {
      newest = await read();
      const record = newest && parse(newest, namespace);
      if (newest && record) assertReadable(newest, record);
      const stranger = record && strangerIn(record, namespace, service);
      if (newest && stranger !== undefined) throw damaged(newest, namespace, stranger);
      return record;
    },
    save: (record) => queued(() => save(record)),
    async confirm() {
      const stored = await read();
      if (!mine || stored?.metadata.resourceVersion === newest?.metadata.resourceVersion) return;
      if (stored) return assertOurs(stored, mine);
      await queued(async () => mine && save(mine)); // who looks for it finds it
    },
  };
}

const configMapOf = (name: string, text: string, resourceVersion: string | undefined): object => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name, labels: { [managedBy.key]: managedBy.value }, resourceVersion },
  data: { [key]: text },
});

/** Whose journal it is, also where nothing else in it can be read. */
function ownerIn(configMap: KubernetesObject) {
  const json = jsonIn(textAt(configMap, "data", key) ?? "");
  return { id: textAt(json, "run", "id"), url: textAt(json, "run", "url"), startedAt: numberAt(json, "startedAt") };
}

/** Anybody who may edit ConfigMaps may have been here: nothing in it is believed unread. */
function parse(configMap: KubernetesObject, namespace: string): ReleaseRecord | undefined {
  const text = textAt(configMap, "data", key);
  if (text === undefined) return undefined;
  const json = jsonIn(text);
  const version = numberAt(json, "version");
  if (version !== undefined && version !== 1) throw newerProgram(configMap, namespace, version);
  const record = recordSchema.safeParse(json);
  if (!record.success) throw damaged(configMap, namespace, complaintOf(record.error, "the text"));
  return record.data;
}

/**
 * Whoever writes the ConfigMap of one service may not have a job's account write to another one, nor to another
 * namespace: a version's pods are in the namespace of its Service.
 */
function strangerIn({ target }: ReleaseRecord, namespace: string, service: string): string | undefined {
  if (target.namespace !== namespace) return `target.namespace: ${target.namespace}, and not ${namespace}`;
  if (target.service !== service) return `target.service: ${target.service}, and not ${service}`;
  const hosts = [target.stable.host, target.canary.host];
  const foreign = hosts.find((host) => (readHost(host, namespace).service?.namespace ?? namespace) !== namespace);
  return foreign && `target: the host ${foreign} is not in the namespace ${namespace}`;
}

const damaged = (configMap: KubernetesObject, namespace: string, complaint: string): DeniedError =>
  new DeniedError(
    `ConfigMap ${namespace}/${configMap.metadata.name}: ${key} is no journal of a release that this program can go by: ${complaint}.`,
    {
      next:
        `Nothing was changed. If another release of Istio Canary wrote it, use that one. Otherwise give stable its traffic by hand: ` +
        `\`kubectl -n ${namespace} edit virtualservices\`, weight 100 on its destination, 0 on the canary's. ` +
        `Then \`kubectl -n ${namespace} delete configmap ${configMap.metadata.name}\`. Who wrote it: ` +
        `\`kubectl -n ${namespace} get configmap ${configMap.metadata.name} -o yaml --show-managed-fields\`.`,
    },
  );

const newerProgram = (configMap: KubernetesObject, namespace: string, version: number): DeniedError =>
  new DeniedError(
    `ConfigMap ${namespace}/${configMap.metadata.name}: the journal has version ${version}, this program reads version 1.`,
    { next: "Use the release of Istio Canary that wrote it, or a newer one." },
  );
