import type { Millis } from "../src/lib/duration.ts";
import type { HttpAnswer, HttpRequest, Transport } from "../src/world/transport.ts";
import type { SimulatedProcess } from "./process.ts";
import type { Timeline } from "./timeline.ts";

/** The three APIs, each on its own way through the network. */
export type Link = "kubernetes" | "prometheus" | "github";

export type Servers = Readonly<Record<Link, (request: HttpRequest) => HttpAnswer>>;

/** What becomes of one request. */
export type Fate = {
  /** Until the server has it. */
  readonly there: Millis;
  /** And from then on, until the answer is back. */
  readonly back: Millis;
  /** The server never hears of it. */
  readonly lost?: boolean | undefined;
  /** The server gets it once more, so long after the first time; that answer is the one that comes back. */
  readonly again?: Millis | undefined;
  /** How the client loses its answer: by an error, or by nothing at all. */
  readonly cut?: "ECONNREFUSED" | "ECONNRESET" | "silence" | undefined;
  /** What comes back instead of what the server answered. */
  readonly instead?: ((answer: HttpAnswer | undefined) => HttpAnswer) | undefined;
};

/** @param fateOf asked once for each request, in the order in which they are sent */
export function simulatedNetwork(
  timeline: Timeline,
  servers: Servers,
  fateOf: (link: Link, request: HttpRequest, process: SimulatedProcess) => Fate,
): (process: SimulatedProcess) => Transport {
  const transportOf = (process: SimulatedProcess): Transport => ({
    send: (request) =>
      new Promise((resolve, reject) => {
        const { signal } = request;
        if (signal?.aborted) return reject(signal.reason);
        const abort = (): void => reject(signal?.reason);
        signal?.addEventListener("abort", abort);
        const comeBack = (settle: () => void): void =>
          process.deliver(() => {
            signal?.removeEventListener("abort", abort);
            settle();
          });
        const link = linkOf(request);
        const fate = fateOf(link, request, process);
        travel(request, servers[link], fate, (answer) =>
          comeBack(() => (typeof answer === "string" ? reject(systemError(answer)) : resolve(answer))),
        );
      }),
  });

  function travel(
    request: HttpRequest,
    serve: (request: HttpRequest) => HttpAnswer,
    { there, back, lost = false, again, cut, instead }: Fate,
    comeBack: (answer: HttpAnswer | string) => void,
  ): void {
    timeline.after(there, () => {
      let answer = lost ? undefined : serve(request);
      const reply = (): void => {
        const final = instead === undefined ? answer : instead(answer);
        if (cut === "silence") return;
        timeline.after(back, () => comeBack(cut ?? final ?? "ECONNRESET"));
      };
      if (again === undefined) return reply();
      timeline.after(again, () => {
        answer = serve(request);
        reply();
      });
    });
  }

  return transportOf;
}

const hosts: Readonly<Record<string, Link>> = {
  "kubernetes.simulated": "kubernetes",
  "prometheus.simulated": "prometheus",
  "github.simulated": "github",
};

function linkOf({ url }: HttpRequest): Link {
  const link = hosts[url.hostname];
  if (link === undefined) throw new Error(`nobody is simulated at ${url.hostname}`);
  return link;
}

const systemError = (code: string): Error => Object.assign(new Error(`connect ${code}`), { code });
