/** As much of https://github.com/websockets/ws as is used here; what it types itself is a package of its own. */
declare module "ws" {
  import type { EventEmitter } from "node:events";
  import type { Agent, IncomingMessage } from "node:http";
  import type { Duplex } from "node:stream";

  type ClientOptions = {
    readonly agent: Agent;
    readonly headers: Readonly<Record<string, string>>;
    readonly perMessageDeflate: boolean;
    readonly maxPayload: number;
  };

  export class WebSocket extends EventEmitter {
    constructor(url: URL, protocols: readonly string[], options: ClientOptions);
    send(data: Buffer, done?: (error?: Error) => void): void;
    pause(): void;
    resume(): void;
    close(): void;
    terminate(): void;
  }

  export class WebSocketServer extends EventEmitter {
    constructor(options: {
      readonly noServer: true;
      readonly handleProtocols: (protocols: ReadonlySet<string>) => string | false;
    });
    handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer, done: (opened: WebSocket) => void): void;
  }
}
