import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import type { CompositeResult } from "../../sandbox/composite/composite.ts";
import type { State } from "../../src/release/state.ts";
import { openApiServer } from "./support/api-server.ts";
import { apply } from "./support/apply.ts";
import { bedFromEnvironment } from "./support/bed.ts";
import { changed, type Edit } from "./support/changed.ts";
import { envoyWeights, type Weights } from "./support/envoy.ts";
import { journalOf } from "./support/journal.ts";
import { newNamespace, rolledOut } from "./support/namespace.ts";
import { figures, pick } from "./support/scene.ts";
import { twoVersions } from "./support/shop.ts";
import { snapshot, withoutOurs } from "./support/snapshot.ts";
import { type Step, startStep } from "./support/step.ts";
import { underTraffic } from "./support/under-traffic.ts";
import { waitFor } from "./support/wait-for.ts";

// A job that is cancelled: the runner's ladder to the one process, then the action's second step.

const bed = bedFromEnvironment();
const api = openApiServer(bed.kubeconfig);
const perSecond = 60;

type Case = {
  readonly name: string;
  readonly namespace: string;
  /** The tag that the canary's Deployment has from the beginning, and the one that it is given. */
  readonly canary?: string;
  readonly tag?: string;
  readonly settings?: object;
  /** The job is cancelled when the journal says this and Envoy has these weights. */
  readonly when: { readonly phase: State["phase"]; readonly step?: string; readonly weights: Weights };
  readonly ending: "ladder" | "SIGKILL";
  readonly conclusions: readonly string[];
  readonly outputs: Readonly<Record<string, string>>;
  readonly weights: readonly Weights[];
  /** What differs from before when it is over. */
  readonly left?: readonly Edit[];
};

const back = { outcome: "rolled-back", phase: "rolled-back", settled: "true", weight: "0" };
const split = [{ v1: 100 }, { v1: 50, v2: 50 }, { v1: 100 }];

const cases: readonly Case[] = [
  {
    name: "while the canary starts: nothing was routed, and its Deployment is as it was",
    namespace: "cancel-preparing",
    tag: "v2-start60",
    when: { phase: "preparing", step: "starting", weights: { v1: 100 } },
    ending: "ladder",
    conclusions: ["cancelled", "skipped"],
    outputs: { ...back, because: "the job was cancelled" },
    weights: [{ v1: 100 }],
  },
  {
    name: "while a stage lasts: stable has the traffic at once, and the first step ends the release itself",
    namespace: "cancel-baking",
    tag: "v2",
    when: { phase: "baking", weights: { v1: 50, v2: 50 } },
    ending: "ladder",
    conclusions: ["cancelled", "skipped"],
    outputs: { ...back, because: "the job was cancelled" },
    weights: split,
  },
  {
    name: "while a stage lasts, with a drain longer than the ladder: the first step is killed, and the second one ends the release",
    namespace: "cancel-draining",
    tag: "v2",
    settings: { promotion: { model: "swap", drain: "11s" } },
    when: { phase: "baking", weights: { v1: 50, v2: 50 } },
    ending: "ladder",
    conclusions: ["cancelled", "success"],
    outputs: { ...back, because: "the job was cancelled" },
    weights: split,
  },
  {
    name: "while stable gets the image: only forward is safe, so the second step finishes what the first one was killed at",
    namespace: "cancel-promoting",
    canary: "v2-start6", // two pods, one after the other: longer than the ladder
    settings: { stages: "50:1s", promotion: { model: "update", drain: "1s" } },
    when: { phase: "promoting", step: "starting", weights: { v2: 100 } },
    ending: "ladder",
    conclusions: ["cancelled", "success"],
    outputs: {
      outcome: "succeeded",
      phase: "succeeded",
      settled: "true",
      weight: "0",
      because: "stable runs the new image, so it gets all requests again",
    },
    weights: [{ v1: 100 }, { v1: 50, v2: 50 }, { v2: 100 }, { v1: 100 }],
    left: [["Deployment/shop-v1", "spec.template.spec.containers.0.image", "registry.test/shop:v2-start6"]],
  },
  {
    name: "by SIGKILL at once, as act does it: the second step gives the traffic back",
    namespace: "cancel-killed",
    tag: "v2",
    when: { phase: "baking", weights: { v1: 50, v2: 50 } },
    ending: "SIGKILL",
    conclusions: ["failure", "success"],
    outputs: { ...back, because: "the job was cancelled, or ended before the release did" },
    weights: split,
  },
];

describe("a job is cancelled", { concurrency: 3 }, () => {
  after(() => api.close());

  for (const each of cases) {
    test(each.name, async (t) => {
      const { namespace } = each;
      const host = `${namespace}.example.com`;
      const remove = await newNamespace(api, namespace);
      t.after(remove);
      await apply(api, twoVersions({ host, v1: 100, v2: 0, canary: `shop:${each.canary ?? "v1"}` }), namespace);
      await rolledOut(api, namespace, "shop-v1", "shop-v2");
      await waitFor(async () => (await envoyWeights(bed, host)).v1 === 100, "the route in Envoy", 30_000);

      const before = await snapshot(api, namespace);
      const step = startStep(bed, namespace, configOf(each));
      t.after(() => step.processes().map((pid) => process.kill(pid, "SIGKILL")));
      const goesBack = each.outputs.outcome === "rolled-back" && each.weights.length > 1;
      const seen = await underTraffic({ bed, api, namespace, host, perSecond }, async (traffic) => {
        await waitFor(() => isTime(each, host), JSON.stringify(each.when), 60_000, 20);
        if ("v2" in each.when.weights)
          await waitFor(() => (traffic.counts().byVersion.v2 ?? 0) >= 20, "answers of the canary", 30_000, 20);
        const { total } = traffic.counts();
        const at = Date.now();
        cancel(each, step);
        if (goesBack) {
          await waitFor(
            async () => same(await envoyWeights(bed, host), { v1: 100 }),
            "all traffic on stable",
            60_000,
            10,
          );
          t.diagnostic(`${each.ending}: Envoy had stable alone after ${Date.now() - at}ms`);
        }
        return { answered: total, job: await step.done };
      });

      const { job, answered } = seen.result;
      t.diagnostic(figures(seen.counts));
      assert.deepEqual(conclusionsOf(job), each.conclusions, step.said());
      assert.deepEqual(pick(job.outputs, ...Object.keys(each.outputs)), each.outputs);
      assert.equal(seen.counts.bad, 0, seen.counts.badSamples.join("\n"));
      assert.deepEqual(seen.weights, each.weights);
      assert.deepEqual(withoutOurs(await snapshot(api, namespace), "shop"), changed(before, ...(each.left ?? [])));
      assert.deepEqual(step.processes(), []);
      if (goesBack && each.ending === "ladder") assertSoonBack((seen.counts.newest.v2?.nth ?? 0) - answered);
    });
  }
});

function configOf({ namespace, tag, settings }: Case): object {
  return {
    ...{
      namespace,
      service: "shop",
      stable: { deployment: "shop-v1", subset: "v1" },
      canary: { deployment: "shop-v2", subset: "v2" },
    },
    ...(tag === undefined ? {} : { image: `registry.test/shop:${tag}` }),
    ...{
      stages: "50:1m",
      metrics: { source: "none", interval: "1s" },
      gates: [],
      promotion: { model: "swap", drain: "1s" },
    },
    ...settings,
  };
}

const same = (one: Weights, other: Weights): boolean => JSON.stringify(one) === JSON.stringify(other);

const conclusionsOf = ({ steps }: CompositeResult): readonly string[] => steps.map(({ conclusion }) => conclusion);

async function isTime({ namespace, when: { phase, step, weights } }: Case, host: string): Promise<boolean> {
  const state = (await journalOf(api, namespace, "shop"))?.state;
  if (state?.phase !== phase || (step !== undefined && !("step" in state && state.step === step))) return false;
  return same(await envoyWeights(bed, host), weights);
}

function cancel({ ending }: Case, step: Step): void {
  if (ending === "ladder") step.cancel();
  else for (const pid of step.processes()) process.kill(pid, "SIGKILL");
}

/** Traffic is back within the first second: the canary's last answer is one of the requests of that second. */
function assertSoonBack(later: number): void {
  assert.ok(later <= perSecond, `the canary's last answer was number ${later} after SIGINT`);
}
