import type { Store } from "../../../sandbox/api-server/store.ts";
import { envoyEdges } from "../../../sandbox/mesh/istio-metrics.ts";
import type { Chance } from "../../../simulator/chance.ts";
import { type Traffic, trafficBy } from "../../../simulator/mesh.ts";
import type { Timeline } from "../../../simulator/timeline.ts";
import type { Instant, Millis } from "../../../src/lib/duration.ts";
import type { Answer, Behaviour } from "./answer.ts";

/** The finite ones. */
export const edges = envoyEdges.slice(0, -1);

/** One series of the callers' proxy. */
export type CallCounter = {
  readonly deployment: string | undefined;
  readonly code: string;
  readonly flags: string;
  readonly grpc: string;
  requests: number;
  milliseconds: number;
  /** At most as long as each of `edges`. */
  readonly buckets: number[];
  /** By the number of the bucket of an exponential histogram of schema 3: eight for each doubling. */
  readonly native: Map<number, number>;
};

export type FaultMeshOptions = {
  readonly timeline: Timeline;
  readonly store: Store;
  readonly chance: Chance;
  /** Requests a second. */
  readonly rate: number;
  /** Of the canary's Deployment; all others are usual. */
  readonly canary: { readonly deployment: string; readonly image: string; readonly behaviour: Behaviour };
  readonly others: Behaviour;
  /** The part of the canary's requests that it gets: the rest goes to stable by another way, or comes from there. */
  readonly taken?: number | undefined;
  /** From when on its answers are the fault's: so long after its first request. */
  readonly begins?: Millis | undefined;
};

/** Callers one by one, each request by its own chance, divided by what the routes say a second before. */
export interface FaultMesh {
  readonly counters: () => readonly CallCounter[];
  /** What the callers of the canary had, until now. */
  readonly felt: () => Felt;
  /** The proxy is another one, and counts from zero. */
  restart(): void;
}

export type Felt = {
  /** Bad answers since the fault began. */
  readonly bad: number;
  /** When the canary got its first request, and its newest. */
  readonly first: Instant | undefined;
  readonly newest: Instant | undefined;
};

const tick: Millis = 250;

export function startFaultMesh(options: FaultMeshOptions): FaultMesh {
  const { timeline, store, chance, rate, canary, others, taken = 1, begins = 0 } = options;
  const counters = new Map<string, CallCounter>();
  let bad = 0;
  let first: Instant | undefined;
  let newest: Instant | undefined;
  let known: Traffic = [];

  function count(deployment: string | undefined, answer: Answer): void {
    const { code, flags = "-", grpc = "", takes } = answer;
    const key = JSON.stringify([deployment, code, flags, grpc]);
    const counter = counters.get(key) ?? {
      ...{ deployment, code, flags, grpc, requests: 0, milliseconds: 0 },
      buckets: edges.map(() => 0),
      native: new Map(),
    };
    counters.set(key, counter);
    counter.requests++;
    counter.milliseconds += takes;
    const fine = Math.ceil(8 * Math.log2(takes));
    counter.native.set(fine, (counter.native.get(fine) ?? 0) + 1);
    for (const [index, edge] of edges.entries())
      if (takes <= edge) counter.buckets[index] = (counter.buckets[index] ?? 0) + 1;
  }

  function send(deployment: string | undefined, isCanary: boolean): void {
    if (isCanary) {
      first ??= timeline.now();
      newest = timeline.now();
    }
    const answer = answerOf(deployment, isCanary);
    if (isCanary && answer.bad && timeline.now() - (first ?? 0) >= begins) bad++;
    if (answer.hangs) return;
    const counted = answer.unsent ? undefined : deployment;
    if (answer.takes < tick) count(counted, answer);
    else timeline.after(answer.takes, () => count(counted, answer));
  }

  function answerOf(deployment: string | undefined, isCanary: boolean): Answer {
    if (deployment === undefined) return { code: "503", flags: "UH", takes: 1, unsent: true, bad: true };
    const call = { since: timeline.now() - (first ?? timeline.now()), chance };
    return isCanary ? canary.behaviour(call) : others(call);
  }

  const shareOf = (share: number, isCanary: boolean, canaryShare: number): number =>
    isCanary ? share * taken : share * ((1 - canaryShare * taken) / (1 - canaryShare));

  function round(): void {
    timeline.after(tick, round);
    const isNew = ({ deployment, image }: Traffic[number]): boolean =>
      deployment === canary.deployment && image === canary.image;
    const canaryShare = known.filter(isNew).reduce((sum, { share }) => sum + share, 0);
    for (const served of known) {
      const isCanary = isNew(served);
      const share = canaryShare === 1 ? served.share : shareOf(served.share, isCanary, canaryShare);
      const calls = poisson((rate * share * tick) / 1_000, chance);
      for (let call = 0; call < calls; call++) send(served.deployment, isCanary);
    }
    const next = trafficBy(store);
    timeline.after(1_000, () => {
      known = next;
    });
  }
  round();

  return {
    counters: () => [...counters.values()],
    felt: () => ({ bad, first, newest }),
    restart: () => counters.clear(),
  };
}

/** Knuth's, for few. */
function poisson(mean: number, chance: Chance): number {
  const limit = Math.exp(-mean);
  let calls = 0;
  for (let product = chance.next(); product > limit; product *= chance.next()) calls++;
  return calls;
}
