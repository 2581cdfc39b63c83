import assert from "node:assert/strict";
import test, { type TestContext } from "node:test";
import fc from "fast-check";
import { manualClock } from "../../sandbox/api-server/clock.ts";
import { limits } from "../../sandbox/api-server/controllers/rolling-update.ts";
import { kindNamed } from "../../sandbox/api-server/kind.ts";
import { isDeployment, isPod, isReady, isReplicaSet, isTerminating } from "../../sandbox/api-server/workload.ts";
import { deploymentOf, startForTest } from "../support/api-server.ts";

async function world(t: Pick<TestContext, "after">) {
  const clock = manualClock();
  const { server } = await startForTest(t as TestContext, { clock, namespaces: ["shop"] });
  const deployment = () => {
    const found = server.store.get(kindNamed("deployments"), "shop", "web");
    return found !== undefined && isDeployment(found) ? found : assert.fail("the Deployment is not there");
  };
  /** Replicas of its sets, oldest revision first. */
  const sizes = (): readonly number[] =>
    server.store
      .list(kindNamed("replicasets"), "shop")
      .filter(isReplicaSet)
      .sort((a, b) => revision(a) - revision(b))
      .map(({ spec }) => spec.replicas);
  const pods = () =>
    server.store
      .list(kindNamed("pods"), "shop")
      .filter(isPod)
      .filter((pod) => !isTerminating(pod));
  const progress = (): readonly (string | undefined)[] => {
    const condition = deployment().status?.conditions?.find(({ type }) => type === "Progressing");
    return [condition?.status, condition?.reason];
  };
  const apply = (tag: string, spec: Readonly<Record<string, unknown>> = {}): void =>
    server.apply([deploymentOf("web", tag, spec)]);
  return { server, clock, deployment, sizes, pods, progress, apply };
}

const revision = ({
  metadata,
}: {
  readonly metadata: { readonly annotations?: Readonly<Record<string, string>> };
}): number => Number(metadata.annotations?.["deployment.kubernetes.io/revision"]);

test("a rollout that is stuck keeps the old pods that must serve", async (t) => {
  const { clock, apply, sizes, progress, deployment } = await world(t);
  apply("v1", { replicas: 4, progressDeadlineSeconds: 30 });
  await clock.advance(5_000);
  apply("v2-notready", { replicas: 4, progressDeadlineSeconds: 30 });
  await clock.advance(20_000);
  assert.deepEqual(
    [sizes(), progress()],
    [
      [3, 2],
      ["True", "ReplicaSetUpdated"],
    ],
  );
  await clock.advance(20_000);
  assert.deepEqual(
    [sizes(), progress()],
    [
      [3, 2],
      ["False", "ProgressDeadlineExceeded"],
    ],
  );
  assert.equal(deployment().status?.availableReplicas, 3);
});

test("a stuck rollout that grows shares the new pods between both sets", async (t) => {
  const { clock, apply, sizes } = await world(t);
  apply("v1", { replicas: 4 });
  await clock.advance(5_000);
  apply("v2-notready", { replicas: 4 });
  await clock.advance(5_000);
  apply("v2-notready", { replicas: 8 });
  await clock.advance(5_000);
  assert.deepEqual(sizes(), [6, 4]);
});

test("a Deployment that recreates has no old pod beside a new one", async (t) => {
  const { clock, apply, pods, sizes } = await world(t);
  apply("v1", { replicas: 2, strategy: { type: "Recreate" } });
  await clock.advance(5_000);
  apply("v2", { replicas: 2, strategy: { type: "Recreate" } });
  for (let moment = 0; moment < 40; moment++) {
    await clock.advance(50);
    assert.ok(new Set(pods().map(({ spec }) => spec.containers[0]?.image)).size <= 1);
  }
  assert.deepEqual(sizes(), [0, 2]);
  assert.deepEqual(
    pods().map(({ spec }) => spec.containers[0]?.image),
    ["registry.test/web:v2", "registry.test/web:v2"],
  );
});

test("a paused Deployment does not roll, and its deadline does not run", async (t) => {
  const { clock, apply, sizes, progress, deployment } = await world(t);
  apply("v1", { progressDeadlineSeconds: 10 });
  await clock.advance(5_000);
  apply("v2", { paused: true, progressDeadlineSeconds: 10 });
  await clock.advance(60_000);
  assert.deepEqual([sizes(), progress()], [[1], ["Unknown", "DeploymentPaused"]]);
  apply("v2", { progressDeadlineSeconds: 10 });
  await clock.advance(5_000);
  assert.deepEqual(
    [sizes(), progress()],
    [
      [0, 1],
      ["True", "NewReplicaSetAvailable"],
    ],
  );
  assert.equal(deployment().status?.observedGeneration, deployment().metadata.generation);
});

test("pods that are ready become available after minReadySeconds", async (t) => {
  const { clock, apply, deployment } = await world(t);
  apply("v1", { minReadySeconds: 10 });
  await clock.advance(5_000);
  assert.deepEqual([deployment().status?.readyReplicas, deployment().status?.availableReplicas], [1, undefined]);
  await clock.advance(10_000);
  assert.deepEqual([deployment().status?.readyReplicas, deployment().status?.availableReplicas], [1, 1]);
});

test("old sets are forgotten beyond the revision history", async (t) => {
  const { clock, apply, sizes, deployment } = await world(t);
  for (const tag of ["v1", "v2", "v3", "v4"]) {
    apply(tag, { revisionHistoryLimit: 2 });
    await clock.advance(5_000);
  }
  assert.deepEqual(sizes(), [0, 0, 1]);
  assert.equal(revision(deployment()), 4);
});

test("a rolling update never has more pods than its surge, nor fewer that serve than it must", async () => {
  const limit = fc.oneof(fc.integer({ min: 0, max: 3 }), fc.constantFrom("0%", "25%", "50%", "100%"));
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 6 }), limit, limit, async (replicas, maxSurge, maxUnavailable) => {
      const ends: (() => Promise<void> | void)[] = [];
      const { clock, apply, pods, deployment } = await world({
        after: (end) => void ends.push(end as () => Promise<void>),
      });
      const spec = { replicas, strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge, maxUnavailable } } };
      apply("v1", spec);
      await clock.advance(2_000);
      const bounds = limits(deployment());
      apply("v2", spec);
      for (let moment = 0; moment < 60; moment++) {
        await clock.advance(50);
        assert.ok(pods().length <= replicas + bounds.maxSurge, `${pods().length} pods`);
        assert.ok(
          pods().filter(isReady).length >= replicas - bounds.maxUnavailable,
          `${pods().filter(isReady).length} ready`,
        );
      }
      await clock.advance(10_000);
      assert.deepEqual(
        new Set(pods().map(({ spec: { containers } }) => containers[0]?.image)),
        new Set(["registry.test/web:v2"]),
      );
      for (const end of ends) await end();
    }),
    { numRuns: 15 },
  );
});
