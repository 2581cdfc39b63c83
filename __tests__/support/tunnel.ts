import { createServer } from "node:http";
import { connect } from "node:net";
import type { TestContext } from "node:test";
import { listening } from "./listening.ts";

export type Tunnel = {
  readonly url: string;
  /** Where it was asked to lead to, such as `prometheus.test:9090`. */
  readonly targets: ReadonlySet<string>;
};

/** An HTTP proxy that knows the names of places (`prometheus.test:9090`) and where they really are (`http://127.0.0.1:40123`). */
export async function startTunnel(t: TestContext, places: Readonly<Record<string, string>>): Promise<Tunnel> {
  const targets = new Set<string>();
  const server = createServer((_, response) => void response.writeHead(405).end());
  server.on("connect", ({ url = "" }, socket) => {
    targets.add(url);
    const place = places[url];
    if (place === undefined) return void socket.end("HTTP/1.1 502 Bad Gateway\r\n\r\n");
    const { hostname, port } = new URL(place);
    const beyond = connect(Number(port), hostname, () => {
      socket.write("HTTP/1.1 200 OK\r\n\r\n");
      socket.pipe(beyond).pipe(socket);
    });
    for (const [end, other] of [
      [socket, beyond],
      [beyond, socket],
    ] as const)
      end.on("error", () => other.destroy()).on("close", () => other.destroy());
  });
  return { url: await listening(t, server), targets };
}
