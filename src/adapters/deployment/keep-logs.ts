import { readDeployment } from "../../kubernetes/deployment.ts";
import { resources } from "../../kubernetes/object.ts";
import type { Pod } from "../../kubernetes/pod.ts";
import type { Instant } from "../../lib/duration.ts";
import { tell } from "../../lib/errors.ts";
import { inert } from "../../lib/lines.ts";
import { clip } from "../../lib/markdown.ts";
import type { KeptLog } from "../../release/kept-logs.ts";
import { type KubernetesClient, KubernetesError } from "../kubernetes/kubernetes-client.ts";
import { podsOf } from "./deployment-pods.ts";
import type { WorkloadParts } from "./workload-parts.ts";

const mostPods = 5;
/** Of a pod: all its containers share them. */
const mostLines = 200;
const mostCharacters = 64 * 1_024;
const longestLine = 4_000;
/** What of one log is taken from the network: lines have no length of their own. */
const mostBytes = 1_024 * 1_024;

/** Reads what the canary's pods said last since a moment, all at once, and gives it to whoever keeps it. */
export async function keepLogs(
  { client, target, keepLogs: keep }: WorkloadParts,
  since: Instant,
  signal: AbortSignal,
): Promise<void> {
  if (!keep) return;
  const { namespace, canary } = target;
  const raw = await client.get(resources.deployments, namespace, canary.deployment, { signal });
  const pods = raw ? (await podsOf(client, readDeployment(raw))).toSorted(byTrouble) : [];
  const read = pods.slice(0, mostPods).flatMap(logsOf);
  const logs: (KeptLog | undefined)[] = read.map(() => undefined);
  let because: string | undefined;
  const left = Math.max(0, pods.length - mostPods);
  const tellAll = (): void => keep({ logs: logs.filter((log) => log !== undefined), left, because });
  await Promise.all(
    read.map(async (wanted, index) => {
      try {
        logs[index] = await readLog(client, namespace, wanted, since, signal);
      } catch (error) {
        if (isNoLog(error)) return;
        because ??= tell(error);
      }
      tellAll();
    }),
  );
}

/** Pods that are not ready, or restarted, tell more. */
const byTrouble = (one: Pod, other: Pod): number =>
  troubleOf(other) - troubleOf(one) || (one.name < other.name ? -1 : 1);
const troubleOf = ({ ready, statuses }: Pod): number =>
  Number(!ready) * 1_000_000 + statuses.reduce((sum, { restarts }) => sum + restarts, 0);

/** A log that is to be read, with its part of what is kept of its pod. */
type WantedLog = Pick<KeptLog, "pod" | "container" | "previous"> & { readonly part: number };

/** Istio's own containers log each request, and nothing of the version. */
const ofIstio = /^istio-/;

function logsOf({ name: pod, containerNames, statuses }: Pod): readonly WantedLog[] {
  const restarted = new Set(statuses.filter(({ restarts }) => restarts > 0).map(({ name }) => name));
  const logs = containerNames
    .filter((container) => !ofIstio.test(container))
    .flatMap((container) => {
      const current = { pod, container, previous: false };
      if (!restarted.has(container)) return [current];
      return [{ ...current, previous: true }, current];
    });
  return logs.map((log) => ({ ...log, part: 1 / logs.length }));
}

/** Undefined where nothing was said. */
async function readLog(
  client: KubernetesClient,
  namespace: string,
  { part, ...log }: WantedLog,
  since: Instant,
  signal: AbortSignal,
): Promise<KeptLog | undefined> {
  const { pod, container, previous } = log;
  const lines = Math.max(1, Math.floor(mostLines * part));
  // The run before the last restart may have ended before the stage began.
  const time = previous ? {} : { since };
  const text = await client.log(namespace, pod, container, { lines, previous, bytes: mostBytes, ...time, signal });
  const said = text.trimEnd().split("\n").slice(-lines);
  const kept = newest(
    said.map((line) => clip(inert(line), longestLine)),
    mostCharacters * part,
  );
  return kept.length === 0 ? undefined : { ...log, lines: kept };
}

/** The newest lines that there is room for. */
function newest(lines: readonly string[], room: number): readonly string[] {
  const kept: string[] = [];
  let left = room;
  for (const line of lines.toReversed()) {
    left -= line.length + 1;
    if (left < 0) break;
    kept.unshift(line);
  }
  return kept.some((line) => line !== "") ? kept : [];
}

/** A container that has not begun, or whose pod has just gone, has none. */
const isNoLog = (error: unknown): boolean =>
  error instanceof KubernetesError && (error.status === 400 || error.status === 404);
