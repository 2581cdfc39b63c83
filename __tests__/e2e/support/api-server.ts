import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { load } from "js-yaml";
import { Agent, type Dispatcher, request } from "undici";
import type { KubernetesObject } from "../../../src/kubernetes/object.ts";

export type Answer<T = KubernetesObject> = { readonly status: number; readonly body: T };

/** Plain HTTP to the API server: what a test sees does not pass through the code under test. */
export type ApiServer = {
  /** Any answer, refusals too. A patch's kind is its content type. */
  call<T = KubernetesObject>(
    method: Dispatcher.HttpMethod,
    path: string,
    body?: unknown,
    contentType?: string,
  ): Promise<Answer<T>>;
  /** The body of a good answer; rejects on any other, with the server's own message. */
  expect<T = KubernetesObject>(
    method: Dispatcher.HttpMethod,
    path: string,
    body?: unknown,
    contentType?: string,
  ): Promise<T>;
  /** The object, or undefined when there is none. */
  get<T = KubernetesObject>(path: string): Promise<T | undefined>;
  /** Every object of a collection now and later, until aborted. Survives a connection that breaks. */
  watch<T extends KubernetesObject>(
    path: string,
    seen: (type: "ADDED" | "MODIFIED" | "DELETED", object: T) => void,
    signal: AbortSignal,
  ): Promise<void>;
  close(): Promise<void>;
};

/** Of an answer, to its last byte. A watch has none. */
const answerLimit = 60_000;

export const mergePatch = "application/merge-patch+json";
export const jsonPatch = "application/json-patch+json";
export const applyPatch = "application/apply-patch+yaml";

type Kubeconfig = {
  readonly clusters: readonly {
    readonly cluster: { readonly server: string; readonly "certificate-authority-data": string };
  }[];
  readonly users: readonly {
    readonly user: {
      readonly token?: string;
      readonly "client-certificate-data"?: string;
      readonly "client-key-data"?: string;
    };
  }[];
};

/** Opens the first cluster of a kubeconfig as its first user. */
export function openApiServer(kubeconfig: string): ApiServer {
  const config = load(readFileSync(kubeconfig, "utf8")) as Kubeconfig;
  const [cluster, user] = [config.clusters[0]?.cluster, config.users[0]?.user];
  if (cluster === undefined || user === undefined) throw new Error(`${kubeconfig}: no cluster or no user`);
  const decoded = (text: string | undefined): { readonly pem?: Buffer } =>
    text === undefined ? {} : { pem: Buffer.from(text, "base64") };
  const certificate = decoded(user["client-certificate-data"]).pem;
  const key = decoded(user["client-key-data"]).pem;
  const agent = new Agent({
    connect: {
      ca: Buffer.from(cluster["certificate-authority-data"], "base64"),
      ...(certificate && key ? { cert: certificate, key } : {}),
    },
    bodyTimeout: 0, // a quiet watch is no dead one
    allowH2: false, // undici offers it by default; what is tested speaks HTTP/1.1, and so does what looks at it
  });
  const authorization = user.token === undefined ? {} : { authorization: `Bearer ${user.token}` };

  const send = (
    method: Dispatcher.HttpMethod,
    path: string,
    body?: unknown,
    contentType = "application/json",
    signal?: AbortSignal,
  ): Promise<Dispatcher.ResponseData> =>
    request(cluster.server + path, {
      method,
      dispatcher: agent,
      headers: {
        ...authorization,
        accept: "application/json",
        ...(body === undefined ? {} : { "content-type": contentType }),
      },
      body: body === undefined ? null : typeof body === "string" ? body : JSON.stringify(body),
      ...(signal ? { signal } : {}),
    });

  async function call<T>(
    method: Dispatcher.HttpMethod,
    path: string,
    body?: unknown,
    contentType?: string,
  ): Promise<Answer<T>> {
    const answer = await send(method, path, body, contentType, AbortSignal.timeout(answerLimit));
    const text = await answer.body.text();
    const isJson = String(answer.headers["content-type"]).includes("json");
    return { status: answer.statusCode, body: (isJson ? JSON.parse(text) : text) as T };
  }

  async function expect<T>(
    method: Dispatcher.HttpMethod,
    path: string,
    body?: unknown,
    contentType?: string,
  ): Promise<T> {
    const answer = await call<T>(method, path, body, contentType);
    if (answer.status >= 200 && answer.status < 300) return answer.body;
    throw new Error(`${method} ${path}: ${answer.status} ${messageOf(answer.body)}`);
  }

  async function follow<T extends KubernetesObject>(
    path: string,
    version: string,
    seen: (type: "ADDED" | "MODIFIED" | "DELETED", object: T) => void,
    signal: AbortSignal,
  ): Promise<void> {
    const answer = await send(
      "GET",
      `${path}?watch=1&allowWatchBookmarks=true&resourceVersion=${version}`,
      undefined,
      undefined,
      signal,
    );
    for await (const line of createInterface({ input: answer.body })) {
      const event = JSON.parse(line) as {
        readonly type: "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK" | "ERROR";
        readonly object: T;
      };
      if (event.type === "ERROR") return; // too old: read everything again
      if (event.type !== "BOOKMARK") seen(event.type, event.object);
    }
  }

  return {
    call,
    expect,
    async get<T>(path: string): Promise<T | undefined> {
      const answer = await call<T>("GET", path);
      if (answer.status === 404) return undefined;
      if (answer.status !== 200) throw new Error(`GET ${path}: ${answer.status} ${messageOf(answer.body)}`);
      return answer.body;
    },
    async watch<T extends KubernetesObject>(
      path: string,
      seen: (type: "ADDED" | "MODIFIED" | "DELETED", object: T) => void,
      signal: AbortSignal,
    ): Promise<void> {
      const known = new Map<string, T>();
      const note = (type: "ADDED" | "MODIFIED" | "DELETED", object: T): void => {
        const uid = object.metadata.uid ?? "";
        if (type === "DELETED") known.delete(uid);
        else known.set(uid, object);
        seen(type, object);
      };
      while (!signal.aborted) {
        try {
          const list = await expect<{
            readonly items: readonly T[];
            readonly metadata: { readonly resourceVersion: string };
          }>("GET", path);
          const present = new Set(list.items.map((item) => item.metadata.uid));
          for (const [uid, object] of known) if (!present.has(uid)) note("DELETED", object);
          for (const item of list.items) note("ADDED", item);
          await follow<T>(path, list.metadata.resourceVersion, note, signal);
        } catch (error) {
          if (signal.aborted) return;
          console.error(`watching ${path} again:`, error);
          await sleep(300);
        }
      }
    },
    close: () => agent.destroy(),
  };
}

const messageOf = (body: unknown): string =>
  typeof body === "object" && body !== null && "message" in body ? String(body.message) : JSON.stringify(body);
