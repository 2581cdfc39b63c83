import assert from "node:assert/strict";
import test from "node:test";
import { kindNamed } from "../../sandbox/api-server/kind.ts";
import type { StoredObject } from "../../sandbox/api-server/object.ts";
import { chanceOf } from "../../simulator/chance.ts";
import { namespace, simulatedCluster } from "../../simulator/cluster.ts";
import type { Traffic } from "../../simulator/mesh.ts";
import { imageOf, plainScenario } from "../../simulator/scenario.ts";
import { callersOf, namesOf, shopOf } from "../../simulator/shop.ts";
import { timelineFrom } from "../../simulator/timeline.ts";
import { type Invariant, watchOver } from "../../simulator/watch.ts";

/** A watch over a shop in which a test does what a job, or somebody else, would do. */
function watched() {
  const timeline = timelineFrom(0);
  const cluster = simulatedCluster(timeline, chanceOf("test"));
  const { stable, canary } = namesOf(plainScenario);
  let writer: "job" | "somebody else" = "somebody else";
  const watch = watchOver({
    timeline,
    cluster,
    base: { deployment: stable.deployment, image: imageOf("v1") },
    callers: callersOf(plainScenario),
    bound: 20_000,
    writer: () => writer,
    note: () => {},
    onJournal: () => {},
  });
  for (const object of shopOf(plainScenario)) cluster.create(object);

  async function as(who: typeof writer, work: () => void): Promise<void> {
    writer = who;
    work();
    await Promise.resolve();
    writer = "somebody else";
  }

  const write = (plural: string, name: string, change: (object: StoredObject) => StoredObject): void => {
    const kind = kindNamed(plural);
    const context = { kind, version: kind.versions[0] ?? "v1", namespace, manager: "test" };
    cluster.objects.patch(context, name, change);
  };

  return {
    watch,
    found: (): readonly Invariant[] => watch.violations.map(({ invariant }) => invariant),
    pass: (time: number) => {
      timeline.at(timeline.now() + time, () => {});
      return timeline.run(() => false);
    },
    journal: (state: object, tag = "v2", log: readonly object[] = [], undoes?: object) =>
      as("job", () => {
        const target = { stable, canary, image: imageOf(tag) };
        const plan = { promotion: "swap", stages: [{ weight: 20 }], testers: [] };
        const record = { target, plan, stages: [], state, log, undoes };
        const data = { "release.json": JSON.stringify(record) };
        if (watch.journal() === undefined)
          cluster.create({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "istio-canary-reviews" }, data });
        else write("configmaps", "istio-canary-reviews", (object) => ({ ...object, data }));
      }),
    weigh: (who: typeof writer, weight: number) =>
      as(who, () =>
        write("virtualservices", "reviews", (object) => {
          const text = JSON.stringify(object.spec);
          const weights = [100 - weight, weight];
          return { ...object, spec: JSON.parse(text.replace(/"weight":\d+/g, () => `"weight":${weights.shift()}`)) };
        }),
      ),
    letTestersIn: () =>
      as("job", () =>
        write("virtualservices", "reviews", (object) => {
          const spec = object.spec as { readonly http: readonly object[] };
          const rule = { name: "istio-canary-testers", route: [{ destination: { host: "reviews", subset: "v2" } }] };
          return { ...object, spec: { ...spec, http: [rule, ...spec.http] } };
        }),
      ),
    remove: (plural: string, name: string) => {
      const object = cluster.store.get(kindNamed(plural), namespace, name);
      if (object) cluster.objects.delete(kindNamed(plural), object, {});
    },
    touch: () =>
      as("job", () =>
        write("virtualservices", "reviews", (object) => ({
          ...object,
          metadata: { ...object.metadata, annotations: { touched: "yes" } },
        })),
      ),
    scaleToZero: (name: string) =>
      as("job", () =>
        write("deployments", name, (object) => ({ ...object, spec: { ...(object.spec as object), replicas: 0 } })),
      ),
  };
}

test("a weight of a job that the journal does not name is found; a person's is none of the job's", async () => {
  const { journal, weigh, found } = watched();
  await journal({ phase: "baking", stage: 0 });
  await weigh("job", 20);
  await weigh("somebody else", 77);
  assert.deepEqual(found(), []);
  await journal({ phase: "rolled-back" });
  await weigh("job", 20);
  assert.deepEqual(found(), ["no weight that no journal named"]);
});

test("testers whom a job lets in while the journal names no stage are found, and so are pods that are taken from them", async () => {
  const { journal, letTestersIn, scaleToZero, found } = watched();
  await journal({ phase: "baking", stage: 0 });
  await letTestersIn();
  assert.deepEqual(found(), []);
  await journal({ phase: "rolled-back" });
  await letTestersIn();
  assert.deepEqual(found(), ["no weight that no journal named"]);
  await scaleToZero("reviews-v2");
  assert.deepEqual(found(), ["no weight that no journal named", "no pod retired under traffic"]);
});

test("a job that touches a route moves no weight, whatever somebody else has written there", async () => {
  const { journal, weigh, touch, found } = watched();
  await journal({ phase: "promoting", step: "updating" });
  await weigh("somebody else", 45);
  await touch();
  assert.deepEqual(found(), []);
});

test("weights of somebody else's that a job writes over are found, unless the journal says why", async () => {
  const log = [{ at: 0, do: "route", reason: { kind: "put-back", differences: "v1 45, v2 55" } }];
  for (const [told, untold] of [
    [[], "v1 45, v2 55 became v1 80, v2 20"],
    [log, undefined],
  ] as const) {
    const { watch, journal, weigh } = watched();
    await journal({ phase: "baking", stage: 0 });
    await weigh("job", 20);
    await weigh("somebody else", 55);
    await weigh("job", 20);
    await journal({ phase: "baking", stage: 0 }, "v2", told);
    assert.equal(watch.untold(), untold);
  }
});

test("weights that somebody wrote before a release began are what it begins with", async () => {
  const { watch, journal, weigh } = watched();
  await journal({ phase: "baking", stage: 0 });
  await weigh("job", 20);
  await weigh("somebody else", 0);
  await journal({ phase: "rolled-back" });
  await journal({ phase: "preparing", step: "deploying" });
  await weigh("job", 20);
  await journal({ phase: "baking", stage: 0 });
  assert.equal(watch.untold(), undefined);
});

test("pods that are taken while the route sends requests to them are found", async () => {
  const { journal, weigh, scaleToZero, found } = watched();
  await journal({ phase: "promoting", step: "draining" });
  await weigh("job", 100);
  await scaleToZero("reviews-v1");
  assert.deepEqual(found(), []);
  await scaleToZero("reviews-v2");
  assert.deepEqual(found(), ["no pod retired under traffic"]);
});

const bad: Traffic = [{ deployment: "reviews-v2", service: "reviews", image: imageOf("v2-err60"), share: 0.2 }];

test("a bad version in traffic for longer than its bound is found, unless nobody could do anything", async () => {
  const excused = watched();
  excused.watch.onTraffic(bad);
  excused.watch.excuse(60_000);
  await excused.pass(70_000);
  excused.watch.onTraffic([]);
  assert.deepEqual(excused.found(), []);
  assert.deepEqual(excused.watch.exposure(), { whole: 70_000, unexcused: 0 });

  const late = watched();
  late.watch.onTraffic(bad);
  await late.pass(21_000);
  late.watch.onTraffic([]);
  assert.deepEqual(late.found(), ["no bad version in traffic for longer than the fault at hand"]);
});

test("a version that only is slow harms nobody while stable could answer nobody; one that fails does", async () => {
  for (const [tag, harms] of [
    ["v2-slow800", false],
    ["v2-err60", true],
  ] as const) {
    const { watch, remove, pass, found } = watched();
    remove("destinationrules", "reviews");
    watch.onTraffic([{ deployment: "reviews-v2", service: "reviews", image: imageOf(tag), share: 0.2 }]);
    await pass(60_000);
    watch.onTraffic([]);
    assert.equal(found().length > 0, harms, tag);
  }
});

test("an image that stable got when it had no requests any more is not what served last", async () => {
  const { watch, journal } = watched();
  await journal({ phase: "promoting", step: "draining" });
  watch.rebase({ deployment: "reviews-v1", image: imageOf("v1-patch") });
  await journal({ phase: "succeeded" });
  await journal({ phase: "promoting", step: "draining" });
  await journal({ phase: "succeeded" }, "v2", [], { of: "somebody" });
  assert.deepEqual(watch.base(), { deployment: "reviews-v1", image: imageOf("v1") });
  watch.rebase({ deployment: "reviews-v2", image: imageOf("v3") });
  assert.deepEqual(watch.base(), { deployment: "reviews-v1", image: imageOf("v1") }, "another Deployment's");
});

test("a bad version that is promoted is found; a good one may serve alone from then on", async () => {
  const good = watched();
  await good.journal({ phase: "succeeded" });
  assert.deepEqual(good.found(), []);
  assert.deepEqual(good.watch.base(), { deployment: "reviews-v2", image: imageOf("v2") });

  const wrong = watched();
  await wrong.journal({ phase: "succeeded" }, "v2-err60");
  assert.deepEqual(wrong.found(), ["no bad version promoted"]);
});
