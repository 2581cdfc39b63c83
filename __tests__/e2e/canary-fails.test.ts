import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { openApiServer } from "./support/api-server.ts";
import { apply } from "./support/apply.ts";
import { bedFromEnvironment } from "./support/bed.ts";
import { assertRolledBack, figures, image, type Scene, withScene } from "./support/scene.ts";
import { waitFor } from "./support/wait-for.ts";

// Canaries whose pods do not come up, or do not stay.

const bed = bedFromEnvironment();
const api = openApiServer(bed.kubeconfig);

type Case = {
  readonly what: string;
  readonly name: string;
  readonly tag: string;
  readonly settings?: object;
  /** What is done before the release. */
  readonly prepare?: (scene: Scene) => Promise<void>;
  readonly because: RegExp;
};

const crashed =
  /container shop crashes again and again \([1-9]\d* restarts?, the last run ended with exit code 1\)\. Its last words: .*panic: cannot connect to database/;

/** Leaves room for the pods that are there, and for no other. Applied last: a quota counts what is there when it is made. */
async function fillQuota({ namespace }: Scene): Promise<void> {
  await apply(api, "{apiVersion: v1, kind: ResourceQuota, metadata: {name: pods}, spec: {hard: {pods: 3}}}", namespace);
  type Quota = { readonly status?: { readonly used?: { readonly pods?: string } } };
  const used = async (): Promise<string | undefined> =>
    (await api.get<Quota>(`/api/v1/namespaces/${namespace}/resourcequotas/pods`))?.status?.used?.pods;
  await waitFor(async () => (await used()) === "3", "the quota's count", 30_000);
}

const neverServed: readonly Case[] = [
  {
    what: "an image that cannot be pulled",
    name: "fails-pull",
    tag: "v2-pullfail",
    because: /cannot pull image registry\.test\/shop:v2-pullfail: Back-off pulling image .* not found/,
  },
  { what: "a crash loop", name: "fails-crash", tag: "v2-crash", because: crashed },
  {
    what: "a missing ConfigMap",
    name: "fails-settings",
    tag: "v2-configerr",
    because: /container shop cannot be created: configmap "shop-settings" not found/,
  },
  {
    what: "a canary that is never ready",
    name: "fails-ready",
    tag: "v2-notready",
    settings: { deadlines: { ready: "4s" } },
    because: /the canary is not ready: .*containers with unready status: \[shop\].*, after 4s/,
  },
  {
    what: "a quota",
    name: "fails-quota",
    tag: "v2",
    prepare: fillQuota,
    because: /pods cannot be created: .*exceeded quota: pods, requested: pods=1, used: pods=3, limited: pods=3/,
  },
  {
    what: "a copy of stable in a crash loop",
    name: "fails-copy",
    tag: "v2-crash",
    settings: { canary: { from: "clone", subset: "canary", labels: { version: "canary" } } },
    because: crashed,
  },
];

describe("a canary that fails", { concurrency: 4 }, () => {
  after(() => api.close());

  for (const { what, name, tag, settings = {}, prepare = async () => {}, because } of neverServed) {
    test(`${what} is told in the pod's own words, and no request ever goes there`, (t) =>
      withScene(bed, api, { name }, async (play) => {
        await prepare(play);
        const scene = { ...play, before: await play.now() };
        const finished = await scene.start(settings, { flags: image(tag) }).ended;
        await assertRolledBack(scene, finished, because);
        const { counts, weights } = await scene.end();
        t.diagnostic(figures(counts));
        t.diagnostic(finished.outputs.because ?? "");
        assert.equal(counts.bad, 0, counts.badSamples.join("\n"));
        assert.deepEqual(counts.byVersion, { v1: counts.total });
        assert.deepEqual(weights, [{ v1: 100 }]);
      }));
  }

  test("a canary that dies while it serves is rolled back by what its pod says", (t) =>
    withScene(bed, api, { name: "fails-later" }, async (scene) => {
      const finished = await scene.start(
        { stages: "20:60s", gates: [], metrics: { source: "none", interval: "1s" } },
        { flags: image("v2-die10") },
      ).ended;
      // Which of the two depends on when it is looked at: the container begins again once before Kubernetes backs off.
      await assertRolledBack(
        scene,
        finished,
        /crashes again and again .*Its last words: .*panic: cannot connect|no pod of the canary is available any more: .*ended with exit code 1/,
      );
      const { counts, weights } = await scene.end();
      t.diagnostic(`${finished.outputs.because}; ${figures(counts)}`);
      assert.ok((counts.byVersion.v2 ?? 0) > 0, "it served");
      assert.deepEqual(weights, [{ v1: 100 }, { v1: 80, v2: 20 }, { v1: 100 }]);
    }));
});
