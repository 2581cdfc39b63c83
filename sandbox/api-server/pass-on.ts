import { type Dispatcher, request as send } from "undici";
import { type Kind, kindNamed } from "./kind.ts";
import { isObject, type StoredObject } from "./object.ts";
import type { ApiRequest, Reply } from "./respond.ts";
import type { Verb } from "./route.ts";
import { ApiError, badRequest, notFound } from "./status.ts";
import type { Store } from "./store.ts";
import { isPod, type Pod } from "./workload.ts";

/** A request that is meant for a pod, or for one of a Service's. */
export type PassedRequest = {
  readonly kind: Kind;
  readonly verb: Verb;
  readonly namespace: string;
  /** `[SCHEME:]NAME[:PORT]`, which roles name as it is. */
  readonly name: string;
  /** With its query. */
  readonly path: string;
};

/** Where it goes, by an address of the pod network. */
export type Destination = { readonly ip: string; readonly port: number; readonly path: string };

const form = /^\/api\/v1\/namespaces\/([^/]+)\/(pods|services)\/([^/]+)\/proxy(\/[^?]*)?(\?.*)?$/;
const verbs: Readonly<Record<string, Verb>> = { POST: "create", PUT: "update", PATCH: "patch", DELETE: "delete" };

/** Undefined for a request that is the server's own. */
export function parsePassed(method: string, asked: string): PassedRequest | undefined {
  const [, namespace, plural, name, path = "/", query = ""] = form.exec(asked) ?? [];
  if (namespace === undefined || plural === undefined || name === undefined) return undefined;
  const verb = verbs[method] ?? "get";
  return { kind: kindNamed(plural), verb, namespace, name: decodeURIComponent(name), path: path + query };
}

/** As the real server finds it: pkg/registry/core/{pod,service}, ResourceLocation. Throws ApiError. */
export function locate(store: Store, { kind, namespace, name: id, path }: PassedRequest): Destination {
  const [, , name = "", port = ""] = /^(https?:)?([^:]+)(?::([^:]*))?$/.exec(id) ?? [];
  const found = store.get(kind, namespace, name);
  if (found === undefined) throw notFound(kind, name);
  if (kind.plural === "services") return { ...endpointOf(store, found, port, id), path };
  const ip = isPod(found) ? found.status?.podIP : undefined;
  if (ip === undefined || ip.startsWith("127.")) throw badRequest("address not allowed");
  return { ip, port: Number(port) || 80, path };
}

function endpointOf(store: Store, service: StoredObject, wanted: string, id: string): Omit<Destination, "path"> {
  const { selector, ports } = isObject(service.spec) ? service.spec : {};
  const known = (Array.isArray(ports) ? ports : []).filter(isObject);
  const port = known.find((each) => String(each.port) === wanted || (each.name ?? "") === wanted);
  const { name } = service.metadata;
  if (port === undefined && /^\d+$/.test(wanted))
    throw unavailable(`no service port ${wanted} found for service "${name}"`);
  const pods = readyPods(store, service.metadata.namespace, isObject(selector) ? selector : undefined);
  if (pods.length === 0) throw unavailable(`no endpoints available for service "${name}"`);
  const pod = pods[Math.floor(Math.random() * pods.length)];
  const number = pod && port && portOf(pod, port.targetPort ?? port.port);
  if (pod?.status?.podIP === undefined || number === undefined)
    throw unavailable(`no endpoints available for service "${id}"`);
  return { ip: pod.status.podIP, port: number };
}

function readyPods(store: Store, namespace: string | undefined, selector: object | undefined): readonly Pod[] {
  if (selector === undefined) return [];
  const isSelected = ({ metadata: { labels = {} } }: Pod): boolean =>
    Object.entries(selector).every(([key, value]) => labels[key] === value);
  const isReady = ({ status }: Pod): boolean =>
    status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True") ?? false;
  return store
    .list(kindNamed("pods"))
    .filter(isPod)
    .filter((pod) => pod.metadata.namespace === namespace && isSelected(pod) && isReady(pod));
}

const portOf = ({ spec }: Pod, target: unknown): number | undefined =>
  typeof target === "number"
    ? target
    : spec.containers.flatMap(({ ports = [] }) => ports).find(({ name }) => name === target)?.containerPort;

const unavailable = (message: string): ApiError => new ApiError(503, "ServiceUnavailable", message);

/** Asks there, without the login, and gives back what is answered. `addressOf`: where that is on this machine. */
export async function passOn(
  { ip, port, path }: Destination,
  { method, headers, body }: ApiRequest,
  addressOf: (ip: string, port: number) => string | undefined,
): Promise<Reply> {
  const address = addressOf(ip, port);
  const refused = `dial tcp ${ip}:${port}: connect: connection refused`;
  if (address === undefined) return unreached(refused);
  try {
    const answer = await send(`http://${address}${path}`, {
      method: method as Dispatcher.HttpMethod,
      headers: passed(headers),
      body: body === "" ? null : body,
    });
    return { status: answer.statusCode, body: await answer.body.text(), headers: passed(answer.headers) };
  } catch {
    return unreached(refused);
  }
}

function unreached(because: string): Reply {
  const { code, body } = unavailable(`error trying to reach service: ${because}`);
  return { status: code, body };
}

/** What ends here: a login, and what belongs to a connection. */
const ended: ReadonlySet<string> = new Set([
  "authorization",
  "connection",
  "content-length",
  "host",
  "keep-alive",
  "transfer-encoding",
]);

const passed = (headers: ApiRequest["headers"]): Record<string, string> =>
  Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      ended.has(name) || value === undefined ? [] : [[name, typeof value === "string" ? value : value.join(", ")]],
    ),
  );
