import { readFileSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { dump, load } from "js-yaml";
import { Agent, request } from "undici";
import { type Bed, testFolder } from "./bed.ts";

/** What is done to one request. `pass` sends it on and gives the answer, which `answer` hands back. */
export type Treatment = (call: Call) => Promise<void>;

export type Call = {
  readonly method: string;
  readonly path: string;
  readonly body: string;
  /** Sends the request to the API server. */
  readonly pass: () => Promise<void>;
  /** Gives the answer to whoever asked; before `pass` there is none, and the connection is cut. */
  readonly answer: () => void;
  readonly cut: () => void;
};

/** The bed's API server, with something between it and the program. */
export type FaultyApiServer = {
  /** Path of a kubeconfig that leads through it. */
  readonly kubeconfig: string;
  /** How requests are treated from now on. By default they pass. */
  treat(treatment: Treatment): void;
  close(): Promise<void>;
};

export const passing: Treatment = async ({ pass, answer }) => {
  await pass();
  answer();
};

/** The network as it is in another region: each answer takes so many milliseconds more. */
export const slower =
  (latency: number): Treatment =>
  async ({ pass, answer }) => {
    await sleep(latency / 2);
    await pass();
    await sleep(latency / 2);
    answer();
  };

/** Nobody is there: every connection is cut before anything is done. */
export const away: Treatment = async ({ cut }) => cut();

type Kubeconfig = {
  readonly clusters: readonly [
    { readonly cluster: { readonly server: string; readonly "certificate-authority-data": string } },
  ];
  readonly users: readonly [
    { readonly user: { readonly "client-certificate-data": string; readonly "client-key-data": string } },
  ];
};

/** Listens on the loopback until it is closed. */
export async function startFaultyApiServer(bed: Bed, name: string): Promise<FaultyApiServer> {
  const config = load(readFileSync(bed.kubeconfig, "utf8")) as Kubeconfig;
  const [{ cluster }, { user }] = [config.clusters[0], config.users[0]];
  const pem = (data: string): Buffer => Buffer.from(data, "base64");
  const agent = new Agent({
    allowH2: false,
    connect: {
      ca: pem(cluster["certificate-authority-data"]),
      cert: pem(user["client-certificate-data"]),
      key: pem(user["client-key-data"]),
    },
  });
  let treatment = passing;
  const server = createServer(async (incoming, response) => {
    const body = await bodyOf(incoming);
    await treatment(callOf(incoming, body, response)).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));

  function callOf(
    { method = "GET", url: path = "/", headers }: IncomingMessage,
    body: Buffer,
    response: ServerResponse,
  ): Call {
    let given: { readonly status: number; readonly type: string; readonly body: Buffer } | undefined;
    return {
      method,
      path,
      body: body.toString(),
      async pass() {
        const { host: _host, connection: _connection, "content-length": _length, ...kept } = headers;
        const answer = await request(cluster.server + path, {
          method: method as "GET",
          headers: kept as Record<string, string>,
          body: body.length === 0 ? null : body,
          dispatcher: agent,
        });
        const type = String(answer.headers["content-type"] ?? "application/json");
        given = { status: answer.statusCode, type, body: Buffer.from(await answer.body.arrayBuffer()) };
      },
      answer() {
        if (given === undefined) return void response.destroy();
        response.writeHead(given.status, { "content-type": given.type }).end(given.body);
      },
      cut: () => void response.destroy(),
    };
  }

  const address = server.address() as { readonly port: number };
  const kubeconfig = join(testFolder(bed, name), "faulty.kubeconfig");
  const clusters = [
    { name: "bed", cluster: { server: `http://127.0.0.1:${address.port}`, "insecure-skip-tls-verify": true } },
  ];
  const contexts = [{ name: "bed", context: { cluster: "bed", user: "nobody" } }];
  const users = [{ name: "nobody", user: {} }];
  writeFileSync(
    kubeconfig,
    dump({ apiVersion: "v1", kind: "Config", clusters, contexts, users, "current-context": "bed" }),
  );
  return {
    kubeconfig,
    treat(next) {
      treatment = next;
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await agent.close();
    },
  };
}

async function bodyOf(incoming: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of incoming) parts.push(part as Buffer);
  return Buffer.concat(parts);
}
