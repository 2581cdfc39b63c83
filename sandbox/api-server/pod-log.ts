import { behaviourOf } from "./image-behaviour.ts";
import type { StoredObject } from "./object.ts";
import { badRequest } from "./status.ts";
import { type ContainerStatus, isPod, type Pod } from "./workload.ts";

export type LogQuery = URLSearchParams;

const lines = {
  served: (version: string) => [`level=info msg="starting" version=${version}`, `level=info msg="listening" port=9080`],
  crashed: (version: string) => [
    `level=info msg="starting" version=${version}`,
    `level=info msg="connecting to the database" host=db:5432`,
    `level=fatal msg="cannot start: environment variable DATABASE_URL is not set"`,
  ],
} as const;

/** What `kubectl logs` shows, and what the real server says when there is nothing to show. */
export function podLog(object: StoredObject, query: LogQuery): string {
  if (!isPod(object)) throw badRequest("only pods have logs");
  const container = containerIn(object, query.get("container"));
  const status = object.status?.containerStatuses?.find(({ name }) => name === container.name);
  const previous = query.get("previous") === "true";
  checkStarted(object, container.name, status, previous);
  const { version, start, diesAfter } = behaviourOf(container.image);
  const ended = previous || status?.state === undefined || !("running" in status.state);
  const atStart =
    start === "crashes" || (diesAfter !== undefined && ended) ? lines.crashed(version) : lines.served(version);
  const all = [...(isBefore(startOf(status, previous), query) ? [] : atStart), ...failuresOf(container.image)];
  const tail = query.get("tailLines");
  const text = (tail === null ? all : all.slice(-Number(tail))).map((line) => `${line}\n`).join("");
  return text.slice(0, Number(query.get("limitBytes") ?? text.length));
}

/** When the run began whose log it is. */
function startOf(status: ContainerStatus | undefined, previous: boolean): string | undefined {
  const { state, lastState } = status ?? {};
  if (previous) return lastState?.terminated?.startedAt;
  return state !== undefined && "running" in state ? state.running.startedAt : lastState?.terminated?.startedAt;
}

function isBefore(time: string | undefined, query: LogQuery): boolean {
  const since = query.get("sinceTime");
  if (since === null || time === undefined) return false;
  if (Number.isNaN(Date.parse(since))) throw badRequest(`cannot parse sinceTime ${since}`);
  return Date.parse(time) < Date.parse(since);
}

/** A version that fails says so all the time, so whatever moment somebody asks for. */
function failuresOf(image: string): readonly string[] {
  if (!/-err\d/.test(image)) return [];
  return Array.from(
    { length: 12 },
    (_, index) => `level=error msg="GET /reviews/${index}: ratings answered 503" status=500`,
  );
}

function containerIn(pod: Pod, name: string | null): Pod["spec"]["containers"][number] {
  const { containers, initContainers = [] } = pod.spec;
  const all = [...initContainers, ...containers];
  const [only] = containers;
  if (name === null && containers.length === 1 && only !== undefined) return only;
  if (name === null)
    throw badRequest(
      `a container name must be specified for pod ${pod.metadata.name}, choose one of: [${containers.map(({ name }) => name).join(" ")}]`,
    );
  const found = all.find((container) => container.name === name);
  if (found === undefined) throw badRequest(`container ${name} is not valid for pod ${pod.metadata.name}`);
  return found;
}

function checkStarted(pod: Pod, name: string, status: ContainerStatus | undefined, previous: boolean): void {
  if (previous) {
    if (status?.lastState.terminated === undefined)
      throw badRequest(`previous terminated container "${name}" in pod "${pod.metadata.name}" not found`);
    return;
  }
  const waiting = status !== undefined && "waiting" in status.state ? status.state.waiting.reason : undefined;
  if (status !== undefined && (waiting === undefined || status.lastState.terminated !== undefined)) return;
  const because =
    waiting === "ImagePullBackOff" || waiting === "ErrImagePull"
      ? "trying and failing to pull image"
      : (waiting ?? "ContainerCreating");
  throw badRequest(`container "${name}" in pod "${pod.metadata.name}" is waiting to start: ${because}`);
}
