import { emptyLedger } from "../../src/evidence/ledger.ts";
import { emptyCount } from "../../src/evidence/tally.ts";
import type { Instant, Millis } from "../../src/lib/duration.ts";
import type { Increments, MetricSource } from "../../src/ports/metric-source.ts";
import type { Ports } from "../../src/ports/ports.ts";
import type { Account } from "../../src/release/account.ts";
import type { Health } from "../../src/release/health.ts";
import type { Plan, Stage } from "../../src/release/plan.ts";
import type { ReleaseRecord } from "../../src/release/release-record.ts";
import { initial } from "../../src/release/state.ts";
import type { Target } from "../../src/release/target.ts";
import { jumpingClock } from "./clock.ts";
import { evidenceRules } from "./evidence-rules.ts";
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
  settle: 2 * second,
  drain: 10 * second,
  deadline: 3_600 * second,
  patience: 30 * second,
  promotion: "swap",
  keepOld: false,
  drift: "roll-back",
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
  canary: "as before" | "deployed" | "promoted";
  stable: "as before" | "new image" | "scaled down";
  subset: boolean;
};

export type Behaviour = {
  /** The canary's share of failed requests at a time. */
  readonly errors?: (now: Instant) => number;
  readonly traffic?: boolean;
  readonly health?: (of: "stable" | "canary", now: Instant) => Partial<Health>;
  /** Somebody else's hand on the route, after each poll. */
  readonly meddle?: (cluster: Cluster, now: Instant) => void;
};

/**
 * A world in memory whose clock jumps. Each call of a port is counted, and one of them can be made to crash the job:
 * before its effect, or after it, as when an answer gets lost.
 */
export function createWorld(plan: Plan, behaviour: Behaviour = {}) {
  const clock = jumpingClock();
  const { now } = clock;
  let calls = 0;
  let crashAt = Infinity;
  let late = false;
  let onCall: (call: number) => void = () => {};
  let saved: ReleaseRecord | undefined;
  const died = Promise.withResolvers<"died">();
  const counted = { stable: 0, canary: 0, errors: 0 };
  let countedAt = 0;
  const cluster: Cluster = { weight: 0, canary: "as before", stable: "as before", subset: false };
  const before = structuredClone(cluster);
  const writes: { readonly weight: number; readonly journaled: ReleaseRecord["state"] | undefined }[] = [];
  const accounts: Account[] = [];
  const journaled: string[] = [];

  async function port<T>(effect: () => T): Promise<T> {
    calls++;
    onCall(calls);
    if (calls === crashAt && !late) return die();
    const result = effect();
    return calls === crashAt ? die() : result;
  }

  /** A process that is gone throws nothing: its call just never comes back. */
  function die<T>(): Promise<T> {
    died.resolve("died");
    return new Promise<T>(() => {});
  }

  const change = (to: Partial<Cluster>): Promise<void> => port(() => void Object.assign(cluster, to));

  const weigh = (weight: number): void => {
    cluster.weight = weight;
    writes.push({ weight, journaled: saved?.state });
  };

  function serve(): void {
    const requests = behaviour.traffic === false ? 0 : Math.round(((now() - countedAt) / second) * 100);
    countedAt = now();
    const canary = Math.round((requests * cluster.weight) / 100);
    counted.canary += canary;
    counted.stable += requests - canary;
    counted.errors += Math.round(canary * (behaviour.errors?.(now()) ?? 0));
  }

  /** Each job has its own, which counts from its first look. */
  function metrics(): MetricSource {
    let last: (typeof counted & { readonly at: Instant }) | undefined;
    const look = (at: Instant): Increments => {
      serve();
      const { stable, canary, errors, at: since } = last ?? { ...counted, at: undefined };
      last = { ...counted, at };
      return {
        at,
        since,
        stable: { ...emptyCount, requests: counted.stable - stable },
        canary: { ...emptyCount, requests: counted.canary - canary, errors: counted.errors - errors },
        lost: 0,
        blind: [],
      };
    };
    return {
      look: (at) => port(() => look(at)),
      query: (_query, at) => port(() => ({ at, value: behaviour.errors?.(now()) ?? 0 })),
    };
  }

  const healthy: Health = { ready: true, desired: 1, available: 1, restarts: 0, because: "1 of 1 pods is available" };

  const ports: Omit<Ports, "metrics"> = {
    router: {
      prepare: () => change({ subset: true }),
      write: ({ canary }) => port(() => weigh(canary)),
      drift: ({ canary }) =>
        port(() => {
          behaviour.meddle?.(cluster, now());
          return cluster.weight === canary ? undefined : `v2 has ${cluster.weight} %`;
        }),
      finish: (winner) => port(() => weigh(winner === "canary" ? 100 : 0)),
      cleanUp: (winner) => change({ subset: winner === "canary" }),
      differences: (winner) =>
        port(() => (cluster.weight === (winner === "canary" ? 100 : 0) ? [] : [`v2 has ${cluster.weight} %`])),
    },
    workload: {
      deploy: () => change({ canary: "deployed" }),
      scale: () => port(() => undefined),
      health: (of) => port(() => ({ ...healthy, ...behaviour.health?.(of, now()) })),
      updateStable: () => change({ stable: "new image" }),
      retire: (loser) =>
        change(loser === "stable" ? { stable: "scaled down", canary: "promoted" } : { canary: "as before" }),
      restore: () => change({ canary: "as before" }),
      differences: () => port(() => []),
    },
    journal: {
      load: async () => saved && structuredClone(saved),
      save: (record) =>
        port(() => {
          saved = structuredClone(record);
          journaled.push(record.state.phase);
        }),
    },
    reporter: { report: (account) => void accounts.push(account), flush: async () => {} },
    clock,
  };

  return {
    /** As one job has them. */
    get ports(): Ports {
      return { ...ports, metrics: metrics() };
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
    calls: () => calls,
    crash: (call: number, after: boolean) => {
      crashAt = call;
      late = after;
    },
    onCall: (listener: (call: number) => void) => {
      onCall = listener;
    },
  };
}
