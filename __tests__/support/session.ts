import assert from "node:assert/strict";
import type { Session } from "../../src/commands/session.ts";
import { DeniedError } from "../../src/lib/errors.ts";
import type { Ports } from "../../src/ports/ports.ts";
import type { Finding } from "../../src/ports/preflight.ts";
import type { ReleaseRecord } from "../../src/release/release-record.ts";
import type { State } from "../../src/release/state.ts";
import type { WayBack } from "../../src/release/undoing.ts";
import { configured, soundBut } from "../config/configured.ts";
import { alike } from "./alike.ts";
import { type Behaviour, createWorld } from "./world.ts";

export type SessionOptions = {
  readonly behaviour?: Behaviour;
  /** What the journal has from an earlier job. */
  readonly state?: State;
  /** Whose it is. Default: another job's. */
  readonly earlierRun?: ReleaseRecord["run"];
  /** What Services there are. Default: the one that is released. */
  readonly services?: readonly string[];
  readonly findings?: () => readonly Finding[];
  /** The job that has the lock and lives. */
  readonly holder?: string;
  /** What a job hears that asks for its lock when another one has taken it. */
  readonly taken?: () => string | undefined;
  /** Why nobody gets the lock. */
  readonly lockFails?: Error;
  readonly wayBack?: Partial<WayBack>;
  /** What is not as it should be at the end. */
  readonly differences?: Ports["workload"]["differences"];
  /** Gates, and where metrics come from. Default: restarts alone. */
  readonly judged?: string;
};

const effects = [
  "prepare",
  "write",
  "finish",
  "cleanUp",
  "deploy",
  "scale",
  "updateStable",
  "retire",
  "restore",
  "revive",
];

/** A session in a world in memory that writes down, in one list, what a command did to it and in which order. */
export async function createSession(options: SessionOptions = {}) {
  const events: string[] = [];
  const printed: string[] = [];
  const warnings: string[] = [];
  const stop = new AbortController();
  const insist = new AbortController();
  const { judged = "gates: [{ restarts: {} }]\nmetrics: {}" } = options;
  const file = soundBut(`stages: 10:1m, 100\n${judged}`);
  const config = await configured({ file });
  const { target, plan } = config.release ?? assert.fail();
  const world = createWorld(plan, options.behaviour);
  const ports = world.ports;
  const { journal } = ports;
  if (options.state) {
    const record = await world.begin();
    await journal.save({ ...record, target, state: options.state, run: options.earlierRun ?? { id: "another-job" } });
  }

  /** The port, with what it does put on the list. */
  const listed = <T extends object>(port: T): T =>
    new Proxy(port, {
      get(methods, name, self) {
        if (effects.includes(String(name))) events.push(String(name));
        return Reflect.get(methods, name, self);
      },
    });

  const session: Session = {
    config,
    run: { id: "this-job", actor: "ada" },
    cluster: { context: "prod-eu-1", host: "10.0.0.1:6443" },
    clock: ports.clock,
    transport: { send: () => assert.fail("nothing is sent") },
    stop: stop.signal,
    insist: insist.signal,
    messages: {
      print: (text) => void printed.push(text),
      answer: (value) => void printed.push(JSON.stringify(value)),
      warn: (warning) => void warnings.push(warning),
      warnings: () => warnings,
      nothingLeft: () => void events.push("nothing left"),
      somethingLeft: () => void events.push("something left"),
    },
    history: {
      traffic: async () => ({ because: "nothing is counted" }),
      rate: async () => undefined,
      dispersion: async () => ({ phi: 1, because: "measured", spread: alike }),
    },
    journal: {
      load: journal.load,
      async save(record) {
        events.push(`save ${record.state.phase}`);
        await journal.save(record);
      },
      confirm: journal.confirm,
    },
    reporter: {
      report: ({ state, settled }) => void (settled === undefined || events.push(`report ${state.phase}`)),
      flush: async () => void events.push("flush"),
    },
    notices: { tell: async ({ kind }) => void events.push(`notice ${kind}`) },
    lock: ({ force }) => ({
      holder: async () => (options.holder === undefined ? undefined : { heldBy: { id: options.holder }, heldFor: 0 }),
      async acquire() {
        if (options.lockFails) throw options.lockFails;
        events.push(force ? "lock by force" : "lock");
        const lost = new AbortController();
        return {
          lost: lost.signal,
          async confirm() {
            const taker = options.taken?.();
            if (taker !== undefined) lost.abort(new DeniedError(taker));
            lost.signal.throwIfAborted();
          },
          release: async () => void events.push("unlock"),
        };
      },
    }),
    soleServer: async () => "stable",
    findRoutes: async ({ routes }) => routes,
    serving: async () => {
      const { weight } = world.cluster;
      return [...(weight < 100 ? (["stable"] as const) : []), ...(weight > 0 ? (["canary"] as const) : [])];
    },
    services: async () => options.services ?? ["reviews"],
    preflight: () => ({ inspect: async () => options.findings?.() ?? [] }),
    manifestImage: () => undefined,
    wayBack: async () => ({
      image: "registry.test/reviews:v1",
      pods: 3,
      hasCanary: true,
      stands: false,
      ...options.wayBack,
    }),
    capture: async () => ({ routes: {}, workloads: {} }),
    captureGivenBack: async () => ({ routes: {}, workloads: {} }),
    inspectMetrics: async () => options.findings?.() ?? [],
    connect() {
      const { router, workload, bystanders, metrics, clock, respondents } = ports;
      const { journal, reporter } = session;
      const { differences = workload.differences } = options;
      return {
        router: listed(router),
        workload: listed({ ...workload, differences }),
        bystanders,
        respondents,
        metrics,
        journal,
        reporter,
        clock,
      };
    },
  };
  return { session, events, printed, warnings, cluster: world.cluster, load: world.load, stop, insist, world };
}

/** The first thing that a command did to the cluster, and what it had done before. */
export function beforeEffects(events: readonly string[]): {
  readonly before: readonly string[];
  readonly first: string;
} {
  const at = events.findIndex((event) => effects.includes(event));
  return { before: events.slice(0, at), first: events[at] ?? assert.fail(`nothing was done: ${events}`) };
}
