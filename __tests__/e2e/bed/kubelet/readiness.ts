import { get } from "node:http";
import { connect } from "node:net";
import { behaviourOf } from "./behaviour.ts";
import type { Container } from "./container.ts";
import type { Probe } from "./objects.ts";

export type Readiness = {
  readonly ready: () => boolean;
  /** Looks now: a container that began or ended is not left waiting for the next turn. */
  readonly look: () => void;
  readonly stop: () => void;
};

/** Asks a container whether it is ready, as often as its probe says, and tells when the answer changes. */
export function watchReadiness(container: Container, check: () => Promise<boolean>, changed: () => void): Readiness {
  const probe = container.spec.readinessProbe;
  const period = probe === undefined ? 250 : (probe.periodSeconds ?? 10) * 1_000;
  let ready = false;
  let failures = 0;
  let turn = 0;
  let timer: NodeJS.Timeout | undefined;

  async function ask(asked: number): Promise<void> {
    const good = container.running() && (await check());
    if (asked !== turn) return;
    failures = good ? 0 : failures + 1;
    const next = good || (ready && container.running() && failures < (probe?.failureThreshold ?? 3));
    if (next !== ready) {
      ready = next;
      changed();
    }
    timer = setTimeout(() => void ask(asked), period);
  }

  return {
    ready: () => ready && container.running(),
    look() {
      clearTimeout(timer);
      const asked = ++turn;
      timer = setTimeout(
        () => void ask(asked),
        container.running() ? 20 + (probe?.initialDelaySeconds ?? 0) * 1_000 : 0,
      );
    },
    stop() {
      turn++;
      clearTimeout(timer);
    },
  };
}

/** A container's own word: its probe where it has one, else the time that its image says it takes. */
export function probe(container: Container, address: string): Promise<boolean> {
  const { readinessProbe, image } = container.spec;
  const behaviour = behaviourOf(image);
  if (readinessProbe === undefined || behaviour.refuses)
    return Promise.resolve(container.age() >= behaviour.start * 1_000);
  const wanted = readinessProbe.httpGet?.port ?? readinessProbe.tcpSocket?.port;
  if (wanted === undefined) return Promise.resolve(true); // a command cannot fail: nothing runs it
  const port =
    typeof wanted === "number" ? wanted : container.spec.ports?.find(({ name }) => name === wanted)?.containerPort;
  if (port === undefined) return Promise.resolve(false);
  return readinessProbe.httpGet === undefined
    ? canConnect(address, port, readinessProbe)
    : answersWell(address, port, readinessProbe);
}

/** At least ten seconds: no image answers its probe slowly, so what is slow is the machine, and no pod's fault. */
const timeoutOf = (probe: Probe): number => Math.max(10, probe.timeoutSeconds ?? 1) * 1_000;

const canConnect = (host: string, port: number, probe: Probe): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ host, port, timeout: timeoutOf(probe) });
    socket
      .on("connect", () => resolve(true))
      .on("error", () => resolve(false))
      .on("timeout", () => resolve(false));
    socket.on("connect", () => socket.destroy()).on("timeout", () => socket.destroy());
  });

const answersWell = (host: string, port: number, probe: Probe): Promise<boolean> =>
  new Promise((resolve) => {
    const request = get(
      {
        host,
        port,
        path: probe.httpGet?.path ?? "/",
        timeout: timeoutOf(probe),
        agent: false,
        headers: { "user-agent": "kube-probe/1.36" },
      },
      (response) => {
        response.resume();
        resolve((response.statusCode ?? 500) < 400);
      },
    );
    request.on("error", () => resolve(false)).on("timeout", () => request.destroy(new Error("too slow")));
  });
