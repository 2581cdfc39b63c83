import assert from "node:assert/strict";
import { type ApiServer, jsonPatch } from "./api-server.ts";
import { apply } from "./apply.ts";
import type { Bed } from "./bed.ts";
import { envoyWeights, recordWeights, type Weights } from "./envoy.ts";
import { newNamespace, rolledOut } from "./namespace.ts";
import { type Finished, type Program, startProgram, type Wanted } from "./program.ts";
import { sumOf } from "./prometheus.ts";
import { served } from "./served.ts";
import { twoVersions } from "./shop.ts";
import { type Snapshot, snapshot, withoutOurs } from "./snapshot.ts";
import { type Counts, sendRequests, startTraffic, type Traffic } from "./traffic.ts";
import { waitFor } from "./wait-for.ts";

/** A shop in two versions in a namespace of its own, served through the gateway to traffic that runs the whole time. */
export type Scene = {
  readonly bed: Bed;
  readonly api: ApiServer;
  readonly namespace: string;
  readonly host: string;
  readonly traffic: Traffic;
  /** Everything in the namespace before the release. */
  readonly before: Snapshot;
  /** Starts the program; `settings` replace fields of the scene's configuration. */
  readonly start: (settings?: object, wanted?: Partial<Wanted>) => Program;
  /** Everything in the namespace now, but for what a release keeps. */
  readonly now: () => Promise<Snapshot>;
  /** A JSON Patch of the scene's VirtualService, by somebody else. */
  readonly editRoute: (operations: readonly object[]) => Promise<void>;
  /** Ends the traffic and gives its counts, and the weights that Envoy had, in order. */
  readonly end: () => Promise<{ readonly counts: Counts; readonly weights: readonly Weights[] }>;
};

export const image = (tag: string): readonly string[] => ["--image", `registry.test/shop:${tag}`];

export const virtualServicePath = (namespace: string): string =>
  `/apis/networking.istio.io/v1/namespaces/${namespace}/virtualservices/shop`;

export type SceneOptions = {
  /** Of the namespace, and of the host. */
  readonly name: string;
  /** Default 80. */
  readonly perSecond?: number;
  /** Stable's image. Default: one that answers well. */
  readonly stable?: string;
  /** More objects, applied before the traffic begins. */
  readonly objects?: string;
};

/** Sets a scene, plays it, and takes it away, whatever happens. */
export async function withScene(
  bed: Bed,
  api: ApiServer,
  { name, perSecond = 80, stable = "shop:v1", objects }: SceneOptions,
  play: (scene: Scene) => Promise<void>,
): Promise<void> {
  const host = `${name}.example.com`;
  const remove = await newNamespace(api, name);
  const under: Program[] = [];
  let traffic: Traffic | undefined;
  let recorder: ReturnType<typeof recordWeights> | undefined;
  try {
    await apply(api, twoVersions({ host, v1: 100, v2: 0, stable, canary: "shop:v1" }), name);
    if (objects !== undefined) await apply(api, objects, name);
    await rolledOut(api, name, "shop-v1", "shop-v2");
    await waitFor(async () => (await envoyWeights(bed, host)).v1 === 100, "the route in Envoy", 30_000);
    await served({ url: bed.gateway, host });
    traffic = startTraffic({ url: bed.gateway, host, perSecond });
    const counted = `istio_requests_total{reporter="source",destination_workload="shop-v1",destination_workload_namespace="${name}"}`;
    await waitFor(async () => (await sumOf(bed, counted)) >= 20, "20 answers in Prometheus", 30_000);
    const recording = recordWeights(bed, host);
    recorder = recording;
    await play({
      ...{ bed, api, namespace: name, host, traffic },
      before: await snapshot(api, name),
      start(settings = {}, wanted = {}) {
        const program = startProgram(bed, { ...wanted, config: { ...configOf(bed, name), ...settings } });
        under.push(program);
        return program;
      },
      now: async () => withoutOurs(await snapshot(api, name), "shop"),
      editRoute: async (operations) =>
        void (await api.expect(
          "PATCH",
          `${virtualServicePath(name)}?fieldManager=somebody-else`,
          operations,
          jsonPatch,
        )),
      end: async () => ({ weights: await recording.stop(), counts: await (traffic as Traffic).stop() }),
    });
  } finally {
    for (const program of under) program.signal("SIGKILL");
    await recorder?.stop();
    await traffic?.stop();
    await remove();
  }
}

/** Short, so that a release takes seconds; everything else is as the product has it. */
const configOf = (bed: Bed, namespace: string): object => ({
  namespace,
  service: "shop",
  stable: { deployment: "shop-v1", subset: "v1" },
  canary: { deployment: "shop-v2", subset: "v2" },
  stages: "20:3s, 50:3s",
  gates: [{ errors: { atMost: "5%", minRequests: 20 } }],
  metrics: { prometheus: bed.prometheus, interval: "1s" },
  promotion: { model: "swap", drain: "1s" },
});

/** Exit code 1, the reason in the outputs and on the screen, all traffic on stable in Envoy without one failure, and everything as it was. */
export async function assertRolledBack(
  scene: Scene,
  { code, said, outputs }: Finished,
  because: RegExp,
): Promise<void> {
  assert.equal(code, 1, said);
  assert.match(outputs.because ?? "", because);
  assert.match(said, because);
  assert.deepEqual(pick(outputs, "outcome", "phase", "settled", "weight"), {
    outcome: "rolled-back",
    phase: "rolled-back",
    settled: "true",
    weight: "0",
  });
  assert.deepEqual(await scene.now(), scene.before);
  assert.deepEqual(await envoyWeights(scene.bed, scene.host), { v1: 100 });
  await assertQuiet(scene);
}

/** Stable alone answers now, and well. */
export async function assertQuiet({ bed, host }: Scene): Promise<void> {
  const { byStatus, byVersion, badSamples } = await sendRequests(50, { url: bed.gateway, host });
  assert.deepEqual({ byStatus, byVersion }, { byStatus: { "200": 50 }, byVersion: { v1: 50 } }, badSamples.join("\n"));
}

/** Exit code 0, all traffic on the canary, and everything read as it should be. */
export const assertSucceeded = ({ code, said, outputs }: Finished): void => {
  assert.equal(code, 0, said);
  assert.deepEqual(pick(outputs, "outcome", "settled", "weight"), {
    outcome: "succeeded",
    settled: "true",
    weight: "100",
  });
};

/** Exit code 2 with the reason, and nothing was touched. */
export async function assertRefused(scene: Scene, { code, said, outputs }: Finished, because: RegExp): Promise<void> {
  assert.equal(code, 2, said);
  assert.match(said, because);
  assert.match(outputs.because ?? "", because);
  assert.deepEqual([outputs.outcome, outputs.settled], ["failed", undefined]);
  assert.deepEqual(await scene.now(), scene.before);
}

/** Waits until a program has said something; fails at once when it ends without. */
export async function saying({ stdout, ended }: Program, what: RegExp): Promise<void> {
  let over = false;
  void ended.then(() => (over = true));
  await waitFor(() => what.test(stdout()) || over, String(what), 60_000, 30);
  assert.match(stdout(), what);
}

/** Waits until the release has given the canary its first 20%, and Envoy has them. */
export async function servingCanary({ bed, host }: Scene, program: Program): Promise<void> {
  await saying(program, /giving the canary 20%/);
  await waitFor(async () => (await envoyWeights(bed, host)).v2 === 20, "20% in Envoy", 30_000, 30);
}

export const pick = (outputs: Readonly<Record<string, string>>, ...names: readonly string[]): object =>
  Object.fromEntries(names.map((name) => [name, outputs[name]]));

/** For the output of a test: how many requests, and what came of them. */
export const figures = ({ total, byStatus, byVersion, bad, firstBadAt, lastBadAt }: Counts): string =>
  `${total} requests, ${bad} bad${firstBadAt === undefined || lastBadAt === undefined ? "" : ` within ${((lastBadAt - firstBadAt) / 1_000).toFixed(1)}s`}; by status ${JSON.stringify(byStatus)}, by version ${JSON.stringify(byVersion)}`;
