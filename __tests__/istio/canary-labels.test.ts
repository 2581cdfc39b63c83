import assert from "node:assert/strict";
import test from "node:test";
import { canaryLabels, type LabelQuestion } from "../../src/istio/canary-labels.ts";
import type { KubernetesObject } from "../../src/kubernetes/object.ts";

type Labels = Readonly<Record<string, string>>;

const rule = (host: string, subsets: Readonly<Record<string, Labels>>, namespace = "shop"): KubernetesObject => ({
  apiVersion: "networking.istio.io/v1",
  kind: "DestinationRule",
  metadata: { name: host, namespace },
  spec: { host, subsets: Object.entries(subsets).map(([name, labels]) => ({ name, labels })) },
});
const service = (name: string, selector?: Labels): KubernetesObject => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name, namespace: "shop" },
  spec: selector ? { selector } : {},
});

const subsets: LabelQuestion = {
  namespace: "shop",
  stable: { host: "reviews", subset: "v1" },
  canary: { host: "reviews", subset: "v2" },
  given: {},
  destinationRules: [],
  services: [service("reviews", { app: "reviews" })],
};
const hosts: LabelQuestion = { ...subsets, stable: { host: "reviews" }, canary: { host: "reviews-canary" } };

const known: readonly (readonly [string, LabelQuestion, Labels])[] = [
  [
    "given labels win",
    { ...subsets, given: { track: "canary" }, destinationRules: [rule("reviews", { v2: { version: "v2" } })] },
    { track: "canary" },
  ],
  [
    "the canary's subset has them",
    { ...subsets, destinationRules: [rule("reviews", { v1: { version: "v1" }, v2: { version: "two", tier: "x" } })] },
    { version: "two", tier: "x" },
  ],
  [
    "a rule by the full name means the same host",
    { ...subsets, destinationRules: [rule("reviews.shop.svc.cluster.local", { v2: { version: "v2" } })] },
    { version: "v2" },
  ],
  [
    "stable's version label gets the canary's subset as its value",
    { ...subsets, destinationRules: [rule("reviews", { v1: { version: "v1" } })] },
    { version: "v2" },
  ],
  [
    "the version label may have any name (W0)",
    {
      ...subsets,
      services: [service("reviews", { apply: "canary" })],
      destinationRules: [rule("reviews", { v1: { app: "v1" } })],
    },
    { app: "v2" },
  ],
  [
    "what the Service selects by is no version label",
    { ...subsets, destinationRules: [rule("reviews", { v1: { app: "reviews", version: "stable-1" } })] },
    { app: "reviews", version: "v2" },
  ],
  [
    "of several labels the one with the subset's name as its value",
    { ...subsets, destinationRules: [rule("reviews", { v1: { tier: "web", version: "v1" } })] },
    { tier: "web", version: "v2" },
  ],
  [
    "a host split takes the canary Service's selector",
    {
      ...hosts,
      services: [service("reviews", { app: "reviews" }), service("reviews-canary", { app: "reviews-canary" })],
    },
    { app: "reviews-canary" },
  ],
  [
    "a canary Service by its full name",
    {
      ...hosts,
      canary: { host: "reviews-canary.shop.svc.cluster.local" },
      services: [service("reviews-canary", { track: "canary" })],
    },
    { track: "canary" },
  ],
];

for (const [fact, question, labels] of known)
  test(`the canary's labels: ${fact}`, () => assert.deepEqual(canaryLabels(question), { labels }));

const unknown: readonly (readonly [string, LabelQuestion, RegExp])[] = [
  ["no rule at all", subsets, /no DestinationRule for reviews defines subset v2, nor stable's v1/],
  [
    "a rule for another namespace's host",
    { ...subsets, destinationRules: [rule("reviews", { v2: { version: "v2" } }, "other")] },
    /no DestinationRule for reviews/,
  ],
  [
    "several labels, none of which names the version",
    { ...subsets, destinationRules: [rule("reviews", { v1: { a: "1", b: "2" } })] },
    /it is not clear which of them names the version/,
  ],
  ["a canary Service that does not exist", hosts, /Service shop\/reviews-canary does not exist/],
  [
    "a canary Service without a selector",
    { ...hosts, services: [service("reviews-canary")] },
    /Service shop\/reviews-canary has no selector/,
  ],
];

for (const [fact, question, problem] of unknown) {
  test(`the canary's labels are asked for: ${fact}`, () => {
    const answer = canaryLabels(question);
    assert.ok("problem" in answer);
    assert.match(answer.problem, problem);
    assert.match(answer.next, /canary labels/);
  });
}
