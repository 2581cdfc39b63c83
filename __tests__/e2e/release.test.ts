import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { openApiServer } from "./support/api-server.ts";
import { apply } from "./support/apply.ts";
import { bedFromEnvironment, testFolder } from "./support/bed.ts";
import { changed, type Edit } from "./support/changed.ts";
import { envoyWeights, type Weights } from "./support/envoy.ts";
import { fixedOutputs } from "./support/fixed-outputs.ts";
import { newNamespace, rolledOut } from "./support/namespace.ts";
import { runProgram } from "./support/program.ts";
import { recordReplicas } from "./support/replicas.ts";
import { figures } from "./support/scene.ts";
import { deployment, destinationRule, service, virtualService } from "./support/shop.ts";
import { snapshot, withoutOurs } from "./support/snapshot.ts";
import { sendRequests } from "./support/traffic.ts";
import { underTraffic } from "./support/under-traffic.ts";
import { waitFor } from "./support/wait-for.ts";

// Good releases: no request fails, Envoy has the weights that were planned and no others, and what is left is what was promised.

const bed = bedFromEnvironment();
const api = openApiServer(bed.kubeconfig);

const v1 = "registry.test/shop:v1";

const versioned = (version: string) => ({ app: "shop", version });

/** One release by one run of the program. */
type Run = {
  /** The tag of the image, which takes a second to become ready; without one the canary's manifest has it. */
  readonly tag?: string;
  /** What Envoy has, in order, while it is split and at the end. */
  readonly weights: readonly Weights[];
  /** What is different afterwards; everything else is as before, byte for byte. */
  readonly left: readonly Edit[];
  /** Who answers afterwards. */
  readonly serves: string;
};

type Case = {
  readonly name: string;
  readonly namespace: string;
  readonly objects: (host: string) => readonly string[];
  readonly settings: (folder: string) => object;
  readonly promotion: "swap" | "update";
  /** Pods of the canary's Deployment, in order, where they follow the weights. */
  readonly replicas?: { readonly deployment: string; readonly counts: readonly number[] };
  readonly runs: readonly Run[];
};

const weightsOf = (first: string, second: string): readonly Weights[] => [
  { [first]: 100 },
  { [first]: 90, [second]: 10 },
  { [first]: 50, [second]: 50 },
  { [second]: 100 },
];

const cases: readonly Case[] = [
  {
    name: "two Deployments told apart by subsets change roles at each swap, with one configuration",
    namespace: "release-subsets",
    objects: (host) => [
      service("shop", { app: "shop" }),
      destinationRule("shop", { v1: { version: "v1" }, v2: { version: "v2" } }),
      virtualService(host, [
        { host: "shop", subset: "v1", weight: 100 },
        { host: "shop", subset: "v2", weight: 0 },
      ]),
      deployment("shop-v1", versioned("v1"), v1, 2),
      deployment("shop-v2", versioned("v2"), v1, 1),
    ],
    settings: () => ({
      stable: { deployment: "shop-v1", subset: "v1" },
      canary: { deployment: "shop-v2", subset: "v2", replicas: "same" },
    }),
    promotion: "swap",
    runs: [
      {
        tag: "v2-start1",
        weights: weightsOf("v1", "v2"),
        left: [
          ["VirtualService/shop", "spec.http.0.route.0.weight", 0],
          ["VirtualService/shop", "spec.http.0.route.1.weight", 100],
          ["Deployment/shop-v1", "spec.replicas", 0],
          ["Deployment/shop-v2", "spec.replicas", 2],
          ["Deployment/shop-v2", "spec.template.spec.containers.0.image", "registry.test/shop:v2-start1"],
        ],
        serves: "v2",
      },
      {
        tag: "v3-start1",
        weights: weightsOf("v2", "v1"),
        left: [
          ["VirtualService/shop", "spec.http.0.route.0.weight", 100],
          ["VirtualService/shop", "spec.http.0.route.1.weight", 0],
          ["Deployment/shop-v1", "spec.replicas", 2],
          ["Deployment/shop-v1", "spec.template.spec.containers.0.image", "registry.test/shop:v3-start1"],
          ["Deployment/shop-v2", "spec.replicas", 0],
        ],
        serves: "v3",
      },
    ],
  },
  {
    name: "two Services: the route's one destination is the other one after the swap",
    namespace: "release-hosts",
    objects: (host) => [
      service("shop", { app: "shop" }),
      service("shop-v1", versioned("v1")),
      service("shop-v2", versioned("v2")),
      virtualService(host, [{ host: "shop-v1" }]),
      deployment("shop-v1", versioned("v1"), v1, 2),
      deployment("shop-v2", versioned("v2"), v1, 2),
    ],
    settings: () => ({
      stable: { deployment: "shop-v1", host: "shop-v1" },
      canary: { deployment: "shop-v2", host: "shop-v2" },
    }),
    promotion: "swap",
    runs: [
      {
        tag: "v2-start1",
        weights: weightsOf("shop-v1", "shop-v2"),
        left: [
          ["VirtualService/shop", "spec.http.0.route.0.destination.host", "shop-v2"],
          ["Deployment/shop-v1", "spec.replicas", 0],
          ["Deployment/shop-v2", "spec.template.spec.containers.0.image", "registry.test/shop:v2-start1"],
        ],
        serves: "v2",
      },
    ],
  },
  {
    name: "a copy of the only Deployment grows with its weight and leaves nothing but the new image, also of its subset",
    namespace: "release-clone",
    objects: (host) => [
      service("shop", { app: "shop" }),
      destinationRule("shop", { stable: { track: "stable" } }),
      virtualService(host, [{ host: "shop", subset: "stable" }]),
      deployment("shop", { app: "shop", track: "stable" }, v1, 4),
    ],
    settings: () => ({
      stable: { deployment: "shop", subset: "stable" },
      canary: { from: "clone", subset: "canary", labels: { track: "canary" } },
    }),
    promotion: "update",
    replicas: { deployment: "shop-canary", counts: [3, 4] },
    runs: [
      {
        tag: "v2-start1",
        weights: [...weightsOf("stable", "canary"), { stable: 100 }],
        left: [["Deployment/shop", "spec.template.spec.containers.0.image", "registry.test/shop:v2-start1"]],
        serves: "v2",
      },
    ],
  },
  {
    name: "a copy behind a Service of its own leaves nothing but the new image",
    namespace: "release-clone-hosts",
    objects: (host) => [
      service("shop", { app: "shop", track: "stable" }),
      service("shop-canary", { app: "shop", track: "canary" }),
      virtualService(host, [
        { host: "shop", weight: 100 },
        { host: "shop-canary", weight: 0 },
      ]),
      deployment("shop", { app: "shop", track: "stable" }, v1, 2),
    ],
    settings: () => ({ stable: { deployment: "shop" }, canary: { from: "clone", host: "shop-canary" } }),
    promotion: "update",
    runs: [
      {
        tag: "v2-start1",
        weights: [...weightsOf("shop", "shop-canary"), { shop: 100 }],
        left: [["Deployment/shop", "spec.template.spec.containers.0.image", "registry.test/shop:v2-start1"]],
        serves: "v2",
      },
    ],
  },
  {
    name: "objects of the user's own manifests go when stable has their image",
    namespace: "release-manifests",
    objects: (host) => [
      service("shop", { app: "shop" }),
      destinationRule("shop", { v1: { version: "v1" }, v2: { version: "v2" } }),
      virtualService(host, [{ host: "shop", subset: "v1" }]),
      deployment("shop-v1", versioned("v1"), v1, 2),
    ],
    settings: (folder) => ({
      stable: { deployment: "shop-v1", subset: "v1" },
      canary: { subset: "v2", from: { manifests: join(folder, "shop-v2.yaml") } },
      variables: ["TAG"],
    }),
    promotion: "update",
    runs: [
      {
        weights: [...weightsOf("v1", "v2"), { v1: 100 }],
        left: [["Deployment/shop-v1", "spec.template.spec.containers.0.image", "registry.test/shop:v2-start1"]],
        serves: "v2",
      },
    ],
  },
];

/** The canary's manifests, with a variable in them. */
const manifests = `${deployment("shop-v2", versioned("v2"), `registry.test/shop:\${TAG}`, 2)}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: shop-v2}, data: {greeting: "hello, \${TAG}"}}
`;

const endings = {
  swap: {
    weight: "100",
    because: "every stage passed: the canary is the new stable",
  },
  update: {
    weight: "0",
    because: "stable runs the new image, so it gets all requests again",
  },
};

describe("a good release", { concurrency: 3 }, () => {
  after(() => api.close());

  for (const each of cases) {
    test(each.name, async (t) => {
      const { namespace, promotion } = each;
      const host = `${namespace}.example.com`;
      const folder = testFolder(bed, namespace);
      writeFileSync(join(folder, "shop-v2.yaml"), manifests);
      const remove = await newNamespace(api, namespace);
      t.after(remove);
      const applied = await apply(api, each.objects(host).join("---\n"), namespace);
      await rolledOut(
        api,
        namespace,
        ...applied.filter(({ kind }) => kind === "Deployment").map(({ metadata }) => metadata.name),
      );
      await waitFor(async () => Object.values(await envoyWeights(bed, host))[0] === 100, "the route in Envoy", 30_000);

      const config = {
        ...{ namespace, service: "shop", ...each.settings(folder), stages: "10:3s, 50:3s" },
        ...{
          gates: [{ errors: { atMost: "5%", minRequests: 10 } }],
          metrics: { prometheus: bed.prometheus, interval: "1s" },
        },
        promotion: { model: promotion, drain: "1s" },
      };
      const replicas = each.replicas && recordReplicas(api, namespace, each.replicas.deployment);
      t.after(() => replicas?.stop());
      for (const { tag, weights, left, serves } of each.runs) {
        const before = withoutOurs(await snapshot(api, namespace), "shop");
        const flags = tag === undefined ? [] : ["--image", `registry.test/shop:${tag}`];
        const seen = await underTraffic({ bed, api, namespace, host }, () =>
          runProgram(bed, { config, flags, environment: { TAG: "v2-start1" } }),
        );
        const { code, said, outputs } = seen.result;
        t.diagnostic(figures(seen.counts));
        assert.equal(code, 0, said);
        assert.equal(seen.counts.bad, 0, seen.counts.badSamples.join("\n"));
        assert.deepEqual(Object.keys(seen.counts.byStatus), ["200"]);
        assert.deepEqual(seen.weights, weights);
        assert.deepEqual(withoutOurs(await snapshot(api, namespace), "shop"), changed(before, ...left));
        assert.deepEqual((await sendRequests(40, { url: bed.gateway, host })).byVersion, { [serves]: 40 });

        const { "observed-split": observed } = outputs;
        const rest = fixedOutputs(outputs, "observed-split", "report");
        const ending = endings[promotion];
        assert.deepEqual(rest, {
          ...{ outcome: "succeeded", phase: "succeeded", stage: "2", settled: "true" },
          ...{ weight: ending.weight, because: ending.because },
        });
        assertBetweenStages(observed);
      }
      if (replicas) assert.deepEqual(await replicas.stop(), each.replicas?.counts);
    });
  }
});

/**
 * What was counted in the stage of 50%, from the last scrape before it on: requests of the stage of 10% are among them.
 * Five standard deviations leave one false alarm in a million runs.
 */
function assertBetweenStages(observed = ""): void {
  const { requests } = JSON.parse(observed) as {
    readonly requests: { readonly stable: number; readonly canary: number };
  };
  const total = requests.stable + requests.canary;
  const deviations = (share: number): number =>
    (requests.canary - share * total) / Math.sqrt(share * (1 - share) * total);
  assert.ok(total > 50 && deviations(0.1) >= -5 && deviations(0.5) <= 5, observed);
}
