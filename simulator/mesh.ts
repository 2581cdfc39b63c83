import { kindNamed } from "../sandbox/api-server/kind.ts";
import type { StoredObject } from "../sandbox/api-server/object.ts";
import type { Store } from "../sandbox/api-server/store.ts";
import type { Pod } from "../sandbox/api-server/workload.ts";
import type { Instant, Millis } from "../src/lib/duration.ts";
import { imageOf, isReady } from "./controllers.ts";
import { behaviourOf } from "./image.ts";
import {
  anybody,
  type Caller,
  labelsBehind,
  routeIn,
  routeKinds,
  type SentShare,
  serviceOf,
  sharesBy,
} from "./routing.ts";
import type { Timeline } from "./timeline.ts";

/** Who answers a share of the requests; without a Deployment nobody does. */
export type Served = {
  readonly deployment: string | undefined;
  /** Whose host was called, after the route. */
  readonly service: string;
  readonly image: string;
  readonly share: number;
  /** What was done to the requests on the way, by Envoy's flag, and what they got from it. */
  readonly injected?:
    | { readonly flag: "DI"; readonly delay: Millis }
    | { readonly flag: "FI"; readonly status: number };
};

/** How the requests of the service's callers are divided, from one moment on. */
export type Traffic = readonly Served[];

export type RequestCounter = {
  readonly deployment: string | undefined;
  readonly service: string;
  readonly code: string;
  /** Envoy's. */
  readonly flag: string;
  requests: number;
  /** Of those, how many took at most as long as each of `edges`. */
  readonly buckets: number[];
};

/** Milliseconds, as Envoy's histograms have them, and as few as a release's latency needs. */
export const edges: readonly number[] = [50, 250, 1_000, Infinity];

export interface SimulatedMesh {
  readonly traffic: () => Traffic;
  /** How the requests of the last of the callers are divided. */
  readonly ofTesters: () => Traffic;
  /** What the callers' proxy has counted until now. */
  counters(): Iterable<RequestCounter>;
  /** How many requests a Deployment's pods have got in this world, whoever counts them. */
  sent(deployment: string): number;
  /** The proxy is another one now, and counts from zero. */
  restartProxy(): void;
}

export type MeshOptions = {
  /** From a change in the store until the proxies have learnt of it. */
  readonly lag: () => Millis;
  /** Requests in a second. */
  readonly rate: number;
  /** Whose they are; testers come last. */
  readonly callers: readonly Caller[];
  /** What was counted before, by code. */
  readonly before: readonly { readonly served: Served; readonly code: string; readonly requests: number }[];
  readonly onTraffic: (traffic: Traffic) => void;
};

const watched = new Set([...routeKinds, "destinationrules", "services", "pods"]);

/** Callers of the service `reviews`, and the proxies that divide their requests by what the store had a moment ago. */
export function startMesh(
  timeline: Timeline,
  store: Store,
  { lag, rate, callers, before, onTraffic }: MeshOptions,
): SimulatedMesh {
  let traffic: Traffic = [];
  let ofTesters: Traffic = [];
  let counted = timeline.now();
  let learnt: Instant = 0;
  let noticed = false;
  const counters = new Map<string, RequestCounter>();
  const sent = new Map<string, number>();

  function count(): void {
    const requests = (rate * (timeline.now() - counted)) / 1_000;
    counted = timeline.now();
    if (requests === 0) return;
    for (const served of traffic) {
      const { errors, latency, failure } = answersOf(served);
      if (served.deployment !== undefined)
        sent.set(served.deployment, (sent.get(served.deployment) ?? 0) + requests * served.share);
      add(served, "200", requests * served.share * (1 - errors), latency);
      add(served, failure, requests * served.share * errors, latency);
    }
  }

  function add(served: Served, code: string, requests: number, latency: Millis): void {
    if (requests === 0) return;
    const { deployment, service } = served;
    const flag = flagOf(served);
    const key = `${deployment} ${service} ${code} ${flag}`;
    const counter = counters.get(key) ?? { deployment, service, code, flag, requests: 0, buckets: edges.map(() => 0) };
    counters.set(key, counter);
    counter.requests += requests;
    for (const [index, edge] of edges.entries())
      if (latency <= edge) counter.buckets[index] = (counter.buckets[index] ?? 0) + requests;
  }

  for (const { served, code, requests } of before) add(served, code, requests, 20);

  /** Proxies learn in the order in which things happened. */
  function notice(): void {
    noticed = false;
    const known = trafficBy(store, callers);
    const ofLast = trafficBy(store, callers.slice(-1));
    learnt = Math.max(learnt, timeline.now() + lag());
    timeline.at(learnt, () => {
      if (isSame(known, traffic)) return;
      count();
      traffic = known;
      ofTesters = ofLast;
      onTraffic(traffic);
    });
  }

  store.subscribe(({ kind }) => {
    if (noticed || !watched.has(kind.plural)) return;
    noticed = true;
    timeline.after(0, notice);
  });

  return {
    traffic: () => traffic,
    ofTesters: () => ofTesters,
    counters() {
      count();
      return counters.values();
    },
    sent(deployment) {
      count();
      return sent.get(deployment) ?? 0;
    },
    restartProxy() {
      count();
      counters.clear();
    },
  };
}

const lost = { errors: 1, latency: 1, failure: "503" };

/** What a drill answers reaches no pod, and what it delays reaches one all the same. */
function answersOf({ deployment, image, injected }: Served) {
  if (injected?.flag === "FI") return { errors: 1, latency: 1, failure: String(injected.status) };
  if (deployment === undefined) return lost;
  const { errors, latency } = behaviourOf(image);
  return { errors, latency: latency + (injected?.delay ?? 0), failure: "500" };
}

function flagOf({ deployment, injected }: Served): string {
  if (injected) return injected.flag;
  return deployment === undefined ? "UH" : "-";
}

const isSame = (a: Traffic, b: Traffic): boolean => JSON.stringify(a) === JSON.stringify(b);

/** How proxies divide requests that know all that the store has. */
export function trafficBy(store: Store, callers: readonly Caller[] = [anybody]): Traffic {
  const route = routeIn(store);
  const everywhere = callers.map(({ share }) => ({ version: undefined, share }));
  const shares = new Map<string, Served>();
  for (const sent of route === undefined ? everywhere : sharesBy(route, callers))
    if (sent.share > 0) for (const served of behind(store, route, sent)) merge(shares, served);
  return [...shares.values()];
}

function merge(shares: Map<string, Served>, served: Served): void {
  const key = `${served.deployment} ${served.service} ${served.image} ${served.injected?.flag}`;
  shares.set(key, { ...served, share: served.share + (shares.get(key)?.share ?? 0) });
}

function behind(
  store: Store,
  route: StoredObject | undefined,
  { version, share, fault }: SentShare,
): readonly Served[] {
  const service = route?.kind === "HTTPRoute" && version !== undefined ? serviceOf(version) : "reviews";
  const nobody = { deployment: undefined, service, image: "", share };
  if (fault?.abort) return [{ ...nobody, injected: { flag: "FI", status: fault.abort.httpStatus } }];
  const labels = labelsBehind(store, route, version);
  if (labels === undefined) return [nobody];
  const reached = (store.list(kindNamed("pods"), "shop") as readonly Pod[]).filter(
    (pod) => isReady(pod) && carries(pod, labels),
  );
  if (reached.length === 0) return [nobody];
  return reached.map((pod) => ({
    deployment: deploymentOf(pod),
    service,
    image: imageOf(pod),
    share: share / reached.length,
    ...(fault?.delay && {
      injected: { flag: "DI", delay: 1_000 * Number.parseFloat(fault.delay.fixedDelay) } as const,
    }),
  }));
}

const carries = ({ metadata }: StoredObject, labels: Readonly<Record<string, string>>): boolean =>
  Object.entries(labels).every(([name, value]) => metadata.labels?.[name] === value);

const deploymentOf = ({ metadata }: Pod): string =>
  metadata.ownerReferences?.[0]?.name.replace(`-${metadata.labels?.["pod-template-hash"]}`, "") ?? "";
