import assert from "node:assert/strict";
import test from "node:test";
import { cloneDeployment } from "../../src/kubernetes/clone.ts";
import type { KubernetesObject } from "../../src/kubernetes/object.ts";

/** As Argo CD, Helm, kapp, kubectl and the Deployment controller leave one. */
const stable: KubernetesObject = {
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: {
    name: "reviews-v1",
    namespace: "shop",
    uid: "1",
    resourceVersion: "2",
    generation: 3,
    creationTimestamp: "2026-01-01T00:00:00Z",
    ownerReferences: [{ kind: "App" }],
    finalizers: ["x/y"],
    managedFields: [{ manager: "argocd-controller" }],
    labels: {
      app: "reviews",
      version: "v1",
      team: "books",
      "app.kubernetes.io/instance": "shop",
      "app.kubernetes.io/managed-by": "Helm",
      "helm.sh/chart": "reviews-1.0",
      "kapp.k14s.io/app": "1700000000000000000",
      "applyset.kubernetes.io/part-of": "applyset-abc-v1",
      "app.kubernetes.io/name": "reviews",
      "kustomize.toolkit.fluxcd.io/name": "apps",
    },
    annotations: {
      "deployment.kubernetes.io/revision": "7",
      "kubectl.kubernetes.io/last-applied-configuration": "{}",
      "argocd.argoproj.io/tracking-id": "shop:apps/Deployment:shop/reviews-v1",
      "meta.helm.sh/release-name": "reviews",
      "acme.test/pager": "books",
    },
  },
  spec: {
    replicas: 4,
    paused: true,
    minReadySeconds: 5,
    unknownField: { new: [1] },
    selector: {
      matchLabels: { app: "reviews" },
      matchExpressions: [{ key: "version", operator: "In", values: ["v1"] }],
    },
    template: {
      metadata: { labels: { app: "reviews", version: "v1" }, annotations: { "sidecar.istio.io/inject": "true" } },
      spec: {
        containers: [
          { name: "istio-proxy", image: "auto" },
          { name: "reviews", image: "reviews:v1", env: [{ name: "A", value: "1" }] },
        ],
        volumes: [],
      },
    },
  },
  status: { replicas: 4 },
};

const order = { name: "reviews-v2", labels: { version: "v2" }, release: "r1", replicas: 1 };

test("a clone has what is known of stable's specification, with own name, labels, selector, image and mark, and nothing of any tool's", () => {
  assert.deepEqual(cloneDeployment(stable, order, { image: "reviews:v2" }), {
    object: {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: {
        name: "reviews-v2",
        namespace: "shop",
        labels: {
          app: "reviews",
          version: "v2",
          team: "books",
          "app.kubernetes.io/name": "reviews",
          "app.kubernetes.io/managed-by": "istio-canary",
        },
        annotations: { "istio-canary/release": "r1" },
      },
      spec: {
        replicas: 1,
        minReadySeconds: 5,
        selector: { matchLabels: { app: "reviews", version: "v2" } },
        template: {
          metadata: { labels: { app: "reviews", version: "v2" }, annotations: { "sidecar.istio.io/inject": "true" } },
          spec: {
            containers: [
              { name: "istio-proxy", image: "auto" },
              { name: "reviews", image: "reviews:v2", env: [{ name: "A", value: "1" }] },
            ],
            volumes: [],
          },
        },
      },
    },
  });
});

test("the object that is cloned stays as it is", () => {
  const before = structuredClone(stable);
  cloneDeployment(stable, order, { image: "reviews:v2" });
  assert.deepEqual(stable, before);
});

const withSelector = (
  selector: Readonly<Record<string, unknown>>,
  labels: Readonly<Record<string, string>>,
): KubernetesObject => ({
  ...stable,
  spec: {
    ...(stable.spec as object),
    selector,
    template: { metadata: { labels }, spec: { containers: [{ name: "reviews", image: "reviews:v1" }] } },
  },
});

const refused: readonly (readonly [string, KubernetesObject, Readonly<Record<string, string>>, RegExp])[] = [
  [
    "a selector without a version would select the clone's pods",
    withSelector({ matchLabels: { app: "reviews" } }, { app: "reviews", version: "v1" }),
    { version: "v2" },
    /^Deployment shop\/reviews-v1 would select the pods of its copy: it selects app=reviews, and the copy's pods have app=reviews, version=v2$/,
  ],
  [
    "labels that stable's pods have, too, make no difference",
    withSelector({ matchLabels: { app: "reviews", version: "v1" } }, { app: "reviews", version: "v1" }),
    { version: "v1" },
    /would select the pods of its copy/,
  ],
  ["no labels make no difference", stable, {}, /would select the pods of its copy/],
];

for (const [fact, object, labels, expected] of refused) {
  test(`a clone is refused: ${fact}`, () => {
    const answer = cloneDeployment(object, { ...order, labels }, {});
    assert.ok("problem" in answer);
    assert.match(answer.problem, expected);
    assert.match(answer.next, /canary labels/);
  });
}

test("a clone is refused when it is not clear which container gets the image", () => {
  const two = withSelector({ matchLabels: { version: "v1" } }, { version: "v1" });
  const spec = two.spec as { template: { spec: unknown } };
  spec.template.spec = {
    containers: [
      { name: "a", image: "a:1" },
      { name: "b", image: "b:1" },
    ],
  };
  assert.deepEqual(cloneDeployment(two, order, { image: "x" }), {
    problem: "Deployment shop/reviews-v1: it is not clear which container gets the image (containers: a, b)",
    next: "Set container to its name.",
  });
  assert.ok("object" in cloneDeployment(two, order, { image: "x", container: "b" }));
});
