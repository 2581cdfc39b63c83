import { startRouteController } from "../sandbox/api-server/controllers/route-controller.ts";
import { kindNamed } from "../sandbox/api-server/kind.ts";
import type { StoredObject } from "../sandbox/api-server/object.ts";
import type { Instant } from "../src/lib/duration.ts";
import type { HttpRequest, Transport } from "../src/world/transport.ts";
import type { Chance } from "./chance.ts";
import { namespace, type SimulatedCluster, simulatedCluster } from "./cluster.ts";
import type { CommandEnd } from "./command.ts";
import { startControllers } from "./controllers.ts";
import { countedBeyond } from "./counted-beyond.ts";
import { type Disturbance, nameOf } from "./disturbance.ts";
import { type SimulatedGitHub, simulatedGitHub } from "./github.ts";
import type { Running } from "./jobs.ts";
import { type Served, type SimulatedMesh, startMesh } from "./mesh.ts";
import { type Fate, type Link, type Servers, simulatedNetwork } from "./network.ts";
import type { SimulatedProcess } from "./process.ts";
import { type SimulatedPrometheus, startPrometheus } from "./prometheus.ts";
import { serviceOf } from "./routing.ts";
import { imageOf, type Scenario } from "./scenario.ts";
import { callersOf, namesOf, shopOf } from "./shop.ts";
import type { Timeline } from "./timeline.ts";
import { phaseOf, type Watch, watchOver } from "./watch.ts";
import { createWeather, type Weather } from "./weather.ts";

/** The world of one simulation, and what has come to pass in it. */
export type Scene = {
  readonly scenario: Scenario;
  readonly timeline: Timeline;
  readonly cluster: SimulatedCluster;
  readonly mesh: SimulatedMesh;
  readonly prometheuses: readonly SimulatedPrometheus[];
  readonly github: SimulatedGitHub;
  readonly weather: Weather;
  readonly transportOf: (process: SimulatedProcess) => Transport;
  readonly watch: Watch;
  /** The user's objects that divide requests, as they were before the first release. */
  readonly routesAtFirst: readonly StoredObject[];
  /** Hears of each state that the journal gets, as `baking/1`. */
  readonly onPhase: (listener: (phase: string) => void) => void;
  readonly note: (text: string) => void;
  readonly happened: { readonly disturbance: Disturbance; readonly at: Instant }[];
  /** `overtaken`: somebody else rolled back while it ran, and may have the release instead. */
  readonly ends: { readonly running: Running; readonly end: CommandEnd; readonly overtaken: boolean }[];
  /** What commands told at their ends that was not so. */
  readonly untruths: string[];
};

/** Requests of the service's callers in a second: so many that what can be proven is proven in a stage. */
const rate = 200;

const second = 1_000;

/** Changes what becomes of a request. */
export type Meddle = (link: Link, request: HttpRequest) => Partial<Fate>;

export type SceneOptions = { readonly note: (text: string) => void; readonly meddle: Meddle };

export function sceneOf(scenario: Scenario, chance: Chance, timeline: Timeline, { note, meddle }: SceneOptions): Scene {
  const cluster = simulatedCluster(timeline, chance.stream("cluster"));
  const listeners: ((phase: string) => void)[] = [];
  const { writer, asJob } = writers();
  const watch = watchOver({
    timeline,
    cluster,
    base: { deployment: namesOf(scenario).stable.deployment, image: imageOf("v1") },
    callers: callersOf(scenario),
    bound: boundOf(scenario),
    writer,
    note,
    onJournal(record) {
      for (const listener of listeners) listener(phaseOf(record));
      const beyond = record && countedBeyond(record, mesh);
      if (beyond !== undefined) watch.violate("no request is counted twice", beyond);
    },
  });
  startRouteController({ ...cluster, clock: timeline });
  startControllers(timeline, cluster.store, chance.stream("pods"), { notices: 50, starts: scenario.podStart });
  const mesh = meshOf(scenario, chance.stream("mesh"), timeline, cluster, watch);
  const scrapes = chance.stream("prometheus");
  const phase = scrapes.between(0, scenario.interval);
  const prometheuses = Array.from({ length: scenario.prometheuses }, (_, index) =>
    startPrometheus(timeline, mesh, scenario.interval, phase + index * scenario.apart),
  );
  const github = simulatedGitHub();
  const weather = createWeather(timeline, chance.stream("network"), {
    latency: scenario.latency,
    remembers: scenario.disturbances.some(({ act }) => act === "answered stale"),
    onFault: (fault, { method, url }) => note(`${nameOf(fault)}: ${method} ${url.pathname}`),
  });
  const servers: Servers = {
    kubernetes: (request) => asJob(() => cluster.answer(request)),
    prometheus: (request) => scrapes.pick(prometheuses as [SimulatedPrometheus]).answer(request),
    github: github.answer,
  };
  for (const object of shopOf(scenario)) cluster.create(object);
  const routesAtFirst = ["virtualservices", "destinationrules", "httproutes"].flatMap((plural) =>
    cluster.store.list(kindNamed(plural), namespace),
  );
  return {
    scenario,
    timeline,
    cluster,
    mesh,
    prometheuses,
    github,
    weather,
    transportOf: simulatedNetwork(timeline, servers, (link, request) => ({
      ...weather.fateOf(link, request),
      ...meddle(link, request),
    })),
    watch,
    routesAtFirst,
    onPhase: (listener) => void listeners.push(listener),
    note,
    happened: [],
    ends: [],
    untruths: [],
  };
}

function meshOf(
  scenario: Scenario,
  chance: Chance,
  timeline: Timeline,
  { store }: SimulatedCluster,
  { onTraffic }: Watch,
): SimulatedMesh {
  const { meshLag, life } = scenario;
  const served = stableAlone(scenario);
  const before = [
    { served, code: "200", requests: life.requests - life.failed },
    { served, code: "500", requests: life.failed },
  ];
  const callers = callersOf(scenario);
  return startMesh(timeline, store, { lag: () => chance.between(0, meshLag), rate, callers, before, onTraffic });
}

function stableAlone(scenario: Scenario): Served {
  const { deployment, subset } = namesOf(scenario).stable;
  const service = scenario.routing === "HTTPRoute" ? serviceOf(subset) : "reviews";
  return { deployment, service, image: imageOf("v1"), share: 1 };
}

/**
 * Until counters show it, two looks, the way back, and what the network and the mesh take. What is only slower than
 * stable must be so for longer than a minute, which four scrapes are: no single minute proves harm (decision 20).
 */
const boundOf = ({ interval, meshLag, latency, image }: Scenario): number => {
  const scrapes = /-slow\d/.test(image) ? 8 : 3;
  return scrapes * interval + 8 * second + 2 * meshLag + 40 * latency.most;
};

/** Who changes the store: the store tells of a change right after it, before anything else happens. */
function writers() {
  let now: "job" | "somebody else" = "somebody else";
  return {
    writer: () => now,
    asJob<T>(write: () => T): T {
      now = "job";
      const result = write();
      queueMicrotask(() =>
        queueMicrotask(() => {
          now = "somebody else";
        }),
      );
      return result;
    },
  };
}
