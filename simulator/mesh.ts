import { kindNamed } from "../sandbox/api-server/kind.ts";
import type { StoredObject } from "../sandbox/api-server/object.ts";
import type { Store } from "../sandbox/api-server/store.ts";
import type { Pod } from "../sandbox/api-server/workload.ts";
import type { Instant, Millis } from "../src/lib/duration.ts";
import { imageOf, isReady } from "./controllers.ts";
import { behaviourOf } from "./image.ts";
import { labelsBehind, routeIn, routeKinds, sentBy, serviceOf, sharesOf } from "./routing.ts";
import type { Timeline } from "./timeline.ts";

/** Who answers a share of the requests; without a Deployment nobody does. */
export type Served = {
  readonly deployment: string | undefined;
  /** Whose host was called, after the route. */
  readonly service: string;
  readonly image: string;
  readonly share: number;
};

/** How the requests of the service's callers are divided, from one moment on. */
export type Traffic = readonly Served[];

export type RequestCounter = {
  readonly deployment: string | undefined;
  readonly service: string;
  readonly code: string;
  requests: number;
  /** Of those, how many took at most as long as each of `edges`. */
  readonly buckets: number[];
};

/** Milliseconds, as Envoy's histograms have them, and as few as a release's latency needs. */
export const edges: readonly number[] = [50, 250, 1_000, Infinity];

export interface SimulatedMesh {
  readonly traffic: () => Traffic;
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
  /** What was counted before, by code. */
  readonly before: readonly { readonly served: Served; readonly code: string; readonly requests: number }[];
  readonly onTraffic: (traffic: Traffic) => void;
};

const watched = new Set([...routeKinds, "destinationrules", "services", "pods"]);

/** Callers of the service `reviews`, and the proxies that divide their requests by what the store had a moment ago. */
export function startMesh(
  timeline: Timeline,
  store: Store,
  { lag, rate, before, onTraffic }: MeshOptions,
): SimulatedMesh {
  let traffic: Traffic = [];
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
      const { errors, latency } = served.deployment === undefined ? lost : behaviourOf(served.image);
      if (served.deployment !== undefined)
        sent.set(served.deployment, (sent.get(served.deployment) ?? 0) + requests * served.share);
      add(served, "200", requests * served.share * (1 - errors), latency);
      add(served, served.deployment === undefined ? "503" : "500", requests * served.share * errors, latency);
    }
  }

  function add({ deployment, service }: Served, code: string, requests: number, latency: Millis): void {
    if (requests === 0) return;
    const key = `${deployment} ${service} ${code}`;
    const counter = counters.get(key) ?? { deployment, service, code, requests: 0, buckets: edges.map(() => 0) };
    counters.set(key, counter);
    counter.requests += requests;
    for (const [index, edge] of edges.entries())
      if (latency <= edge) counter.buckets[index] = (counter.buckets[index] ?? 0) + requests;
  }

  for (const { served, code, requests } of before) add(served, code, requests, 20);

  /** Proxies learn in the order in which things happened. */
  function notice(): void {
    noticed = false;
    const known = trafficBy(store);
    learnt = Math.max(learnt, timeline.now() + lag());
    timeline.at(learnt, () => {
      if (isSame(known, traffic)) return;
      count();
      traffic = known;
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

const lost = { errors: 1, latency: 1 };

const isSame = (a: Traffic, b: Traffic): boolean => JSON.stringify(a) === JSON.stringify(b);

/** How proxies divide requests that know all that the store has. */
export function trafficBy(store: Store): Traffic {
  const route = routeIn(store);
  const sent = route === undefined ? [{ version: undefined, weight: 100 }] : sentBy(route);
  const shares = new Map<string, Served>();
  for (const { version, share } of sharesOf(sent))
    if (share > 0) for (const served of behind(store, route, version, share)) merge(shares, served);
  return [...shares.values()];
}

function merge(shares: Map<string, Served>, served: Served): void {
  const key = `${served.deployment} ${served.service} ${served.image}`;
  shares.set(key, { ...served, share: served.share + (shares.get(key)?.share ?? 0) });
}

function behind(
  store: Store,
  route: StoredObject | undefined,
  version: string | undefined,
  share: number,
): readonly Served[] {
  const service = route?.kind === "HTTPRoute" && version !== undefined ? serviceOf(version) : "reviews";
  const nobody = { deployment: undefined, service, image: "", share };
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
  }));
}

const carries = ({ metadata }: StoredObject, labels: Readonly<Record<string, string>>): boolean =>
  Object.entries(labels).every(([name, value]) => metadata.labels?.[name] === value);

const deploymentOf = ({ metadata }: Pod): string =>
  metadata.ownerReferences?.[0]?.name.replace(`-${metadata.labels?.["pod-template-hash"]}`, "") ?? "";
