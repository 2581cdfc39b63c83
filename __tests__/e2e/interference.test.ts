import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { KubernetesObject } from "../../src/kubernetes/object.ts";
import { refuseRoutes } from "./support/admission.ts";
import { openApiServer } from "./support/api-server.ts";
import { bedFromEnvironment } from "./support/bed.ts";
import { envoyRoutes, envoyWeights } from "./support/envoy.ts";
import { journalOf } from "./support/journal.ts";
import type { Finished, Program } from "./support/program.ts";
import {
  assertQuiet,
  assertRefused,
  assertRolledBack,
  assertSucceeded,
  figures,
  image,
  pick,
  type Scene,
  saying,
  servingCanary,
  virtualServicePath,
  withScene,
} from "./support/scene.ts";
import type { Snapshot } from "./support/snapshot.ts";
import { waitFor } from "./support/wait-for.ts";

// Somebody else acts while a release runs: people, controllers, policies, other jobs.

const bed = bedFromEnvironment();
const api = openApiServer(bed.kubeconfig);

const weights = (stable: number, canary: number): readonly object[] => [
  { op: "replace", path: "/spec/http/0/route/0/weight", value: stable },
  { op: "replace", path: "/spec/http/0/route/1/weight", value: canary },
];

/** Exit code 3: rolled back, and something that somebody else did is left. */
const assertUnsettled = ({ code, said, outputs }: Finished): void => {
  assert.equal(code, 3, said);
  assert.deepEqual(pick(outputs, "outcome", "settled"), { outcome: "rolled-back", settled: "false" });
};

/** A release of a version that fails its gate soon, once its canary serves. */
async function servingFailing(scene: Scene): Promise<Program> {
  const gates = [{ errors: { atMost: "5%", minRequests: 60 } }];
  const program = scene.start({ stages: "20:60s", gates }, { flags: image("v2-err20") });
  await servingCanary(scene, program);
  return program;
}

// Two groups at a time: each test waits far more than it computes.
describe("others act while a release runs", { concurrency: 2 }, () => {
  describe("somebody changes the weights", { concurrency: 3 }, () => {
    test("the release gives up and puts the routes back", (t) =>
      withScene(bed, api, { name: "other-weights" }, async (scene) => {
        const program = scene.start({ stages: "20:60s" }, { flags: image("v2") });
        await servingCanary(scene, program);
        await scene.editRoute(weights(60, 40));
        const finished = await program.ended;
        await assertRolledBack(
          scene,
          finished,
          /the route is not as the release left it: VirtualService other-weights\/shop .*60.*40.*written by somebody-else/,
        );
        const { counts, weights: seen } = await scene.end();
        t.diagnostic(`${finished.outputs.because}; ${figures(counts)}`);
        assert.equal(counts.bad, 0, counts.badSamples.join("\n"));
        assert.deepEqual(seen.at(-1), { v1: 100 });
      }));

    test("drift: put-back writes them again, and the release succeeds", (t) =>
      withScene(bed, api, { name: "other-put-back" }, async (scene) => {
        const program = scene.start({ stages: "20:6s", drift: "put-back" }, { flags: image("v2") });
        await servingCanary(scene, program);
        await scene.editRoute(weights(60, 40));
        await saying(program, /the route is not as the release left it \(.*\); putting it back/);
        const finished = await program.ended;
        assertSucceeded(finished);
        const { counts, weights: seen } = await scene.end();
        t.diagnostic(`${JSON.stringify(seen)}; ${figures(counts)}`);
        assert.equal(counts.bad, 0, counts.badSamples.join("\n"));
        assert.deepEqual(seen.slice(-2), [{ v1: 80, v2: 20 }, { v2: 100 }]);
      }));

    test("drift: put-back gives up at the third time", (t) =>
      withScene(bed, api, { name: "other-again" }, async (scene) => {
        const program = scene.start({ stages: "20:60s", drift: "put-back" }, { flags: image("v2") });
        await servingCanary(scene, program);
        for (const share of [41, 42]) {
          await scene.editRoute(weights(100 - share, share));
          await saying(program, new RegExp(`${share}.*putting it back`));
          await waitFor(async () => (await envoyWeights(bed, scene.host)).v2 === 20, "20% again", 30_000);
        }
        await scene.editRoute(weights(57, 43));
        const finished = await program.ended;
        await assertRolledBack(
          scene,
          finished,
          /the route is not as the release left it, again after it was put back 2 times: .*43/,
        );
        t.diagnostic(figures((await scene.end()).counts));
      }));
  });

  describe("somebody changes what is released", { concurrency: 3 }, () => {
    const deployments = (scene: Scene): string => `/apis/apps/v1/namespaces/${scene.namespace}/deployments`;

    test("a canary that gets another image while its stage lasts is not judged any further: the traffic goes back", (t) =>
      withScene(bed, api, { name: "other-image" }, async (scene) => {
        const program = scene.start({ stages: "20:60s" }, { flags: image("v2-err60") });
        await servingCanary(scene, program);
        const containers = [{ name: "shop", image: "registry.test/shop:v1" }];
        const change = { spec: { template: { spec: { containers } } } };
        const merge = "application/strategic-merge-patch+json";
        await api.expect("PATCH", `${deployments(scene)}/shop-v2?fieldManager=somebody-else`, change, merge);
        const { code, said, outputs } = await program.ended;
        assert.equal(code, 1, said);
        assert.deepEqual(pick(outputs, "outcome", "weight"), { outcome: "rolled-back", weight: "0" });
        await assertQuiet(scene);
        t.diagnostic(`${outputs.because}; ${figures((await scene.end()).counts)}`);
      }));

    test("a VirtualService that is put back in the drain of a swap is followed: stable has its pods, and no request fails", (t) =>
      withScene(bed, api, { name: "back-in-drain" }, async (scene) => {
        const program = scene.start({ promotion: { model: "swap", drain: "8s" } }, { flags: image("v2") });
        const isDraining = async (): Promise<boolean> => {
          const state = (await journalOf(api, scene.namespace, "shop"))?.state;
          return state?.phase === "promoting" && state.step === "draining";
        };
        await waitFor(isDraining, "the drain", 60_000, 30); // before it the job may be writing this route itself
        await scene.editRoute(weights(100, 0));
        await assertRolledBack(
          scene,
          await program.ended,
          /the route is not as the release left it: .*v1 100, v2 0 instead of/,
        );
        const { counts } = await scene.end();
        t.diagnostic(figures(counts));
        assert.equal(counts.bad, 0, counts.badSamples.join("\n"));
      }));
  });

  describe("somebody changes something else", { concurrency: 3 }, () => {
    const docs = {
      name: "docs",
      match: [{ uri: { prefix: "/docs" } }],
      route: [{ destination: { host: "shop", subset: "v1", port: { number: 80 } } }],
    };
    const additions = [
      { op: "add", path: "/metadata/annotations", value: { "team/owner": "shop" } },
      { op: "add", path: "/spec/http/0", value: docs },
    ];
    type VirtualService = KubernetesObject & { readonly spec: { readonly http: readonly object[] } };

    /** The snapshot with what was added to its VirtualService. */
    function withAdditions(before: Snapshot): Snapshot {
      const was = before["VirtualService/shop"] as VirtualService;
      const metadata = { ...was.metadata, annotations: { "team/owner": "shop" } };
      return {
        ...before,
        "VirtualService/shop": { ...was, metadata, spec: { ...was.spec, http: [docs, ...was.spec.http] } },
      };
    }

    test("a route and an annotation that are added meanwhile survive a rollback", (t) =>
      withScene(bed, api, { name: "other-rollback" }, async (scene) => {
        const program = await servingFailing(scene);
        await scene.editRoute(additions);
        await assertRolledBack(
          { ...scene, before: withAdditions(scene.before) },
          await program.ended,
          /errors: \d+ of \d+ canary requests failed/,
        );
        t.diagnostic(figures((await scene.end()).counts));
      }));

    test("they survive a promotion", (t) =>
      withScene(bed, api, { name: "other-promotion" }, async (scene) => {
        // The route that is added names the old version alone, which would lose its pods otherwise.
        const keepOld = { promotion: { model: "swap", drain: "1s", keepOld: true } };
        const program = scene.start(keepOld, { flags: image("v2") });
        await servingCanary(scene, program);
        await scene.editRoute(additions);
        assertSucceeded(await program.ended);
        const { metadata, spec } = await api.expect<VirtualService>("GET", virtualServicePath(scene.namespace));
        assert.deepEqual(metadata.annotations, { "team/owner": "shop" });
        assert.deepEqual(spec.http[0], docs);
        const routes = await envoyRoutes(bed, scene.host);
        assert.deepEqual(
          routes.map(({ destinations }) => destinations.map(({ subset, weight }) => [subset, weight])),
          [[["v1", 100]], [["v2", 100]]],
        );
        const { counts } = await scene.end();
        t.diagnostic(figures(counts));
        assert.equal(counts.bad, 0, counts.badSamples.join("\n"));
      }));

    test("a DestinationRule that is deleted in a stage ends it: stable gets its route back, and the job is not green", (t) =>
      withScene(bed, api, { name: "other-rule" }, async (scene) => {
        const program = scene.start({ stages: "20:60s" }, { flags: image("v2") });
        await servingCanary(scene, program);
        await api.expect("DELETE", `/apis/networking.istio.io/v1/namespaces/${scene.namespace}/destinationrules/shop`);
        const finished = await program.ended;
        const { said, outputs } = finished;
        t.diagnostic(said);
        assertUnsettled(finished);
        assert.match(
          outputs.because ?? "",
          /no request for the canary can be answered: no DestinationRule in namespace other-rule has the subset v2/,
        );
        assert.match(said, /not as it should be: no DestinationRule in namespace other-rule has the subset v1/);
        const { "DestinationRule/shop": _, ...others } = scene.before;
        assert.deepEqual(await scene.now(), others);
      }));

    test("a canary that loses its subset in the drain of a swap gives everything back to stable", (t) =>
      withScene(bed, api, { name: "rule-in-drain" }, async (scene) => {
        const program = scene.start({ promotion: { model: "swap", drain: "8s" } }, { flags: image("v2") });
        await waitFor(async () => (await envoyWeights(bed, scene.host)).v2 === 100, "all traffic on v2", 60_000, 30);
        const path = `/apis/networking.istio.io/v1/namespaces/${scene.namespace}/destinationrules/shop`;
        const withoutCanary = [{ op: "remove", path: "/spec/subsets/1" }];
        await api.expect("PATCH", path, withoutCanary, "application/json-patch+json");
        const { code, said, outputs } = await program.ended;
        t.diagnostic(said);
        assert.equal(code, 1, said);
        assert.match(outputs.because ?? "", /no request for the canary can be answered: .* has the subset v2/);
        assert.deepEqual(await envoyWeights(bed, scene.host), { v1: 100 });
      }));

    test("a VirtualService that is deleted is said to be gone: the canary goes, and the job is not green", (t) =>
      withScene(bed, api, { name: "other-deleted" }, async (scene) => {
        const program = scene.start({ stages: "20:60s" }, { flags: image("v2") });
        await servingCanary(scene, program);
        await api.expect("DELETE", virtualServicePath(scene.namespace));
        const finished = await program.ended;
        const { said, outputs } = finished;
        t.diagnostic(said);
        assertUnsettled(finished);
        assert.match(
          outputs.because ?? "",
          /the route is not as the release left it: VirtualService other-deleted\/shop is gone: somebody else deleted it/,
        );
        assert.match(said, /not as it should be: VirtualService other-deleted\/shop is gone/);
        assert.doesNotMatch(said, /all requests go to/);
        const { "VirtualService/shop": _, ...others } = scene.before;
        assert.deepEqual(await scene.now(), others);
      }));
  });

  describe("a policy refuses to change the routes", { concurrency: 3 }, () => {
    const atMost = (percent: number): string =>
      `object.spec.http.all(rule, rule.route.all(to, to.destination.subset != "v2" || !has(to.weight) || to.weight <= ${percent}))`;

    test("a policy that would refuse the first weight refuses the release", (t) =>
      withScene(bed, api, { name: "policy-first" }, async (scene) => {
        const allow = await refuseRoutes({
          api,
          namespace: scene.namespace,
          allowed: atMost(10),
          message: "no more than 10% for v2",
          reason: "Forbidden",
          broken: weights(0, 100),
        });
        t.after(allow);
        const finished = await scene.start({}, { flags: image("v2") }).ended;
        await assertRefused(scene, finished, /the first write would be refused: .*no more than 10% for v2/);
        assert.doesNotMatch(finished.said, /service account/, "a policy's refusal is no missing permission");
        const { counts, weights: seen } = await scene.end();
        t.diagnostic(`${finished.said}; ${figures(counts)}`);
        assert.deepEqual(seen, [{ v1: 100 }]);
      }));

    for (const reason of ["Invalid", "Forbidden"] as const) {
      test(`a policy that refuses a later weight rolls back (${reason})`, (t) =>
        withScene(bed, api, { name: `policy-later-${reason.toLowerCase()}` }, async (scene) => {
          const allow = await refuseRoutes({
            api,
            namespace: scene.namespace,
            allowed: atMost(20),
            message: "no more than 20% for v2",
            reason,
            broken: weights(0, 100),
          });
          t.after(allow);
          const finished = await scene.start({}, { flags: image("v2") }).ended;
          await assertRolledBack(
            scene,
            finished,
            /VirtualService policy-later-\w+\/shop could not be written \(.*50.*50.*\): .*no more than 20% for v2/,
          );
          assert.doesNotMatch(finished.said, /service account/, "a policy's refusal is no missing permission");
          const { counts, weights: seen } = await scene.end();
          t.diagnostic(`${finished.outputs.because}; ${figures(counts)}`);
          assert.equal(counts.bad, 0, counts.badSamples.join("\n"));
          assert.deepEqual(seen, [{ v1: 100 }, { v1: 80, v2: 20 }, { v1: 100 }]);
        }));
    }

    test("a rollback that is refused is tried until it is allowed", (t) =>
      withScene(bed, api, { name: "policy-freeze" }, async (scene) => {
        const program = await servingFailing(scene);
        const broken = [{ op: "add", path: "/metadata/annotations", value: {} }];
        const allow = await refuseRoutes({
          api,
          namespace: scene.namespace,
          allowed: "false",
          message: "nothing changes on Fridays",
          reason: "Forbidden",
          broken,
        });
        t.after(allow);
        await saying(program, /Roll back/);
        await sleep(5_000);
        assert.deepEqual(await envoyWeights(bed, scene.host), { v1: 80, v2: 20 });
        assert.equal(program.stdout().match(/nothing changes on Fridays; trying again/g)?.length, 1, program.stdout());
        await allow();
        const finished = await program.ended;
        t.diagnostic(finished.said);
        await assertRolledBack(scene, finished, /errors: \d+ of \d+ canary requests failed/);
        const { counts, weights: seen } = await scene.end();
        t.diagnostic(figures(counts));
        assert.deepEqual(seen, [{ v1: 100 }, { v1: 80, v2: 20 }, { v1: 100 }]);
      }));
  });

  describe("another job", { concurrency: 2 }, () => {
    after(() => api.close());
    const job = (runId: string) => ({ runId, environment: { GITHUB_REPOSITORY: "acme/shop", GITHUB_ACTOR: "alice" } });

    test("a second release is told who holds the service, since when, and where to look; the first goes on", (t) =>
      withScene(bed, api, { name: "other-release" }, async (scene) => {
        const first = scene.start({ stages: "20:8s" }, { flags: image("v2"), ...job("4711") });
        await servingCanary(scene, first);
        const second = await scene.start({}, { flags: image("v3"), ...job("4712") }).ended;
        t.diagnostic(second.said);
        assert.equal(second.code, 2, second.said);
        assert.match(
          second.said,
          /other-release\/shop: another job \(https:\/\/github\.com\/acme\/shop\/actions\/runs\/4711.*\) has been releasing it for [\d.]+s/,
        );
        assert.deepEqual([second.outputs.outcome, second.outputs.settled], ["failed", undefined]);
        assertSucceeded(await first.ended);
        const { counts, weights: seen } = await scene.end();
        t.diagnostic(figures(counts));
        assert.equal(counts.bad, 0, counts.badSamples.join("\n"));
        assert.deepEqual(seen, [{ v1: 100 }, { v1: 80, v2: 20 }, { v2: 100 }]);
      }));

    test("a rollback by hand gives the traffic back while the first job runs, which stops and writes no more", (t) =>
      withScene(bed, api, { name: "other-rescue" }, async (scene) => {
        const first = scene.start({ stages: "20:90s" }, { flags: image("v2"), ...job("4711") });
        await servingCanary(scene, first);
        const journal = await watchJournal(scene);
        const began = Date.now();
        const rescue = scene.start({}, { command: "rollback", ...job("4712") });
        await waitFor(async () => (await envoyWeights(bed, scene.host)).v1 === 100, "stable's traffic", 30_000, 20);
        t.diagnostic(`traffic was back ${Date.now() - began}ms after the command was started`);
        const [stopped, rescued] = await Promise.all([first.ended, rescue.ended]);
        t.diagnostic(`${stopped.said}\n--\n${rescued.said}`);
        assert.equal(rescued.code, 0, rescued.said);
        assert.deepEqual(pick(rescued.outputs, "outcome", "settled", "weight"), {
          outcome: "rolled-back",
          settled: "true",
          weight: "0",
        });
        assert.match(rescued.outputs.because ?? "", /rolled back by hand, by alice/);
        assert.equal(stopped.code, 3, stopped.said);
        assert.match(stopped.said, /another job \(https:\/\/github\.com\/acme\/shop\/actions\/runs\/4712\)/);
        assert.notEqual(stopped.outputs.settled, "true");

        assert.deepEqual(await scene.now(), scene.before);
        await assertQuiet(scene);
        const writers = journal.stop();
        assert.deepEqual([...new Set(writers)], ["4712"], `the journal was written by ${writers.join(", ")}`);
        const { counts, weights: seen } = await scene.end();
        t.diagnostic(figures(counts));
        assert.equal(counts.bad, 0, counts.badSamples.join("\n"));
        assert.deepEqual(seen, [{ v1: 100 }, { v1: 80, v2: 20 }, { v1: 100 }]);
      }));
  });
});

/** Who writes the journal from now on, write by write. */
async function watchJournal({ namespace }: Scene): Promise<{ readonly stop: () => readonly string[] }> {
  const stopping = new AbortController();
  const writers: string[] = [];
  const path = `/api/v1/namespaces/${namespace}/configmaps`;
  type Journal = KubernetesObject & { readonly data?: Readonly<Record<string, string>> };
  const began = await api.expect<Journal>("GET", `${path}/istio-canary-shop`);
  const note = (_type: string, { metadata, data }: Journal): void => {
    if (metadata.name !== "istio-canary-shop" || metadata.resourceVersion === began.metadata.resourceVersion) return;
    const { run } = JSON.parse(data?.["release.json"] ?? "{}") as { readonly run?: { readonly id: string } };
    writers.push(run?.id ?? "nobody");
  };
  void api.watch<Journal>(path, note, stopping.signal);
  return {
    stop() {
      stopping.abort();
      return writers;
    },
  };
}
