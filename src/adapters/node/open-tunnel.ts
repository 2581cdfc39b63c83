import type { Agent, IncomingMessage } from "node:http";
import { Duplex } from "node:stream";
import { text } from "node:stream/consumers";
import { WebSocket } from "ws";
import type { HttpAnswer, Tunnel } from "../../world/transport.ts";

/**
 * A forwarded port over a WebSocket has two channels, which the first byte of each message names; the first message of
 * each is the port's number: https://github.com/kubernetes/kubernetes/blob/master/staging/src/k8s.io/kubelet/pkg/cri/streaming/portforward/websocket.go
 */
const protocol = "v4.channel.k8s.io";
const [ofData, ofErrors] = [0, 1];
const portLength = 2;

/** Kubelets send what they have read at once, which is 32 KiB. */
const longestMessage = 1_048_576;

/** Opens it, or gives the answer by which the server refused. Rejects with the system's error, or the signal's reason. */
export async function openTunnel(
  { url, headers }: Tunnel,
  agent: Agent,
  signal: AbortSignal | undefined,
): Promise<Duplex | HttpAnswer> {
  const options = { agent, headers, perMessageDeflate: false, maxPayload: longestMessage };
  const socket = new WebSocket(url, [protocol], options);
  const stop = (): void => socket.terminate();
  signal?.addEventListener("abort", stop);
  const opened = new Promise<Duplex | HttpAnswer>((resolve, reject) => {
    socket.on("error", reject);
    socket.on("open", () => resolve(streamOver(socket)));
    socket.on("unexpected-response", (_request, response: IncomingMessage) => {
      answerIn(response).then(resolve, reject).finally(stop);
    });
  });
  return opened
    .catch((error: unknown) => {
      signal?.throwIfAborted();
      throw error;
    })
    .finally(() => signal?.removeEventListener("abort", stop));
}

const answerIn = async (response: IncomingMessage): Promise<HttpAnswer> => ({
  status: response.statusCode ?? 0,
  headers: {},
  text: await text(response),
});

function streamOver(socket: WebSocket): Duplex {
  const begun = new Set<number>();
  const stream = new Duplex({
    read: () => socket.resume(),
    write: (part: Buffer, _, done) => socket.send(Buffer.concat([Buffer.of(ofData), part]), done),
    destroy(error, done) {
      socket.terminate();
      done(error);
    },
  });
  socket.on("message", (message: Buffer) => {
    const [channel = ofData] = message;
    const part = message.subarray(begun.has(channel) ? 1 : 1 + portLength);
    begun.add(channel);
    if (part.length === 0) return;
    if (channel === ofErrors) stream.destroy(new Error(part.toString("utf8").trim()));
    else if (!stream.push(part)) socket.pause();
  });
  socket.on("close", () => stream.push(null));
  socket.on("error", (error) => stream.destroy(error));
  return stream;
}
