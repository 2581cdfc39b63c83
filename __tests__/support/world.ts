import type { Job } from "../../src/engine/job.ts";
import { emptyLedger } from "../../src/evidence/ledger.ts";
import { emptyCount } from "../../src/evidence/tally.ts";
import type { Instant, Millis } from "../../src/lib/duration.ts";
import { StrayedError, TakenOverError, UnreachableError } from "../../src/lib/errors.ts";
import type { Journal } from "../../src/ports/journal.ts";
import { type Increments, type MetricSource, sawNothing } from "../../src/ports/metric-source.ts";
import type { Ports } from "../../src/ports/ports.ts";
import type { Router } from "../../src/ports/router.ts";
import type { Account } from "../../src/release/account.ts";
import type { Health } from "../../src/release/health.ts";
import type { Unserved } from "../../src/release/observation.ts";
import type { Plan, Stage } from "../../src/release/plan.ts";
import type { ReleaseRecord } from "../../src/release/release-record.ts";
import type { Split } from "../../src/release/split.ts";
import { initial, type State } from "../../src/release/state.ts";
import { type Role, roles, type Target } from "../../src/release/target.ts";
import { jumpingClock } from "./clock.ts";
import { evidenceRules } from "./evidence-rules.ts";
import { noRespondents } from "./respondents.ts";
import { shopTarget } from "./shop-target.ts";

export const second: Millis = 1_000;

export const target: Target = {
  ...shopTarget,
  image: "registry.test/reviews:v2",
};

export const stageOf = (weight: number, more: Partial<Stage> = {}): Stage => ({
  name: `${weight}%`,
  weight,
  wait: 20 * second,
  deadline: 60 * second,
  gates: [{ kind: "errors", name: "errors", atMost: 0.05, minRequests: 20, noData: "wait" }],
  approval: false,
  ...more,
});

export const planOf = (more: Partial<Plan> = {}): Plan => ({
  stages: [stageOf(5), stageOf(25), stageOf(50)],
  evidence: evidenceRules,
  pollEvery: 5 * second,
  ready: 60 * second,
  meshDelay: 2 * second,
  drain: 10 * second,
  deadline: 3_600 * second,
  patience: 30 * second,
  promotion: "swap",
  keepOld: false,
  drift: "rollback",
  ...more,
});

/** The plan with evidence in place of its gates, past the warm-up from the first request on. */
export const judgedByEvidence = (plan: Plan, rules: Partial<Plan["evidence"]> = {}): Plan => ({
  ...plan,
  stages: plan.stages.map((stage) => ({ ...stage, gates: [{ kind: "evidence", name: "evidence" }] })),
  evidence: { ...evidenceRules, settings: { ...evidenceRules.settings, warmUp: 0, scrape: plan.pollEvery }, ...rules },
});

/** What the cluster is, as far as a release can change it. */
export type Cluster = {
  weight: number;
  /** `changed`: by somebody else, since it was deployed. */
  canary: "as before" | "deployed" | "changed" | "promoted";
  /** `emptied`: somebody else scaled it to 0. */
  stable: "as before" | "new image" | "scaled down" | "emptied";
  subset: boolean;
};

/** What a job asks of the world, by the name of the call: "router.write", "workload.health canary", "journal.save". */
export type Call = { readonly name: string; readonly at: Instant };

export type Behaviour = {
  /** The canary's share of failed requests at a time. */
  readonly errors?: (now: Instant) => number;
  readonly traffic?: boolean;
  /** The canary's share of requests that fail without reaching a pod. */
  readonly lost?: (now: Instant) => number;
  /** Why counters cannot be read at a time. */
  readonly blind?: (now: Instant) => string | undefined;
  readonly health?: (of: "stable" | "canary", now: Instant) => Partial<Health>;
  /** For which versions what the routes name is not there, or nobody behind it, and why. */
  readonly unserved?: (now: Instant) => Unserved;
  /** Somebody else's hand on the route, after each poll. */
  readonly meddle?: (cluster: Cluster, now: Instant) => void;
  /** Who would be left without a version's pods. */
  readonly stranded?: (version: Role) => readonly string[];
  /** What a call is answered with instead of being done. */
  readonly fails?: (call: Call) => Error | undefined;
  /** How long a call takes; one that hangs takes for ever. Nothing else takes any time. */
  readonly takes?: (call: Call) => Millis | undefined;
  /** How long a request for the journal or the route takes on its way, and its answer as long again. */
  readonly latency?: (request: "load" | "save" | "confirm" | "read" | "write" | "fence" | "take back") => Millis;
};

/** The cluster does not answer between two times. */
export const awayBetween =
  (start: Instant, end: Instant) =>
  ({ name, at }: Call): Error | undefined =>
    at >= start && at < end && !name.startsWith("metrics") ? new UnreachableError("no answer") : undefined;

/** A job that nothing ends early. */
export const job = (more: Partial<Job> = {}): Job => ({
  stop: new AbortController().signal,
  lost: new AbortController().signal,
  deadlineAt: Infinity,
  warnings: () => [],
  ...more,
});

type Life = { over: boolean };

/** A process that is gone asks nothing any more either, whatever else it was still waiting for. */
const untilOver = <Port extends object>(port: Port, life: Life): Port =>
  new Proxy(port, {
    get(target, name) {
      const method: unknown = Reflect.get(target, name);
      if (typeof method !== "function") return method;
      return (...args: unknown[]) => (life.over ? new Promise(() => {}) : Reflect.apply(method, target, args));
    },
  });

/**
 * A world in memory whose clock jumps. Each call of a port is counted, and one of them can be made to crash the job:
 * before its effect, or after it, as when an answer gets lost.
 */
export function createWorld(plan: Plan, behaviour: Behaviour = {}) {
  const clock = jumpingClock();
  const { now } = clock;
  const calls: Call[] = [];
  let crashAt = Infinity;
  let late = false;
  let onCall: (call: number) => void = () => {};
  let saved: ReleaseRecord | undefined;
  let version = 0;
  const died = Promise.withResolvers<"died">();
  /** Of the job that got its ports last. */
  let life: Life = { over: false };
  const counted = { stable: 0, canary: 0, errors: 0, lost: 0 };
  let countedAt = 0;
  const cluster: Cluster = { weight: 0, canary: "as before", stable: "as before", subset: false };
  const before = structuredClone(cluster);
  let routeVersion = 1;
  const writes: { readonly weight: number; readonly at: Instant; readonly journaled: State | undefined }[] = [];
  const accounts: Account[] = [];
  const journaled: State[] = [];

  async function port<T>(name: string, effect: () => T | Promise<T>): Promise<T> {
    const call = { name, at: now() };
    calls.push(call);
    const number = calls.length;
    onCall(number);
    if (number === crashAt && !late) return die();
    const took = behaviour.takes?.(call);
    if (took === Infinity) return new Promise<T>(() => {});
    if (took !== undefined) await clock.sleepUntil(call.at + took);
    const failure = behaviour.fails?.(call);
    if (failure) throw failure;
    const result = await effect();
    return number === crashAt ? die() : result;
  }

  /** A process that is gone throws nothing: its call just never comes back. */
  function die<T>(): Promise<T> {
    life.over = true;
    died.resolve("died");
    return new Promise<T>(() => {});
  }

  const change = (name: string, to: Partial<Cluster>): Promise<void> =>
    port(name, () => void Object.assign(cluster, to));

  /** Does what is asked for half-way between asking and the answer. */
  async function request<T>(name: Parameters<NonNullable<Behaviour["latency"]>>[0], work: () => T): Promise<T> {
    if (!behaviour.latency) return work();
    const latency = behaviour.latency(name);
    await clock.sleepUntil(now() + latency);
    const answer = work();
    await clock.sleepUntil(now() + latency);
    return answer;
  }

  /** Reads the route, makes sure of the release, and writes the version that was read, until it is as it should be. */
  async function weigh(
    weight: number,
    from: readonly (Split | undefined)[],
    confirm: () => Promise<void>,
  ): Promise<number> {
    for (;;) {
      const read = await request("read", () => ({ version: routeVersion, weight: cluster.weight }));
      const ours = from.flatMap((split) => split?.canary ?? []);
      if (ours.length > 0 && ![...ours, weight].includes(read.weight)) throw new StrayedError(`v2 has ${read.weight}%`);
      await confirm();
      const written = await request("write", () => read.version === routeVersion && put(weight));
      if (written !== false) return written;
    }
  }

  function put(weight: number): number {
    writes.push({ weight, at: now(), journaled: saved?.state });
    if (cluster.weight === weight) return routeVersion;
    serve();
    cluster.weight = weight;
    return ++routeVersion;
  }

  function serve(): void {
    const requests = behaviour.traffic === false ? 0 : Math.round(((now() - countedAt) / second) * 100);
    countedAt = now();
    const meant = Math.round((requests * cluster.weight) / 100);
    const lost = Math.round(meant * (behaviour.lost?.(now()) ?? 0));
    counted.stable += requests - meant;
    counted.canary += meant - lost;
    counted.errors += Math.round((meant - lost) * (behaviour.errors?.(now()) ?? 0));
    counted.lost += lost;
  }

  /** Each job has its own, which counts from its first look. */
  function metrics(): MetricSource {
    let last: (typeof counted & { readonly at: Instant }) | undefined;
    const look = (at: Instant): Increments => {
      const why = behaviour.blind?.(at);
      if (why !== undefined) return sawNothing(at, last?.at, why);
      serve();
      const { stable, canary, errors, lost, at: since } = last ?? { ...counted, at: undefined };
      last = { ...counted, at };
      return {
        at,
        since,
        from: since ?? at,
        stable: { ...emptyCount, requests: counted.stable - stable },
        canary: { ...emptyCount, requests: counted.canary - canary, errors: counted.errors - errors },
        lost: counted.lost - lost,
        blind: [],
      };
    };
    return {
      look: (at) => port("metrics.look", () => look(at)),
      query: (_query, at) => port("metrics.query", () => ({ at, value: behaviour.errors?.(now()) ?? 0 })),
    };
  }

  const healthy: Health = { ready: true, desired: 1, available: 1, restarts: 0, because: "1 of 1 pods is available" };

  const identity: Readonly<Record<Role, () => Partial<Health>>> = {
    stable: () => ({
      had: 1,
      untouched: cluster.stable === "as before",
      ...(cluster.stable === "emptied" ? { ready: false, desired: 0, available: 0 } : {}),
    }),
    canary: () =>
      cluster.canary === "changed"
        ? { changed: "reviews-v2 has the image v3, not v2" }
        : { build: { image: "v2", digests: {} } },
  };

  /** Each job has its own: it saves what it read, or what is its own by now. */
  function journalOfOne(): Journal {
    let known = 0;
    let mine: ReleaseRecord | undefined;
    const assertOurs = (): void => {
      if (!mine || !saved || known === version) return;
      if (saved.run.id === mine.run.id && saved.startedAt === mine.startedAt) return;
      throw new TakenOverError(`the journal was changed by another job (${saved.run.id})`);
    };
    return {
      load: () =>
        request("load", () => {
          known = version;
          return saved && structuredClone(saved);
        }),
      save(record) {
        mine = record;
        return port("journal.save", () =>
          request("save", () => {
            assertOurs();
            saved = structuredClone(record);
            known = ++version;
            journaled.push(record.state);
          }),
        );
      },
      confirm: () => request("confirm", assertOurs),
    };
  }

  function portsOfOne(): Ports {
    life = { over: false };
    const { workload, bystanders, reporter, respondents } = ports;
    const journal = journalOfOne();
    const router = routerOfOne(journal);
    return {
      respondents,
      workload: untilOver(workload, life),
      bystanders: untilOver(bystanders, life),
      metrics: untilOver(metrics(), life),
      journal: untilOver(journal, life),
      router: untilOver(router, life),
      reporter,
      clock: { ...clock, ...untilOver({ sleepUntil: clock.sleepUntil }, life) },
    };
  }

  function routerOfOne({ confirm }: Journal): Router {
    let written: number | undefined;
    return {
      prepare: () => change("router.prepare", { subset: true }),
      write: ({ canary }, from) =>
        port("router.write", async () => {
          written = await weigh(canary, [from], confirm);
        }),
      drift: ({ canary }, next) =>
        port("router.drift", () => {
          const { weight } = cluster;
          behaviour.meddle?.(cluster, now());
          if (cluster.weight !== weight) routeVersion++;
          return [canary, next?.canary].includes(cluster.weight) ? undefined : `v2 has ${cluster.weight}%`;
        }),
      strayed: (winner, from) =>
        port("router.strayed", () => {
          const { weight } = cluster;
          behaviour.meddle?.(cluster, now());
          if (cluster.weight !== weight) routeVersion++;
          const [wanted, differences] = [winner === "canary" ? 100 : 0, `v2 has ${cluster.weight}%`];
          const serving = roles.filter((role) => cluster.weight !== { stable: 100, canary: 0 }[role]);
          return [wanted, from?.canary].includes(cluster.weight) ? undefined : { differences, serving };
        }),
      unserved: (among) =>
        port("router.unserved", () => {
          const all = behaviour.unserved?.(now()) ?? {};
          return Object.fromEntries(among.flatMap((role) => (role in all ? [[role, all[role]]] : [])));
        }),
      finish: (winner, ...from) =>
        port("router.finish", async () => void (await weigh(winner === "canary" ? 100 : 0, from, confirm))),
      fence: () => request("fence", () => void routeVersion++),
      written: async () => [],
      splits: async () => [`route "primary": v1 ${100 - cluster.weight}, v2 ${cluster.weight}`],
      takeBack: () => request("take back", () => void (written === routeVersion && put(0))),
      cleanUp: (winner) => change("router.cleanUp", { subset: winner === "canary" }),
      differences: (winner) =>
        port("router.differences", () => [
          ...(cluster.weight === (winner === "canary" ? 100 : 0) ? [] : [`v2 has ${cluster.weight}%`]),
          ...[behaviour.unserved?.(now())[winner] ?? []].flat(),
        ]),
    };
  }

  const ports: Omit<Ports, "metrics" | "journal" | "router"> = {
    respondents: noRespondents,
    workload: {
      deploy: () => change("workload.deploy", { canary: "deployed" }),
      scale: () => port("workload.scale", () => undefined),
      health: (of) =>
        port(`workload.health ${of}`, () => ({ ...healthy, ...identity[of](), ...behaviour.health?.(of, now()) })),
      updateStable: () => change("workload.updateStable", { stable: "new image" }),
      revive: () => change("workload.revive", { stable: "as before" }),
      retire: (loser) =>
        change(
          "workload.retire",
          loser === "stable" ? { stable: "scaled down", canary: "promoted" } : { canary: "as before" },
        ),
      restore: () => change("workload.restore", { canary: "as before" }),
      keepLogs: () => port("workload.keepLogs", () => undefined),
      fence: async () => {},
      differences: () => port("workload.differences", () => []),
    },
    bystanders: {
      strandedWithout: (version) => port("bystanders.strandedWithout", () => behaviour.stranded?.(version) ?? []),
    },
    reporter: { report: (account) => void accounts.push(account), flush: async () => {} },
    clock,
  };

  return {
    /** As one job has them. */
    get ports(): Ports {
      return portsOfOne();
    },
    cluster,
    before,
    writes,
    accounts,
    journaled,
    begin: async (): Promise<ReleaseRecord> => {
      const record: ReleaseRecord = {
        version: 1,
        target,
        plan,
        run: { id: "run-1" },
        startedAt: now(),
        before: { routes: {}, workloads: {} },
        state: initial(now()),
        stages: [],
        log: [],
        ledger: emptyLedger,
      };
      saved = structuredClone(record);
      return record;
    },
    load: () => saved && structuredClone(saved),
    now,
    died: died.promise,
    /** Every call until now. */
    calls: calls as readonly Call[],
    crash: (call: number, after: boolean) => {
      crashAt = call;
      late = after;
    },
    onCall: (listener: (call: number) => void) => {
      onCall = listener;
    },
  };
}
