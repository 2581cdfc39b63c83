import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { KubernetesObject } from "../../src/kubernetes/object.ts";
import { jsonPatch, openApiServer } from "./support/api-server.ts";
import { apply } from "./support/apply.ts";
import { bedFromEnvironment, testFolder } from "./support/bed.ts";
import { changed } from "./support/changed.ts";
import { envoyWeights, type Weights } from "./support/envoy.ts";
import { fixedOutputs } from "./support/fixed-outputs.ts";
import { newNamespace, rolledOut } from "./support/namespace.ts";
import { type Finished, runProgram, type Wanted } from "./support/program.ts";
import { figures, virtualServicePath } from "./support/scene.ts";
import { destinationRule, service, shop, twoVersions, virtualService } from "./support/shop.ts";
import { collections, snapshot, withoutOurs } from "./support/snapshot.ts";
import { sendRequests } from "./support/traffic.ts";
import { answers, underTraffic } from "./support/under-traffic.ts";
import { waitFor } from "./support/wait-for.ts";

// Releases that somebody looks at, approves, and finishes from another job; and the first one of all.

const bed = bedFromEnvironment();
const api = openApiServer(bed.kubeconfig);

after(() => api.close());

describe("a release that waits for approval", () => {
  const namespace = "promotion";
  const host = "promotion.example.com";
  const config = {
    ...{
      namespace,
      service: "shop",
      stable: { deployment: "shop-v1", subset: "v1" },
      canary: { deployment: "shop-v2", subset: "v2" },
    },
    image: "registry.test/shop:v2",
    stages: [
      { weight: 25, wait: "2s", approval: true },
      { weight: 50, wait: "2s" },
    ],
    gates: [{ errors: { atMost: "5%", minRequests: 10 } }],
    metrics: { prometheus: bed.prometheus, interval: "1s" },
    promotion: { model: "swap", drain: "1s" },
    verify: { window: "4s", requests: 300 },
  };
  const run = (command: string, wanted: Partial<Wanted> = {}): Promise<Finished> =>
    runProgram(bed, { command, config, ...wanted });
  const inEnvoy = (weights: Weights): Promise<unknown> =>
    waitFor(
      async () => JSON.stringify(await envoyWeights(bed, host)) === JSON.stringify(weights),
      `${JSON.stringify(weights)} in Envoy`,
      10_000,
    );
  const editWeights = (v1: number, v2: number): Promise<unknown> =>
    api.expect(
      "PATCH",
      `${virtualServicePath(namespace)}?fieldManager=somebody-else`,
      [v1, v2].map((value, index) => ({ op: "replace", path: `/spec/http/0/route/${index}/weight`, value })),
      jsonPatch,
    );

  let remove: () => Promise<void>;
  before(async () => {
    remove = await newNamespace(api, namespace);
    await apply(api, twoVersions({ host, v1: 100, v2: 0, canary: "shop:v1" }), namespace);
    await rolledOut(api, namespace, "shop-v1", "shop-v2");
    await inEnvoy({ v1: 100 });
  });
  after(() => remove());

  test("before it, plan says what would be done and writes nothing", async () => {
    const versions = await resourceVersions(namespace);
    const { code, said } = await run("plan");
    assert.equal(code, 0, said);
    for (const line of [
      "Release of promotion/shop: shop-v2 gets registry.test/shop:v2, next to shop-v1.",
      "2. 25% of the requests for 2s, judged by errors ≤ 5% (at most 5m2s), then wait for `promote`",
      'route "primary" from v1 100, v2 0 to v1 75, v2 25',
      "Nothing forbids this release. Nothing was changed.",
    ]) {
      assert.ok(said.includes(line), `${line}\nis not in\n${said}`);
    }
    const asJson = await run("plan", { flags: ["--json"] });
    const { allowed, stages } = JSON.parse(asJson.said) as {
      readonly allowed: boolean;
      readonly stages: readonly { readonly weight: number }[];
    };
    assert.deepEqual([asJson.code, allowed, stages.map(({ weight }) => weight)], [0, true, [25, 50]]);
    assert.deepEqual(await resourceVersions(namespace), versions);
  });

  test("it ends its job green, tells the truth meanwhile, and goes on in another job", async (t) => {
    const was = withoutOurs(await snapshot(api, namespace), "shop");
    const seen = await underTraffic({ bed, api, namespace, host }, async (traffic) => {
      const waiting = await run("release");
      assert.equal(waiting.code, 0, waiting.said);
      const outputs = fixedOutputs(waiting.outputs, "observed-split", "report");
      assert.deepEqual(outputs, {
        ...{ outcome: "waiting", phase: "waiting", stage: "1", settled: "true", because: "stage 25% passed" },
        ...{ weight: "25" },
      });

      const status = await run("status");
      assert.match(status.said, /^promotion\/shop: waiting, stage 1 of 2, 25% on shop-v2 \(.+\)$/m);
      assert.match(
        status.said,
        /^To go on: istio-canary promote --config \S+ .*\nTo give up: istio-canary rollback --config \S+ /m,
      );
      assert.doesNotMatch(status.said, /differ/);

      await answers(traffic, 5 * 60); // longer than the window
      const byUrl = ["--verify-url", bed.gateway, "--verify-headers", `host=${host}`];
      const byField = [...byUrl, "--verify-version-field", "version"];
      const [counted, asked, told] = await Promise.all(
        [["--json"], ["--json", ...byUrl], byField].map((flags) => run("verify", { flags })),
      );
      assertVerified(counted, 25);
      assertVerified(asked, 25);
      assert.match(
        told?.said ?? "",
        /^shop-v2 got \d+ of 300 requests: [\d.]+% \(99\.9% confidence: [\d.]+% to [\d.]+%; 300 requests to http\S+\)\.$/m,
      );

      for (const [v1, v2] of [
        [98, 2],
        [20, 80],
      ] as const) {
        await editWeights(v1, v2);
        await inEnvoy({ v1, v2 });
        const lie = await run("verify", { flags: byField });
        assert.equal(lie.code, 3, lie.said);
        assert.match(lie.said, /Planned: 25%, written [\d.]+\w+ ago; the count contradicts it\./);
      }
      assert.match(
        (await run("status")).said,
        /the routes differ from what was written: .* route "primary": v1 20, v2 80 instead of v1 75, v2 25, written by somebody-else/,
      );
      await editWeights(75, 25);
      await inEnvoy({ v1: 75, v2: 25 });

      return run("promote", { environment: { GITHUB_ACTOR: "octocat" } });
    });
    const { code, said, outputs } = seen.result;
    t.diagnostic(figures(seen.counts));
    assert.equal(code, 0, said);
    assert.equal(seen.counts.bad, 0, seen.counts.badSamples.join("\n"));
    assert.deepEqual(seen.weights, [
      { v1: 100 },
      { v1: 75, v2: 25 },
      { v1: 98, v2: 2 },
      { v1: 20, v2: 80 },
      { v1: 75, v2: 25 },
      { v1: 50, v2: 50 },
      { v2: 100 },
    ]);

    const { report = "" } = outputs;
    const rest = fixedOutputs(outputs, "observed-split", "report");
    assert.deepEqual(rest, {
      ...{
        outcome: "succeeded",
        phase: "succeeded",
        stage: "2",
        settled: "true",
        because: "every stage passed: the canary is the new stable",
      },
      ...{ weight: "100" },
    });
    const { account } = JSON.parse(readFileSync(report, "utf8")) as {
      readonly account: { readonly log: readonly { readonly because: string }[] };
    };
    assert.ok(
      account.log.some(({ because }) => because === "approved by octocat"),
      JSON.stringify(account.log),
    );
    assert.deepEqual(
      withoutOurs(await snapshot(api, namespace), "shop"),
      changed(
        was,
        ["VirtualService/shop", "spec.http.0.route.0.weight", 0],
        ["VirtualService/shop", "spec.http.0.route.1.weight", 100],
        ["Deployment/shop-v1", "spec.replicas", 0],
        ["Deployment/shop-v2", "spec.template.spec.containers.0.image", "registry.test/shop:v2"],
      ),
    );
  });

  test("after it, status says so, and there is nothing to promote", async () => {
    assert.match((await run("status")).said, /^promotion\/shop: succeeded, shop-v2 \(.+\) serves everything$/m);
    const again = await run("promote");
    assert.equal(again.code, 2, again.said);
    assert.match(again.said, /promotion\/shop: no release waits for somebody to decide; the last one is succeeded\./);
  });
});

describe("a first deployment", () => {
  const namespace = "first";
  const host = "first.example.com";
  const manifests = join(testFolder(bed, namespace), "shop-v1.yaml");
  const config = {
    ...{
      namespace,
      service: "shop",
      stable: { deployment: "shop-v0", subset: "v0" },
      canary: { subset: "v1", from: { manifests } },
    },
    ...{
      stages: "10:3s, 50:3s",
      metrics: { prometheus: bed.prometheus, interval: "1s" },
      promotion: { model: "swap", drain: "1s" },
    },
  };

  let remove: () => Promise<void>;
  before(async () => {
    writeFileSync(manifests, shop({ version: "v1", image: "shop:v1", replicas: 2 }));
    remove = await newNamespace(api, namespace);
    const objects = [
      service("shop", { app: "shop" }),
      destinationRule("shop", { v0: { version: "v0" }, v1: { version: "v1" } }),
      virtualService(host, [{ host: "shop", subset: "v0" }]),
    ];
    await apply(api, objects.join("---\n"), namespace);
    await waitFor(async () => (await envoyWeights(bed, host)).v0 === 100, "the route in Envoy", 30_000);
  });
  after(() => remove());

  test("is refused by its name unless it is asked for", async () => {
    const was = await snapshot(api, namespace);
    const { code, said } = await runProgram(bed, { config });
    assert.equal(code, 2, said);
    assert.match(
      said,
      /There is no stable version yet: Deployment first\/shop-v0 does not exist .*set first-deploy: true/,
    );
    assert.deepEqual(withoutOurs(await snapshot(api, namespace), "shop"), was);
  });

  test("gives the new version all requests at once", async () => {
    const was = await snapshot(api, namespace);
    const { code, said, outputs } = await runProgram(bed, { config, flags: ["--first-deploy"] });
    assert.equal(code, 0, said);
    const rest = fixedOutputs(outputs, "report");
    assert.deepEqual(rest, {
      ...{
        outcome: "succeeded",
        phase: "succeeded",
        stage: "",
        settled: "true",
        because: "the canary serves everything: it is the new stable",
      },
      ...{ weight: "100", "observed-split": "" },
    });
    const { "Deployment/shop-v1": deployed, ...others } = withoutOurs(await snapshot(api, namespace), "shop");
    assert.ok(deployed);
    assert.deepEqual(
      others,
      changed(withoutOurs(was, "shop"), ["VirtualService/shop", "spec.http.0.route.0.destination.subset", "v1"]),
    );
    const { byStatus, byVersion } = await sendRequests(40, { url: bed.gateway, host });
    assert.deepEqual({ byStatus, byVersion }, { byStatus: { "200": 40 }, byVersion: { v1: 40 } });
  });
});

/** Of everything in a namespace: nothing was written if none has changed. */
async function resourceVersions(namespace: string): Promise<readonly string[]> {
  const lists = await Promise.all(
    collections.map((path) =>
      api.expect<{ readonly items: readonly KubernetesObject[] }>("GET", path.replace("NAMESPACE", namespace)),
    ),
  );
  return lists.flatMap(({ items }) => items.map(({ metadata }) => `${metadata.uid} ${metadata.resourceVersion}`));
}

/** The count is near the plan, its bounds are those of its number of requests, and the exit code says what the bounds say. */
function assertVerified(finished: Finished | undefined, planned: number): void {
  const { code, said = "" } = finished ?? {};
  type Verified = {
    readonly stable: number;
    readonly canary: number;
    readonly neither: number;
    readonly planned: number;
  };
  const { stable, canary, neither, ...told } = JSON.parse(said) as Verified & {
    readonly share: number;
    readonly low: number;
    readonly high: number;
    readonly asPlanned: boolean;
  };
  const total = stable + canary;
  assert.ok(total >= 120 && neither === 0, said);
  const deviation = Math.sqrt(((planned / 100) * (1 - planned / 100)) / total);
  // Five standard deviations leave one false alarm in a million runs.
  assert.ok(Math.abs(told.share - planned / 100) <= 5 * deviation, said);
  assert.equal(told.share, canary / total);
  assert.ok(told.low < told.share && told.share < told.high, said);
  assert.ok(
    Math.abs(told.high - told.low - 2 * 3.29 * Math.sqrt((told.share * (1 - told.share)) / total)) < 0.01,
    said,
  );
  assert.equal(told.planned, planned);
  assert.equal(told.asPlanned, told.low * 100 <= planned && planned <= told.high * 100);
  assert.equal(code, told.asPlanned ? 0 : 3, said);
}
