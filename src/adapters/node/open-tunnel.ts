import { createHash, randomBytes } from "node:crypto";
import http, { type Agent, type IncomingMessage } from "node:http";
import https from "node:https";
import { Duplex } from "node:stream";
import { text } from "node:stream/consumers";
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
  const key = randomBytes(16).toString("base64");
  const upgrade = { connection: "Upgrade", upgrade: "websocket", "sec-websocket-version": "13" };
  const asking = { ...headers, ...upgrade, "sec-websocket-key": key, "sec-websocket-protocol": protocol };
  const client = url.protocol === "https:" ? https : http;
  const request = client.request(url, { agent, headers: asking, signal });
  const opened = new Promise<Duplex | HttpAnswer>((resolve, reject) => {
    request.on("error", reject);
    let isAnswered = false;
    request.on("response", (response) => {
      isAnswered = true;
      answerIn(response).then(resolve, reject);
    });
    request.on("upgrade", (response, socket, head) => {
      if (isMeant(response, key)) return resolve(streamOver(socket, head));
      socket.destroy();
      reject(new Error("the server goes on in another protocol"));
    });
    request.on("close", () => void (isAnswered || reject(new Error("the connection ended without an answer"))));
    request.end();
  });
  return opened.catch((error: unknown) => {
    signal?.throwIfAborted();
    throw error;
  });
}

/** https://www.rfc-editor.org/rfc/rfc6455#section-4.2.2 */
function isMeant({ headers }: IncomingMessage, key: string): boolean {
  const proof = createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
  return headers["sec-websocket-accept"] === proof && headers["sec-websocket-protocol"] === protocol;
}

const answerIn = async (response: IncomingMessage): Promise<HttpAnswer> => ({
  status: response.statusCode ?? 0,
  headers: {},
  text: await text(response),
});

/** https://www.rfc-editor.org/rfc/rfc6455#section-5.2 */
const opcodes = { binary: 2, close: 8, ping: 9, pong: 10 } as const;

type WebSocketFrame = {
  readonly length: number;
  readonly isLast: boolean;
  readonly opcode: number;
  readonly payload: Buffer;
};

function streamOver(socket: Duplex, head: Buffer): Duplex {
  const begun = new Set<number>();
  let rest = head;
  let message = Buffer.alloc(0);
  const stream = new Duplex({
    read: () => socket.resume(),
    write: (part: Buffer, _, done) =>
      void socket.write(frameOf(opcodes.binary, Buffer.concat([Buffer.of(ofData), part])), done),
    destroy(error, done) {
      socket.destroy();
      done(error);
    },
  });

  function hear({ isLast, opcode, payload }: WebSocketFrame): void {
    if (opcode === opcodes.close) return void stream.push(null);
    if (opcode === opcodes.ping) return void socket.write(frameOf(opcodes.pong, payload));
    if (opcode > opcodes.close) return;
    message = Buffer.concat([message, payload]);
    if (message.length > longestMessage) throw tooLong();
    if (!isLast) return;
    const [channel = ofData] = message;
    const part = message.subarray(begun.has(channel) ? 1 : 1 + portLength);
    message = Buffer.alloc(0);
    begun.add(channel);
    if (part.length === 0) return;
    if (channel === ofErrors) throw new Error(part.toString("utf8").trim());
    if (!stream.push(part)) socket.pause();
  }

  function take(part: Buffer): void {
    rest = Buffer.concat([rest, part]);
    try {
      for (let frame = frameIn(rest); frame && !stream.destroyed; frame = frameIn(rest)) {
        rest = rest.subarray(frame.length);
        hear(frame);
      }
    } catch (error) {
      stream.destroy(error as Error);
    }
  }

  socket.on("data", take);
  socket.on("close", () => void (stream.destroyed || stream.push(null)));
  socket.on("error", (error) => stream.destroy(error));
  take(Buffer.alloc(0));
  return stream;
}

/** The first frame, when all of it is there. */
function frameIn(bytes: Buffer): WebSocketFrame | undefined {
  const [first = 0, second = 0] = bytes;
  const begin = 2 + sizeLength(second);
  if (bytes.length < begin) return undefined;
  const length = lengthIn(bytes, begin);
  if (length > longestMessage) throw tooLong();
  if (bytes.length < begin + length) return undefined;
  const payload = bytes.subarray(begin, begin + length);
  return { length: begin + length, isLast: first >= 0x80, opcode: first & 0x0f, payload };
}

function lengthIn(bytes: Buffer, begin: number): number {
  if (begin === 4) return bytes.readUInt16BE(2);
  if (begin === 10) return Number(bytes.readBigUInt64BE(2));
  return (bytes[1] ?? 0) & 0x7f;
}

/** How many bytes say how long a longer frame is. */
const sizeLength = (second: number): number => ({ 126: 2, 127: 8 })[second & 0x7f] ?? 0;

const tooLong = (): Error => new Error(`a message is longer than ${longestMessage} bytes`);

/** Clients mask what they send. */
function frameOf(opcode: number, payload: Buffer): Buffer {
  const mask = randomBytes(4);
  const size = Buffer.alloc(payload.length < 126 ? 1 : 9);
  size[0] = 0x80 | (payload.length < 126 ? payload.length : 127);
  if (payload.length >= 126) size.writeBigUInt64BE(BigInt(payload.length), 1);
  const masked = payload.map((byte, index) => byte ^ (mask[index % 4] ?? 0));
  return Buffer.concat([Buffer.of(0x80 | opcode), size, mask, masked]);
}
