import type { IncomingMessage } from "node:http";
import { connect } from "node:net";
import type { Duplex } from "node:stream";
import { WebSocketServer } from "ws";

/** A port of a pod that is to be forwarded. */
export type ForwardedPort = { readonly namespace: string; readonly name: string; readonly port: number };

const form = /^\/api\/v1\/namespaces\/([^/]+)\/pods\/([^/]+)\/portforward\?ports=(\d+)$/;

/** Undefined for any other request. */
export function parseForward(asked: string): ForwardedPort | undefined {
  const [, namespace, name, port] = form.exec(asked) ?? [];
  if (namespace === undefined || name === undefined) return undefined;
  return { namespace, name, port: Number(port) };
}

/** What a kubelet speaks: a byte with the channel before each message, and the port's number in the first of each. */
const protocol = "v4.channel.k8s.io";
const [data, errors] = [0, 1];
const server = new WebSocketServer({ noServer: true, handleProtocols: (offered) => offered.has(protocol) && protocol });

/** Answers the upgrade as a kubelet does, and hands on to `address` (`127.0.0.1:1234`) what comes. */
export function forwardPort(
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  { name, port }: Pick<ForwardedPort, "name" | "port">,
  address: string | undefined,
): void {
  server.handleUpgrade(request, socket, head, (opened) => {
    const say = (channel: number, part: Buffer): void => opened.send(Buffer.concat([Buffer.of(channel), part]));
    const number = Buffer.alloc(2);
    number.writeUInt16LE(port);
    for (const channel of [data, errors]) say(channel, number);
    const refuse = (): void => {
      say(errors, Buffer.from(`error forwarding port ${port} to pod ${name}: connect: connection refused`));
      opened.close();
    };
    if (address === undefined) return refuse();
    const [host = "", at = ""] = address.split(":");
    const beyond = connect(Number.parseInt(at, 10), host);
    beyond.on("data", (part: Buffer) => say(data, part));
    beyond.on("error", refuse).on("close", () => opened.close());
    opened.on("message", (message: Buffer) => beyond.write(message.subarray(1)));
    opened.on("error", () => beyond.destroy()).on("close", () => beyond.destroy());
  });
}
