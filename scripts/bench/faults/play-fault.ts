import { kindNamed } from "../../../sandbox/api-server/kind.ts";
import type { SentObject } from "../../../sandbox/api-server/object.ts";
import type { Store } from "../../../sandbox/api-server/store.ts";
import { chanceOf } from "../../../simulator/chance.ts";
import { namespace, simulatedCluster } from "../../../simulator/cluster.ts";
import { type CommandEnd, configOf } from "../../../simulator/command.ts";
import { startControllers } from "../../../simulator/controllers.ts";
import { startCommand } from "../../../simulator/jobs.ts";
import { simulatedNetwork } from "../../../simulator/network.ts";
import { imageOf, plainScenario, type Scenario } from "../../../simulator/scenario.ts";
import { shopOf } from "../../../simulator/shop.ts";
import { timelineFrom } from "../../../simulator/timeline.ts";
import type { Millis } from "../../../src/lib/duration.ts";
import type { State } from "../../../src/release/state.ts";
import { say } from "../../../src/words/say.ts";
import { usual } from "./answer.ts";
import type { Fault } from "./fault.ts";
import { type Felt, startFaultMesh } from "./fault-mesh.ts";
import { interval, startFaultPrometheus } from "./fault-prometheus.ts";

/** How a release ended that met a fault, and what its callers had of it. */
export type Played = {
  readonly phase: State["phase"] | "refused";
  /** From when the fault began until the canary had its last request. Undefined: it had none. */
  readonly took: Millis | undefined;
  readonly bad: number;
  readonly sentence: string;
};

const minute = 60_000;
const start = Date.UTC(2026, 0, 1);
const scenario: Scenario = { ...plainScenario, replicas: 3 };
const deployment = "reviews-v2";

/** For so long stable serves alone, and Prometheus learns what is usual. */
const before = 12 * minute;

/** `without`: the same world, the same requests, and no fault. */
export async function playFault(fault: Fault, without = false): Promise<Played> {
  const { name, others = usual, tag = "v2" } = fault;
  const begins = fault.begins ?? fault.later?.after ?? 0;
  const chance = chanceOf(name);
  const timeline = timelineFrom(start);
  const cluster = simulatedCluster(timeline, chance.stream("cluster"));
  const pods = { notices: 50, starts: 2_000 };
  startControllers(timeline, cluster.store, chance.stream("pods"), pods);
  const image = imageOf(without ? "v2" : tag);
  const behaviour = without ? others : (fault.canary ?? others);
  const mesh = startFaultMesh({
    ...{ timeline, store: cluster.store, chance: chance.stream("calls"), others },
    rate: fault.nobodyCalls && !without ? 0 : 50,
    canary: { deployment, image, behaviour },
    taken: without ? 1 : fault.taken,
    begins,
  });
  const prometheus = startFaultPrometheus(timeline, mesh, deployment, fault.keepsNative);
  for (const object of shopOf(scenario)) cluster.create(withoutTimeout(object));

  let end: CommandEnd | undefined;
  const servers = { kubernetes: cluster.answer, prometheus: prometheus.answer, github: nobody };
  const transportOf = simulatedNetwork(timeline, servers, () => ({ there: 2, back: 2 }));
  const config = await configOf(configurationOf(image, fault.gates));
  timeline.after(before, () => {
    if (!without && fault.neverReady) pods.starts = 24 * 60 * minute;
    startCommand(
      {
        ...{ timeline, chance: chance.stream("processes"), nextProcess: () => 0, transportOf, note: () => {} },
        onEnd: (_, ended) => {
          end = ended;
        },
      },
      { name: "job", runId: "1", runner: "runner", skew: 0 },
      "release",
      config,
    );
  });
  if (!without) watchFor(fault);
  await timeline.run(() => end !== undefined);
  return playedOf(end, mesh.felt(), begins);

  /** Of the world, when the canary has had requests for so long. */
  function watchFor({ later }: Fault): void {
    if (later === undefined) return;
    const { first } = mesh.felt();
    if (first === undefined || timeline.now() - first < later.after) timeline.after(1_000, () => watchFor(fault));
    else if (later.what === "loses its pods") losePods(cluster.store);
    else if (later.what === "counts from zero") mesh.restart();
    else prometheus.fail(later.what);
  }
}

const nobody = () => ({ status: 404, headers: {}, text: "" });

/** Nobody brings them back. */
function losePods(store: Store): void {
  const pods = kindNamed("pods");
  for (const pod of store.list(pods, namespace)) if (pod.metadata.name.startsWith(deployment)) store.remove(pods, pod);
}

function playedOf(end: CommandEnd | undefined, { bad, first, newest }: Felt, begins: Millis): Played {
  const account = end?.account;
  const took = first === undefined || newest === undefined ? undefined : Math.max(0, newest - first - begins);
  if (!account) return { phase: "refused", took, bad, sentence: end?.error ?? "" };
  const { state, reason } = account;
  return { phase: state.phase, took, bad, sentence: say("reason" in state ? state.reason : reason) };
}

/** A fault says itself when somebody stops waiting. */
function withoutTimeout(object: SentObject): SentObject {
  if (object.kind !== "VirtualService") return object;
  const text = JSON.stringify(object.spec).replaceAll('"timeout":"5s",', "");
  return { ...object, spec: JSON.parse(text) };
}

const configurationOf = (image: string, gates: unknown = "auto"): string =>
  JSON.stringify({
    namespace,
    service: "reviews",
    stable: { deployment: "reviews-v1", subset: "v1" },
    canary: { deployment, subset: "v2", from: "existing", replicas: "same" },
    image,
    stages: [
      { weight: 10, wait: "5m" },
      { weight: 50, wait: "5m" },
    ],
    gates,
    metrics: { prometheus: "http://prometheus.simulated:9090", interval: `${interval / 1_000}s` },
    promotion: { model: "swap", drain: "5s" },
  });
